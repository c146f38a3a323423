"""How things look: numbers with their units, paths that cannot break a line, tables that fit a narrow terminal.

Decides nothing about work. Imported only by commands that show something, since rich takes its time. The surprise:
nothing here uses rich's markup, because names of files may look like it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mvsep_watch.naming import display, escape_path

NO_TERMINAL_COLUMNS = 1000
"""A pipe has no width: lines stay whole for whoever reads them."""
TEXT_COLUMNS = 100
"""Longer lines of running text are hard to follow."""
STYLES = {
    "published": "green",
    "failed": "red",
    "held": "yellow",
    "cancelled": "dim",
}
"""Job states that catch the eye."""


def console(*, stderr: bool = False) -> Console:
    """Give a console that prints texts as they are: no markup, no guessing of colours, whole lines in a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else NO_TERMINAL_COLUMNS
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False, soft_wrap=True)


def text_columns(console: Console) -> int | None:
    """Give the width that running text is broken at; None in a pipe, where lines stay whole."""
    return min(console.width, TEXT_COLUMNS) if console.is_terminal else None


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Make a plain table.

    Args:
        columns: The headings; long cells wrap in a terminal.
        right: Those of them that hold numbers.
    """
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(Text(column), justify="right" if column in right else "left", overflow="fold")
    return made


def state(name: str) -> Text:
    """Give a state's name in its colour."""
    return Text(name, style=STYLES.get(name, ""))


def print_json(value: Any) -> None:
    """Print JSON for programs: ASCII, so that no terminal's encoding can spoil it."""
    print(json.dumps(value, indent=2, default=str))


def path(value: Path | str | bytes) -> str:
    """Give a path on one line, with `~` for the home folder."""
    text = display(value)
    home = display(os.path.expanduser("~"))  # noqa: PTH111 - it never raises
    return f"~{text.removeprefix(home)}" if text.startswith(f"{home}/") else text


def full_path(value: Path | str | bytes) -> str:
    """Give a path for programs."""
    return escape_path(value)


def size(size_bytes: float) -> str:
    """Give a size as people read it."""
    for unit in ("bytes", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "bytes" or size_bytes >= 100 else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"


def duration(seconds: float) -> str:
    """Give a duration as people read it: `9 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = round(seconds)
    for unit_s, unit, smaller_s, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit_s:
            rest = whole % unit_s // smaller_s
            return f"{whole // unit_s} {unit} {rest} {smaller}" if rest else f"{whole // unit_s} {unit}"
    return f"{whole} s"


def about_left(left_s: float) -> str:
    """Say how long something takes still; rounded, so that what is only a guess does not change all the time."""
    step_s = 60 if left_s >= 120 else 10 if left_s >= 20 else 1
    return f"about {duration(max(1.0, round(left_s / step_s) * step_s))} left"


def count(number: int, one: str, many: str = "") -> str:
    """Give a number with its noun: `1 credit`, `2 credits`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def credit(number: int | None) -> str:
    """Give a number of credits; None is unknown."""
    return "an unknown number of credits" if number is None else count(number, "credit")


def instant(at: float | None) -> str | None:
    """Give an instant (seconds since 1970) as ISO 8601 in UTC, for programs; None stays None."""
    return None if at is None else dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds")


def local_time(at: float | None) -> str:
    """Give an instant (seconds since 1970) in local time, for people; a dash for None."""
    return "-" if at is None else f"{dt.datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"


def local_day(at: float) -> dt.date:
    """Give the local date of an instant (seconds since 1970): what money is counted on."""
    return dt.datetime.fromtimestamp(at).astimezone().date()


def joined(words: Iterable[str]) -> str:
    """Join words as in a sentence: `a`, `a and b`, `a, b and c`."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def program() -> str:
    """Give the words by which this program was called, so that what we suggest can be typed."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{sys.executable} -m mvsep_watch"
    found = shutil.which(called.name)
    is_on_path = found is not None and called.exists() and Path(found).samefile(called)
    return called.name if is_on_path else sys.argv[0]


def said(words: Mapping[str, Any]) -> str:
    """Put what the server said last of a separation into words.

    Args:
        words: What it said, by the names of its answer; empty before the first one.
    """
    return ", ".join(part for part in said_in_parts(words) if part)


def said_in_parts(words: Mapping[str, Any]) -> tuple[str, str]:
    """Put it into words: what is done about the separation, and how far that is."""
    place, queue = words.get("current_order"), words.get("queue_count")
    chunks, of_chunks = words.get("finished_chunks"), words.get("all_chunks")
    match words.get("status"):
        case None:
            return "submitted", ""
        case "waiting":
            of_queue = f" of {queue}" if queue else ""
            return "in the queue", f"place {place}{of_queue}" if place else ""
        case "processing":
            return "being separated", ""
        case "distributing":
            return "being separated", f"{chunks} of {of_chunks} chunks" if of_chunks else ""
        case "merging":
            return "being put together", ""
        case status:
            return str(status), ""
