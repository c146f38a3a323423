"""Whether an output root is still the folder that it was: the bare mount point of a disk that is away is not it.

What a root was is noted each time it was seen to be itself: which mount it lay on, and how far its claim counted. A
root that has lost its claim, or that has left its mount, is another folder under the same name. Nothing is written
there until the claim is back or a person says so. The surprise: a claim may lie on the bare mount point as well, from
a start before the disk was first mounted; it counts less than the note, and is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.errors import OutputRootError, StateError
from mvsep_watch.files import claim as claims
from mvsep_watch.files.mounts import Mount, MountNote, mount_of
from mvsep_watch.files.trouble import shown
from mvsep_watch.planner import RootIs, judge_root


@dataclass(frozen=True, slots=True, kw_only=True)
class RootNote(MountNote):
    """What a root was when it was last seen to be itself.

    Args:
        generation: What its claim counted; None where no claim is expected.
    """

    generation: int | None


def note_of(root: Path, *, generation: int | None) -> RootNote:
    """Note what a root is."""
    mount = mount_of(root)
    return RootNote(point=mount.point, fs_type=mount.fs_type, generation=generation)


def require_same(root: Path, note: RootNote | None) -> RootNote | None:
    """Require that a root is there, and is the folder that was noted; without a note any folder will do.

    A claim that cannot be understood is a claim all the same; what it means for spending is another question.

    Returns:
        What is to be noted instead; None where nothing was noted.

    Raises:
        OutputRootError: It is not there, or another folder stands in its place.
        SourceBusyError: Its claim cannot be read just now.
        NeedsUserError: Its claim may not be read.
    """
    claims.require(root)
    if note is None:
        return None
    try:
        claim = claims.read(root)
    except StateError:
        return note
    mount = mount_of(root)
    counted = claim.generation if claim else None
    match judge_root(counted=counted, noted=note.generation, has_left=_has_left(mount, note)):
        case RootIs.AWAY:
            raise OutputRootError(
                f"{shown(root)} was on the mount {note.point} ({note.fs_type}), and is on {mount.point}"
                f" ({mount.fs_type}) now: its disk is away.",
                hint=_hint(note),
            )
        case RootIs.EMPTIED:
            raise OutputRootError(
                f"{shown(root)} has lost its claim ({claims.CLAIM_NAME}): it was emptied, or another folder stands in"
                " its place.",
                hint=_hint(note),
            )
    return RootNote(point=mount.point, fs_type=mount.fs_type, generation=counted)


def _has_left(mount: Mount, note: RootNote) -> bool:
    """Say whether a root lies on what its mount point itself lies on."""
    is_known = bool(mount.point and note.point)
    return is_known and mount.point != note.point and Path(note.point).is_relative_to(mount.point)


def _hint(note: RootNote) -> str:
    if note.generation is None:
        return "Mount its disk."
    return "Mount its disk, or bring the claim back. If it was emptied on purpose, start once with `--fresh`."
