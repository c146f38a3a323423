"""What a look at the history says of a separation whose outcome is unknown.

Found is found. Absence is believed only after enough complete reads over a window that starts when the connection is
known to be closed, and only where this account's history has been seen to list unfinished work promptly. Where it has
not, or was ever late, a younger separation of ours must have been listed while unfinished. Everything else is a doubt,
and a doubt is held. All instants are seconds on the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvsep_watch.model import HistoryRow

READS_NEEDED = 3
MAX_RELEASES = 2
"""Sent, and once more after a certain absence. A second unknown is a person's."""
LAGS_WAITED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How far the search for one unknown has come, since its connection was closed.

    Args:
        since_s: When the connection was known to be closed.
        reads: Complete, successful reads.
        last_begun_s: When the last of them began.
        younger_was_listed: Whether a younger separation of ours was listed while a later `get` said unfinished.
    """

    since_s: float
    reads: int = 0
    last_begun_s: float = float("-inf")
    younger_was_listed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promptness:
    """How this account's history on this host has been seen to list unfinished work."""

    seen: int
    was_late: bool
    longest_lag_s: float


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Too early to say."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Certainly not made: it may be sent again, once."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Not found, and not certainly absent: held, and looked for on."""

    reason: str


def verdict(
    search: Search, promptness: Promptness, *, window_s: float, releases: int, is_tagged: bool = True
) -> LookAgain | Absent | Doubtful:
    """Judge an unknown that no read has found; what carries no tag cannot be found, so it is never absent."""
    wait_s = max(window_s, LAGS_WAITED * promptness.longest_lag_s)
    if search.reads < READS_NEEDED or search.last_begun_s < search.since_s + wait_s:
        return LookAgain()
    if not is_tagged:
        return Doubtful("it was sent without a tag, so no row of the history can be told to be it")
    if releases >= MAX_RELEASES:
        return Doubtful("it was sent twice and neither is in the history")
    if search.younger_was_listed or (promptness.seen and not promptness.was_late):
        return Absent()
    why = "lists new work late" if promptness.was_late else "has not been seen to list unfinished work"
    return Doubtful(f"it is not in the history, but this account's history {why}")


def best_row(rows: Sequence[tuple[HistoryRow, str]]) -> HistoryRow:
    """Choose the row to adopt among several with the tag: done before unfinished before failed, then the oldest.

    Args:
        rows: Rows with what `get` says of each, at least one.
    """
    rank = {"done": 0, "failed": 2, "not_found": 3}
    return min(rows, key=lambda pair: (rank.get(pair[1], 1), pair[0].id))[0]
