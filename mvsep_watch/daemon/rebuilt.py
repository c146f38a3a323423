"""What a rebuild of the state found and did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mvsep_watch.files.spool import Orphan


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the account's history says.

    Args:
        tagged: Rows with a tag of ours.
        unexplained: Those of them whose separation the state does not know.
        trouble: Why it could not be read; empty where it was.
    """

    tagged: int = 0
    unexplained: int = 0
    trouble: str = ""


@dataclass(slots=True, kw_only=True)
class Report:
    """What a rebuild found and did.

    Args:
        aside: Where a damaged state file was put, if it was.
        salvaged: Separations that could still be read in it.
        roots: The output roots that were looked through.
        missing: Those that are not there, or a part of them that may not be read, with the reason.
        sidecars: How many were read and understood.
        jobs: How many jobs were restored; the others were known.
        separations: How many separations were restored, or are done by now.
        foreign: How many of the sidecars are of another realm: they never count for this one.
        gone: How many of their sources are not where they were, or have another size there.
        damaged: Sidecars, and claims, that cannot be understood, with the reason.
        changed: Folders with outputs that are no longer what was published, with what is missing or different.
        history: What the account's history says; None where it was not asked.
        orphans: What the spool keeps for jobs that the state does not have.
    """

    aside: Path | None = None
    salvaged: int = 0
    roots: list[Path] = field(default_factory=list)
    missing: list[tuple[Path, str]] = field(default_factory=list)
    sidecars: int = 0
    jobs: int = 0
    separations: int = 0
    foreign: int = 0
    gone: int = 0
    damaged: list[tuple[Path, str]] = field(default_factory=list)
    changed: list[tuple[Path, tuple[str, ...]]] = field(default_factory=list)
    history: History | None = None
    orphans: tuple[Orphan, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True where nothing was left out."""
        return not (self.missing or self.damaged or (self.history and self.history.trouble))
