"""What the account's plan allows, where the configuration says `auto`, and what the service was seen to take."""

from dataclasses import replace

import pytest

from mvsep_watch.model import Account, Limits
from mvsep_watch.planner import PlanLimits, SlotsSeen, in_force, slots_after_refusal, slots_after_success

FREE = PlanLimits(separations=1, per_day_jobs=50, max_size_bytes=100_000_000, max_duration_s=600.0)
PREMIUM = PlanLimits(separations=10, per_day_jobs=None, max_size_bytes=1_000_000_000, max_duration_s=6000.0)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (None, FREE),
        (Account(identity="me"), FREE),
        (Account(identity="me", credits=5), FREE),
        (Account(identity="me", credits=0, premium_enabled=True), FREE),
        (Account(identity="me", credits=5, premium_enabled=True), PREMIUM),
        (Account(identity="me", credits=None, premium_enabled=True), PREMIUM),
    ],
)
def test_automatic_limits_follow_the_plan(account, expected):
    """Premium is premium on and credits left; anything else is an account without."""
    assert in_force(Limits(), account) == expected


@pytest.mark.parametrize("account", [None, Account(identity="me", credits=5, premium_enabled=True)])
def test_configured_limits_replace_the_guesses(account):
    """None is no limit, on any plan."""
    limits = Limits(separations=3, per_day_jobs=None, max_size_bytes=7, max_duration_s=None)

    assert in_force(limits, account) == PlanLimits(
        separations=3, per_day_jobs=None, max_size_bytes=7, max_duration_s=None
    )


@pytest.mark.parametrize(("seen", "expected"), [(1, 1), (3, 3), (10, 10), (25, 10)])
def test_no_more_slots_than_the_service_was_seen_to_take_nor_than_allowed(seen, expected):
    """The limit is the configuration's or the plan's; what was seen can only lower it."""
    account = Account(identity="me", credits=5, premium_enabled=True)

    assert in_force(Limits(), account, SlotsSeen(at_once=seen, since=0.0)) == replace(PREMIUM, separations=expected)


@pytest.mark.parametrize(("unfinished", "expected"), [(0, 1), (1, 1), (3, 3)])
def test_a_refusal_lowers_the_slots_to_what_the_service_had(unfinished, expected):
    """One is always tried: who refuses everything has other work of this account."""
    assert slots_after_refusal(unfinished, now=7.0) == SlotsSeen(at_once=expected, since=7.0)


@pytest.mark.parametrize(
    ("now", "allowed", "expected"),
    [
        (3699.0, 10, SlotsSeen(at_once=3, since=100.0)),
        (3700.0, 10, SlotsSeen(at_once=4, since=3700.0)),
        (3700.0, 5, SlotsSeen(at_once=4, since=3700.0)),
        (3700.0, 4, None),
        (3700.0, 2, None),
    ],
)
def test_one_more_is_tried_after_an_hour_without_refusal(now, allowed, expected):
    """One at a time, until nothing is kept back any more."""
    assert slots_after_success(SlotsSeen(at_once=3, since=100.0), allowed=allowed, now=now) == expected
