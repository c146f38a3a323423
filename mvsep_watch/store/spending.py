"""What separations reserved and cost, out of the ledger. Only reads.

A separation counts once, on the local date of its release, for the job that began it: others that share it cost
nothing. The surprise: its whole ledger stands on that one day, since what moves to another day leaves nothing behind;
so the sums of separations are the sums of the ledger, which is what limits count by.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from mvsep_watch.store.connection import Db

_SPENT = """
SELECT s.account, s.reserved_day, s.settings, s.algorithm, s.ended_at, j.folder, j.rule,
  s.credits_charged IS NULL AS is_open,
  s.hash IS NOT NULL OR s.state NOT IN ('failed', 'cancelled') AS was_made,
  coalesce(sum(l.credits), 0) AS spent,
  coalesce(sum(l.credits) FILTER (WHERE l.entry IN ('reserved', 'moved', 'released')), 0) AS estimated,
  coalesce(sum(l.credits) FILTER (WHERE l.entry = 'given_back'), 0) AS given_back
FROM separations s
LEFT JOIN ledger l ON l.separation_id = s.id
LEFT JOIN jobs j ON j.id = coalesce(s.began_for, (SELECT min(id) FROM jobs WHERE separation_id = s.id))
WHERE s.realm = ? AND s.reserved_day BETWEEN ? AND ?
GROUP BY s.id ORDER BY s.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One separation's money.

    Args:
        day: A local date.
        folder: That of the job that began it, and its rule; None where no job is known.
        algorithm: The model as the service named it; empty where it did not yet.
        was_made: False for what was certainly never made.
        estimated: What was reserved.
        charged: What it is known to have cost.
        given_back: What was reserved, or charged, and not kept.
        open: What is reserved until it is known what was charged.
        ended_at: Seconds since 1970, or None.
    """

    account: str
    day: str
    folder: str | None
    rule: str | None
    sep_type: int
    algorithm: str
    was_made: bool
    estimated: int
    charged: int
    given_back: int
    open: int
    ended_at: float | None


def spent(db: Db, *, realm: str, first_day: str, last_day: str) -> list[Spent]:
    """Give the separations of a realm on days, both included."""
    return [_read(row) for row in db.all(_SPENT, (realm, first_day, last_day))]


def _read(row: sqlite3.Row) -> Spent:
    return Spent(
        account=row["account"],
        day=row["reserved_day"],
        folder=row["folder"],
        rule=row["rule"],
        sep_type=json.loads(row["settings"])["sep_type"],
        algorithm=row["algorithm"],
        was_made=bool(row["was_made"]),
        estimated=row["estimated"],
        charged=0 if row["is_open"] else row["spent"],
        given_back=-row["given_back"],
        open=row["spent"] if row["is_open"] else 0,
        ended_at=row["ended_at"],
    )
