import io

import pytest

from mvsep_watch.cli import main, reaching
from mvsep_watch.config import places
from mvsep_watch.mvsep import Client, Pace
from tests.daemon.world import World
from tests.fakes.service import FakeService

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


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty working folder of somebody without configuration, token or cache."""
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(places, "SYSTEM_FOLDER", tmp_path / "etc")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def service(nowhere, monkeypatch):
    """A service in memory that answers every command which asks for itself, at any base URL."""
    service = FakeService()

    def client(token, **given):
        return Client(token, transport=service.transport(), pace=Pace(sleep=lambda _: None), **given)

    monkeypatch.setattr(reaching, "Client", client)
    return service


@pytest.fixture
def typed(monkeypatch):
    """Type words at a terminal, or without one pipe them in."""

    def typed(text, *, at_terminal=False):
        stdin = io.StringIO(text)
        stdin.isatty = lambda: at_terminal
        monkeypatch.setattr("sys.stdin", stdin)

    return typed
