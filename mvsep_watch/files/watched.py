"""Whether a watched folder is still on the disk that it was on: a share that is away looks like an empty folder.

What a folder lay on is noted each time it was looked through. One that has left its mount is away, whatever lies in the
directory below: nothing there is taken, and what is missing there is not gone. The surprise: a mount point alone tells
too little, for a process may see the same directory with a mount of its own (systemd makes one for `ReadWritePaths=`);
so the same directory of the same file system is never away.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.errors import MvsepWatchError, NeedsUserError, SourceChangedError
from mvsep_watch.files.mounts import MountNote, mount_of
from mvsep_watch.files.trouble import shown, source_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderNote(MountNote):
    """What a watched folder was when it was last looked through.

    Args:
        source: What is mounted there, as far as the kernel names it.
        device: The file system's number until the next boot.
        inode: The folder's.
    """

    source: str
    device: int
    inode: int


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


def trouble_with(folder: Path, note: FolderNote | None) -> MvsepWatchError | None:
    """Say why what is missing in a folder is not known to be gone; None where it is."""
    try:
        require_same(folder, note)
    except MvsepWatchError as error:
        return error
    return None


def _has_left(there: FolderNote, note: FolderNote) -> bool:
    """Say whether a folder lies on what its mount point itself lies on."""
    is_known = bool(there.point and note.point)
    return is_known and there.point != note.point and Path(note.point).is_relative_to(there.point)


def _is_itself(there: FolderNote, note: FolderNote) -> bool:
    is_same_disk = there.device == note.device or (there.fs_type, there.source) == (note.fs_type, note.source)
    return is_same_disk and there.inode == note.inode


def _in_words(place: FolderNote) -> str:
    named = f"{place.source}, " if "/" in place.source or ":" in place.source else ""
    return f"{place.point} ({named}{place.fs_type})"
