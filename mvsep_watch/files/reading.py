"""Reads sources: what they look like, what they hold, and whether somebody still writes them. Never changes one.

A name in a drop folder can be anything: a pipe, opening which would block for ever; a symbolic link to somewhere else;
a file that its owner still fills. So a source is opened without following and without blocking, and it is the opened
file that is asked what it is. The surprise: a read lease, the one way to learn that a file is open for writing
elsewhere, makes the kernel send SIGIO to this process when somebody opens the file in that very moment, and SIGIO
kills a process that did not decide otherwise. `ignore_lease_signals` must have been called before.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Protocol

from mvsep_watch.errors import SourceBusyError, SourceChangedError, SourceRefusedError
from mvsep_watch.files.mounts import file_system, makes_holes
from mvsep_watch.files.trouble import never, shown, source_errors, stop_if
from mvsep_watch.model import FileStat

BLOCK_BYTES = 1 << 20
SILENCE_SHARE = 0.2
"""More of a song is rarely silent to the last bit; less may still be missing, where nobody can tell."""
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def stat_of(path: Path) -> FileStat:
    """Look at a source without following it.

    Raises:
        SourceChangedError: It is gone, or a folder now.
        SourceRefusedError: It is a link, a pipe, a device.
    """
    with source_errors(path):
        found = path.lstat()
    _refuse_irregular(found, path)
    return FileStat.of(found)


@contextmanager
def opened(path: Path) -> Iterator[FileIO]:
    """Open a regular file for reading: unbuffered, no link followed, never blocking, closed in children.

    Raises:
        SourceChangedError: It is gone, or a folder now.
        SourceRefusedError: It is a link, a pipe, a device.
        SourceBusyError: It cannot be opened just now.
        NeedsUserError: It may not be read.
    """
    with source_errors(path):
        file = FileIO(path, "rb", opener=lambda name, _: os.open(name, _OPEN_FLAGS))
    with file:
        _refuse_irregular(os.fstat(file.fileno()), path)
        yield file


def blocks(file: FileIO, *, stopping: Callable[[], bool] = never) -> Iterator[memoryview]:
    """Read to the end in blocks of one reused buffer: a block is valid until the next is asked for.

    Raises:
        StoppedError: `stopping` said so between two blocks.
    """
    buffer = memoryview(bytearray(BLOCK_BYTES))
    while size := file.readinto(buffer):
        yield buffer[:size]
        stop_if(stopping, what="reading a file")


class Digest(Protocol):
    """A hash in the making."""

    def update(self, data: memoryview, /) -> None:
        """Take in more bytes."""
        ...


def hash_file(path: Path, *, also: Digest | None = None, stopping: Callable[[], bool] = never) -> tuple[str, FileStat]:
    """Hash a source in constant memory, and say what it looked like while it was read.

    Args:
        path: The source.
        also: Another hash that takes in the same bytes.
        stopping: Asked between two blocks.

    Returns:
        The sha256 in hex, and the stat that held before and after.

    Raises:
        SourceBusyError: It changed while it was read, or cannot be read just now.
        SourceChangedError: It is gone.
        SourceRefusedError: It is not a regular file.
        NeedsUserError: It may not be read.
        StoppedError: `stopping` said so.
    """
    digest = hashlib.sha256()
    with opened(path) as file, source_errors(path):
        before = FileStat.of(os.fstat(file.fileno()))
        for block in blocks(file, stopping=stopping):
            digest.update(block)
            if also is not None:
                also.update(block)
        after = FileStat.of(os.fstat(file.fileno()))
    if before != after:
        raise SourceBusyError(f"{shown(path)} changed while it was read.")
    return digest.hexdigest(), after


def ignore_lease_signals() -> None:
    """Ignore SIGIO, from the main thread and before any lease is probed.

    While a lease is held, for microseconds, a process that opens the file for writing makes the kernel send SIGIO to
    the lease's holder. The default action ends the process, without a word in any log.
    """
    signal.signal(signal.SIGIO, signal.SIG_IGN)


def is_open_for_writing(path: Path) -> bool | None:
    """Ask the kernel whether somebody holds the file open for writing.

    Takes and returns a read lease, which the kernel grants only where nobody writes.

    Returns:
        True or False, or None where it cannot tell: a network file system, another owner's file without CAP_LEASE,
        a file that cannot be opened.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as exc:
        return True if exc.errno == errno.EAGAIN else None
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as exc:
        return True if exc.errno == errno.EAGAIN else None
    else:
        return False
    finally:
        os.close(descriptor)


def is_unfilled(path: Path) -> bool:
    """Say whether parts of a file were never written: somebody made it as long as it is to be, and has not filled it.

    Space that was only reserved counts as never written. Where a file system, or the server behind it, keeps zeros as
    holes by itself, holes are music's silence as well; there only much of them counts.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError:
        return False
    try:
        size, found = os.fstat(descriptor).st_size, _holes_bytes(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return found > (size * SILENCE_SHARE if found and makes_holes(file_system(path)) else 0)


def _holes_bytes(descriptor: int) -> int:
    """Add up the holes of a file; the end of every file counts as one of no length. Source: lseek(2)."""
    size, at, holes = os.fstat(descriptor).st_size, 0, 0
    while at < size:
        begin = os.lseek(descriptor, at, os.SEEK_HOLE)
        try:
            at = os.lseek(descriptor, begin, os.SEEK_DATA) if begin < size else size
        except OSError as exc:
            if exc.errno != errno.ENXIO:
                raise
            at = size  # nothing but a hole is left
        holes += at - begin
    return holes


def _refuse_irregular(found: os.stat_result, path: Path) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    if stat.S_ISDIR(found.st_mode):
        raise SourceChangedError(f"{shown(path)} is a folder now.")
    raise SourceRefusedError(
        f"{shown(path)} is a link, a pipe or a device, not a regular file.", hint="Put the file itself there."
    )
