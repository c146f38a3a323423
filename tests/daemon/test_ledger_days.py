"""The day and the month that money counts on are local: limits and `spend` agree on every night of the year."""

import datetime as dt
import time
from zoneinfo import ZoneInfo

import pytest

from mvsep_watch.model import CreditLimits, Limits
from mvsep_watch.store.views import Views
from tests.daemon.world import write_wav

NIGHTS = {
    "an ordinary night": ("Europe/Berlin", "2026-07-01T20:00"),
    "an hour too few": ("Europe/Berlin", "2026-03-28T20:00"),
    "an hour too many": ("Europe/Berlin", "2026-10-24T20:00"),
    "no midnight": ("America/Sao_Paulo", "2018-11-03T20:00"),
    "two times eleven": ("America/Sao_Paulo", "2019-02-16T20:00"),
    "a day that never was": ("Pacific/Apia", "2011-12-29T20:00"),
    "the end of a year": ("Pacific/Apia", "2026-12-31T20:00"),
}


@pytest.fixture
def go_to(world, monkeypatch):
    """Put the process into a zone, and the world to a local time there."""

    def go_to(zone, local):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        world.clock.at = dt.datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()

    yield go_to
    monkeypatch.undo()
    time.tzset()


def drop(world, count):
    for pitch in range(1, count + 1):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.service.auto_finish_after = 1
    world.start()


def released_on(world, zone):
    """The local dates of all releases, reckoned from their instants."""
    rows = world.store.separations._rows("1 ORDER BY id")
    return [str(dt.datetime.fromtimestamp(row.released_at, ZoneInfo(zone)).date()) for row in rows]


def told(world, first, last):
    """What `spend` comes to on days."""
    return sum(row.charged + row.open for row in Views(world.store.db).spent("mvsep", first, last))


@pytest.mark.parametrize("night", NIGHTS)
def test_a_day_spends_its_limit_and_no_more(world, go_to, night):
    """Two a day from eight in the evening on: two before midnight, two after it."""
    zone, evening = NIGHTS[night]
    go_to(zone, evening)
    world.limits = Limits(credits=CreditLimits(per_day=2, approve_batch_above=None))
    drop(world, 5)

    world.pass_time(9 * 3600, step_s=600)

    days = released_on(world, zone)
    first, last = sorted(set(days))
    assert days == [first, first, last, last]
    for day in (first, last):
        assert told(world, day, day) == world.store.separations.spent("mvsep", day, day) == 2
    assert "0 of 2 are left for this day" in {job.state: job for job in world.jobs()}["queued"].reason


@pytest.mark.parametrize(
    ("zone", "evening", "months"),
    [
        ("Europe/Berlin", "2026-02-28T20:00", ("2026-02", "2026-03")),
        ("Europe/Berlin", "2024-02-29T20:00", ("2024-02", "2024-03")),
        ("America/Sao_Paulo", "2026-04-30T20:00", ("2026-04", "2026-05")),
        ("Pacific/Apia", "2011-12-31T20:00", ("2011-12", "2012-01")),
    ],
)
def test_a_month_spends_its_limit_and_no_more(world, go_to, zone, evening, months):
    """Two a month: two in its last evening, two in the night after it."""
    go_to(zone, evening)
    world.limits = Limits(credits=CreditLimits(per_month=2, approve_batch_above=None))
    drop(world, 5)

    world.pass_time(9 * 3600, step_s=600)

    assert [day[:7] for day in released_on(world, zone)] == [months[0], months[0], months[1], months[1]]
    for month in months:
        days = f"{month}-01", f"{month}-31"
        assert told(world, *days) == world.store.separations.spent("mvsep", *days) == 2


def test_what_is_sent_after_midnight_counts_on_that_day(world, go_to):
    """Begun before it, let go after it: the day of the release, in both."""
    go_to("Europe/Berlin", "2026-10-24T23:30")
    world.start()
    world.hands.held = {"uploads"}
    write_wav(world.drop / "song.wav")
    world.rescan()
    world.pass_time(20 * 60, step_s=60)
    before = told(world, "2026-10-24", "2026-10-24")
    world.pass_time(20 * 60, step_s=60)
    world.hands.held = set()
    world.hands.go_on()
    world.settle()

    assert (before, released_on(world, "Europe/Berlin")) == (1, ["2026-10-25"])
    assert [told(world, day, day) for day in ("2026-10-24", "2026-10-25")] == [0, 1]
