"""What was charged for separations that have ended, as the account's history says it; until then the estimate counts.

A link that failed while the service was fetching it never had the hash that the history lists. Its charge is that of a
row that nothing else explains; where there is none, nothing was charged. Which row it is cannot be told, so the dearest
counts. While another link may be one of these rows, nothing is settled.
"""

from __future__ import annotations

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.polling import KEPT_BY_SERVER_S
from mvsep_watch.daemon.recognising import might_be
from mvsep_watch.model import SeparationState
from mvsep_watch.planner.reconcile import LAGS_WAITED
from mvsep_watch.pricing import SETTLE_FOR_S
from mvsep_watch.steps.asking import HistoryRead
from mvsep_watch.store import SeparationRow

CHARGED_WITHIN_S = 600.0
"""How long after its end something that was to cost credits, and was done, is not believed to be free."""
LISTED_WITHIN_S = 30.0
"""How long the history may take to list what has just ended, where it was never seen to take longer."""


def unsettled(context: Context) -> list[SeparationRow]:
    """Give separations that ended lately, and whose charge is looked for."""
    return context.store.separations.unsettled(ended_after=context.clock.now() - SETTLE_FOR_S)


def settle(context: Context, read: HistoryRead) -> None:
    """Record what a complete read of the history says was charged."""
    separations, now = context.store.separations, context.clock.now()
    charges = {row.hash: row.credits for row in read.rows if row.credits is not None}
    for row in unsettled(context):
        charged = charges.get(row.hash or "")
        if charged is not None and (charged or not _may_still_cost(context, row)):
            separations.settle(row, charged, now=now)
    links = separations.unsettled_links(ended_after=now - KEPT_BY_SERVER_S)
    mine = [row for row in links if (row.realm, row.account) == (context.realm, context.identity)]
    if mine and not separations.is_untagged_under_way(account=(context.realm, context.identity)):
        _settle_links(context, mine)


def _may_still_cost(context: Context, row: SeparationRow) -> bool:
    """Say whether what was done for nothing so far may be charged for late."""
    is_dear = row.state == SeparationState.DONE and row.credits_estimated > 0
    return is_dear and context.age_s(row.ended_at or 0.0) <= CHARGED_WITHIN_S


def _settle_links(context: Context, links: list[SeparationRow]) -> None:
    store, taken = context.store, set[int]()
    for row in links:
        rows = [found for found in might_be(store, row) if found.id not in taken]
        dearest = max(rows, key=lambda found: found.credits or 0, default=None)
        if dearest is not None and dearest.credits is not None:
            taken.add(dearest.id)
            store.separations.settle(row, dearest.credits, now=context.clock.now())
        elif dearest is None and _is_listed_by_now(context, row):
            store.separations.settle(row, 0, now=context.clock.now())


def _is_listed_by_now(context: Context, row: SeparationRow) -> bool:
    """Say whether a read of the history would list it, had it been made."""
    lag_s = context.store.memory.sightings(row.realm, row.account, row.host).longest_lag_s
    return context.age_s(row.ended_at or 0.0) > max(LISTED_WITHIN_S, LAGS_WAITED * lag_s)
