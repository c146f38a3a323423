"""Batches, which a person is asked about as a whole, and prices of single attempts that a person has approved."""

from __future__ import annotations

from typing import Any

from mvsep_watch.model import BatchOrigin, Settings
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import JobRow


class Approvals:
    """The tables `batches` and `approvals`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def open_batch(self, folder: str, origin: BatchOrigin, *, now: float, must_ask: bool = False) -> int:
        """Give the folder's open batch of this origin, or open one."""
        found = self._db.value(
            "SELECT id FROM batches WHERE folder = ? AND origin = ? AND closed_at IS NULL", (folder, origin)
        )
        return found or self._db.insert(
            "batches", {"folder": folder, "origin": origin, "opened_at": now, "must_ask": int(must_ask)}
        )

    def close_batch_of(self, folder: str, origin: BatchOrigin, *, now: float) -> None:
        """Let no further job into the folder's open batch of this origin, if there is one."""
        self._db.run(
            "UPDATE batches SET closed_at = ? WHERE folder = ? AND origin = ? AND closed_at IS NULL",
            (now, folder, origin),
        )

    def close_batch(self, batch_id: int, *, now: float) -> None:
        """Let no further job into a batch."""
        self._db.run("UPDATE batches SET closed_at = ? WHERE id = ? AND closed_at IS NULL", (now, batch_id))

    def ask_again(self, *, now: float) -> None:
        """Let no further job into any open batch, and have every job that nothing was sent for asked about."""
        self._db.run("UPDATE batches SET closed_at = ? WHERE closed_at IS NULL", (now,))
        self._db.run(
            "UPDATE batches SET must_ask = 1, approved_at = NULL"
            " WHERE id IN (SELECT batch_id FROM jobs WHERE state = 'queued' AND separation_id IS NULL)"
        )

    def close_old_batches(self, origin: BatchOrigin, *, opened_before: float, now: float) -> None:
        """Let no further job into batches of an origin that were opened before an instant."""
        self._db.run(
            "UPDATE batches SET closed_at = ? WHERE closed_at IS NULL AND origin = ? AND opened_at < ?",
            (now, origin, opened_before),
        )

    def approved_batch(self, *, now: float) -> int:
        """Make a batch for jobs that a person has approved: it is never asked about again."""
        values = {"folder": "", "origin": "approved", "opened_at": now, "closed_at": now, "approved_at": now}
        return self._db.insert("batches", values)

    def batch(self, batch_id: int) -> dict[str, Any]:
        """Give a batch's columns."""
        row = self._db.one("SELECT * FROM batches WHERE id = ?", (batch_id,))
        return dict(row) if row else {}

    def approve(self, job: JobRow, *, attempt: int, credits_: int | None, now: float, saw_rows: bool = False) -> None:
        """Write down that a work's attempt may cost this much; None is a price that nobody knows.

        Whoever approves it `saw_rows` of the history that it might be.
        """
        self._db.run(
            "INSERT INTO approvals (realm, input_key, settings, attempt, credits, approved_at, saw_rows)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET credits = excluded.credits,"
            " approved_at = excluded.approved_at, saw_rows = max(saw_rows, excluded.saw_rows)",
            (job.realm, job.input_key, job.settings or "", attempt, credits_, now, int(saw_rows)),
        )

    def approved_with_rows(self, job: JobRow, *, attempt: int) -> bool:
        """Say whether a work's attempt was approved by somebody who saw the rows that it might be."""
        found = self._db.value(
            "SELECT saw_rows FROM approvals WHERE realm = ? AND input_key = ? AND settings = ? AND attempt = ?",
            (job.realm, job.input_key, job.settings or "", attempt),
        )
        return bool(found)

    def approved(self, *, realm: str, input_key: str, settings: Settings, attempt: int) -> tuple[bool, int | None]:
        """Say whether a work's attempt was approved, and for how many credits."""
        row = self._db.one(
            "SELECT credits FROM approvals WHERE realm = ? AND input_key = ? AND settings = ? AND attempt = ?",
            (realm, input_key, settings.canonical(), attempt),
        )
        return (row is not None, row["credits"] if row else None)
