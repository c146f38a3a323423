"""Steps that read sources: look at candidates, and identify a stable file by its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mvsep_watch import audio
from mvsep_watch.errors import MvsepWatchError, SourceChangedError
from mvsep_watch.files import reading
from mvsep_watch.model import FileStat, Identity
from mvsep_watch.steps.base import Pool, Tools


@dataclass(frozen=True, slots=True)
class Look:
    """What a candidate looks like now: its stat, or why there is none, and whether somebody holds it open."""

    path: str
    stat: FileStat | None
    held_open: bool
    error: MvsepWatchError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt:
    """Stat a chunk of candidates; one that is gone or odd does not keep the others."""

    pool: ClassVar[Pool] = Pool.LOOKING

    paths: tuple[str, ...]
    number: int

    @property
    def key(self) -> tuple[str, int]:
        """Each look is its own."""
        return ("look_at", self.number)

    def perform(self, _: Tools) -> tuple[Look, ...]:
        """Look at each."""
        return tuple(_look(path) for path in self.paths)


def _look(path: str) -> Look:
    try:
        stat = reading.stat_of(Path(path))
    except MvsepWatchError as error:
        return Look(path, None, held_open=False, error=error)
    return Look(path, stat, held_open=bool(reading.is_open_for_writing(Path(path))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """Read a stable file: its sha256, how long it plays, and whether it is audio at all.

    Args:
        stat: As it was when it was found stable; anything else sends it back to settle.
    """

    pool: ClassVar[Pool] = Pool.READING

    path: str
    stat: FileStat

    @property
    def key(self) -> tuple[str, str]:
        """One path at a time."""
        return ("identify", self.path)

    def perform(self, tools: Tools) -> Identity:
        """Probe first, since that is cheap, then hash.

        Raises:
            SourceRefusedError: It is no audio that can be sent.
            SourceChangedError: It is not as it was when it was found stable.
            SourceBusyError: It cannot be read just now.
        """
        path = Path(self.path)
        duration_s = audio.probe(path)
        sha256, stat = reading.hash_file(path, stopping=tools.stopping.is_set)
        if stat != self.stat:
            raise SourceChangedError(f"{path.name} changed while it was read")
        return Identity(sha256=sha256, duration_s=duration_s, stat=stat)
