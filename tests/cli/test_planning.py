"""What an estimate comes to, and what the limits make of it."""

from dataclasses import replace
from pathlib import Path

from mvsep_watch.cli.estimating import Item
from mvsep_watch.cli.planning import SECONDS_PER_MINUTE, Line, credit_bounds, left, takes_s
from mvsep_watch.model import Account, CreditLimits, Folder, Rule
from mvsep_watch.planner import PlanLimits, Situation

FOLDER = Folder(name="drop", path=Path("/drop"), output=Path("/out"), layout="{name}", rules=(Rule(sep_type=40),))
SONG = Item(
    folder=FOLDER, rule=FOLDER.rules[0], source=Path("/drop/a.wav"), is_new=True, size_bytes=1, seconds=61.0,
    settings=None, credits=1,
)  # fmt: skip
SITUATION = Situation(
    gates=(),
    plan=PlanLimits(separations=10, per_day_jobs=None, max_size_bytes=None, max_duration_s=None),
    credits=CreditLimits(reserve=5, per_day=20, per_month=30),
    account=Account(identity="me", credits=100, premium_enabled=True),
    slots_taken=0,
    reserved=10,
    spent_today=3,
    spent_this_month=25,
)


def test_what_is_shown_adds_up_to_a_tenth():
    """A total that differs from the sum of its lines is believed by nobody."""
    lines = [Line.of([replace(SONG, seconds=seconds)]) for seconds in (61.0, 62.0, 62.5)]

    assert sum(lines, Line()) == Line(new=3, minutes=3.0, credits=3)


def test_the_tightest_limit_counts():
    """Account less reserve and reservations, day, month."""
    bounds = credit_bounds(SITUATION)

    assert ([bound.left for bound in bounds], left(bounds)) == ([85, 17, 5], 5)


def test_a_balance_that_is_not_known_is_no_number():
    """It is not 0 either."""
    situation = replace(SITUATION, account=Account(identity="me", credits=None, premium_enabled=True))

    assert [bound.left for bound in credit_bounds(situation)] == [17, 5]


def test_ten_at_once_are_no_quicker_than_the_longest():
    """And what shares a separation takes no time."""
    short, long = replace(SONG, seconds=60.0), replace(SONG, seconds=600.0)

    assert takes_s([long, short], slots=10) == 10 * SECONDS_PER_MINUTE
    assert takes_s([short] * 20 + [replace(long, is_shared=True)], slots=10) == 2 * SECONDS_PER_MINUTE
    assert takes_s([], slots=10) == 0
