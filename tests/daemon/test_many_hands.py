"""Ten hands and a budget for three make exactly three uploads, whatever it is that leaves three."""

import pytest

from mvsep_watch.model import CreditLimits, Limits
from mvsep_watch.steps.base import Pool
from tests.daemon.world import write_wav

HANDS = 10
BUDGETS = {
    "reserve": (Limits(credits=CreditLimits(reserve=97, approve_batch_above=None)), 100),
    "day": (Limits(credits=CreditLimits(per_day=3, approve_batch_above=None)), 100),
    "month": (Limits(credits=CreditLimits(per_month=3, approve_batch_above=None)), 100),
    "balance": (Limits(credits=CreditLimits(approve_batch_above=None)), 3),
    "jobs": (Limits(per_day_jobs=3, credits=CreditLimits(approve_batch_above=None)), 100),
    "slots": (Limits(separations=3, credits=CreditLimits(approve_batch_above=None)), 100),
}


BY_BALANCE = ("reserve", "balance")


@pytest.fixture(params=BUDGETS)
def budget(request):
    return request.param


@pytest.fixture
def crowd(world, budget):
    """Ten songs of a credit each, and ten hands to send them."""
    world.limits, world.service.account.credits = BUDGETS[budget]
    for pitch in range(1, HANDS + 1):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    return world


def start(world):
    world.start()
    world.hands.sizes[Pool.UPLOADS] = HANDS


def test_ten_hands_make_three_uploads(crowd):
    """As fast as they can."""
    start(crowd)

    crowd.pass_time(120)

    assert (crowd.service.made, len(crowd.service.uploads)) == (3, 3)


def test_ten_hands_that_let_go_together_make_three_uploads(crowd):
    """All that was begun stands before its last chunk when the first goes."""
    start(crowd)
    crowd.hands.held = {Pool.UPLOADS}
    crowd.pass_time(60)
    crowd.hands.held = set()
    crowd.hands.go_on()

    crowd.pass_time(60)

    assert (crowd.service.made, len(crowd.service.uploads)) == (3, 3)


def test_a_kill_in_the_middle_leaves_three_uploads(crowd, budget):
    """What was intended is counted by the next process, and begun once.

    What has left the balance already counts against it all the same, until a balance was read after its end.
    """
    start(crowd)
    crowd.hands.held = {Pool.UPLOADS}
    crowd.pass_time(60)
    one, *crowd.hands.waiting = crowd.hands.waiting
    rest, crowd.hands.waiting = crowd.hands.waiting, [one]
    crowd.hands.go_on()
    before = (crowd.service.made, len(rest))

    crowd.stop()
    start(crowd)
    crowd.pass_time(120)
    if budget in BY_BALANCE:
        crowd.service.finish_all()
        crowd.pass_time(120)

    assert (before, crowd.service.made, len(crowd.service.uploads)) == ((1, 2), 3, 3)


def test_an_answer_lost_in_the_middle_leaves_three_uploads(crowd):
    """What may have been made keeps its slot and its credit until it is known."""
    start(crowd)
    crowd.hands.held = {Pool.UPLOADS}
    crowd.pass_time(60)
    crowd.hands.held = set()
    crowd.service.fault("create", "drop_after_made")
    crowd.hands.go_on()

    crowd.restart()
    crowd.hands.sizes[Pool.UPLOADS] = HANDS
    crowd.pass_time(600)

    assert (crowd.service.made, len(crowd.service.uploads)) == (3, 3)
