"""What the account's plan allows, where the configuration says `auto`."""

import pytest

from mvsep_watch.model import Account, Limits
from mvsep_watch.planner import PlanLimits, in_force

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
