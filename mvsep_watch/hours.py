"""Decides whether it is an hour in which anything is uploaded, and when the next one begins. Pure.

A window is written by the clock on the wall and belongs to the day on which it begins. The clock is not asked here: the
caller's calendar says which instant a time of a day is. The surprise is the night on which clocks change. Each window
is one stretch of instants, so a time that comes twice does not open it twice; and a window that the clock skips keeps
its length, later, so that no night is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mvsep_watch.model import Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
MINUTES_OF_DAY = 24 * 60
WORDS = 'hours such as "22:00-07:00", or "sat,sun 00:00-24:00; mon-fri 01:00-06:00"'

_WINDOW = re.compile(r"(?:(?P<days>[a-z][a-z, -]*?) +)?(?P<start>[0-9]{1,2}:[0-9]{2}) ?- ?(?P<end>[0-9]{1,2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days around an instant, as the clock on the wall has them.

    Args:
        weekday: Today's; 0 is Monday.
        instant_of: (days from today, minute of the day) → seconds since 1970. A time that comes twice is the first of
            the two; one that is skipped counts on from before the gap. Source: RFC 5545, 3.3.5.
    """

    weekday: int
    instant_of: Callable[[int, int], float]


def parse(text: str) -> tuple[Window, ...]:
    """Read hours as they are written.

    Args:
        text: Windows with `;` between them: perhaps days, then `HH:MM-HH:MM`.

    Raises:
        ValueError: They make no sense; it says why.
    """
    return tuple(_window(part.strip().lower()) for part in text.split(";"))


def is_open(hours: tuple[Window, ...], now: float, calendar: Calendar) -> bool:
    """Say whether an instant (seconds since 1970) is in one of the windows."""
    return any(start <= now < end for start, end in _stretches(hours, calendar, days=range(-1, 1)))


def opens_at(hours: tuple[Window, ...], now: float, calendar: Calendar) -> float:
    """Give the first instant after now at which a window begins."""
    stretches = _stretches(hours, calendar, days=range(-1, 9))
    return min(start for start, _ in stretches if start > now)


def _stretches(hours: tuple[Window, ...], calendar: Calendar, *, days: range) -> Iterator[tuple[float, float]]:
    """Give the windows that begin on some days, counted from today, from which instant to which."""
    for day in days:
        for window in hours:
            if (calendar.weekday + day) % 7 in window.days:
                yield _stretch(window, day, calendar)


def _stretch(window: Window, day: int, calendar: Calendar) -> tuple[float, float]:
    start = calendar.instant_of(day, window.start_minute)
    end = calendar.instant_of(day, window.end_minute)
    return (start, end) if end > start else (start, start + 60 * (window.end_minute - window.start_minute))


def _window(text: str) -> Window:
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError(f'found "{text}"; allowed: {WORDS}')
    start, end = _minute(found["start"]), _minute(found["end"])
    if start == end:
        raise ValueError(f'"{text}" begins and ends at one time; write 00:00-24:00 for the whole day')
    if start == MINUTES_OF_DAY:
        raise ValueError(f'"{text}" begins at 24:00; write 00:00, on the day after')
    days = _days(found["days"]) if found["days"] else EVERY_DAY
    return Window(days=days, start_minute=start, end_minute=end if end > start else end + MINUTES_OF_DAY)


def _minute(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    if minute > 59 or 60 * hour + minute > MINUTES_OF_DAY:
        raise ValueError(f"found {text}; a time is from 00:00 to 24:00")
    return 60 * hour + minute


def _days(text: str) -> frozenset[int]:
    """Read `mon-fri,sun`; a range may go over the end of the week."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        start = _day(first)
        length = (_day(last) - start) % 7 if dash else 0
        found.update((start + step) % 7 for step in range(length + 1))
    return frozenset(found)


def _day(word: str) -> int:
    if word not in DAYS:
        raise ValueError(f'found "{word}" for a day; allowed: {", ".join(DAYS)}')
    return DAYS.index(word)
