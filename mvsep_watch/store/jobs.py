"""Jobs: one source and one rule each, from being queued to their outputs being published.

Every change of state writes a transition with its reason in the same transaction.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from mvsep_watch.model import FINISHED, HoldKind, JobState, Output
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import JobRow, path_blob, read
from mvsep_watch.store.transitions import record

_LIVE = f"state NOT IN ({', '.join(repr(str(state)) for state in FINISHED)})"
"""Spelled as in the index, which SQLite then takes; `_OF_ONE_OFF` likewise."""
_OF_ONE_OFF = f"folder GLOB 'separate/*' AND {_LIVE}"
_HINTED = "state = 'queued' AND separation_id IS NULL AND hint <> ''"
_FOLDERS_WAITING = """
WITH RECURSIVE waiting (name) AS (
  SELECT min(folder) FROM jobs INDEXED BY jobs_waiting WHERE state = 'queued' AND separation_id IS NULL
  UNION ALL
  SELECT (
    SELECT min(folder) FROM jobs INDEXED BY jobs_waiting
    WHERE state = 'queued' AND separation_id IS NULL AND folder > name
  )
  FROM waiting WHERE name IS NOT NULL
)
SELECT name FROM waiting WHERE name IS NOT NULL
"""
"""Hops from folder to folder in the index: costs the folders, not the jobs."""


ENDED_LATELY = 500
"""How many jobs that ended without results are looked after at a start: their stagings may be left."""


class Jobs:
    """The table of jobs, with their outputs, batches and approvals."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def add(
        self,
        *,
        source_id: int,
        bytes_key: str,
        folder: str,
        rule: str,
        realm: str,
        input_key: str,
        asked: str,
        priority: int,
        output_root: Path,
        final: Path,
        batch_id: int,
        now: float,
        line: bytes = b"",
        is_flat: bool = False,
        redo_of: int | None = None,
        attempt_wanted: int | None = None,
        replaces: bool = False,
    ) -> int:
        """Queue a job, its place reserved, and give its id; it stands in its folder's line by `line`, then by age."""
        job_id = self._db.insert(
            "jobs",
            {
                "source_id": source_id,
                "bytes_key": bytes_key,
                "folder": folder,
                "rule": rule,
                "realm": realm,
                "input_key": input_key,
                "asked": asked,
                "state": JobState.QUEUED,
                "priority": priority,
                "output_root": path_blob(output_root),
                "final": path_blob(final),
                "is_flat": int(is_flat),
                "batch_id": batch_id,
                "line": line,
                "queued_at": now,
                "redo_of": redo_of,
                "attempt_wanted": attempt_wanted,
                "replaces": int(replaces),
            },
        )
        record(self._db, subject="job", subject_id=job_id, before=None, after=JobState.QUEUED, reason="", now=now)
        return job_id

    def get(self, job_id: int) -> JobRow | None:
        """Give a job by its id."""
        row = self._db.one("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return read(JobRow, row) if row else None

    def move(self, job: JobRow, state: JobState, *, now: float, reason: str = "", **columns: Any) -> None:
        """Change a job's state, with what belongs to it.

        One that ends without results has its source considered for disposal: it may be what kept it.
        """
        finished = {"finished_at": now} if state in FINISHED else {}
        values = {"reason": reason, "hint": "", "hold": None, "resume": None, "price": None, "failures": 0}
        self._db.update("jobs", job.id, {**values, "not_before": 0.0, **finished, **columns, "state": state})
        record(self._db, subject="job", subject_id=job.id, before=job.state, after=state, reason=reason, now=now)
        if state in FINISHED and state != JobState.PUBLISHED:
            self._db.update("sources", job.source_id, {"dispose_pending": 1, "dispose_not_before": 0.0})

    def hold(
        self,
        job: JobRow,
        kind: HoldKind,
        *,
        now: float,
        reason: str,
        hint: str,
        price: int | None = None,
        resume: JobState | None = None,
    ) -> None:
        """Let a job wait for a person; it remembers where to resume."""
        resumes_at = resume or job.resume or (JobState.QUEUED if job.state == JobState.HELD else job.state)
        self.move(job, JobState.HELD, now=now, reason=reason, hint=hint, hold=kind, price=price, resume=resumes_at)

    def wait(self, job: JobRow, *, reason: str, hint: str, not_before: float, failures: int | None = None) -> None:
        """Let a job wait by itself, saying why; its state stays."""
        counted = {} if failures is None else {"failures": failures}
        self._db.update("jobs", job.id, {"reason": reason, "hint": hint, "not_before": not_before, **counted})

    def wake(self) -> None:
        """Have every waiting job considered again at once: what it waited for may be over."""
        self._db.run(
            "UPDATE jobs SET not_before = 0 WHERE state = 'queued' AND separation_id IS NULL AND not_before > 0"
        )

    def waiting_with(self, hint: str) -> JobRow | None:
        """Give the oldest queued job without a separation whose hint is this one."""
        found = self._rows(f"{_HINTED} AND hint = ? ORDER BY id LIMIT 1", (hint,))
        return found[0] if found else None

    def wake_from(self, hint: str) -> None:
        """Have the queued jobs with this hint considered again at once, as if nothing had kept them."""
        self._db.run(f"UPDATE jobs SET not_before = 0, reason = '', hint = '' WHERE {_HINTED} AND hint = ?", (hint,))  # noqa: S608

    def set_priority(self, folder: str, rule: str, priority: int) -> None:
        """Give the jobs of a rule that wait its priority."""
        self._db.run(
            "UPDATE jobs SET priority = ? WHERE folder = ? AND rule = ? AND state = 'queued' AND priority <> ?",
            (priority, folder, rule, priority),
        )

    def set(self, job_id: int, **columns: Any) -> None:
        """Change columns that are no state."""
        self._db.update("jobs", job_id, columns)

    def waiting(self, folder: str, *, now: float, limit: int, except_for: Collection[int] = ()) -> list[JobRow]:
        """Give a folder's queued jobs without a separation that are due: higher priority first, then as in line."""
        marks = ",".join("?" * len(except_for))
        return self._rows(
            "state = 'queued' AND separation_id IS NULL AND folder = ? AND not_before <= ?"
            f" AND id NOT IN ({marks}) ORDER BY priority DESC, line, id LIMIT ?",
            (folder, now, *except_for, limit),
        )

    def with_a_separation_to_share(self, *, now: float, after: int, looked_at: int) -> tuple[list[JobRow], int]:
        """Give waiting jobs on whose input there is a separation already, among the next so many queued ones.

        Returns:
            The jobs, and the id to go on after the next time: 0 at the end.
        """
        queued = f"FROM jobs WHERE state = 'queued' AND {_LIVE} AND id > ?"
        last = self._db.value(
            f"SELECT max(id) FROM (SELECT id {queued} ORDER BY id LIMIT ?)",  # noqa: S608 - constants
            (after, looked_at),
        )
        if last is None:
            return [], 0
        rows = self._db.all(
            f"SELECT * {queued} AND id <= ? AND separation_id IS NULL AND not_before <= ? AND EXISTS (SELECT 1"  # noqa: S608
            " FROM separations WHERE separations.realm = jobs.realm AND separations.input_key = jobs.input_key)"
            " ORDER BY id",
            (after, last, now),
        )
        return [read(JobRow, row) for row in rows], last

    def folders_waiting(self) -> list[str]:
        """Give the names of the folders that have queued jobs without a separation."""
        rows = self._db.all(_FOLDERS_WAITING)
        return [row[0] for row in rows]

    def due(self, state: JobState, *, now: float, limit: int) -> list[JobRow]:
        """Give the jobs in `separated` or `fetched` whose next step is due."""
        return self._rows(
            "state = ? AND state IN ('separated', 'fetched') AND not_before <= ? ORDER BY not_before, id LIMIT ?",
            (state, now, limit),
        )

    def with_results(self, *, limit: int) -> list[JobRow]:
        """Give the jobs in `separated` or `fetched`, those whose separation ended first before the others."""
        return self._rows(
            "state IN ('separated', 'fetched')"
            " ORDER BY (SELECT ended_at FROM separations WHERE separations.id = separation_id), id LIMIT ?",
            (limit,),
        )

    def live(self) -> list[JobRow]:
        """Give every job that is not finished."""
        return self._rows(f"{_LIVE} ORDER BY +id")

    def live_ids(self) -> list[int]:
        """Give the ids of every job that is not finished."""
        return [row[0] for row in self._db.all(f"SELECT id FROM jobs WHERE {_LIVE}")]  # noqa: S608 - constants

    @property
    def newest_id(self) -> int:
        """The youngest job's id; 0 where there is none."""
        return int(self._db.value("SELECT max(id) FROM jobs") or 0)

    def hashes_of_live(self) -> list[str]:
        """Give the hashes of the separations that live jobs need."""
        rows = self._db.all(
            f"SELECT DISTINCT hash FROM separations WHERE id IN (SELECT separation_id FROM jobs WHERE {_LIVE})"  # noqa: S608
            " AND hash IS NOT NULL"
        )
        return [row[0] for row in rows]

    def parents_of_live(self) -> list[Path]:
        """Give the folders in which live jobs may have a staging, and those of jobs that ended lately."""
        live = self._db.all(f"SELECT DISTINCT final FROM jobs WHERE {_LIVE}")  # noqa: S608 - constants
        ended = self._db.all(
            "SELECT final FROM jobs WHERE state IN ('failed', 'cancelled') ORDER BY finished_at DESC LIMIT ?",
            (ENDED_LATELY,),
        )
        return list({Path(os.fsdecode(row[0])).parent for row in (*live, *ended)})

    def roots_of_one_offs(self) -> list[Path]:
        """Give the output roots of one-offs with live jobs."""
        rows = self._db.all(f"SELECT DISTINCT output_root FROM jobs WHERE {_OF_ONE_OFF}")  # noqa: S608 - constants
        return [Path(os.fsdecode(row[0])) for row in rows]

    def of_one_offs_at(self, root: Path) -> list[JobRow]:
        """Give the live jobs of one-offs with an output root, the oldest first."""
        return self._rows(f"output_root = ? AND {_OF_ONE_OFF} ORDER BY +id", (path_blob(root),))

    def held(self, kind: HoldKind) -> list[JobRow]:
        """Give the held jobs of one kind."""
        return self._rows(f"state = 'held' AND {_LIVE} AND hold = ? ORDER BY +id", (kind,))

    def of_separation(self, separation_id: int) -> list[JobRow]:
        """Give the live jobs that a separation serves, the oldest first."""
        return self._rows(f"separation_id = ? AND {_LIVE} ORDER BY id", (separation_id,))

    def ever_of_separation(self, separation_id: int) -> list[JobRow]:
        """Give all jobs that a separation ever served, the oldest first."""
        return self._rows("separation_id = ? ORDER BY id", (separation_id,))

    def of_source(self, source_id: int) -> list[JobRow]:
        """Give all jobs of a source, the oldest first."""
        return self._rows("source_id = ? ORDER BY id", (source_id,))

    def of_batch(self, batch_id: int, *, after: int = 0) -> list[JobRow]:
        """Give the live jobs of a batch, those younger than job `after`."""
        return self._rows(f"batch_id = ? AND id > ? AND {_LIVE} ORDER BY id", (batch_id, after))

    def on_input(self, input_key: str) -> list[JobRow]:
        """Give all jobs on this input, the oldest first."""
        return self._rows("input_key = ? ORDER BY id", (input_key,))

    def on_bytes(self, bytes_key: str) -> list[JobRow]:
        """Give all jobs on sources with these bytes, the oldest first."""
        return self._rows("bytes_key = ? ORDER BY id", (bytes_key,))

    def settings_planned_before(self, *, realm: str, input_key: str, asked: str) -> str | None:
        """Give the settings that the same asking meant for the same input when it was first planned, if it was."""
        text: str | None = self._db.value(
            "SELECT settings FROM jobs WHERE input_key = ? AND realm = ? AND asked = ? AND settings IS NOT NULL"
            " ORDER BY id LIMIT 1",
            (input_key, realm, asked),
        )
        return text

    def is_reserved(self, final: Path) -> bool:
        """Say whether a job that may still publish, or has published, owns the place with this base."""
        return bool(
            self._db.value(
                "SELECT 1 FROM jobs WHERE final = ? AND state NOT IN ('failed', 'cancelled') LIMIT 1",
                (path_blob(final),),
            )
        )

    def is_published_at(self, final: Path, hash_: str) -> bool:
        """Say whether a job has published the results of a separation in the place with this base."""
        return bool(
            self._db.value(
                "SELECT 1 FROM jobs JOIN separations ON separations.id = jobs.separation_id"
                " WHERE final = ? AND jobs.state = 'published' AND hash = ? LIMIT 1",
                (path_blob(final), hash_),
            )
        )

    def since(self, job: JobRow) -> float:
        """Say when a job came into the state that it is in, seconds since 1970."""
        at: float | None = self._db.value(
            "SELECT max(at) FROM transitions WHERE subject = 'job' AND subject_id = ? AND to_state = ?"
            " AND from_state IS NOT to_state",
            (job.id, job.state),
        )
        return at or job.queued_at

    def counts(self) -> dict[JobState, int]:
        """Give the number of jobs in every state; kept by triggers, so that it costs nothing."""
        rows = self._db.all("SELECT state, n FROM job_counts")
        found = {row["state"]: row["n"] for row in rows}
        return {state: found.get(state, 0) for state in JobState}

    def set_outputs(self, job_id: int, outputs: Sequence[Output]) -> None:
        """Write what a job staged or published."""
        self._db.run("DELETE FROM outputs WHERE job_id = ?", (job_id,))
        for position, output in enumerate(outputs):
            self._db.run(
                "INSERT INTO outputs VALUES (?, ?, ?, ?, ?, ?)",
                (job_id, position, output.stem, output.name, output.size_bytes, output.sha256),
            )

    def outputs(self, job_id: int) -> tuple[Output, ...]:
        """Give what a job staged or published."""
        rows = self._db.all(
            "SELECT stem, name, size_bytes, sha256 FROM outputs WHERE job_id = ? ORDER BY position", (job_id,)
        )
        return tuple(read(Output, row) for row in rows)

    def _rows(self, where: str, params: Sequence[Any] = ()) -> list[JobRow]:
        return [read(JobRow, row) for row in self._db.all(f"SELECT * FROM jobs WHERE {where}", params)]  # noqa: S608
