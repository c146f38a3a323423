"""Out of credits, a bad token, premium needed: one clear notice, nothing spent, and work goes on by itself."""

import pytest
from structlog.testing import capture_logs

from mvsep_watch.model import HoldKind, JobState
from mvsep_watch.steps.base import Pool
from mvsep_watch.store.views import Views
from tests.daemon.world import SIZES, write_wav

WARNED = ("warning", "error")


@pytest.fixture
def logged():
    with capture_logs() as entries:
        yield entries


def notices(logged, event):
    return [entry for entry in logged if entry["event"] == event and entry["log_level"] in WARNED]


def paid_for_two(world):
    """Two songs are with the service, and three more are dropped."""
    for pitch in (1, 2):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.pass_time(30)
    for pitch in (3, 4, 5):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.rescan()


def use_up_credits(world):
    world.service.fault("create", *["no_credits"] * 20)
    world.service.account.credits = 0


def refuse_token(world):
    world.service.fault("create", *["bad_token"] * 20)
    world.service.fault("user", *["bad_token"] * 20)


def buy_credits(world):
    world.service._faults.clear()
    world.service.account.credits = 100


def mend_token(world):
    world.service._faults.clear()


@pytest.mark.parametrize(
    ("gate", "happens", "mended"),
    [("credits", use_up_credits, buy_credits), ("token", refuse_token, mend_token)],
    ids=["credits", "token"],
)
def test_one_gate_and_one_line_whatever_waits_behind_it(world, logged, gate, happens, mended):
    """What was paid for is published meanwhile; the rest goes on by itself when a probe says so."""
    paid_for_two(world)
    happens(world)
    world.pass_time(60)
    world.service.finish_all()
    world.pass_time(300)
    closed, states, made = world.engine.context.gates(), sorted(world.states()), world.service.made
    lines = len(notices(logged, "gate_closed"))
    mended(world)

    world.finish(rounds=80)

    assert ([str(each.name) for each in closed], lines, made) == ([gate], 1, 2)
    assert closed[0].hint
    assert states == ["published", "published", "queued", "queued", "queued"]
    assert (world.states(), world.service.made, world.engine.context.gates()) == (["published"] * 5, 5, ())
    assert {row.attempt for row in world.store.separations._rows("1")} == {1}


def test_nothing_is_uploaded_again_and_again_behind_a_gate(world, logged):
    """One upload for each hand finds out; the probes are small."""
    paid_for_two(world)
    refuse_token(world)

    world.pass_time(900)

    assert world.service.count("create") == 2 + SIZES[Pool.UPLOADS]


def test_premium_that_the_service_asks_for_is_one_line_and_goes_on_by_itself(world, logged):
    """The list of models does not say so; nothing is paid, and it is sent once the account has premium."""
    world.service.account.enabled = False
    world.service.fault("create", "premium", "premium")
    for pitch in (1, 2):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.pass_time(120)
    held = [(str(job.state), job.hold) for job in world.jobs()]
    groups = Views(world.store.db).groups(JobState.HELD, of_latest=10)
    uploads = world.service.count("create")
    world.service.account.enabled = True
    world.pass_time(700)

    world.finish()

    assert (held, uploads) == ([("held", HoldKind.MISFIT)] * 2, 2)
    assert (len(groups), "premium" in groups[0].hint) == (1, True)
    assert (world.states(), world.service.made) == (["published"] * 2, 2)
