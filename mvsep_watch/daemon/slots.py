"""How many separations the service takes at once, learned from what it refused and took; kept for each account."""

from __future__ import annotations

from mvsep_watch.daemon.context import Context
from mvsep_watch.model import SeparationState
from mvsep_watch.planner import in_force, slots_after_refusal, slots_after_success


def lower(context: Context) -> int:
    """Take note that a further separation was refused; give how many are sent at once from here on."""
    seen = slots_after_refusal(_unfinished(context), now=context.clock.now())
    context.store.memory.set_slots_seen(context.realm, context.identity, seen)
    return in_force(context.config.limits, context.account, seen).separations


def raise_after_quiet(context: Context) -> None:
    """Take note that a separation was taken."""
    memory = context.store.memory
    seen = memory.slots_seen(context.realm, context.identity)
    if seen is None:
        return
    allowed = in_force(context.config.limits, context.account).separations
    after = slots_after_success(seen, allowed=allowed, now=context.clock.now())
    if after != seen:
        memory.set_slots_seen(context.realm, context.identity, after)


def _unfinished(context: Context) -> int:
    """Count what the service has, or may have; not what is on its way and may be refused as well."""
    return sum(
        row.keeps_slot and (row.realm, row.account) == (context.realm, context.identity)
        for row in context.store.separations.unfinished()
        if row.state == SeparationState.SUBMITTED
        or (row.state == SeparationState.RELEASED and not context.hands.is_busy_with(("submit", row.id)))
    )
