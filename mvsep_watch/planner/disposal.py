"""Whether a source has served: every rule in force that reaches it has a published job on its bytes.

The rules are those of this moment, whatever they were when the file was dropped. Any doubt keeps the source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from mvsep_watch.model import JobState


class Serving(Protocol):
    """What is looked at of a job."""

    @property
    def source_id(self) -> int:
        """Whose it is."""
        ...

    @property
    def bytes_key(self) -> str:
        """The key of the source's bytes when it was queued."""
        ...

    @property
    def realm(self) -> str:
        """Where it is done."""
        ...

    @property
    def folder(self) -> str:
        """The watched folder it came by."""
        ...

    @property
    def rule(self) -> str:
        """The rule that it is for."""
        ...

    @property
    def state(self) -> JobState:
        """How far it is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A rule in force that reaches a source, and whether its folder wants sources kept."""

    folder: str
    rule: str
    keeps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A source, as far as its fate depends on it.

    Args:
        bytes_key: The key of the bytes that were last read there; None while that is not known.
        is_ignored: Whether a person had its bytes forgotten.
    """

    id: int
    bytes_key: str | None
    realm: str
    is_ignored: bool = False


def may_dispose(source: Served, wishes: Collection[Wish], jobs: Iterable[Serving]) -> bool:
    """Say whether a source may be deleted or moved.

    Args:
        source: The source.
        wishes: Every rule in force that reaches it.
        jobs: At least all jobs of the source, and all on its bytes.
    """
    jobs = tuple(jobs)
    is_live = any(job.source_id == source.id and job.state.is_live for job in jobs)
    if source.bytes_key is None or source.is_ignored or is_live or not wishes:
        return False
    published = {
        (job.folder, job.rule)
        for job in jobs
        if (job.state, job.bytes_key, job.realm) == (JobState.PUBLISHED, source.bytes_key, source.realm)
    }
    return all(not wish.keeps and (wish.folder, wish.rule) in published for wish in wishes)
