"""Questions that commands ask of a state file, beside the daemon that writes it: rows as plain values, nothing changed.

Works over a read-only connection. What is asked all the time (`status`, the first page of `jobs`) costs what is live
and what is shown, never what was finished long ago; only who asks for everything, or by a glob, looks through it all.
The surprise: a job's view holds the oldest live job of its separation, because that is whom the others wait for.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mvsep_watch.model import FINISHED, Account, HoldKind, JobState, Output
from mvsep_watch.store import listing, spending
from mvsep_watch.store.approvals import Approvals
from mvsep_watch.store.connection import Db
from mvsep_watch.store.durations import Durations
from mvsep_watch.store.jobs import Jobs
from mvsep_watch.store.listing import Asked
from mvsep_watch.store.memory import Memory
from mvsep_watch.store.one_offs import OneOffs
from mvsep_watch.store.rows import JobRow, SeparationRow, SourceRow, path_blob, read
from mvsep_watch.store.separations import Separations
from mvsep_watch.store.sources import Sources
from mvsep_watch.store.spending import Spent

T = TypeVar("T")

AT_ONCE = 500
"""Ids per query: well under SQLite's limit on variables."""
BADLY_ENDED = (JobState.FAILED, JobState.CANCELLED)
_LIVE = f"state NOT IN ({', '.join(repr(str(state)) for state in FINISHED)})"
"""Spelled as in the index, which SQLite then takes; `_BAD` likewise."""
_BAD = f"state IN ({', '.join(repr(str(state)) for state in BADLY_ENDED)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job with what belongs to it.

    Args:
        carrier: The oldest live job of the separation, if any: the one that the others wait for.
        outputs: What is published; empty until it is, and once another job has replaced it.
        replaced_by: The job whose outputs stand in the place of this one's, if any.
    """

    job: JobRow
    source: Path
    separation: SeparationRow | None
    carrier: int | None
    outputs: tuple[Output, ...]
    replaced_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Jobs in one state for one reason. `price` is the sum of what they would cost, None where one is unknown."""

    state: JobState
    hold: HoldKind | None
    reason: str
    hint: str
    jobs: tuple[int, ...]
    price: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state, with its reason. `subject` is job or separation."""

    at: float
    subject: str
    subject_id: int
    from_state: str | None
    to_state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One change of money. `day` is a local date."""

    at: float
    day: str
    entry: str
    credits: int


class Views:
    """Questions to a state file.

    Args:
        db: A connection, read-only or not.
    """

    def __init__(self, db: Db) -> None:
        self._db = db
        self.jobs = Jobs(db)
        self.approvals = Approvals(db)
        self.separations = Separations(db)
        self.sources = Sources(db)
        self.memory = Memory(db)
        self.one_offs = OneOffs(db)
        self.durations = Durations(db)

    @contextlib.contextmanager
    def at_one_instant(self) -> Iterator[None]:
        """Answer everything inside from one and the same state, whatever the daemon commits meanwhile."""
        self._db.run("BEGIN")
        try:
            yield
        finally:
            self._db.run("ROLLBACK")

    # Jobs

    def live(self, *, limit: int | None = None) -> list[JobRow]:
        """Give live jobs, the oldest first; with a limit the newest of them."""
        return self._newest(_LIVE, "+id", limit)

    def in_state(self, state: JobState, *, limit: int | None = None) -> list[JobRow]:
        """Give the jobs in a state, the oldest first; with a limit the newest of them."""
        if state.is_live:
            return self._newest(f"state = '{state}' AND {_LIVE}", "+id", limit)
        return self._newest(f"state = '{state}'" + (f" AND {_BAD}" if state in BADLY_ENDED else ""), "id", limit)

    def finished(self, *, limit: int | None = None) -> list[JobRow]:
        """Give finished jobs, the oldest first; with a limit the newest of them."""
        return self._newest(f"NOT ({_LIVE})", "id", limit)

    def _newest(self, where: str, order: str, limit: int | None) -> list[JobRow]:
        sql = f"SELECT * FROM jobs WHERE {where} ORDER BY {order} DESC LIMIT ?"  # noqa: S608 - constants
        rows = self._db.all(sql, (-1 if limit is None else limit,))
        return [read(JobRow, row) for row in reversed(rows)]

    def listed(self, asked: Asked, *, among: Iterable[int] | None = None, limit: int | None = None) -> list[JobRow]:
        """Give the jobs that are asked for, the oldest first; with a limit the newest of them."""
        return listing.listed(self._db, asked, among=among, limit=limit)

    def counted(self, asked: Asked) -> int:
        """Count the jobs that are asked for."""
        return listing.counted(self._db, asked)

    def names(self, column: str) -> list[str]:
        """Give every `folder`, or `rule`, that ever had a job."""
        return listing.names_in(self._db, column)

    def by_id(self, ids: Iterable[int]) -> list[JobRow]:
        """Give jobs by their ids, without those that are not there."""
        return sorted(self._in(JobRow, "jobs", "id", ids), key=lambda job: job.id)

    def of_sources(self, source_ids: Iterable[int]) -> list[JobRow]:
        """Give all jobs of sources, the oldest first."""
        return sorted(self._in(JobRow, "jobs", "source_id", source_ids), key=lambda job: job.id)

    def at_final(self, final: Path | str) -> list[JobRow]:
        """Give the jobs whose outputs go to a folder, the oldest first."""
        rows = self._db.all("SELECT * FROM jobs WHERE final = ? ORDER BY +id", (path_blob(final),))
        return [read(JobRow, row) for row in rows]

    def views(self, jobs: Iterable[JobRow]) -> list[JobView]:
        """Give jobs with what belongs to them, in the same order."""
        jobs = list(jobs)
        sources = {row.id: row for row in self._in(SourceRow, "sources", "id", {job.source_id for job in jobs})}
        ids = {job.separation_id for job in jobs if job.separation_id is not None}
        separations = {row.id: row for row in self._in(SeparationRow, "separations", "id", ids)}
        published = [job for job in jobs if job.state == JobState.PUBLISHED]
        replaced = self._replaced(published)
        outputs = self._outputs([job.id for job in published if job.id not in replaced])
        carriers = self._carriers({row.id for row in separations.values() if row.state.is_unfinished})
        return [
            JobView(
                job=job,
                source=sources[job.source_id].path,
                separation=separations.get(job.separation_id or 0),
                carrier=carriers.get(job.separation_id or 0),
                outputs=tuple(outputs.get(job.id, ())),
                replaced_by=replaced.get(job.id),
            )
            for job in jobs
        ]

    def _outputs(self, job_ids: Sequence[int]) -> dict[int, list[Output]]:
        found: dict[int, list[Output]] = {}
        for row in self._rows_in("outputs", "job_id", job_ids):
            found.setdefault(row["job_id"], []).append(read(Output, row))
        return found

    def _replaced(self, published: Sequence[JobRow]) -> dict[int, int]:
        also = "AND replaces AND state = 'published'"
        rows = self._rows_in("jobs", "source_id", {job.source_id for job in published}, also=also)
        return {row["redo_of"]: row["id"] for row in rows}

    def _carriers(self, separation_ids: Iterable[int]) -> dict[int, int]:
        carriers: dict[int, int] = {}
        for row in self._rows_in("jobs", "separation_id", separation_ids, also=f"AND {_LIVE}"):
            carriers[row["separation_id"]] = min(row["id"], carriers.get(row["separation_id"], row["id"]))
        return carriers

    def groups(self, state: JobState, *, of_latest: int) -> list[Group]:
        """Gather jobs in a state by their reason, the latest `of_latest` of them at most."""
        gathered: dict[tuple[HoldKind | None, str, str], list[JobRow]] = {}
        jobs = self.in_state(state, limit=of_latest)
        for job in jobs if state.is_live else self.unanswered(jobs):
            gathered.setdefault((job.hold, job.reason, job.hint), []).append(job)
        return [
            Group(state=state, hold=hold, reason=reason, hint=hint, jobs=tuple(job.id for job in of), price=_sum(of))
            for (hold, reason, hint), of in gathered.items()
        ]

    def unanswered(self, jobs: Sequence[JobRow]) -> list[JobRow]:
        """Leave out failed jobs that need nobody: followed by a newer job of their file and rule, or forgotten."""
        source_ids = {job.source_id for job in jobs}
        newest = {(job.source_id, job.folder, job.rule): job.id for job in self.of_sources(source_ids)}
        ignored = {row.id for row in self._in(SourceRow, "sources", "id", source_ids) if row.state == "ignored"}
        return [
            job
            for job in jobs
            if newest[job.source_id, job.folder, job.rule] == job.id and job.source_id not in ignored
        ]

    # One job's past

    def transitions(self, *, job: int, separations: Sequence[int]) -> list[Transition]:
        """Give what happened to a job and separations, in order."""
        marks = ",".join("?" * len(separations))
        rows = self._db.all(
            "SELECT * FROM transitions WHERE subject = 'job' AND subject_id = ? UNION ALL"  # noqa: S608 - only marks
            f" SELECT * FROM transitions WHERE subject = 'separation' AND subject_id IN ({marks}) ORDER BY at, id",
            (job, *separations),
        )
        return [read(Transition, row) for row in rows]

    def ledger(self, separation: int) -> list[LedgerEntry]:
        """Give what a separation did to the credits, in order."""
        rows = self._db.all("SELECT * FROM ledger WHERE separation_id = ? ORDER BY id", (separation,))
        return [read(LedgerEntry, row) for row in rows]

    def spent(self, realm: str, first_day: str, last_day: str) -> list[Spent]:
        """Give the separations of a realm on days (both included), with their money."""
        return spending.spent(self._db, realm=realm, first_day=first_day, last_day=last_day)

    def meaning_of(self, asked: str, *, realm: str) -> str | None:
        """Give the settings that an asking meant when it was last planned, for any input; None where it never was."""
        text: str | None = self._db.value(
            "SELECT settings FROM jobs WHERE asked = ? AND realm = ? AND settings IS NOT NULL ORDER BY id DESC LIMIT 1",
            (asked, realm),
        )
        return text

    # Sources

    def paths(self) -> Iterator[tuple[int, str]]:
        """Give every source's id and path: looks through all of them."""
        for row in self._db.run("SELECT id, path FROM sources ORDER BY id"):
            yield row[0], os.fsdecode(row[1])

    # Account

    def account(self, realm: str) -> tuple[Account, float] | None:
        """Give the realm's account as last read, and when (seconds since 1970)."""
        row = self._db.one("SELECT * FROM accounts WHERE realm = ? ORDER BY read_at DESC LIMIT 1", (realm,))
        if row is None:
            return None
        account = Account(identity=row["account"], credits=row["credits"], premium_enabled=bool(row["premium_enabled"]))
        return account, row["read_at"]

    # Helpers

    def _in(self, kind: type[T], table: str, column: str, values: Iterable[int]) -> list[T]:
        return [read(kind, row) for row in self._rows_in(table, column, values)]

    def _rows_in(self, table: str, column: str, values: Iterable[int], *, also: str = "") -> Iterator[Any]:
        wanted = list(values)
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            marks = ",".join("?" * len(part))
            yield from self._db.all(f"SELECT * FROM {table} WHERE {column} IN ({marks}) {also}", part)  # noqa: S608 - constants


def _sum(jobs: Sequence[JobRow]) -> int | None:
    prices = [job.price for job in jobs]
    return None if None in prices else sum(price for price in prices if price is not None)
