"""What happened since an instant: what a run tells about itself at its end. Only reads.

These look through whole tables, which is right once at the end of a run and nowhere else.
"""

from __future__ import annotations

from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import JobRow, SourceRow, read


def jobs_finished(db: Db, *, since: float) -> list[JobRow]:
    """Give the jobs that were published, failed or cancelled since an instant, in that order of time."""
    rows = db.all("SELECT * FROM jobs WHERE finished_at >= ? ORDER BY finished_at, id", (since,))
    return [read(JobRow, row) for row in rows]


def sources_refused(db: Db, *, since: float) -> list[SourceRow]:
    """Give the files that were refused since an instant: no audio, empty, damaged."""
    rows = db.all("SELECT * FROM sources WHERE state = 'refused' AND seen_at >= ? ORDER BY path", (since,))
    return [read(SourceRow, row) for row in rows]


def credits_spent(db: Db, *, since: float) -> int:
    """Sum what the ledger took since an instant: charged, reserved and not yet settled, less what was given back.

    What was adopted from the history was paid for before this state knew of it, and is no spending of its own.
    """
    total = db.value(
        "SELECT coalesce(sum(credits), 0) FROM ledger WHERE at >= ? AND separation_id NOT IN"
        " (SELECT id FROM separations WHERE released_at IS NULL AND hash IS NOT NULL)",
        (since,),
    )
    return int(total)


def credits_spent_on(db: Db, *, realm: str, first_day: str, since: float) -> int:
    """Sum what `credits_spent` sums, of what was released from a local date on: costs these days and not the ledger."""
    total = db.value(
        "SELECT coalesce(sum(l.credits), 0) FROM ledger l JOIN separations s ON s.id = l.separation_id"
        " WHERE l.realm = ? AND l.day >= ? AND l.at >= ? AND (s.released_at IS NOT NULL OR s.hash IS NULL)",
        (realm, first_day, since),
    )
    return int(total)
