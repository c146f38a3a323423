"""The `hours` gate: closed outside of `schedule.hours`, by the clock of the process's own time zone.

It is found out anew at every turn, so that no timer is trusted with a clock that was set, a machine that slept, or a
night on which clocks change.
"""

from __future__ import annotations

import datetime as dt

from mvsep_watch import hours
from mvsep_watch.daemon.context import Context
from mvsep_watch.model import GateName


class Hours:
    """The desk that opens and closes for the night.

    Args:
        zone: The time zone; None is that of the process.
    """

    def __init__(self, context: Context, *, zone: dt.tzinfo | None = None) -> None:
        self._context = context
        self._zone = zone

    def work(self) -> None:
        """Close the gate, or open it."""
        context, now = self._context, self._context.clock.now()
        windows, calendar = context.config.hours, calendar_at(now, self._zone)
        if not windows or hours.is_open(windows, now, calendar):
            context.open_gate(GateName.HOURS)
            return
        opens = dt.datetime.fromtimestamp(hours.opens_at(windows, now, calendar), self._zone).astimezone(self._zone)
        context.close_gate(
            GateName.HOURS,
            f"schedule.hours: uploads begin again at {opens.isoformat(timespec='minutes')}",
            "what was sent goes on; take schedule.hours out to begin now",
        )


def calendar_at(now: float, zone: dt.tzinfo | None) -> hours.Calendar:
    """Give the days around an instant (seconds since 1970); the time zone None is that of the process."""
    today = dt.datetime.fromtimestamp(now, zone).date()

    def instant_of(day: int, minute: int) -> float:
        later, rest = divmod(minute, hours.MINUTES_OF_DAY)
        date = today + dt.timedelta(days=day + later)
        return dt.datetime.combine(date, dt.time(rest // 60, rest % 60), zone).timestamp()

    return hours.Calendar(today.weekday(), instant_of)
