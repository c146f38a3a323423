import pytest

from mvsep_watch.cli import main
from tests.daemon.world import World

TOKEN = "CanaryTokenOfTheCommands012345"


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.stop()


@pytest.fixture
def write_config(tmp_path):
    """Write a private configuration with the given folders, below `mvsep:`."""

    def write(text="folders:\n  - {path: drop, sep_type: 40}\n", *, base_url="http://127.0.0.1:9"):
        path = tmp_path / "mvsep-watch.yaml"
        path.write_text(f"mvsep:\n  token: {TOKEN}\n  base_url: {base_url}\n  timeout: 5s\n{text}")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def run(capsys):
    """Run a command in this process: (exit code, stdout, stderr)."""

    def run(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return int(code), said.out, said.err

    return run
