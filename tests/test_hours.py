import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.hours import DAYS, EVERY_DAY, Calendar, is_open, opens_at, parse
from mvsep_watch.model import Window

BERLIN = ZoneInfo("Europe/Berlin")
DAY_S = 86_400
SPRING, AUTUMN, ORDINARY = dt.date(2026, 3, 28), dt.date(2026, 10, 24), dt.date(2026, 6, 12)
"""The days before the nights on which Berlin's clocks change, and one before a night like any other."""


def calendar(now, zone=BERLIN):
    today = dt.datetime.fromtimestamp(now, zone).date()

    def instant_of(day, minute):
        later, rest = divmod(minute, 24 * 60)
        time = dt.time(rest // 60, rest % 60)
        return dt.datetime.combine(today + dt.timedelta(days=day + later), time, zone).timestamp()

    return Calendar(today.weekday(), instant_of)


def at(text, zone=BERLIN):
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def opened(text, instant):
    return is_open(parse(text), instant, calendar(instant))


def next_opening(text, instant):
    found = opens_at(parse(text), instant, calendar(instant))
    return dt.datetime.fromtimestamp(found, BERLIN).isoformat(timespec="minutes")


def stretches(text, day):
    """Give the local hours that are open from noon of a day to the next noon, looking every minute."""
    noon = dt.datetime.combine(day, dt.time(12), BERLIN).timestamp()
    later = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(12), BERLIN).timestamp()
    instants = [noon + 60 * minute for minute in range(int(later - noon) // 60)]
    states = [opened(text, instant) for instant in instants]
    changes = [now for before, now, is_now in zip(states, instants[1:], states[1:], strict=False) if before != is_now]
    shown = [dt.datetime.fromtimestamp(change, BERLIN).strftime("%H:%M%z") for change in changes]
    return list(zip(shown[::2], shown[1::2], strict=True))


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("22:00-07:00", [(EVERY_DAY, 1320, 1860)]),
        ("1:00 - 6:30", [(EVERY_DAY, 60, 390)]),
        ("00:00-24:00", [(EVERY_DAY, 0, 1440)]),
        ("22:00-00:00", [(EVERY_DAY, 1320, 1440)]),
        ("sat,sun 00:00-24:00; mon-fri 01:00-06:00", [({5, 6}, 0, 1440), ({0, 1, 2, 3, 4}, 60, 360)]),
        ("FRI - Mon, wed 8:00-9:00", [({4, 5, 6, 0, 2}, 480, 540)]),
        ("sun-sun 08:00-09:00", [({6}, 480, 540)]),
    ],
)
def test_hours_are_read_as_people_write_them(text, windows):
    """Days in lists and ranges, also over the end of the week; nights; whole days."""
    expected = tuple(Window(days=frozenset(days), start_minute=start, end_minute=end) for days, start, end in windows)

    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", 'found ""; allowed: hours such as'),
        ("22-7", 'found "22-7"; allowed: hours such as'),
        ("22:00", 'found "22:00"; allowed'),
        ("22:00-07:00,", "allowed: hours such as"),
        ("22:00-07:00;", 'found ""; allowed'),
        ("10pm-7am", "allowed: hours such as"),
        ("22:00–07:00", "allowed: hours such as"),  # noqa: RUF001 - a dash, as word processors write it
        ("25:00-07:00", "found 25:00; a time is from 00:00 to 24:00"),
        ("22:60-07:00", "found 22:60; a time is from 00:00 to 24:00"),
        ("01:00-24:01", "found 24:01; a time is from 00:00 to 24:00"),
        ("08:00-08:00", "begins and ends at one time; write 00:00-24:00 for the whole day"),
        ("24:00-08:00", "begins at 24:00; write 00:00, on the day after"),
        ("weekend 08:00-09:00", 'found "weekend" for a day; allowed: mon, tue, wed, thu, fri, sat, sun'),
        ("mon- 08:00-09:00", 'found "" for a day; allowed'),
        ("mon,,tue 08:00-09:00", 'found "" for a day; allowed'),
    ],
)
def test_hours_that_make_no_sense_are_refused_with_what_does(text, says):
    """The sentence is shown beside the place in the file."""
    with pytest.raises(ValueError, match=re.escape(says)):
        parse(text)


@pytest.mark.parametrize(
    ("instant", "is_in"),
    [
        ("2026-06-12T21:59:59", False),
        ("2026-06-12T22:00", True),
        ("2026-06-13T03:00", True),
        ("2026-06-13T06:59:59", True),
        ("2026-06-13T07:00", False),
    ],
)
def test_a_window_over_midnight_is_open_on_both_days(instant, is_in):
    """Its end is outside."""
    assert opened("22:00-07:00", at(instant)) is is_in


@pytest.mark.parametrize(
    ("instant", "is_in"),
    [("2026-06-13T01:00", True), ("2026-06-13T23:30", False), ("2026-06-14T00:30", False), ("2026-06-12T00:30", False)],
)
def test_a_window_belongs_to_the_day_on_which_it_begins(instant, is_in):
    """The night from Friday is open in the small hours of Saturday, not in those of Friday."""
    assert opened("fri 22:00-07:00", at(instant)) is is_in


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("22:00-07:00", "2026-06-12T22:00+02:00"),
        ("01:00-06:00", "2026-06-13T01:00+02:00"),
        ("sat,sun 00:00-24:00; mon-fri 01:00-06:00", "2026-06-13T00:00+02:00"),
        ("fri 11:00-12:00", "2026-06-19T11:00+02:00"),
        ("thu 08:00-09:00", "2026-06-18T08:00+02:00"),
    ],
)
def test_the_next_opening_is_told_by_the_clock_on_the_wall(text, opens):
    """Also where it is a week away; it is noon on a Friday."""
    assert next_opening(text, at("2026-06-12T12:00")) == opens


@pytest.mark.parametrize(
    ("day", "text", "open_from_to"),
    [
        (ORDINARY, "01:30-03:30", [("01:30+0200", "03:30+0200")]),
        (SPRING, "01:30-03:30", [("01:30+0100", "03:30+0200")]),
        (AUTUMN, "01:30-03:30", [("01:30+0200", "03:30+0100")]),
        (SPRING, "02:15-02:45", [("03:15+0200", "03:45+0200")]),
        (AUTUMN, "02:15-02:45", [("02:15+0200", "02:45+0200")]),
        (SPRING, "02:00-03:00", [("03:00+0200", "04:00+0200")]),
        (AUTUMN, "02:00-03:00", [("02:00+0200", "03:00+0100")]),
        (SPRING, "22:00-07:00", [("22:00+0100", "07:00+0200")]),
        (AUTUMN, "22:00-07:00", [("22:00+0200", "07:00+0100")]),
    ],
)
def test_no_night_is_missed_and_none_comes_twice_when_the_clocks_change(day, text, open_from_to):
    """Every window is one stretch, whatever the clock on the wall skips or repeats."""
    assert stretches(text, day) == open_from_to


def test_the_next_opening_of_a_window_that_the_clock_skips_is_when_it_opens():
    """What is told is what happens."""
    assert next_opening("02:15-02:45", at("2026-03-29T01:00")) == "2026-03-29T03:15+02:00"


@st.composite
def hours_written(draw):
    """Some windows with random days and times."""
    windows = []
    for _ in range(draw(st.integers(1, 3))):
        days = draw(st.lists(st.sampled_from(DAYS), unique=True))
        start, end = draw(st.lists(st.integers(0, 1439), min_size=2, max_size=2, unique=True))
        times = f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
        windows.append(f"{','.join(days)} {times}".strip())
    return "; ".join(windows)


@given(text=hours_written(), instant=st.integers(int(at("2026-01-01")), int(at("2027-01-01"))))
def test_closed_hours_stay_closed_until_the_next_opening_and_open_then(text, instant):
    """Whoever waits for the opening misses nothing, and finds it open."""
    hours = parse(text)
    opens = opens_at(hours, instant, calendar(instant))
    if is_open(hours, instant, calendar(instant)):
        return
    between = [instant + (opens - instant) * part / 50 for part in range(50)]

    assert instant < opens <= instant + 8 * DAY_S
    assert is_open(hours, opens, calendar(opens))
    assert not any(is_open(hours, moment, calendar(moment)) for moment in between)


@given(text=hours_written(), instant=st.integers(int(at("2026-01-01")), int(at("2027-01-01"))))
def test_on_ordinary_days_hours_are_what_the_clock_on_the_wall_says(text, instant):
    """An independent reading of the text agrees; the zone has no summer time."""
    zone = dt.UTC
    now = dt.datetime.fromtimestamp(instant, zone)
    minute = now.hour * 60 + now.minute

    def holds(window):
        today, yesterday = now.weekday() in window.days, (now.weekday() - 1) % 7 in window.days
        return (today and window.start_minute <= minute < window.end_minute) or (
            yesterday and minute + 1440 < window.end_minute
        )

    assert is_open(parse(text), instant, calendar(instant, zone)) == any(holds(window) for window in parse(text))
