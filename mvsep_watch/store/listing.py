"""Which jobs are asked for: by state, folder, rule and time. Only reads; costs what it gives where those live.

Without a limit, or for a folder of which there is little, it looks through the table once, for who asks by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mvsep_watch.model import FINISHED, JobState
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import JobRow, read

AT_ONCE = 500
"""Ids per query: well under SQLite's limit on variables."""
LIVE = tuple(state for state in JobState if state not in FINISHED)
_LIVE = f"state NOT IN ({', '.join(repr(str(state)) for state in FINISHED)})"
"""Spelled as in the index, which SQLite then takes."""
_CHANGED = "(SELECT max(at) FROM transitions WHERE subject = 'job' AND subject_id = jobs.id) >= ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which jobs are asked for.

    Args:
        states: In one of these.
        folders: Of one of these, by name; empty is of any.
        rules: Of one of these, by name; empty is of any.
        changed_since: That something happened to since then, seconds since 1970; None is at any time.
    """

    states: tuple[JobState, ...] = field(default=tuple(JobState))
    folders: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    changed_since: float | None = None

    @property
    def where(self) -> tuple[str, list[Any]]:
        """Give it as a condition, with its values."""
        parts = [_LIVE] if set(self.states) <= set(LIVE) else []
        values: list[Any] = []
        for column, wanted in (("state", self.states), ("folder", self.folders), ("rule", self.rules)):
            if wanted and not (column == "state" and set(wanted) in (set(JobState), set(LIVE))):
                parts.append(f"{column} IN ({_marks(wanted)})")
                values += wanted
        if self.changed_since is not None:
            parts.append(_CHANGED)
            values.append(self.changed_since)
        return " AND ".join(parts) or "1", values


def listed(db: Db, asked: Asked, *, among: Iterable[int] | None = None, limit: int | None = None) -> list[JobRow]:
    """Give the jobs that are asked for, the oldest first; with a limit the newest of them.

    Args:
        db: The state.
        asked: Which.
        among: Only these, by their ids; None is any.
        limit: At most so many.
    """
    order = "+id" if set(asked.states) <= set(LIVE) else "id"
    where, values = asked.where
    found: list[JobRow] = []
    for ids, marks in _parts(among):
        rows = db.all(
            f"SELECT * FROM jobs WHERE {where}{marks} ORDER BY {order} DESC LIMIT ?",  # noqa: S608 - marks
            (*values, *ids, -1 if limit is None else limit),
        )
        found += [read(JobRow, row) for row in rows]
    newest = sorted(found, key=lambda job: -job.id)[:limit]
    return newest[::-1]


def counted(db: Db, asked: Asked) -> int:
    """Count the jobs that are asked for."""
    where, values = asked.where
    return int(db.value(f"SELECT count(*) FROM jobs WHERE {where}", values))  # noqa: S608 - marks


def names_in(db: Db, column: str) -> list[str]:
    """Give every folder, or rule, that ever had a job."""
    return [row[0] for row in db.all(f"SELECT DISTINCT {column} FROM jobs ORDER BY 1")]  # noqa: S608 - constants


def _parts(among: Iterable[int] | None) -> Iterator[tuple[list[int], str]]:
    if among is None:
        yield [], ""
        return
    ids = list(among)
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        yield part, f" AND id IN ({_marks(part)})"


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)
