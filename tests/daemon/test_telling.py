"""What needs a person is told: once, in few words, and never in the way of the work."""

import datetime as dt
import json

import pytest

from mvsep_watch import log
from mvsep_watch.model import CreditLimits, Destination, JobState, Limits, Notify, Subject
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.telling import Tell
from tests.daemon.world import write_wav


@pytest.fixture
def told(world):
    """A world whose person has an address."""
    listen_at(world)
    return world


def listen_at(world, *names, **changes):
    destinations = tuple(Destination(name=name, url=f"x://{name}") for name in names or ("urls[0]",))
    world.telling = {"notify": Notify(destinations=destinations, **changes)}
    world.limits = Limits(credits=CreditLimits(approve_job_above=1, approve_batch_above=None))


def hold(world, *names):
    """Drop songs that cost more than a job may."""
    for name in names:
        write_wav(world.drop / name, seconds=125, pitch=len(names) + len(world.jobs()) + 1 + names.index(name))
    world.rescan()
    world.pass_time(10)


def fail(world, count):
    """Have so many jobs fail, without files: what counts is that they are many."""
    batch = world.store.approvals.open_batch("drop", "scan", now=world.clock.now())
    hold(world, "one.wav")
    first, now = world.jobs()[0], world.clock.now()
    with world.store.transaction():
        for number in range(count):
            job_id = world.store.jobs.add(
                source_id=first.source_id, bytes_key="b", folder="drop", rule="default", realm="mvsep",
                input_key=f"i{number}", asked="", priority=0, output_root=world.stems, final=world.stems / str(number),
                batch_id=batch, now=now,
            )  # fmt: skip
            world.store.jobs.move(world.store.jobs.get(job_id), JobState.FAILED, now=now, reason="it failed")


def test_a_held_job_is_told_once(told):
    """After half a minute, with what status says of it; and never again."""
    told.start()
    hold(told, "a.wav")
    told.pass_time(20)
    early = list(told.letterbox.titles)
    told.pass_time(20)

    told.pass_time(7200, step_s=60)

    assert (early, told.letterbox.titles) == ([], ["1 held"])
    text = told.letterbox.notices[0][1].text
    assert text.startswith("held: job 1 (a.wav): it would cost 2 credits")
    assert "\n  hint: " in text


def test_refused_files_are_told_in_one_notice_and_once(told):
    """They have no job; a restart tells nothing again, and what was refused just before it is told then."""
    told.start()
    for number in range(5):
        (told.drop / f"{number}.mp3").write_bytes(b"noise")
    told.rescan()
    told.pass_time(60)
    told.pass_time(1800, step_s=60)
    (told.drop / "late.mp3").write_bytes(b"noise")
    told.rescan()
    told.pass_time(15)
    told.restart()

    told.pass_time(1800, step_s=60)

    assert told.letterbox.titles == ["5 refused", "1 refused"]
    first, last = (notice[1] for notice in told.letterbox.notices)
    assert [line.partition(" holds only")[2] for line in first.text.splitlines()] == [" 5 bytes."] * 3 + [""]
    assert first.text.endswith("\nrefused: 2 more files")
    assert json.loads(last.facts)["refused"][0]["source"] == "late.mp3"


def test_five_hundred_failures_in_a_minute_are_one_notice(told):
    """And what comes later is another, a quarter of an hour after the first."""
    told.start()
    fail(told, 500)
    told.pass_time(60)
    first = list(told.letterbox.titles)
    hold(told, "two.wav")
    told.pass_time(600)
    soon = list(told.letterbox.titles)
    told.pass_time(600)

    assert (first, soon) == (["500 failed, 1 held"],) * 2
    assert told.letterbox.titles[1:] == ["1 held"]


def test_what_is_over_meanwhile_is_not_told(told):
    """A person has nothing to do."""
    told.start()
    hold(told, "a.wav")
    told.store.jobs.move(told.jobs()[0], JobState.CANCELLED, now=told.clock.now())

    told.pass_time(120)

    assert told.letterbox.notices == []


@pytest.mark.parametrize("is_told_before", [True, False])
def test_a_restart_tells_nothing_twice_and_forgets_nothing(told, is_told_before):
    """Killed before the notice was sent or after."""
    told.start()
    hold(told, "a.wav")
    told.pass_time(60 if is_told_before else 5)
    before = len(told.letterbox.notices)

    told.restart()
    told.pass_time(1800, step_s=30)

    assert (before, told.letterbox.titles) == (int(is_told_before), ["1 held"])


def test_who_is_told_for_the_first_time_hears_of_all_that_waits(world):
    """What was held before there was an address is held still."""
    listen_at(world)
    telling, world.telling = world.telling, {}
    world.start()
    hold(world, "a.wav")
    world.pass_time(60)
    world.telling = telling

    world.engine.reload(world.config())
    world.pass_time(60)

    assert world.letterbox.titles == ["1 held"]


def test_a_notice_that_nobody_takes_is_written_anew(told):
    """With ever longer pauses; nothing is queued, nothing lost."""
    told.letterbox.refused = {"urls[0]"}
    told.start()
    hold(told, "a.wav")
    told.pass_time(300)
    hold(told, "b.wav")
    told.pass_time(3000, step_s=30)
    told.letterbox.refused = set()

    told.pass_time(1800, step_s=30)

    assert told.letterbox.titles == ["2 held"]


def test_an_address_that_is_away_does_not_silence_another(world):
    """It is tried a few times more, and what the other took is not sent to it again."""
    listen_at(world, "urls[0]", "urls[1]")
    world.letterbox.refused = {"urls[0]"}
    world.start()
    hold(world, "a.wav")
    world.pass_time(100)
    world.letterbox.refused = set()
    world.pass_time(300)
    world.letterbox.refused = {"urls[0]"}
    world.pass_time(3600, step_s=30)
    hold(world, "b.wav")
    world.pass_time(7200, step_s=30)

    assert [name for name, _ in world.letterbox.notices] == ["urls[1]", "urls[0]", "urls[1]"]
    assert world.engine.desks.telling._notices == {}


def test_another_address_hears_what_the_one_before_never_took(told):
    """While a notice is still on its way to that one."""
    told.start()
    told.hands.held = {Pool.NOTICES}
    hold(told, "a.wav")
    told.pass_time(60)
    listen_at(told, "urls[0]", "command")
    told.engine.reload(told.config())
    told.pass_time(60)
    told.letterbox.refused = {"urls[0]"}
    told.hands.held = set()
    told.hands.go_on()
    told.pass_time(60)
    told.letterbox.refused = set()
    told.pass_time(120)

    assert [name for name, _ in told.letterbox.notices] == ["command", "urls[0]"]


def test_a_gate_that_closes_and_one_that_opens_are_told(told):
    """Once each; what it held back is no matter of its own."""
    told.start()
    told.pass_time(30)
    told.service.fault("user", *["bad_token"] * 200)
    told.engine.desks.service.check_account()
    told.pass_time(600)
    closed = list(told.letterbox.titles)
    told.restart()
    told.pass_time(1800, step_s=30)
    told.service._faults.clear()

    told.pass_time(1800, step_s=30)

    assert closed == ["token closed"]
    assert told.letterbox.titles == ["token closed", "token open again"]


def flap(world, times):
    """The service is away for half a minute, again and again."""
    for _ in range(times):
        world.engine.context.close_gate("service", "away")
        world.turn()
        world.pass_time(30)
        world.engine.context.open_gate("service")
        world.pass_time(30)


def test_a_gate_that_flaps_is_told_once(told):
    """With how often; not at every time, not again after a restart, and once when it is over."""
    told.start()
    flap(told, 9)
    early = list(told.letterbox.titles)
    flap(told, 12)
    told.restart()
    flap(told, 12)
    flapping = list(told.letterbox.titles)
    told.pass_time(7200, step_s=60)

    assert (early, flapping) == ([], ["service closed again and again"])
    assert told.letterbox.notices[0][1].text.startswith(
        "gate service closed 10 times in the last hour, now closed: away"
    )
    assert told.letterbox.titles[1:] == ["service steady again"]


def test_a_balance_that_is_too_low_is_told_and_that_it_suffices_again(told):
    """Nobody who reads only mail would learn why nothing happens; many jobs are one matter, also over a restart."""
    told.service.account.credits = 2
    told.limits = Limits(credits=CreditLimits(reserve=2, approve_batch_above=None))
    told.start()
    for pitch in range(1, 6):
        write_wav(told.drop / f"{pitch}.wav", pitch=pitch)
    told.rescan()
    told.pass_time(1200, step_s=20)
    low = list(told.letterbox.titles)
    told.restart()
    told.pass_time(3600, step_s=60)
    told.service.account.credits = 100
    for _ in range(4):
        told.service.finish_all()
        told.pass_time(600, step_s=20)

    assert low == ["balance too low"]
    assert told.letterbox.titles == ["balance too low", "nothing waits for credits"]
    assert " waits: it costs 1 credit and 0 may be spent" in told.letterbox.notices[0][1].text


@pytest.mark.parametrize(
    ("about", "titles"), [({Subject.FAILED}, ["3 failed"]), ({Subject.HELD}, ["1 held"]), ({Subject.GATE}, [])]
)
def test_only_what_is_asked_for_is_told(world, about, titles):
    """By `notify.about`."""
    listen_at(world, about=frozenset(about))
    world.start()
    fail(world, 3)

    world.pass_time(120)

    assert world.letterbox.titles == titles


def test_what_is_published_is_told_where_that_is_asked_for(world):
    """Bundled as the rest; what was published before somebody asked is no news, nor is it after a restart."""
    write_wav(world.drop / "before.wav", pitch=99)
    world.start()
    world.finish()
    listen_at(world, about=frozenset({Subject.PUBLISHED}))
    world.limits = Limits(credits=CreditLimits(approve_batch_above=None))
    world.engine.reload(world.config())
    world.pass_time(1000, step_s=20)
    for pitch in range(1, 13):
        write_wav(world.drop / "album" / f"{pitch}.wav", pitch=pitch)
    world.rescan()
    world.finish()
    world.pass_time(60)
    world.restart()
    world.pass_time(1000, step_s=20)

    assert world.letterbox.titles == ["12 published"]
    lines = world.letterbox.notices[0][1].text.splitlines()
    assert lines[0].endswith(f".wav: 2 stems in {world.stems}/album/{lines[0].partition('.')[0]}")
    assert (len(lines), lines[-1]) == (11, "and 2 more")
    assert json.loads(world.letterbox.notices[0][1].facts)["first"][0]["stems"] == 2


def test_whoever_asks_no_more_for_what_is_published_hears_nothing_of_the_meantime(world):
    """Asked again, it begins anew."""
    listen_at(world, about=frozenset({Subject.PUBLISHED}))
    world.start()
    world.pass_time(60)
    listen_at(world, about=frozenset({Subject.HELD}))
    world.engine.reload(world.config())
    write_wav(world.drop / "a.wav")
    world.rescan()
    world.finish()
    listen_at(world, about=frozenset({Subject.PUBLISHED}))
    world.engine.reload(world.config())
    world.pass_time(1000, step_s=20)

    assert world.letterbox.titles == []


def test_the_summary_comes_once_a_day(world):
    """At its time, not at the start; a machine that slept for days hears one."""
    local = dt.datetime.fromtimestamp(world.clock.now()).astimezone()
    listen_at(world, about=frozenset({Subject.SUMMARY}), summary_minute=(local.hour * 60 + local.minute + 60) % 1440)
    world.start()
    write_wav(world.drop / "a.wav")
    world.finish()
    at_start = list(world.letterbox.titles)
    world.pass_time(3700, step_s=60)
    first = list(world.letterbox.titles)
    world.restart()
    world.pass_time(3600, step_s=60)
    world.clock.sleep(3 * 86400)
    world.pass_time(60)

    assert (at_start, first) == ([], ["1 published, 0 held, 999 credits left"])
    assert len(world.letterbox.notices) == 2
    assert json.loads(world.letterbox.notices[1][1].facts)["published"] == 0


def test_a_notice_that_hangs_keeps_nothing_waiting(told):
    """Files are taken and published while it does, and nobody waits for it to rest."""
    told.start()
    told.hands.held = {Pool.NOTICES}
    hold(told, "a.wav")
    told.pass_time(60)
    write_wav(told.drop / "b.wav", pitch=7)
    told.rescan()
    told.pass_time(20)
    told.service.finish_all()
    told.pass_time(30)

    assert told.states() == ["held", "published"]
    assert told.engine.rest.is_putting_away
    assert told.engine.is_at_rest(gated_for_s=0.0)


def test_an_address_that_nothing_can_end_does_not_silence_another(world, monkeypatch):
    """Its program is on a dead disk: the other address hears what comes later."""
    listen_at(world, "urls[0]", "command")
    world.start()
    give = world.hands.give

    def hang(step):
        if isinstance(step, Tell) and step.destination.name == "command":
            is_taken = step.key not in world.hands.steps
            world.hands.steps[step.key], world.hands.began_s[step.key] = step, world.clock.monotonic()
            return is_taken
        return give(step)

    monkeypatch.setattr(world.hands, "give", hang)
    hold(world, "a.wav")
    world.pass_time(120)
    hold(world, "b.wav")
    world.pass_time(7200, step_s=60)
    hold(world, "c.wav")
    world.pass_time(7200, step_s=60)

    assert world.letterbox.titles == ["1 held"] * 3


def test_the_end_of_a_process_tells_the_rest(told):
    """`once` will not be there in half a minute."""
    told.start()
    hold(told, "a.wav")
    is_telling = told.engine.desks.telling.finish()
    told.settle()

    assert (is_telling, told.engine.desks.telling.finish(), told.letterbox.titles) == (True, False, ["1 held"])


def test_no_secret_is_in_a_notice(told):
    """Whatever a reason holds."""
    log.hide("x-very-secret-address-x")
    told.start()
    hold(told, "a.wav")
    job = told.jobs()[0]
    told.store.jobs.hold(job, job.hold, now=told.clock.now(), reason="see x-very-secret-address-x", hint="")

    told.pass_time(60)

    assert "x-very" not in repr(told.letterbox.notices[0][1])
    assert "[hidden]" in told.letterbox.notices[0][1].text
