"""What the account's plan allows: the configured limits with every `auto` filled in.

Source: MVSEP credits page and API page captures, 2025 and 2026, which disagree in places; they are guesses that the
configuration can replace, and the service has the last word. Credits left with premium off, or premium on with none
left, is an account without premium.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from mvsep_watch.model import AUTO, Account, Auto, Limits

T = TypeVar("T", int, float)

FREE_SEPARATIONS = 1
PREMIUM_SEPARATIONS = 10
FREE_PER_DAY_JOBS = 50
FREE_SIZE_BYTES = 100_000_000
PREMIUM_SIZE_BYTES = 1_000_000_000
FREE_DURATION_S = 600.0
PREMIUM_DURATION_S = 6000.0
QUIET_S = 3600.0
"""How long the service refuses nothing before one more is tried: one upload an hour, at most, is in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """Limits in force for an account; None is no limit."""

    separations: int
    per_day_jobs: int | None
    max_size_bytes: int | None
    max_duration_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsSeen:
    """What the service was seen to take, after it refused a further separation.

    Args:
        at_once: Separations unfinished at once.
        since: When this was learned, seconds since 1970.
    """

    at_once: int
    since: float


def slots_after_refusal(unfinished: int, *, now: float) -> SlotsSeen:
    """Learn from a refusal, with so many others unfinished; one is always tried, or nothing would start again."""
    return SlotsSeen(at_once=max(unfinished, FREE_SEPARATIONS), since=now)


def slots_after_success(seen: SlotsSeen, *, allowed: int, now: float) -> SlotsSeen | None:
    """Learn from a separation that was taken: after a long quiet one more is tried; None once all are allowed again."""
    if now - seen.since < QUIET_S:
        return seen
    more = SlotsSeen(at_once=seen.at_once + 1, since=now)
    return more if more.at_once < allowed else None


def in_force(limits: Limits, account: Account | None, seen: SlotsSeen | None = None) -> PlanLimits:
    """Fill in `auto`, and take no more slots than the service was seen to give.

    An account that is not known yet counts as one without premium.
    """
    premium = account is not None and account.has_premium
    separations = _pick(limits.separations, PREMIUM_SEPARATIONS if premium else FREE_SEPARATIONS) or 0
    return PlanLimits(
        separations=separations if seen is None else min(separations, seen.at_once),
        per_day_jobs=_pick(limits.per_day_jobs, None if premium else FREE_PER_DAY_JOBS),
        max_size_bytes=_pick(limits.max_size_bytes, PREMIUM_SIZE_BYTES if premium else FREE_SIZE_BYTES),
        max_duration_s=_pick(limits.max_duration_s, PREMIUM_DURATION_S if premium else FREE_DURATION_S),
    )


def _pick(configured: T | Auto | None, automatic: T | None) -> T | None:
    return automatic if configured == AUTO else configured
