"""Rows of the history that might be what a link, a text or a pair became: nothing of ours is in their hashes.

Which of them it is, only a person can say. A row is claimed by what is known to be it; while the service still fetches
a link of ours, a row may be that link's, and nobody takes it. A state that was begun anew does not know what was sent
before: for as long as the service keeps results, what carries no tag is not sent before these rows were shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from mvsep_watch.daemon.polling import KEPT_BY_SERVER_S
from mvsep_watch.model import HistoryRow, SeparationState, Settings
from mvsep_watch.store import SeparationRow, Store

ROWS_NAMED = 5
TAKES_ONE = "look on the site: `retry --hash HASH` takes one of these for it, and pays nothing"
_BEGUN_ANEW = "begun_anew_at"


def begin_anew(store: Store, *, now: float) -> None:
    """Write down that what was sent before is not known here any more."""
    store.memory.set_meta(_BEGUN_ANEW, str(now))


def has_forgotten(store: Store, *, now: float) -> bool:
    """Say whether the service may have results of what was sent before the state was begun anew."""
    begun_at = store.memory.meta(_BEGUN_ANEW)
    return begun_at is not None and now - float(begun_at) <= KEPT_BY_SERVER_S


def might_be(store: Store, row: SeparationRow) -> list[HistoryRow]:
    """Give the rows that might be a separation without a tag, the newest first."""
    sep_type = row.work.settings.sep_type
    return store.memory.history_unexplained(row.realm, row.account, sep_type=sep_type, after=row.watermark)


def might_be_sent(store: Store, settings: str, *, realm: str, account: str, now: float) -> list[HistoryRow]:
    """Give the rows with results that might be what a state before this one has sent with these settings."""
    sep_type = Settings.from_canonical(settings).sep_type
    return store.memory.history_unexplained(realm, account, sep_type=sep_type, kept_at=now)


def being_linked(store: Store, *, realm: str, account: str) -> SeparationRow | None:
    """Give a link that the service still fetches: one of the unexplained rows may be its own."""
    submitted = store.separations.in_state(SeparationState.SUBMITTED)
    mine = (row for row in submitted if (row.realm, row.account) == (realm, account))
    return next((row for row in mine if row.is_being_linked), None)


def named(rows: Sequence[HistoryRow]) -> str:
    """Name rows for people; not more than a few."""
    listed = ", ".join(f"{row.hash} ({row.created_at or 'time not said'})" for row in rows[:ROWS_NAMED])
    more = len(rows) - ROWS_NAMED
    return f"{listed} and {more} more" if more > 0 else listed
