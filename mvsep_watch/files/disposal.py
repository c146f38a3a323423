"""Removes or moves a source once its work is done; the only code that may. In doubt the source stays where it is.

The file is first renamed aside, into a hidden folder `.mvsep-watch-aside-<8 hex>/` beside it that keeps its name; then
it can no longer be exchanged behind our back, and is hashed again. Only if it still holds the bytes that were
separated does it go. A kill between any two steps leaves one good copy, and `recover` puts back what was aside.

The surprise: equal device numbers do not mean that a rename is possible (bind mounts), so moving tries the rename and
copies only when the kernel refuses. A copy is read back from the disk and hashed before the source is let go.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from mvsep_watch.errors import (
    NeedsUserError,
    OutputRootError,
    RetryableError,
    SourceBusyError,
    SourceChangedError,
    SourceRefusedError,
)
from mvsep_watch.files.access import make_folders
from mvsep_watch.files.reading import blocks, hash_file, is_open_for_writing, opened, stat_of
from mvsep_watch.files.renaming import rename_new, rename_to_free_name, sync_folder
from mvsep_watch.files.trouble import never, output_errors, shown, source_trouble
from mvsep_watch.model import AS_MADE, Access, FileStat
from mvsep_watch.naming import ASIDE_PREFIX

_ASIDE = re.compile(re.escape(ASIDE_PREFIX) + "[0-9a-f]{8}")
_COPYING = re.compile(r"\.mvsep-watch-copying-[0-9a-f]{16}")


def dispose(
    path: Path,
    *,
    identity_sha256: str,
    stat: FileStat,
    to: Path | None,
    access: Access = AS_MADE,
    stopping: Callable[[], bool] = never,
) -> Path | None:
    """Delete a source, or move it, if it still holds the bytes that were separated.

    Args:
        path: The source.
        identity_sha256: What it held when it was identified.
        stat: What it looked like then.
        to: The path to move it to, name included; its folders are made. None deletes.
        access: How the folders that are made are to be; the source itself stays as it is.
        stopping: Asked between blocks; a stop leaves the source in its place.

    Returns:
        Where it is now, which is `to` or `to` with ` (2)`; None if it was deleted. If the very same bytes are already
        at `to`, the source is deleted and `to` is given.

    Raises:
        SourceChangedError: It is gone or another one; it stays as it is.
        SourceBusyError: Somebody holds it open for writing, or it cannot be read just now.
        NeedsUserError: It, or the place to move it to, may not be written.
        RetryableError: Something passing is in the way.
        StoppedError: `stopping` said so.
    """
    if stat_of(path).size_bytes != stat.size_bytes:
        raise SourceChangedError(f"{shown(path)} has another size than when it was read.")
    with _aside(path) as aside:
        _require_same_bytes(path, aside, identity_sha256, stopping)
        if to is None:
            with _source_folder_errors(path):
                aside.unlink()
            return None
        with _target_errors(to):
            make_folders(to.parent, access)
            return _move(aside, to, identity_sha256, stopping)


def recover(folder: Path) -> tuple[Path, ...]:
    """Put back what a killed process had set aside in a folder, and remove its unfinished copies.

    If another file has taken a name meanwhile, the one that comes back gets ` (2)`.

    Returns:
        The files that were put back.
    """
    restored: list[Path] = []
    with _source_folder_errors(folder):
        for entry in list(os.scandir(folder)) if folder.is_dir() else ():
            if _ASIDE.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                restored.extend(_put_back_all(Path(entry.path)))
            elif _COPYING.fullmatch(entry.name):
                Path(entry.path).unlink(missing_ok=True)
    return tuple(restored)


def clear_copy(folder: Path, *, sha256: str) -> bool:
    """Remove what a killed process has left of a copy of these bytes; False where the folder is not there just now.

    Raises:
        NeedsUserError: It may not be removed.
        SourceBusyError: It cannot be removed just now.
    """
    with _target_errors(folder):
        if not folder.is_dir():
            return False
        copying = folder / _copying(sha256)
        if copying.is_file() or copying.is_symlink():
            copying.unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """Set a file aside, and put it back if it is still there at the end."""
    holder = path.parent / f"{ASIDE_PREFIX}{secrets.token_hex(4)}"
    with _source_folder_errors(path):
        holder.mkdir(mode=0o700)
    try:
        with _source_folder_errors(path):
            rename_new(path, holder / path.name)
        yield holder / path.name
    finally:
        _put_back_all(holder)


def _put_back_all(holder: Path) -> list[Path]:
    """Rename everything out of a holder to beside it, replacing nothing, and remove the holder."""
    with _source_folder_errors(holder.parent):
        restored = [rename_to_free_name(path, holder.parent / path.name) for path in list(holder.iterdir())]
        holder.rmdir()
    return restored


def _require_same_bytes(path: Path, aside: Path, sha256: str, stopping: Callable[[], bool]) -> None:
    if is_open_for_writing(aside):
        raise SourceBusyError(f"{shown(path)} is held open for writing.")
    try:
        digest, _ = hash_file(aside, stopping=stopping)
    except SourceRefusedError as exc:
        raise SourceChangedError(f"{shown(path)} is no longer a file.") from exc
    if digest != sha256:
        raise SourceChangedError(f"{shown(path)} is no longer the file that was separated.")


def _move(aside: Path, to: Path, sha256: str, stopping: Callable[[], bool]) -> Path:
    if _holds(to, sha256, stopping):
        aside.unlink()
        return to
    try:
        return rename_to_free_name(aside, to)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
    moved = _copy(aside, to, sha256, stopping)
    aside.unlink()
    return moved


def _copy(source: Path, to: Path, sha256: str, stopping: Callable[[], bool]) -> Path:
    """Copy across file systems under a hidden name; the real name appears when the copy is proven."""
    copying = to.parent / _copying(sha256)
    copying.unlink(missing_ok=True)
    try:
        _copy_bytes(source, copying, stopping)
        if hash_file(copying, stopping=stopping)[0] != sha256:
            raise RetryableError(f"{shown(to)} was not copied intact.")
        moved = rename_to_free_name(copying, to)
        sync_folder(to.parent)
    finally:
        copying.unlink(missing_ok=True)
    return moved


def _copying(sha256: str) -> str:
    return f".mvsep-watch-copying-{sha256[:16]}"


def _copy_bytes(source: Path, copying: Path, stopping: Callable[[], bool]) -> None:
    """Copy, make durable, and let go of the cached pages, so that reading it back reads the disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with opened(source) as file, os.fdopen(os.open(copying, flags, 0o600), "wb", buffering=0) as copy:
        for block in blocks(file, stopping=stopping):
            rest = block
            while rest:
                rest = rest[copy.write(rest) :]
        with contextlib.suppress(OSError):  # a file system without modes or times still holds the bytes
            shutil.copystat(source, copying)
        os.fsync(copy.fileno())
        os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _holds(path: Path, sha256: str, stopping: Callable[[], bool]) -> bool:
    """Say whether a regular file with these bytes is there."""
    try:
        return hash_file(path, stopping=stopping)[0] == sha256
    except (SourceChangedError, SourceRefusedError):
        return False


@contextlib.contextmanager
def _source_folder_errors(path: Path) -> Iterator[None]:
    """Translate trouble with changing the folder that a source is in."""
    try:
        yield
    except OSError as exc:
        if exc.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise NeedsUserError(
                f"{shown(path)} cannot be moved or deleted: {exc.strerror}.",
                hint="Give mvsep-watch write access to the folder, or set `source: keep`.",
            ) from exc
        raise source_trouble(exc, path) from exc


@contextlib.contextmanager
def _target_errors(to: Path) -> Iterator[None]:
    """Translate trouble with the folder that a source is moved to: it concerns this job and closes no gate."""
    try:
        with output_errors(to):
            yield
    except OutputRootError as exc:
        raise NeedsUserError(exc.message, hint=exc.hint) from exc
