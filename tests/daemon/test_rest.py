"""When `once` has nothing more to wait for: it ends, and it never ends while something would still come."""

import pytest

from mvsep_watch.model import Limits
from tests.daemon.world import write_wav


def at_rest(world):
    return world.engine.is_at_rest(gated_for_s=120.0)


def rests_within(world, seconds):
    """Let time go by until it is at rest; give how long that took."""
    for passed in range(0, seconds, 5):
        if at_rest(world):
            return passed
        world.pass_time(5)
    return None


def down(world):
    for endpoint in ("create", "get", "user", "history", "algorithms"):
        world.service.fault(endpoint, *["http_503"] * 500)


def test_it_rests_with_nothing_to_do(world):
    """An empty folder."""
    world.start()

    assert rests_within(world, 60) is not None


def test_it_rests_at_once_with_nothing_to_do_though_the_service_is_away(world):
    """Nobody waits for a service that is not needed."""
    down(world)
    world.start()

    assert rests_within(world, 30) is not None


def test_it_waits_for_a_service_that_is_away_and_then_gives_up(world):
    """Two minutes; what is queued says why it waits."""
    write_wav(world.drop / "song.wav")
    down(world)
    world.start()

    assert 120 <= rests_within(world, 400) <= 200
    assert world.states() == ["queued"]


def test_it_gives_up_on_what_is_submitted_when_the_service_is_gone(world):
    """It is asked for again the next time."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    down(world)

    assert 120 <= rests_within(world, 600) <= 300


@pytest.mark.parametrize(("fault", "ends"), [("drop_before_made", "held"), ("drop_after_made", "published")])
def test_it_waits_for_what_is_unknown_until_it_is_found_or_doubted(world, fault, ends):
    """A doubt is held, and a held job is nothing to wait for."""
    world.service.auto_finish_after = 2
    write_wav(world.drop / "song.wav")
    world.service.fault("create", fault)
    world.start()

    assert rests_within(world, 600) is not None
    assert world.states() == [ends]


def test_it_rests_when_the_token_is_refused(world):
    """A person must act."""
    write_wav(world.drop / "song.wav")
    world.service.fault("user", *["bad_token"] * 500)
    world.start()

    assert rests_within(world, 60) is not None


def test_it_rests_when_an_output_root_cannot_be_written(world):
    """So does this."""
    world.stems.write_text("not a folder")
    write_wav(world.drop / "song.wav")
    world.start()

    assert rests_within(world, 60) is not None


def test_it_rests_when_a_limit_is_reached(world):
    """Tomorrow is another run."""
    world.limits = Limits(per_day_jobs=1, credits=world.limits.credits)
    world.service.auto_finish_after = 2
    for pitch in (1, 2):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()

    rests_within(world, 300)

    assert sorted(world.states()) == ["published", "queued"]
    assert at_rest(world)


def test_it_does_not_rest_while_a_slot_will_come_back(world):
    """One at a time, and all of them get done."""
    world.limits = Limits(separations=1, credits=world.limits.credits)
    world.service.auto_finish_after = 2
    for pitch in (1, 2, 3):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()

    rests_within(world, 900)

    assert world.states() == ["published"] * 3


def test_the_balance_is_read_once_more_before_it_ends(world):
    """What `status` shows afterwards is what is left, and nothing is reserved any more."""
    world.service.auto_finish_after = 2
    write_wav(world.drop / "song.wav")
    world.start()
    rests_within(world, 300)
    world.clock.sleep(0.1)

    while world.engine.desks.service.owes_balance():
        world.turn()

    assert world.engine.context.account.credits == world.service.account.credits == 999
    assert world.store.separations.reserved_against_balance() == 0
