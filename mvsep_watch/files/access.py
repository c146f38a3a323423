"""Gives what is made for people its mode and its owner: files, folders, and the folders above them that are missing.

The process's own umask is never touched: it is one for all threads. A folder that is made for this appears under its
name only when it is as it should be. The surprise: folders that are there already stay as they are, whoever made them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from mvsep_watch.errors import OutputRootError
from mvsep_watch.files.renaming import rename_new
from mvsep_watch.files.trouble import shown
from mvsep_watch.model import Access


def dress(path: Path, access: Access) -> None:
    """Give a file or a folder of ours, and no link, the mode and the owner that it is to have.

    Raises:
        OutputRootError: That is not permitted.
        OSError: Whatever else the system says.
    """
    if access.is_plain:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if access.umask is not None:
            _set_mode(descriptor, access.umask)
        if (access.user, access.group) != (None, None):
            _set_owner(descriptor, path, access)
    finally:
        os.close(descriptor)


def make_folders(folder: Path, access: Access) -> None:
    """Make a folder and those above it, as far as they are not there.

    Raises:
        OutputRootError: They cannot have the owner that they are to have.
        OSError: Whatever else the system says.
    """
    if access.is_plain:
        folder.mkdir(parents=True, exist_ok=True)
        return
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        try:
            _make(path, access)
        except (FileExistsError, FileNotFoundError):  # another thread makes it just now, or has
            if not path.is_dir():
                raise


def _make(path: Path, access: Access) -> None:
    """Make a folder under another name, always the same, so that one that a kill left behind is used again."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    making = path.with_name(f".mvsep-watch-making-{digest}")
    with suppress(FileExistsError):
        making.mkdir()
    try:
        dress(making, access)
        rename_new(making, path)
    except (OutputRootError, FileExistsError):
        with suppress(OSError):
            making.rmdir()
        raise


def _set_mode(descriptor: int, umask: int) -> None:
    """Set what the umask leaves; a folder keeps what it has from the one above for those that are made in it."""
    mode = os.fstat(descriptor).st_mode
    wanted = (0o777 if stat.S_ISDIR(mode) else 0o666) & ~umask
    try:
        os.fchmod(descriptor, wanted | (mode & stat.S_ISGID))
    except PermissionError:
        os.fchmod(descriptor, wanted)


def _set_owner(descriptor: int, path: Path, access: Access) -> None:
    there = os.fstat(descriptor)
    user = there.st_uid if access.user is None else access.user
    group = there.st_gid if access.group is None else access.group
    if (user, group) == (there.st_uid, there.st_gid):
        return
    try:
        os.fchown(descriptor, user, group)
    except PermissionError as exc:
        raise OutputRootError(
            f"{shown(path)} may not be given to the owner {user}:{group}.",
            hint="Run mvsep-watch as that user, or with the right to change owners (as root), or take `owner` out.",
        ) from exc
