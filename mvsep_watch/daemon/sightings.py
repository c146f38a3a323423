"""How promptly the history lists unfinished work: every hash that we learn is looked for in it at once.

A sighting counts only if a `get` begun after the history's answer still says unfinished. What is learned here decides
whether absence from the history may ever be believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.news import News
from mvsep_watch.model import HistoryRow, Remote, tag_in_hash
from mvsep_watch.steps.asking import HistoryRead
from mvsep_watch.store import SeparationRow


@dataclass(slots=True, kw_only=True)
class Sighting:
    """A hash that we look for in the history.

    Args:
        learned_s: When we learned it.
        age_s: How long before that it was released. The lag counts from there: an answer that comes late must not make
            a late history look prompt.
        listed_s: When the history answered with it.
    """

    learned_s: float
    age_s: float
    looks: int = 0
    listed_s: float | None = None


class Sightings:
    """What is looked for, and what came of it."""

    def __init__(self, context: Context, news: News) -> None:
        self._context = context
        self._news = news
        self._sightings: dict[int, Sighting] = {}

    @property
    def looked_for(self) -> tuple[int, ...]:
        """The separations that were not listed yet."""
        return tuple(row_id for row_id, sighting in self._sightings.items() if sighting.listed_s is None)

    @property
    def looks(self) -> tuple[int, ...]:
        """How often each that was not listed yet was looked for."""
        return tuple(sighting.looks for sighting in self._sightings.values() if sighting.listed_s is None)

    def begin(self, row: SeparationRow) -> None:
        """Look for a hash from now on; one without our tag in it would teach nothing."""
        if not row.kind.is_tagged:
            return
        age_s = max(0.0, self._context.age_s(row.released_at)) if row.released_at else 0.0
        self._sightings[row.id] = Sighting(learned_s=self._context.clock.monotonic(), age_s=age_s)

    def forget(self, separation_id: int) -> None:
        """Look no longer for what has ended."""
        self._sightings.pop(separation_id, None)

    def history_read(self, read: HistoryRead) -> None:
        """Note which of the hashes that we learned are listed, and ask at once whether they are still unfinished."""
        listed = {row.hash for row in read.rows}
        for row_id, sighting in self._sightings.items():
            row = self._context.store.separations.get(row_id)
            if read.begun_s < sighting.learned_s or sighting.listed_s is not None:
                continue
            sighting.looks += 1
            if row.hash in listed:
                sighting.listed_s = read.answered_s
                self._context.store.separations.set(row_id, not_before=0.0)

    def polled(self, row: SeparationRow, remote: Remote, begun_s: float) -> None:
        """Count a sighting if the server still says unfinished after the history has listed it.

        What does not carry its tag in its hash says nothing about what is looked for by tag. What is listed at the
        first look long after its release is not counted: a night of downtime says neither that the history is prompt,
        nor that it lags by a night.
        """
        sighting = self._sightings.get(row.id)
        if sighting is None or sighting.listed_s is None or begun_s < sighting.listed_s:
            return
        del self._sightings[row.id]
        counts = remote.is_unfinished and tag_in_hash(row.hash or "") == row.tag
        if sighting.looks > 1 or sighting.age_s <= self._context.config.service.reconcile.window_s:
            self._record(row, sighting, counts=counts)
        if counts:
            self._news.listed_unfinished(row)

    def _record(self, row: SeparationRow, sighting: Sighting, *, counts: bool) -> None:
        self._context.store.memory.sighted(
            row.realm,
            row.account,
            row.host,
            seen=counts,
            late=sighting.looks > 1,
            lag_s=sighting.age_s + (sighting.listed_s or 0.0) - sighting.learned_s,
        )


def with_tag(rows: Sequence[HistoryRow], tag: str) -> list[HistoryRow]:
    """Give the rows with a tag, the newest first."""
    return [row for row in rows if tag_in_hash(row.hash) == tag]
