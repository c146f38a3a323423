"""Rows of the history that are a second time what is known here: the service made one upload twice, or made it late.

Each may have cost as much as the first. Nothing of it can be undone here, so it is told, once, in the log and among
what `show` says of the separation; it is never taken, and never a reason to send anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvsep_watch.daemon.context import Context
from mvsep_watch.model import HistoryRow, tag_in_hash
from mvsep_watch.store import SeparationRow


def tell_of(context: Context, rows: Iterable[HistoryRow]) -> None:
    """Tell of those rows, not seen before, whose tag is that of a separation with another hash."""
    for row in rows:
        for known in context.store.separations.of_tag(tag_in_hash(row.hash) or ""):
            is_here = (known.realm, known.account) == (context.realm, context.identity)
            if is_here and known.hash not in (None, row.hash):
                tell(context, known, row)


def tell(context: Context, known: SeparationRow, row: HistoryRow) -> None:
    """Tell of one: a separation is listed once more."""
    context.log.warning("second_row_found", separation=known.id, hash=row.hash, credits=row.credits)
    cost = "" if row.credits is None else f", charged {row.credits}"
    reason = f"the history lists it a second time, as {row.hash}{cost}: `spend` does not count that one"
    context.store.separations.note(known, reason, now=context.clock.now())
