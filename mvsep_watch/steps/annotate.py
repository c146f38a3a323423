"""Steps for the notes beside sources: write and remove them, and see which sources are gone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import note as notes
from mvsep_watch.model import AS_MADE, Access
from mvsep_watch.steps.base import Pool, Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be beside a source.

    Args:
        source_id: The source's.
        source: Its path; None where nothing is known of it any more.
        before: The path beside which a note of ours lies; None where none does.
        text: What the note is to say; empty removes it.
        access: How the note is to be.
    """

    source_id: int
    source: Path | None
    before: Path | None
    text: str
    access: Access = AS_MADE


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What came of it.

    Args:
        path: The path beside which a note of ours lies now; None where none does.
        is_gone: Whether the source is not there.
        error: What went wrong, if anything did; a file that is not ours in the note's place is no error.
    """

    wanted: Wanted
    path: Path | None
    is_gone: bool = False
    error: MvsepWatchError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotate:
    """Write and remove notes."""

    pool: ClassVar[Pool] = Pool.FILING
    KEY: ClassVar[tuple[str]] = ("notes",)

    notes: tuple[Wanted, ...]

    @property
    def key(self) -> tuple[str]:
        """One step at a time: they share the name of what is being written."""
        return self.KEY

    def perform(self, tools: Tools) -> tuple[Noted, ...]:
        """Do it for each that there is time for; each can be done again."""
        return tuple(_noted(each) for each in self.notes if not tools.stopping.is_set())


def _noted(wanted: Wanted) -> Noted:
    try:
        if wanted.before is not None and wanted.before != wanted.source:
            notes.remove(wanted.before)
        if wanted.source is None:
            return Noted(wanted=wanted, path=None, is_gone=True)
        is_gone = not os.path.lexists(wanted.source)
        if wanted.text and not is_gone:
            is_there = notes.put(wanted.source, wanted.text, access=wanted.access)
            return Noted(wanted=wanted, path=wanted.source if is_there else None)
        notes.remove(wanted.source)
        return Noted(wanted=wanted, path=None, is_gone=is_gone)
    except MvsepWatchError as error:
        return Noted(wanted=wanted, path=wanted.before, error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookForSources:
    """See which sources are gone, of those that were refused, or have a note beside them."""

    pool: ClassVar[Pool] = Pool.LOOKING

    sources: tuple[tuple[int, Path], ...]

    @property
    def key(self) -> tuple[str]:
        """One look at a time."""
        return ("noted sources",)

    def perform(self, tools: Tools) -> tuple[int, ...]:
        """Give the ids of those that are gone; what cannot be looked at is there."""
        del tools
        return tuple(source_id for source_id, path in self.sources if not os.path.lexists(path))
