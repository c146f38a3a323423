"""What tests of a real kernel share."""

import fcntl
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def sysctl():
    """Sets a limit of inotify for a while; for root only. It is the whole machine's: one at a time does so."""
    saved = {}
    turn = (Path(tempfile.gettempdir()) / "mvsep-watch-sysctl.lock").open("w")

    def set_(name, value):
        path = Path("/proc/sys/fs/inotify") / name
        fcntl.flock(turn, fcntl.LOCK_EX)
        saved.setdefault(path, path.read_text())
        try:
            path.write_text(str(value))
        except OSError:
            pytest.skip("may not set fs.inotify limits")

    yield set_
    for path, value in saved.items():
        path.write_text(value)
    turn.close()
