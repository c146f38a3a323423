"""Says in the project's words what the operating system said of a path; touches nothing itself.

The same errno means different things for a source and for an output folder: a source that may not be read concerns
one job, an output folder that may not be written concerns the machine, and closes the gate `disk`. What is likely to
pass by itself (busy, stale handle, too many open files) is retryable in both.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mvsep_watch.errors import (
    MvsepWatchError,
    NeedsUserError,
    OutputRootError,
    RetryableError,
    SourceBusyError,
    SourceChangedError,
    SourceRefusedError,
    StoppedError,
)
from mvsep_watch.naming import portable

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})
_NO_FILE = frozenset({errno.ELOOP, errno.ENXIO, errno.ENODEV})
"""What open(2) says of a symbolic link under O_NOFOLLOW, of a socket, of a device without a driver."""
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})
_PASSING = frozenset(
    {errno.ENOENT, errno.ESTALE, errno.EBUSY, errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ETIMEDOUT}
)

_NAME_REFUSED = frozenset({errno.EINVAL, errno.EILSEQ})

_OUTPUT_TROUBLE = {
    errno.ENOSPC: ("the disk is full", "Free some space; work goes on by itself."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or raise the quota; work goes on by itself."),
    errno.EROFS: ("the file system is read-only", "Mount it writable."),
    errno.EACCES: ("it may not be written", "Give the user that runs mvsep-watch write access to it."),
    errno.EPERM: ("it may not be written", "Give the user that runs mvsep-watch write access; see also `lsattr`."),
    errno.ENOTDIR: ("a part of the path is not a folder", "Name another folder, or remove the file in its way."),
}


class NameRefusedError(NeedsUserError):
    """The file system does not take a name that Linux allows; a plainer one must be reserved."""


def never() -> bool:
    """Stand for "nobody asked to stop"."""
    return False


def stop_if(stopping: Callable[[], bool], *, what: str) -> None:
    """Raise `StoppedError` once `stopping` says so."""
    if stopping():
        raise StoppedError(f"Told to stop while {what}.")


def shown(path: Path) -> str:
    """Give a path as text that any terminal and log can hold; undecodable bytes are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def source_trouble(exc: OSError, path: Path) -> MvsepWatchError:
    """Say what keeps a source from being read."""
    if exc.errno in _GONE:
        return SourceChangedError(f"{shown(path)} is gone, or a folder now.")
    if exc.errno in _NO_FILE:
        return SourceRefusedError(f"{shown(path)} is not a regular file.", hint="Put the file itself there.")
    if exc.errno in _FORBIDDEN:
        return NeedsUserError(
            f"{shown(path)} may not be read: {exc.strerror}.",
            hint="Give the user that runs mvsep-watch read access to it, then `retry`.",
        )
    return SourceBusyError(f"{shown(path)} cannot be read just now: {exc.strerror}.")


def output_trouble(exc: OSError, path: Path) -> MvsepWatchError:
    """Say what keeps an output folder from being written."""
    if exc.errno in _PASSING:
        return RetryableError(f"{shown(path)} cannot be written just now: {exc.strerror}.")
    if exc.errno == errno.ENAMETOOLONG:
        return NeedsUserError(
            f"{shown(path)} is too long a name.", hint="Shorten the name or the layout, then `retry`."
        )
    if exc.errno in _NAME_REFUSED and portable(path.name) != path.name:
        return NameRefusedError(
            f"{shown(path)} is a name that its file system does not take.",
            hint="Give the source a plainer name; `get` fetches its results to another disk, for nothing.",
        )
    what, hint = _OUTPUT_TROUBLE.get(exc.errno or 0, (exc.strerror or str(exc), "Look at the disk and its mount."))
    if exc.errno == errno.EROFS and "INVOCATION_ID" in os.environ:
        hint = f"Mount it writable, or add it to ReadWritePaths= of the systemd unit: {shown(path)}"
    return OutputRootError(f"{shown(path)} cannot be written: {what}.", hint=hint)


def no_space(path: Path, *, needs_bytes: int) -> OutputRootError:
    """Say that a disk has too little space left for what is known to come."""
    what, hint = _OUTPUT_TROUBLE[errno.ENOSPC]
    return OutputRootError(f"{shown(path)} cannot be written: {what}.", hint=hint, needs_bytes=needs_bytes)


@contextmanager
def source_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system raises while a source is read."""
    try:
        yield
    except OSError as exc:
        raise source_trouble(exc, path) from exc


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system raises while an output folder is written."""
    try:
        yield
    except OSError as exc:
        raise output_trouble(exc, path) from exc
