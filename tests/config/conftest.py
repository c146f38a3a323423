"""A configuration file in a fresh folder, and what loading it gives or says."""

from types import SimpleNamespace

import pytest

from mvsep_watch.config import load
from mvsep_watch.errors import ConfigError

ENVIRON = {"MVSEP_API_TOKEN": "t0ken", "HOME": "/home/u"}
MVSEP = "mvsep: {token: '${MVSEP_API_TOKEN}'}\n"


@pytest.fixture
def config(tmp_path):
    """Write, load and complain; `folder` and `problem` take only what the test is about."""
    path = tmp_path / "mvsep-watch.yaml"

    def write(text, mode=0o600):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def load_text(text, environ=ENVIRON, mode=0o600):
        return load(write(text, mode), environ=environ)

    def problems(text, environ=ENVIRON, mode=0o600):
        with pytest.raises(ConfigError) as raised:
            load_text(text, environ, mode)
        return [problem.removeprefix(f"{path}:") for problem in raised.value.problems]

    def problem(text, **kwargs):
        found = problems(text, **kwargs)
        assert len(found) == 1, found
        return found[0]

    def folder(keys, top=""):
        return load_text(f"{MVSEP}{top}\nfolders: [{{path: /music/drop, sep_type: 40, {keys}}}]").folders[0]

    return SimpleNamespace(
        path=path, write=write, load=load_text, problems=problems, problem=problem, folder=folder, mvsep=MVSEP
    )
