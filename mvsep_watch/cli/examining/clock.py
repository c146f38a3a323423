"""The clock: days and hours go by it, and certificates are held against it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from mvsep_watch.cli.examining.finding import Finding, ok, warning
from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.cli.rendering import duration

FAR_OFF_S = 60.0


def zone(machine: Machine) -> Iterator[Finding]:
    """Say in which time zone days and hours are counted."""
    named = machine.environ.get("TZ", "").removeprefix(":")
    local = dt.datetime.fromtimestamp(machine.now).astimezone()
    offset = f"{local:%Z}, {local:%z}"
    if "/" in named and not named.startswith("/") and not (machine.zones / named).exists():
        yield warning(
            f"TZ is {named}, which this machine does not know: days and `schedule.hours` are counted in {offset}",
            hint="install the time zones, or correct its name",
            command="sudo apt-get install tzdata",
        )
    else:
        yield ok(f"days and `schedule.hours` are counted in the time zone {named or offset}")


def compared(date: float | None, *, now: float) -> Iterator[Finding]:
    """Hold the clock against the service's.

    Args:
        date: What the service's clock said, seconds since 1970; None where it did not say.
        now: What this machine's said at the same time.
    """
    if date is None:
        return
    off_s = now - date
    if abs(off_s) > FAR_OFF_S:
        yield warning(
            f"the clock is {duration(abs(off_s))} {'ahead of' if off_s > 0 else 'behind'} the service's",
            hint="set it, and keep it set: limits by the day and `schedule.hours` go by it",
            command="sudo timedatectl set-ntp true",
        )
    else:
        yield ok("the clock agrees with the service's")
