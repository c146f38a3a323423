"""What tests of a real kernel share."""

from pathlib import Path

import pytest


@pytest.fixture
def sysctl():
    """Sets a limit of inotify for a while; for root only."""
    saved = {}

    def set_(name, value):
        path = Path("/proc/sys/fs/inotify") / name
        saved.setdefault(path, path.read_text())
        try:
            path.write_text(str(value))
        except OSError:
            pytest.skip("may not set fs.inotify limits")

    yield set_
    for path, value in saved.items():
        path.write_text(value)
