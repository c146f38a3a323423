"""What carries no tag: rows of the history that may be it are shown before anything is sent again, and taken once."""

import json

import pytest

from mvsep_watch.model import HoldKind, Rule
from tests.daemon.test_inputs import LINKS, URL, ask, drop_link
from tests.daemon.world import World, write_wav


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.folder_options = {"include": ("*",)}
    world.rules = (LINKS, Rule(name="songs", sep_type=20, output_format=1))
    yield world
    world.stop()


def forget(world, *, fresh=False):
    """Lose the state while a link's results are with the service and not yet here."""
    drop_link(world)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)
    world.lose_state()
    world.service.finish_all()
    if not fresh:
        world.rebuild()
    world.start(fresh=fresh)
    world.pass_time(60)


def approve(world, job):
    ask(world, "approve", {"id": job.id, "price": job.price})
    world.pass_time(30)


def link(world):
    return next(job for job in world.jobs() if job.input_key.startswith("link:"))


def refusal(world):
    return json.loads(world.store.db.value("SELECT answer FROM requests ORDER BY id DESC"))["refused"][0]["reason"]


def long_hash(world):
    return next(job.hash for job in world.service.jobs.values() if job.short)


@pytest.mark.parametrize("fresh", [False, True], ids=["rebuilt", "fresh"])
def test_a_link_that_a_lost_state_may_have_sent_is_not_sent_before_its_rows_were_shown(world, fresh):
    """One `approve` of all that is new sends no link that the history may know; it says which rows."""
    forget(world, fresh=fresh)
    made = world.service.made
    for job in world.jobs():
        approve(world, job)

    held = link(world)
    assert (held.hold, world.service.made) == (HoldKind.SENT_BEFORE, made)
    assert long_hash(world) in held.reason
    assert "retry --hash" in held.hint


def test_a_person_takes_a_row_for_what_a_lost_state_has_sent(world):
    """It is fetched and published, its charge is known, and nothing is paid again."""
    forget(world)
    approve(world, link(world))
    sent = world.service.count("create")
    ask(world, "retry", {"id": link(world).id, "hash": long_hash(world)})
    world.finish()

    row = world.store.separations.get(link(world).separation_id)
    assert (link(world).state, row.credits_charged, world.service.count("create")) == ("published", 1, sent)


def test_who_saw_the_rows_may_have_it_sent_again(world):
    """An approval of the hold that shows them is a word on them."""
    forget(world)
    approve(world, link(world))
    approve(world, link(world))
    world.finish()

    assert (link(world).state, sum(bool(job.short) for job in world.service.jobs.values())) == ("published", 2)


def test_rows_of_another_model_hold_nothing_up(world):
    """What was sent with other settings is no link of this rule."""
    world.rules = (Rule(name="songs", sep_type=20, output_format=1),)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)
    world.lose_state()
    world.rebuild()
    world.rules = (LINKS,)
    drop_link(world)
    world.start()
    world.pass_time(60)
    approve(world, link(world))
    world.finish()

    assert link(world).state == "published"


def test_links_of_a_begun_anew_state_do_not_hold_each_other_up(world):
    """The history lists a link that is being fetched before its own hash is known; that row is none of another's."""
    world.rules = (LINKS,)
    world.start(fresh=True)
    world.store.memory.set_meta("ask_about_new", "0")
    world.service.link_polls = 6
    for number in range(3):
        drop_link(world, f"{number}.url", f"{URL}?{number}")
    world.finish()

    assert (world.states(), world.service.made) == (["published"] * 3, 3)


def test_after_72_hours_no_row_is_shown(world):
    """Nothing of it is left with the service."""
    forget(world)
    world.clock.sleep(80 * 3600)
    world.pass_time(60)
    approve(world, link(world))

    assert link(world).hold is None


def test_a_row_that_may_be_a_link_still_being_fetched_is_taken_for_no_other(world):
    """It is refused with whose it may be; once that has its own hash, the row that is left is taken."""
    world.rules = (LINKS,)
    world.service.link_polls = 10_000
    drop_link(world)
    world.start()
    world.pass_time(30)
    world.service.fault("create", "drop_after_made")
    drop_link(world, "second.url", URL + "?2")
    world.rescan()
    world.pass_time(600)
    first, second = world.service.jobs.values()
    ask(world, "retry", {"id": 2, "hash": first.hash})
    refused, held = refusal(world), world.jobs()[1].hold
    first.polls_until_fetched = second.polls_until_fetched = 0
    world.pass_time(60)
    ask(world, "retry", {"id": 2, "hash": second.hash})
    world.finish()

    assert (held, "that of job 1" in refused) == (HoldKind.UNKNOWN, True)
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_a_row_that_is_another_jobs_is_taken_for_no_other(world):
    """The refusal says whose it is."""
    world.rules = (LINKS,)
    drop_link(world)
    world.start()
    world.finish()
    known = world.store.separations.get(1).hash
    world.service.fault("create", "drop_after_made")
    drop_link(world, "second.url", URL + "?2")
    world.rescan()
    world.pass_time(600)
    ask(world, "retry", {"id": 2, "hash": known})

    assert "is what the service has of job 1" in refusal(world)
    assert world.jobs()[1].hold == HoldKind.UNKNOWN
