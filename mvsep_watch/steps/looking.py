"""Questions about disks that may not answer: asked by a hand, for the owner must never wait for one.

A question is a value; the same question has the same answer for as long as somebody acts on it. What it finds is a
hint by the time that it is used: whoever changes a disk looks once more himself.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from mvsep_watch.errors import MvsepWatchError, OutputRootError, StateError
from mvsep_watch.files import claim as claims
from mvsep_watch.files import sidecar
from mvsep_watch.files.mounts import file_system, takes_any_name
from mvsep_watch.files.watched import FolderNote, trouble_with
from mvsep_watch.model import Provenance
from mvsep_watch.naming import OutputPlace, display
from mvsep_watch.steps.base import Pool, Tools

ELSEWHERE = "choose another folder with -o DIR"


class Question(Hashable, Protocol):
    """Something to be looked up on a disk."""

    @property
    def path(self) -> Path:
        """Where it is looked up."""
        ...

    def look(self) -> Any:
        """Look it up."""
        ...


@dataclass(frozen=True, slots=True)
class IsThere:
    """Whether anything is at a path, if only a link that leads nowhere."""

    path: Path

    def look(self) -> bool:
        """Look."""
        return os.path.lexists(self.path)


@dataclass(frozen=True, slots=True)
class IsFile:
    """Whether a file is at a path; what may not be looked at is none."""

    path: Path

    def look(self) -> bool:
        """Look."""
        return os.path.isfile(self.path)  # noqa: PTH113 - `Path.is_file` raises where it may not be looked at


@dataclass(frozen=True, slots=True)
class IsFolder:
    """Whether a folder is at a path, or a link to one."""

    path: Path

    def look(self) -> bool:
        """Look."""
        return os.path.isdir(self.path)  # noqa: PTH112 - as in `IsFile`


@dataclass(frozen=True, slots=True)
class TakesAnyName:
    """Whether any name that Linux allows may be given below a path, going by the file system."""

    path: Path

    def look(self) -> bool:
        """Look."""
        return takes_any_name(file_system(self.path))


@dataclass(frozen=True, slots=True)
class WhichAreGone:
    """At which of some paths nothing is; where it cannot be looked, something may be."""

    paths: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """Where it is looked up."""
        return self.paths[0]

    def look(self) -> frozenset[Path]:
        """Look at all of them."""
        return frozenset(filter(_is_gone, self.paths))


@dataclass(frozen=True, slots=True)
class Said:
    """What a sidecar says: None where there is none, or none that can be understood."""

    said: Provenance | None
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class SaidAt:
    """What the sidecar of a place says."""

    place: OutputPlace

    @property
    def path(self) -> Path:
        """Where it is looked up."""
        return self.place.base

    def look(self) -> Said:
        """Read it."""
        try:
            return Said(sidecar.read(self.place))
        except MvsepWatchError:
            return Said(None, is_damaged=True)


@dataclass(frozen=True, slots=True)
class TroubleWith:
    """Why what is missing at a place in a watched folder is not known to be gone; None where it is."""

    path: Path
    note: FolderNote | None
    at: Path

    def look(self) -> MvsepWatchError | None:
        """Look at the folder."""
        return trouble_with(self.path, self.note, at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class MayTake:
    """Why a one-off's outputs may not go to a folder; None where they may.

    Args:
        path: The folder.
        was_used: Whether this state has used it before.
        state_id: This state's.
        generation: How many separations this state has released.
    """

    path: Path
    was_used: bool
    state_id: str
    generation: int

    def look(self) -> MvsepWatchError | None:
        """Look at it, and read its claim."""
        try:
            self._require_writable()
            self._require_claim()
        except MvsepWatchError as error:
            return error
        return None

    def _require_writable(self) -> None:
        there = next(place for place in (self.path, *self.path.parents) if os.path.lexists(place))
        if self.was_used and there != self.path:
            raise OutputRootError(
                f"{display(self.path)} is not there any more", hint="mount its disk, or make the folder"
            )
        if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):  # noqa: PTH112 - as in `IsFile`
            raise OutputRootError(f"nothing can be written to {display(there)}", hint=ELSEWHERE)

    def _require_claim(self) -> None:
        claim = claims.read(self.path)
        if claim is None:
            return
        if claim.state_id != self.state_id:
            raise StateError(f"{display(self.path)} belongs to another state ({claim.state_id})", hint=ELSEWHERE)
        if claim.generation > self.generation:
            raise StateError(
                f"{display(self.path)} was written by a newer copy of this state file: an old backup was restored",
                hint="use the newer one, or choose another folder with -o DIR",
            )


@dataclass(frozen=True, slots=True)
class Failed:
    """An answer that is none: a bug."""

    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class LookThere:
    """Answer questions about one disk. `group`: what they have in common; one hand at a time looks there."""

    pool: ClassVar[Pool] = Pool.EYES

    group: Path
    questions: tuple[Question, ...]

    @property
    def key(self) -> tuple[str, Path]:
        """One at a time: a disk that does not answer keeps one hand and no more."""
        return ("look", self.group)

    def perform(self, _: Tools) -> tuple[Any, ...]:
        """Give the answers in order."""
        return tuple(map(_answer, self.questions))


def _is_gone(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _answer(question: Question) -> Any:
    try:
        return question.look()
    except Exception as error:  # noqa: BLE001 - a bug in one of them is that one's
        return Failed(error)
