"""The append-only history of transitions, with reasons, and what of it is news to somebody who knows it up to a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.model import JobState
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import read


def record(db: Db, *, subject: str, subject_id: int, before: str | None, after: str, reason: str, now: float) -> None:
    """Append one transition of a job or a separation."""
    db.run(
        "INSERT INTO transitions (at, subject, subject_id, from_state, to_state, reason) VALUES (?, ?, ?, ?, ?, ?)",
        (now, subject, subject_id, before, after, reason),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A job in a state that it came to lately."""

    id: int
    state: JobState
    reason: str
    hint: str
    path: Path


_LATELY = "id > ? AND +subject = 'job' AND from_state IS NOT to_state"
"""By the rows' own ids: costs what is new, never what is long known."""


class Transitions:
    """What happened to jobs since a row of the history; 0 is before all of them."""

    def __init__(self, db: Db) -> None:
        self._db = db

    @property
    def newest(self) -> int:
        """The newest row; 0 where there is none."""
        return int(self._db.value("SELECT max(id) FROM transitions") or 0)

    def counts(self, *, after: int) -> dict[JobState, int]:
        """Count how often a job came to each state."""
        rows = self._db.all(
            f"SELECT to_state, count(*) FROM transitions WHERE {_LATELY} GROUP BY to_state",  # noqa: S608 - constants
            (after,),
        )
        return {JobState(state): number for state, number in rows}

    def arrived(self, states: Iterable[JobState], *, after: int) -> Iterator[Arrived]:
        """Give the jobs that came to one of the states and are still in it, the oldest first."""
        wanted = list(states)
        marks = ",".join("?" * len(wanted))
        rows = self._db.run(
            f"WITH lately AS (SELECT DISTINCT subject_id, to_state FROM transitions WHERE {_LATELY})"  # noqa: S608
            " SELECT j.id, j.state, j.reason, j.hint, s.path FROM lately"
            " CROSS JOIN jobs j ON j.id = lately.subject_id AND j.state = lately.to_state"
            f" JOIN sources s ON s.id = j.source_id WHERE j.state IN ({marks}) ORDER BY j.id",
            (after, *wanted),
        )
        for row in rows:
            yield read(Arrived, row)


def latest(db: Db) -> int:
    """Give the number of the latest transition: where `jobs_moved` goes on from."""
    return int(db.value("SELECT coalesce(max(id), 0) FROM transitions"))


def jobs_moved(db: Db, *, after: int) -> list[int]:
    """Give the jobs whose state has changed since a transition, in that order, each once."""
    rows = db.all(
        "SELECT subject_id FROM transitions WHERE id > ? AND subject = 'job' GROUP BY subject_id ORDER BY max(id)",
        (after,),
    )
    return [row[0] for row in rows]
