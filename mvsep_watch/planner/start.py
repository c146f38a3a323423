"""Whether a separation may start now, and if not, why: gates, plan, money and slots, in this order.

Asked twice with the same words: before the intent is committed, and again in the transaction that lets the last chunk
go. Any doubt about the budget is a no.
"""

from __future__ import annotations

from dataclasses import dataclass

from mvsep_watch.model import Account, CreditLimits, Gate
from mvsep_watch.planner.limits import PlanLimits
from mvsep_watch.pricing import in_words

QUARANTINED_AFTER = 3
"""Failures on one input; `limits.attempts` allows as many for each of its settings, and more are a waste."""
UNKNOWN_PRICE_RESERVES = 1
"""What an approved separation of unknown price reserves until it is settled: the least that the service charges."""

BUY_CREDITS = "buy credits, or lower limits.credits.reserve"
"""The hint of what waits because the balance is too low; it is known by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds for every separation that might start now.

    Args:
        reserved: Credits reserved and not yet part of `account.credits`.
        spent_today, spent_this_month: Charged, and reserved until it is known what was charged.
        sent_today: Separations sent today.
        attempts: `limits.attempts`.
        is_untagged_unknown: Whether it is not known what became of another one that was sent without a tag.
        slots_taken: What may be unfinished on the server, the unknown included.
    """

    gates: tuple[Gate, ...]
    plan: PlanLimits
    credits: CreditLimits
    account: Account | None
    slots_taken: int
    sent_today: int = 0
    is_untagged_unknown: bool = False
    attempts: int = 1
    reserved: int = 0
    spent_today: int = 0
    spent_this_month: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A separation that might start.

    Args:
        price: Credits; None is unknown.
        root: The output root, escaped: the scope of a `disk` gate.
        folder: The watched folder's name: the scope of a `paused` gate.
        is_tagged: Whether the history would show whose it is.
        failures: How often the service failed on this input, with any settings, and never did it.
        approved: Whether a person approved this attempt, and for how many credits (None: whatever it costs).
    """

    price: int | None
    size_bytes: int
    duration_s: float | None
    root: str = ""
    folder: str = ""
    is_tagged: bool = True
    failures: int = 0
    approved: tuple[bool, int | None] = (False, None)


@dataclass(frozen=True, slots=True)
class Start:
    """It may start, reserving this many credits."""

    reserves: int


@dataclass(frozen=True, slots=True)
class Wait:
    """It starts by itself when it may.

    Args:
        is_shared: The reason is not this one's alone: no other may start either.
        is_budget: The reason is what may still be spent; others wait for it as well, but what costs less may start.
    """

    reason: str
    hint: str = ""
    is_shared: bool = False
    is_budget: bool = False


@dataclass(frozen=True, slots=True)
class Misfit(Wait):
    """It does not fit what the service offers; a person changes the rule, or the service changes back."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A person decides with `approve`."""

    reason: str
    hint: str
    price: int | None


def may_start(proposal: Proposal, situation: Situation) -> Start | Wait | Ask:
    """Decide whether a separation may start now."""
    return (
        _gate(proposal, situation)
        or _plan(proposal, situation)
        or _quarantine(proposal, situation)
        or _approval(proposal, situation.credits)
        or _budget(proposal, situation)
        or _one_at_a_time(proposal, situation)
        or _slots(situation)
        or Start(_reserves(proposal))
    )


def _reserves(proposal: Proposal) -> int:
    return UNKNOWN_PRICE_RESERVES if proposal.price is None else proposal.price


def _gate(proposal: Proposal, situation: Situation) -> Wait | None:
    for gate in situation.gates:
        if gate.concerns(root=proposal.root, folder=proposal.folder):
            return Wait(gate.reason, gate.hint, is_shared=not gate.scope)
    if situation.account is None:
        return Wait("the account has not been read yet", is_shared=True)
    return None


def _plan(proposal: Proposal, situation: Situation) -> Wait | None:
    plan = situation.plan
    if plan.max_size_bytes is not None and proposal.size_bytes > plan.max_size_bytes:
        return Wait(
            f"{proposal.size_bytes} bytes are more than limits.max_size allows ({plan.max_size_bytes})",
            "raise limits.max_size if the account's plan takes larger files",
        )
    if plan.max_duration_s is not None and (proposal.duration_s or 0) > plan.max_duration_s:
        return Wait(
            f"{proposal.duration_s:.0f} s are longer than limits.max_duration allows ({plan.max_duration_s:.0f} s)",
            "raise limits.max_duration if the account's plan takes longer files",
        )
    if plan.per_day_jobs is not None and situation.sent_today >= plan.per_day_jobs:
        return Wait(f"{situation.sent_today} of {plan.per_day_jobs} separations of today are used", is_shared=True)
    return None


def _quarantine(proposal: Proposal, situation: Situation) -> Ask | None:
    """Ask before more is paid for content that the service keeps failing on, whatever rule or name it comes under."""
    is_approved, _ = proposal.approved
    if is_approved or proposal.failures < max(QUARANTINED_AFTER, situation.attempts):
        return None
    return Ask(
        f"the service failed on this content {proposal.failures} times, and never succeeded",
        "listen to the file; `approve` sends it all the same, and pays",
        proposal.price,
    )


def _approval(proposal: Proposal, limits: CreditLimits) -> Ask | None:
    """Hold what was approved to the price that it was approved for, and all else to the limits."""
    is_approved, most = proposal.approved
    price, ceiling = proposal.price, limits.approve_job_above
    confirmed = f", and {most} were confirmed" if is_approved and most is not None else ""
    if is_approved and (most is None or (price is not None and price <= most)):
        return None
    if price is None:
        is_asked = is_approved or any_limit(limits)
        hint = "`approve` lets it go, whatever it costs"
        return Ask(f"its price is not known{confirmed}", hint, None) if is_asked else None
    if not is_approved and (ceiling is None or price <= ceiling):
        return None
    why = confirmed or f", more than limits.credits.approve_job_above ({ceiling})"
    return Ask(f"it would cost {in_words(price)}{why}", f"`approve` lets it go for {in_words(price)}", price)


def any_limit(limits: CreditLimits) -> bool:
    """Say whether any limit on credits is set: then an unknown price is asked about."""
    return bool(limits.reserve) or any(
        limit is not None
        for limit in (limits.per_day, limits.per_month, limits.approve_job_above, limits.approve_batch_above)
    )


def _budget(proposal: Proposal, situation: Situation) -> Wait | None:
    price, limits, account = _reserves(proposal), situation.credits, situation.account
    if not price or account is None:
        return None
    if account.credits is None:
        return Wait("the service does not say the account's balance", "it is asked for again by itself", is_shared=True)
    free = account.credits - situation.reserved - limits.reserve
    if price > free:
        return Wait(
            f"it costs {in_words(price)} and {max(free, 0)} may be spent: balance {account.credits},"
            f" {situation.reserved} in use, {limits.reserve} kept back",
            BUY_CREDITS,
            is_budget=True,
        )
    for name, limit, spent in (
        ("day", limits.per_day, situation.spent_today),
        ("month", limits.per_month, situation.spent_this_month),
    ):
        if limit is not None and spent + price > limit:
            return Wait(
                f"it costs {in_words(price)} and {max(limit - spent, 0)} of {limit} are left for this {name}",
                f"it goes on by itself next {name}; or raise limits.credits.per_{name}",
                is_budget=True,
            )
    return None


def _one_at_a_time(proposal: Proposal, situation: Situation) -> Wait | None:
    """Let what carries no tag wait for its like: else nobody could tell which of them a row of the history is."""
    if proposal.is_tagged or not situation.is_untagged_unknown:
        return None
    return Wait(
        "it is not known what became of another link, text or pair, and they are sent one at a time",
        "`jobs --state held` shows which; settle that one first",
    )


def _slots(situation: Situation) -> Wait | None:
    if situation.slots_taken < situation.plan.separations:
        return None
    return Wait(f"{situation.slots_taken} of {situation.plan.separations} slots are taken", is_shared=True)
