import datetime as dt
import os
import time
from zoneinfo import ZoneInfo

import pytest

from mvsep_watch.daemon.hours import calendar_at
from mvsep_watch.hours import parse
from mvsep_watch.model import GateName
from mvsep_watch.steps.base import Pool
from tests.daemon.world import write_wav

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = parse("22:00-07:00")


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch):
    """The process's own time zone is what counts."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def begin(world, hours, when):
    world.hours = hours
    world.clock.at = at(when)
    world.start()


def gates(world):
    return {gate.name: gate.reason for gate in world.engine.context.gates()}


def test_nothing_is_uploaded_outside_of_the_hours_and_everything_within(world):
    """The gate says when it opens, and opens by itself."""
    begin(world, NIGHT, "2026-06-12T21:50")
    write_wav(world.drop / "a.wav")

    world.pass_time(9 * 60)

    assert world.service.made == 0
    assert gates(world) == {GateName.HOURS: "schedule.hours: uploads begin again at 2026-06-12T22:00+02:00"}

    world.pass_time(2 * 60)

    assert (world.service.made, gates(world)) == (1, {})


def test_what_was_sent_goes_on_when_the_hours_are_over(world):
    """Closed hours stop new uploads, and nothing else."""
    begin(world, NIGHT, "2026-06-12T06:58")
    write_wav(world.drop / "a.wav")
    world.pass_time(60)
    assert world.states() == ["submitted"]

    world.pass_time(5 * 60)
    world.service.finish_all()
    world.pass_time(60)

    assert GateName.HOURS in gates(world)
    assert world.states() == ["published"]


def test_an_upload_that_takes_longer_than_the_hours_is_not_let_go(world):
    """The last word looks at the clock once more; the upload begins again at the next opening."""
    begin(world, NIGHT, "2026-06-12T06:58")
    write_wav(world.drop / "a.wav")
    world.hands.held = {Pool.UPLOADS}
    world.pass_time(60)
    world.clock.at = at("2026-06-12T07:05")
    world.turn()

    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(10 * 60)

    assert (world.service.made, world.states()) == (0, ["queued"])

    world.clock.at = at("2026-06-12T22:00")
    world.finish()

    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_run_until_idle_ends_while_the_hours_are_closed(world):
    """`once` does not wait for the night; what waits is left, with its reason."""
    begin(world, NIGHT, "2026-06-12T12:00")
    write_wav(world.drop / "a.wav")

    world.pass_time(60)

    assert world.engine.is_at_rest(gated_for_s=0.0)
    assert world.states() == ["queued"]


def test_a_clock_that_is_set_forward_opens_at_once(world):
    """No timer is waited for."""
    begin(world, NIGHT, "2026-06-12T12:00")
    write_wav(world.drop / "a.wav")
    world.pass_time(60)

    world.clock.at = at("2026-06-12T23:00")
    world.settle()

    assert GateName.HOURS not in gates(world)


def test_a_gate_of_hours_that_were_taken_out_is_opened_at_the_next_start(world):
    """It is remembered like every gate, and must not outlive its reason."""
    begin(world, NIGHT, "2026-06-12T12:00")
    world.pass_time(60)
    assert GateName.HOURS in gates(world)

    world.hours = ()
    world.restart()
    world.turn()

    assert gates(world) == {}


@pytest.mark.parametrize(("day", "hours_long"), [("2026-03-29", 1), ("2026-10-25", 3), ("2026-06-12", 2)])
def test_the_night_on_which_clocks_change_has_one_run(world, day, hours_long):
    """Each window opens and closes once, looked at every minute."""
    begin(world, parse("01:30-03:30"), f"{day}T00:00")
    seen = []

    for _ in range(7 * 60):
        world.clock.at += 60
        world.engine.desks.hours.work()
        seen.append(GateName.HOURS not in gates(world))

    assert seen.count(True) == 60 * hours_long
    assert sum(is_open and not before for before, is_open in zip([False, *seen], seen, strict=False)) == 1


def test_the_zone_of_the_process_and_the_named_one_agree():
    """Also in the hour that comes twice and in the one that does not come."""
    assert os.environ["TZ"] == "Europe/Berlin"
    for day in ("2026-03-28T12:00", "2026-10-24T12:00"):
        own, named = calendar_at(at(day), None), calendar_at(at(day), BERLIN)
        minutes = range(0, 2 * 24 * 60, 15)

        assert [own.instant_of(0, minute) for minute in minutes] == [named.instant_of(0, minute) for minute in minutes]
