"""What tests of a real kernel share."""

import ctypes
import fcntl
import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests.real.authority import Authority


@pytest.fixture(scope="session", autouse=True)
def a_keyboard_that_interrupts():
    """A shell has what it starts in the background ignore Ctrl-C; processes of tests hear it all the same."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority for all tests together."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def believing(authority, monkeypatch):
    """The environment of somebody who believes that authority alone, and has no proxy."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trusted))
    return monkeypatch


@pytest.fixture
def dead_disk(tmp_path):
    """A mount that never answers, like a share whose server is gone: FUSE that nobody serves; for root alone."""
    libc, point = ctypes.CDLL(None, use_errno=True), tmp_path / "dead"
    point.mkdir()
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        pytest.skip("there is no FUSE here")
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    is_mounted = libc.mount(b"dead", os.fsencode(point), b"fuse", 0, options) == 0
    if is_mounted:
        yield point
        libc.umount2(os.fsencode(point), 2)  # MNT_DETACH
    os.close(server)  # whoever waits gets an error
    if not is_mounted:
        pytest.skip("may not mount")
