"""Renames that replace nothing, and exchanges; the only place that calls `renameat2`.

`rename(2)` silently replaces a file, or an empty folder, that stands in the target's place. `renameat2` can refuse
that, and can swap two names, each in one step that a crash cannot split. The C library is asked by ctypes, because
Python offers no call. Where the kernel, the library or the file system (NFS, some FUSE) knows no flags, the next best
is done; each function says what is lost then. Raises OSError: callers know what the path means.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import itertools
import os
from pathlib import Path

_AT_FDCWD = -100
_NO_REPLACE = 1
_EXCHANGE = 2
_NO_FLAGS_HERE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})
_NAME_LIMIT_BYTES = 255
_NO_LINKS_HERE = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


def rename_new(source: Path, target: Path) -> None:
    """Rename to a name that must be free.

    Without the kernel's help a file gets its new name by a hard link, which also refuses to replace. A folder, or a
    file where links are unknown, is looked for first: a stranger who takes the name in between loses an empty folder
    or a file, never a folder that holds something.

    Raises:
        FileExistsError: The name is taken, even by a dangling link.
        OSError: EXDEV across file systems and bind mounts, and whatever else the system says.
    """
    try:
        _renameat2(source, target, _NO_REPLACE)
    except OSError as exc:
        if exc.errno not in _NO_FLAGS_HERE:
            raise
        _rename_new_by_hand(source, target)


def rename_to_free_name(source: Path, target: Path) -> Path:
    """Rename to a name, or to ` (2)` and so on where it is taken, and give what it came to.

    Raises:
        OSError: EXDEV across file systems and bind mounts, and whatever else the system says.
    """
    for number in itertools.count(1):
        candidate = target if number == 1 else _numbered(target, number)
        try:
            rename_new(source, candidate)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError("unreachable")


def _numbered(path: Path, number: int) -> Path:
    """Give `name (2).ext`, the name shortened so that the whole still fits."""
    ending = f" ({number}){path.suffix}"
    room = _NAME_LIMIT_BYTES - len(os.fsencode(ending))
    stem = os.fsencode(path.stem)
    shortened = path.stem if len(stem) <= room else stem[:room].decode("utf-8", "ignore")
    return path.with_name(shortened + ending)


def link_new(source: Path, target: Path) -> None:
    """Give a file a second name, which must be free; where the file system knows no links, the file is renamed.

    Raises:
        FileExistsError: The name is taken, even by a dangling link.
        OSError: Whatever else the system says.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as exc:
        if exc.errno not in _NO_LINKS_HERE:
            raise
        rename_new(source, target)


def exchange(one: Path, other: Path) -> None:
    """Swap two names.

    Raises:
        OSError: ENOTSUP where it cannot be done in one step, and whatever else the system says.
    """
    try:
        _renameat2(one, other, _EXCHANGE)
    except OSError as exc:
        if exc.errno not in _NO_FLAGS_HERE:
            raise
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(one), None, str(other)) from exc


def _renameat2(source: Path, target: Path, flags: int) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    result = call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), ctypes.c_uint(flags))
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(source), None, str(target))


def _rename_new_by_hand(source: Path, target: Path) -> None:
    if not source.is_dir() or source.is_symlink():
        try:
            target.hardlink_to(source)
        except OSError as exc:
            if exc.errno not in _NO_LINKS_HERE:
                raise
        else:
            source.unlink()
            return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        source.rename(target)
    except OSError as exc:
        if exc.errno in {errno.ENOTEMPTY, errno.ENOTDIR}:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from exc
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. A file system that cannot sync folders is taken at its word."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
