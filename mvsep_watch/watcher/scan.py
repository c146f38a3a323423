"""Looks through a watched folder: every wanted regular file below it, with its `stat`, and nothing opened.

Symbolic links are not followed, pipes and devices are passed over; debris, hidden folders and the folders that hold our
own outputs are not entered. What cannot be read is reported as a value among the finds, so that its siblings go on.

A look for what is new lists only the directories that have changed, by their own time of change, and stats no file in
the others: nothing comes, goes or is renamed without it. What is rewritten in place only a whole scan finds.

The surprise: only trouble with the root itself is raised, and it always is. "Empty" and "not there" are told apart here
or nowhere: an unmounted share must never look like a folder whose files were all taken away.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mvsep_watch.errors import MvsepWatchError, NeedsUserError, RetryableError, StoppedError
from mvsep_watch.model import FileStat, Folder
from mvsep_watch.naming import ASIDE_PREFIX, display
from mvsep_watch.wanted import is_pruned_dir, selection

PASSING = frozenset(
    {
        errno.EIO,
        errno.ESTALE,
        errno.EBUSY,
        errno.EAGAIN,
        errno.EINTR,
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.ENOTCONN,
        errno.EREMOTEIO,
        errno.ENOMEM,
        errno.EMFILE,
        errno.ENFILE,
    }
)
"""What shares and busy machines say for a while, and then no more."""


class Found(NamedTuple):
    """A wanted file.

    Args:
        path: Absolute.
        relative: Below the watched folder.
        status: As `stat` gave it; a rescan of what is known compares this, and builds no `FileStat`.
    """

    path: str
    relative: str
    status: os.stat_result

    @property
    def stat(self) -> FileStat:
        """What tells one content from another."""
        return FileStat.of(self.status)


class Listed(NamedTuple):
    """A directory as it was when it was listed.

    Args:
        mark: What changes with every name in it: device, inode, and time of change in ns.
        times: How often it was listed like that. Once is not enough: clocks are coarse, and something may have come in
            the same instant after it was listed.
        folders: The directories in it that belong to the scan.
    """

    mark: tuple[int, int, int]
    times: int
    folders: tuple[str, ...]


Directories = dict[str, Listed]
"""What scans remember of a folder's directories, by path."""
LISTED_ENOUGH = 2


class Aside(NamedTuple):
    """A folder in which a source is set aside, or was when the process that did it was killed."""

    path: str


class Unreadable(NamedTuple):
    """A folder or file that could not be looked at; the scan went on without it."""

    path: str
    error: MvsepWatchError


def scan(
    folder: Folder,
    *,
    stopping: Callable[[], bool],
    skip_dirs: Iterable[Path] = (),
    known: Mapping[str, Listed] | None = None,
    learned: Directories | None = None,
    is_whole: bool = True,
    parts: Iterable[Path] = (),
) -> Iterator[Found | Aside | Unreadable]:
    """Yield every wanted file of a folder, in no order, where something is set aside, and what could not be read.

    Memory is that of the folders still to be entered. Nothing happens before the first item is asked for.

    Args:
        folder: The watched folder.
        stopping: Asked between entries; True ends the scan with `StoppedError`.
        skip_dirs: Folders, absolute, that are not entered: output and staging roots.
        known: What an earlier scan of the same folder learned.
        learned: Is filled with what this one learns; None where nobody wants to know.
        is_whole: Whether directories are listed that are known and have not changed.
        parts: Directories below the folder, absolute, that alone are looked through; empty is all of it.

    Raises:
        RetryableError: The root cannot be read now; the share or the machine may come back.
        NeedsUserError: The root is missing, no folder, or not permitted.
        StoppedError: It was told to stop; what was found so far is not the whole.
    """
    look = _Look(folder, skip_dirs, parts)
    while look.pending:
        directory = look.pending.pop()
        try:
            before = None if learned is None else _as_it_is(directory, known or {})
            if before is not None and learned is not None and not is_whole and before.times >= LISTED_ENOUGH:
                learned[directory] = before
                look.pending += before.folders
                continue
            begin, is_readable = len(look.pending), True
            for entry in _entries(directory, stopping):
                if seen := look.at(entry):
                    is_readable = is_readable and not isinstance(seen, Unreadable)
                    yield seen
            if before is not None and learned is not None and is_readable:
                learned[directory] = Listed(before.mark, before.times + 1, tuple(look.pending[begin:]))
        except OSError as error:
            if directory == look.root:
                raise _root_error(directory, error) from error
            if error.errno != errno.ENOENT:
                yield Unreadable(directory, _error(directory, error))


def _as_it_is(directory: str, known: Mapping[str, Listed]) -> Listed:
    """Give what is known of a directory if it is still as it was; else say that it was never listed."""
    status = os.stat(directory, follow_symlinks=False)  # noqa: PTH116 - any bytes, no Path
    mark = (status.st_dev, status.st_ino, status.st_mtime_ns)
    before = known.get(directory)
    return before if before is not None and before.mark == mark else Listed(mark, 0, ())


def _entries(directory: str, stopping: Callable[[], bool]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if stopping():
                raise StoppedError(f"The scan was told to stop in {display(directory)}.")
            yield entry


class _Look:
    """One pass over a folder: where it has still to go, and what it makes of an entry."""

    def __init__(self, folder: Folder, skip_dirs: Iterable[Path], parts: Iterable[Path]) -> None:
        self.root = os.fspath(folder.path)
        self.pending = [*map(os.fspath, parts)] or [self.root]
        self._relative_at = len(os.path.join(self.root, ""))  # noqa: PTH118 - one more for every root but "/"
        self._recursive = folder.recursive
        self._skipped = frozenset(map(os.fspath, skip_dirs))
        self._accepts = selection(folder).accepts

    def at(self, entry: os.DirEntry[str]) -> Found | Aside | Unreadable | None:
        """Note a directory for later; give a wanted file; None for all else, also for what is gone again."""
        try:
            if entry.is_dir(follow_symlinks=False):
                self._note(entry)
                is_aside = entry.name.startswith(ASIDE_PREFIX)
                return Aside(os.path.dirname(entry.path)) if is_aside else None  # noqa: PTH120 - any bytes, no Path
            relative = entry.path[self._relative_at :]
            if not self._accepts(relative, entry.name) or not entry.is_file(follow_symlinks=False):
                return None
            return Found(entry.path, relative, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return None
        except OSError as error:
            return Unreadable(entry.path, _error(entry.path, error))

    def _note(self, entry: os.DirEntry[str]) -> None:
        if self._recursive and entry.path not in self._skipped and not is_pruned_dir(entry.name):
            self.pending.append(entry.path)


def _root_error(path: str, error: OSError) -> MvsepWatchError:
    if error.errno == errno.ENOENT:
        return NeedsUserError(
            f"The watched folder {display(path)} is not there.",
            hint="Create it, mount the disk or share it lies on, or take it out of the configuration.",
        )
    return _error(path, error)


def _error(path: str, error: OSError) -> MvsepWatchError:
    message = f"{display(path)} could not be read: {error.strerror or error}."
    if error.errno in PASSING:
        return RetryableError(message, hint="It is tried again with every scan.")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return NeedsUserError(message, hint="Give the user that runs mvsep-watch the right to read it.")
    return NeedsUserError(message, hint="Check the path and the file system it lies on.")
