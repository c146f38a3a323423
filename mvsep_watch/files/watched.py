"""Whether a watched folder is still on the disk that it was on: a share that is away looks like an empty folder.

What a folder lay on is noted each time it was looked through. One that has left its mount is away, whatever lies in the
directory below: nothing there is taken, and what is missing there is not gone. What is mounted below a folder is noted
as well, for what lay on it is as little gone when it is away. The surprise: a mount point alone tells
too little, for a process may see the same directory with a mount of its own (systemd makes one for `ReadWritePaths=`);
so the same directory of the same file system is never away.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mvsep_watch.errors import MvsepWatchError, NeedsUserError, SourceChangedError
from mvsep_watch.files.mounts import MountNote, mount_of, mounts_below
from mvsep_watch.files.trouble import shown, source_errors
from mvsep_watch.wanted import is_pruned_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceNote(MountNote):
    """What a directory was.

    Args:
        source: What is mounted there, as far as the kernel names it.
        device: The file system's number until the next boot.
        inode: The directory's.
    """

    source: str
    device: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartNote(PlaceNote):
    """A part of a watched folder, on a mount of its own. `path`: its place below the folder, as the folder is named."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderNote(PlaceNote):
    """What a watched folder was when it was last looked through. `below`: its parts on mounts of their own."""

    below: tuple[PartNote, ...] = ()

    @classmethod
    def of(cls, text: str) -> FolderNote | None:
        """Read what `text` gave; None for anything else."""
        note = super(FolderNote, cls).of(text)
        try:
            return note and replace(note, below=tuple(PartNote(**each) for each in _mappings(note.below)))
        except TypeError:
            return None


class PartAwayError(NeedsUserError):
    """The disk or share of a part is away; the rest of the folder is there."""

    def __init__(self, part: PartNote) -> None:
        super().__init__(
            f"{shown(Path(part.path))} is not mounted: its disk or share ({_named(part)}{part.fs_type}) is away.",
            hint="Mount it, and what waits for its files goes on by itself; or `cancel` that.",
        )
        self.part = part


def note_of(folder: Path) -> FolderNote:
    """Note what a folder is.

    Raises:
        NeedsUserError: It is not there, or may not be looked at.
        SourceBusyError: It cannot be looked at just now.
    """
    try:
        with source_errors(folder):
            status = folder.stat()
    except SourceChangedError as exc:
        raise NeedsUserError(
            f"The watched folder {shown(folder)} is not there.",
            hint="Create it, mount the disk or share it lies on, or take it out of the configuration.",
        ) from exc
    mount = mount_of(folder)
    return FolderNote(
        point=mount.point, fs_type=mount.fs_type, source=mount.source, device=status.st_dev, inode=status.st_ino
    )


def require_same(folder: Path, note: FolderNote | None) -> FolderNote:
    """Require that a folder is there, and on what it was on; without a note anything will do.

    Returns:
        What is to be noted instead.

    Raises:
        NeedsUserError: It is not there, what it was on is not mounted, or it may not be looked at.
        SourceBusyError: It cannot be looked at just now.
    """
    there = note_of(folder)
    if note is not None and _has_left(there, note) and not _is_itself(there, note):
        raise NeedsUserError(
            f"{shown(folder)} was on {_in_words(note)}, which is not mounted: its disk or share is away.",
            hint=f"Mount it. If the folder is to stay on {_in_words(there)}, start once with `--fresh`.",
        )
    return there


def with_parts(folder: Path, note: FolderNote, away: tuple[PartNote, ...]) -> FolderNote:
    """Note what is mounted below a folder, along with what is away of it."""
    return replace(note, below=(*_parts_of(folder), *away))


def away_below(folder: Path, note: FolderNote | None) -> tuple[PartNote, ...]:
    """Give the parts of a folder whose disk or share is away; looks at the table of mounts, and at no mount."""
    if note is None or not note.below:
        return ()
    mounted = {mount.point for mount in mounts_below(folder)}
    return tuple(part for part in note.below if part.point not in mounted and not _is_in_place(part))


def trouble_with(folder: Path, note: FolderNote | None, *, at: Path | None = None) -> MvsepWatchError | None:
    """Say why what is missing in a folder, or at a place in it, is not known to be gone; None where it is."""
    try:
        require_same(folder, note)
    except MvsepWatchError as error:
        return error
    away = (part for part in away_below(folder, note) if at is not None and at.is_relative_to(part.path))
    return next(map(PartAwayError, away), None)


def _parts_of(folder: Path) -> Iterator[PartNote]:
    """Note what is mounted below a folder, where it is looked through and can be looked at."""
    real = os.path.realpath(folder)
    for mount in mounts_below(folder):
        inside = os.path.relpath(mount.point, real)
        path = folder / inside
        if any(map(is_pruned_dir, Path(inside).parts)):
            continue
        try:
            status = path.stat()
        except OSError:  # a mount of another user's, or of a server that is away
            continue
        if not stat.S_ISDIR(status.st_mode):
            continue
        yield PartNote(
            path=str(path), point=mount.point, fs_type=mount.fs_type, source=mount.source,
            device=status.st_dev, inode=status.st_ino,
        )  # fmt: skip


def _is_in_place(part: PartNote) -> bool:
    """Say whether a directory that was mounted is the same without that mount."""
    try:
        status = Path(part.path).stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (part.device, part.inode)


def _mappings(parts: object) -> list[dict[str, Any]]:
    return parts if isinstance(parts, list) else []


def _has_left(there: PlaceNote, note: PlaceNote) -> bool:
    """Say whether a folder lies on what its mount point itself lies on."""
    is_known = bool(there.point and note.point)
    return is_known and there.point != note.point and Path(note.point).is_relative_to(there.point)


def _is_itself(there: PlaceNote, note: PlaceNote) -> bool:
    is_same_disk = there.device == note.device or (there.fs_type, there.source) == (note.fs_type, note.source)
    return is_same_disk and there.inode == note.inode


def _in_words(place: PlaceNote) -> str:
    return f"{place.point} ({_named(place)}{place.fs_type})"


def _named(place: PlaceNote) -> str:
    """Name what is mounted, where that is a name: `tmpfs` on `tmpfs` is none."""
    return f"{place.source}, " if "/" in place.source or ":" in place.source else ""
