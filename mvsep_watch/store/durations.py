"""How long separations took, by what was asked for: what the next polls are planned from."""

from __future__ import annotations

from mvsep_watch.planner.polling import Learned
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import read

MOST_KINDS = 500
"""Kinds that are remembered; the one that taught least lately makes room."""


class Durations:
    """The table of durations: one row for each realm, settings and plan."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def get(self, *, realm: str, settings: str, has_premium: bool) -> Learned | None:
        """Give what was learned about a kind of separation, if anything was."""
        row = self._db.one(
            "SELECT seconds_per_minute, spread, count FROM durations"
            " WHERE realm = ? AND settings = ? AND has_premium = ?",
            (realm, settings, has_premium),
        )
        return read(Learned, row) if row else None

    def put(self, learned: Learned, *, realm: str, settings: str, has_premium: bool, now: float) -> None:
        """Remember what was learned about a kind of separation."""
        with self._db.transaction():
            self._db.run(
                "INSERT OR REPLACE INTO durations VALUES (?, ?, ?, ?, ?, ?, ?)",
                (realm, settings, has_premium, learned.seconds_per_minute, learned.spread, learned.count, now),
            )
            self._db.run(
                "DELETE FROM durations WHERE rowid IN"
                " (SELECT rowid FROM durations ORDER BY learned_at DESC LIMIT -1 OFFSET ?)",
                (MOST_KINDS,),
            )
