"""One process at a time works on a state file: a kernel lock beside it. Never reads or writes the state file itself.

The lock is the kernel's and ends with the process, however that dies, so there is nothing stale to break. The text in
the file only names the holder to people; it is never what decides. The surprise: the lock file stays when the lock
is gone, because removing it would let two processes lock two files of the same name. Somebody may remove it all the
same; so the state file itself is locked too, at a place that SQLite never uses.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pwd
import struct
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from mvsep_watch.errors import AlreadyRunningError, StateError
from mvsep_watch.files.trouble import shown

_FLOCK = "hhqqi"
"""struct flock with 64-bit offsets: type, whence, start, length, pid. Native alignment does the rest."""
_TAKEN = frozenset({errno.EAGAIN, errno.EACCES})
_TEXT_LIMIT_BYTES = 64 * 1024
_FAR_OUT = 1 << 62
"""A byte of the state file beyond all that SQLite locks (from 1 GiB on, 512 bytes) and ever writes.
Source: SQLite, Database File Format, 1.3.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that has a state file. `started_at` is ISO 8601 in UTC; 0 and empty where unknown."""

    pid: int = 0
    command: str = ""
    started_at: str = ""

    def __str__(self) -> str:
        """Name it as people would look for it."""
        if not self.pid:
            return "another process"
        return f"process {self.pid} ({self.command or 'unknown command'}, started {self.started_at or 'some time ago'})"


class StateLock:
    """The right to change a state file, held until `release` or the end of the process.

    Args:
        path: The state file; the lock is `<path>.lock` beside it.
    """

    def __init__(self, path: Path) -> None:
        self._state = path
        self._path = lock_path(path)
        self._descriptor: int | None = None
        self._covering: int | None = None

    def acquire(self) -> None:
        """Take the lock at once or not at all.

        Raises:
            AlreadyRunningError: Another process has it; the message names it.
            StateError: The state is somebody else's, or the lock file cannot be opened.
        """
        require_access(self._state)
        descriptor = _open(self._path, os.O_RDWR | os.O_CREAT)
        _lock(descriptor, _whole_file(fcntl.F_WRLCK), self._path)
        self._descriptor = descriptor
        try:
            self.cover()
        except BaseException:
            self.release()
            raise
        _write_holder(descriptor)

    def cover(self) -> None:
        """Lock the state file as well, where it is there: again after it was made, or another was put in its place.

        Its descriptor is closed only with `release`, after every connection: closing any descriptor of a file takes
        SQLite's own locks on it away.

        Raises:
            AlreadyRunningError: Another process has it, by another lock file.
        """
        if not self._state.exists() or self._is_covered():
            return
        descriptor = _open(self._state.resolve(), os.O_RDWR)
        _lock(descriptor, _far_out(fcntl.F_WRLCK), self._path)
        self._uncover()
        self._covering = descriptor

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        self._uncover()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_covered(self) -> bool:
        return self._covering is not None and os.path.samestat(os.fstat(self._covering), self._state.stat())

    def _uncover(self) -> None:
        if self._covering is not None:
            os.close(self._covering)
            self._covering = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def lock_path(state_path: Path) -> Path:
    """Give the lock file of a state file."""
    return state_path.with_name(state_path.name + ".lock")


def holder_of(state_path: Path) -> Holder | None:
    """Say who has a state file, without ever taking the lock, or None if nobody has.

    Raises:
        StateError: The state is somebody else's, or the lock file is there and cannot be opened.
    """
    require_access(state_path)
    path = lock_path(state_path)
    if not path.exists():
        return None
    descriptor = _open(path, os.O_RDONLY)
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _whole_file(fcntl.F_RDLCK))
        return None if struct.unpack(_FLOCK, answer)[0] == fcntl.F_UNLCK else _read_holder(descriptor)
    finally:
        os.close(descriptor)


def require_access(state_path: Path) -> None:
    """Require that whoever asks may read a state file and what lies beside it, as far as they are there.

    Raises:
        StateError: It is somebody else's.
    """
    for path in (lock_path(state_path), state_path):
        if _is_denied(path):
            owner = _owner_of(path)
            raise StateError(
                f"the state file {shown(state_path)} may not be read by you; it belongs to {owner}.",
                hint=f"Ask as the user that runs mvsep-watch: put `sudo -u {owner}` before the command.",
            )


def _is_denied(path: Path) -> bool:
    """Say whether a file may not be read. It is not opened: closing it would take SQLite's own locks on it away."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK)


def _owner_of(path: Path) -> str:
    """Name the owner of a file, or of the first folder above it that may be looked at."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            uid = place.stat().st_uid
            with contextlib.suppress(KeyError):
                return pwd.getpwuid(uid).pw_name
            return f"#{uid}"
    return "somebody else"


def _lock(descriptor: int, what: bytes, path: Path) -> None:
    """Take a lock at once, or close the descriptor and say who has it."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, what)
    except OSError as exc:
        holder = _read_holder(descriptor)
        os.close(descriptor)
        if exc.errno in _TAKEN:
            raise _already_running(path, holder) from exc
        raise _unusable(path, exc) from exc


def _whole_file(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


def _far_out(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, _FAR_OUT, 1, 0)


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise _unusable(path, exc) from exc


def _unusable(path: Path, exc: OSError) -> StateError:
    return StateError(
        f"{shown(path)} cannot be locked: {exc.strerror}.",
        hint="Keep the state file in a folder on a local disk that the user who runs mvsep-watch may write.",
    )


def _already_running(path: Path, holder: Holder) -> AlreadyRunningError:
    return AlreadyRunningError(
        f"{shown(path.with_suffix(''))} is in use by {holder}.",
        hint="Commands like `status` and `retry` work beside it; to start anew, stop it first.",
    )


def _write_holder(descriptor: int) -> None:
    """Name the holder to people; where there is no space for that, nobody is named."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(pid=os.getpid(), command=_command_of(os.getpid()), started_at=started_at)
    os.ftruncate(descriptor, 0)
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, json.dumps(asdict(holder)).encode() + b"\n", 0)


def _read_holder(descriptor: int) -> Holder:
    """Read the text; the holder may be just about to write it."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Holder(**json.loads(os.pread(descriptor, _TEXT_LIMIT_BYTES, 0)))
    return Holder()


def _command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        return b" ".join(words).decode("utf-8", "backslashreplace")[:500]
    return ""
