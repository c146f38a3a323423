"""The service takes fewer at once than the limits say: learned from its refusals, remembered, and tried again."""

import pytest

from mvsep_watch.model import Limits
from tests.daemon.world import World, write_wav


@pytest.fixture
def narrow(tmp_path):
    """A premium account with ten slots here, of which the service gives three."""
    world = World(tmp_path, slots=3)
    yield world
    world.stop()


def drop(world, count, *, first=1):
    for pitch in range(first, first + count):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)


def refusals(world):
    return len(world.service.uploads) - world.service.made


def seen(world):
    found = world.store.memory.slots_seen("mvsep", world.engine.context.identity)
    return found and found.at_once


def test_a_refusal_lowers_the_slots_to_what_the_service_had(narrow):
    """Three were taken, and the fourth was uploaded in vain, once."""
    drop(narrow, 5)
    narrow.start()

    narrow.pass_time(1200)

    assert (narrow.service.made, refusals(narrow), seen(narrow)) == (3, 1, 3)


def test_one_upload_at_most_is_in_vain_for_a_whole_folder(narrow):
    """Everything gets done in steps of three; what is on its way beside a refused one is dropped before its end."""
    narrow.service.auto_finish_after = 3
    drop(narrow, 15)
    narrow.start()

    narrow.pass_time(1800)

    assert (narrow.states(), narrow.service.made, refusals(narrow)) == (["published"] * 15, 15, 1)


def test_several_on_their_way_at_the_refusal_do_not_count_as_taken(narrow):
    """Both are refused: the service had three, and not four."""
    drop(narrow, 3)
    narrow.start()
    narrow.pass_time(60)
    drop(narrow, 2, first=4)
    narrow.service.fault("create", "too_many", "too_many")
    narrow.rescan()

    narrow.pass_time(20)

    assert seen(narrow) == 3


def test_what_was_learned_outlives_a_restart(narrow):
    """The next process does not pay for it with another upload."""
    drop(narrow, 5)
    narrow.start()
    narrow.pass_time(300)

    narrow.restart()
    narrow.pass_time(300)

    assert (narrow.service.made, refusals(narrow)) == (3, 1)


def test_after_a_quiet_hour_one_more_is_tried(narrow):
    """The service gives four meanwhile; nobody has to tell."""
    drop(narrow, 5)
    narrow.start()
    narrow.pass_time(60)
    narrow.service.slots = 4
    narrow.pass_time(3600, step_s=60)
    before = seen(narrow)

    narrow.finish()

    assert before == 3
    assert (seen(narrow), narrow.states(), refusals(narrow)) == (4, ["published"] * 5, 1)


def test_who_gives_all_that_is_allowed_is_no_longer_kept_an_eye_on(narrow):
    """Never more than limits.separations, however much the service would take."""
    narrow.limits = Limits(separations=4, credits=narrow.limits.credits)
    drop(narrow, 8)
    narrow.start()
    narrow.pass_time(60)
    narrow.service.slots = None
    narrow.pass_time(3600, step_s=60)
    narrow.service.finish(narrow.service.unfinished[0].hash)
    narrow.pass_time(120)

    assert (seen(narrow), len(narrow.service.unfinished)) == (None, 4)


def test_a_refusal_while_nothing_is_under_way_leaves_one_slot(narrow):
    """Somebody else's work fills the account; this daemon goes on trying one at a time."""
    narrow.service.fault("create", "too_many")
    drop(narrow, 4)
    narrow.limits = Limits(uploads=1, credits=narrow.limits.credits)
    narrow.start()
    narrow.pass_time(12)
    before = seen(narrow)

    narrow.finish()

    assert (before, narrow.states(), narrow.service.made) == (1, ["published"] * 4, 4)


def test_another_account_has_slots_of_its_own(narrow):
    """What was learned of one token says nothing about another."""
    drop(narrow, 4)
    narrow.start()
    narrow.pass_time(60)
    narrow.service.add_account("AnotherCanaryTokenOfThirty0123", email="other@example.com", credits=9, premium=True)
    narrow.service_options = {"token": "AnotherCanaryTokenOfThirty0123"}

    narrow.restart()
    narrow.pass_time(60)

    assert seen(narrow) is None
