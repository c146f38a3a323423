"""Polling that learns: seldom, and soon after the end, once the like of it was separated before."""

from mvsep_watch.model import Poll, Rule
from mvsep_watch.planner.polling import Learned
from tests.daemon.world import write_wav

STEP_S = 1.0


def of_rule(world):
    """Give what was learned about the world's one rule."""
    row = world.store.db.one("SELECT * FROM durations")
    return row and (round(row["seconds_per_minute"]), row["count"], row["has_premium"])


def separate(world, name, *, pitch, length_s, waiting_s=0.0):
    """Have a file separated that takes so long; give how often it was asked for, and how late its end was noticed."""
    write_wav(world.drop / name, pitch=pitch)
    made, asked = world.service.made, world.service.count("get")
    world.rescan()
    while world.service.made == made:
        world.pass_time(STEP_S, step_s=STEP_S)
    hash_, began_at = list(world.service.jobs)[-1], world.clock.now()
    world.service.set_status(hash_, "waiting" if waiting_s else "processing")
    while world.clock.now() < began_at + length_s:
        world.pass_time(STEP_S, step_s=STEP_S)
        if world.clock.now() >= began_at + waiting_s and world.service.jobs[hash_].status == "waiting":
            world.service.set_status(hash_, "processing")
    world.service.finish(hash_)
    ended_at = world.clock.now()
    while set(world.states()) != {"published"}:
        world.pass_time(STEP_S, step_s=STEP_S)
    return world.service.count("get") - asked, world.clock.now() - ended_at


def begin(world, **poll):
    world.service_options = {"poll": Poll(**{"min_s": 1.0, "max_s": 600.0, **poll})}
    world.start()
    world.settle()


def test_what_was_separated_before_is_asked_for_around_its_end(world):
    """At most eight times, and noticed within five percent of its length."""
    begin(world)
    first, _ = separate(world, "a.wav", pitch=1, length_s=200)
    others = [separate(world, f"{number}.wav", pitch=number, length_s=200) for number in range(2, 6)]

    assert first > 8
    assert all(polls <= 8 and late_s <= 200 * 0.05 for polls, late_s in others[-2:])


def test_what_was_learned_survives_a_restart(world):
    """A new process does not begin at nothing."""
    begin(world)
    separate(world, "a.wav", pitch=1, length_s=200)
    world.restart()
    world.settle()

    polls, _ = separate(world, "b.wav", pitch=2, length_s=200)

    assert polls <= 12
    assert of_rule(world)[1:] == (2, 1)


def test_the_wait_in_the_queue_is_not_taken_for_work(world):
    """Tomorrow the queue is another."""
    begin(world, max_s=5.0)

    separate(world, "a.wav", pitch=1, length_s=150, waiting_s=100.0)

    assert abs(of_rule(world)[0] - 50) <= 8


def test_one_that_was_not_followed_from_its_start_teaches_nothing(world):
    """While nobody looked it may have been done for hours."""
    begin(world)
    write_wav(world.drop / "a.wav")
    world.rescan()
    while not world.service.made:
        world.pass_time(1.0, step_s=1.0)
    world.stop()
    world.clock.sleep(3600)
    world.start()
    world.settle()

    world.finish()

    assert (world.states(), of_rule(world)) == (["published"], None)


def test_other_settings_are_learned_apart(world):
    """Another model, or another format, takes other times."""
    world.rules = (Rule(name="one", sep_type=40), Rule(name="two", sep_type=40, output_format=2))
    begin(world)
    write_wav(world.drop / "a.wav")
    world.rescan()

    world.finish()

    assert world.store.db.value("SELECT count(*) FROM durations") == 2


def test_the_bounds_of_the_configuration_hold(world):
    """However long its like took, `poll.max` is how long it goes unasked at most."""
    begin(world, max_s=10.0)
    separate(world, "a.wav", pitch=1, length_s=200)

    polls, _ = separate(world, "b.wav", pitch=2, length_s=200)

    assert polls >= 200 / 10


def test_the_loop_naps_until_the_next_poll_is_due(world):
    """A finished separation keeps its slot until it is asked for."""
    begin(world)
    write_wav(world.drop / "a.wav")
    world.rescan()
    while not world.service.made:
        world.pass_time(STEP_S, step_s=STEP_S)

    world.store.separations.set(1, not_before=world.clock.now() + 0.2)

    assert round(world.engine.rest.nap_s(), 3) == 0.2


def test_what_a_person_waits_for_is_asked_for_at_once(world):
    """A put off poll is no reason to let `retry` or `cancel` wait."""
    begin(world)
    key = {"realm": "mvsep", "has_premium": True, "now": 0.0}
    separate(world, "a.wav", pitch=1, length_s=10)
    settings = world.store.db.value("SELECT settings FROM durations")
    world.store.durations.put(Learned(seconds_per_minute=500.0), settings=settings, **key)
    write_wav(world.drop / "b.wav", pitch=2)
    world.rescan()
    while world.service.made == 1:
        world.pass_time(STEP_S, step_s=STEP_S)
    world.pass_time(20)
    asked = world.service.count("get")

    world.store.separations.set(2, not_before=0.0)
    world.settle()

    assert world.service.count("get") == asked + 1
