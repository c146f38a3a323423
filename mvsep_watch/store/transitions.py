"""The append-only history of transitions, with reasons."""

from __future__ import annotations

from mvsep_watch.store.connection import Db


def record(db: Db, *, subject: str, subject_id: int, before: str | None, after: str, reason: str, now: float) -> None:
    """Append one transition of a job or a separation."""
    db.run(
        "INSERT INTO transitions (at, subject, subject_id, from_state, to_state, reason) VALUES (?, ?, ?, ?, ?, ?)",
        (now, subject, subject_id, before, after, reason),
    )
