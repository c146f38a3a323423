"""Which folders the daemon can really see, and how: a line in `status`, all of it with `--folders` and in JSON.

It is what the daemon last wrote down, at the latest an hour ago; the times in it are as old as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from mvsep_watch.cli.rendering import count, instant, local_time
from mvsep_watch.naming import display

Seen = Mapping[str, Any]
"""What `daemon.sight` wrote down: `as_of`, `folders` by name, `waiting` files; empty where it has not."""
_TIMES = ("last_event_at", "last_scan_at")


def as_json(seen: Seen) -> dict[str, Any] | None:
    """Give it for programs; None where nothing was written down."""
    if not seen:
        return None
    folders = [
        {"name": name, **said, **{key: instant(said[key]) for key in _TIMES}} for name, said in seen["folders"].items()
    ]
    waiting = [{**each, "since": instant(each["since"])} for each in seen["waiting"]]
    return {"as_of": instant(seen["as_of"]), "folders": folders, "waiting": waiting}


def troubles(seen: Seen) -> Iterator[Text | str]:
    """Say which folders are not wholly seen, and which files have waited for long."""
    for name, said in seen.get("folders", {}).items():
        if said["trouble"]:
            yield Text.assemble(
                ("folder ", "yellow"), f"{display(name)} is not wholly seen: {display(said['trouble'])}"
            )
            if said["hint"]:
                yield f"  hint: {said['hint']}"
    for each in seen.get("waiting", ()):
        yield Text.assemble(
            ("file ", "yellow"), f"{each['path']} waits since {local_time(each['since'])}: {each['reason']}"
        )


def ways(seen: Seen) -> str:
    """Say in short how the folders are seen; empty where nothing was written down."""
    found = [said["seen_by"] for said in seen.get("folders", {}).values()]
    return ", ".join(f"{found.count(way)} seen by {way}" for way in sorted(set(found)))


def show(seen: Seen, console: Console) -> None:
    """Print all of it for people."""
    if not seen:
        return
    console.print(f"folders, as of {local_time(seen['as_of'])}:")
    for name, said in seen["folders"].items():
        console.print(f"  {display(name)}: {said['file_system']} on {display(said['mounted']['at'])}")
        for line in _details(said):
            console.print(f"    {display(line)}")


def _details(said: Mapping[str, Any]) -> Iterator[str]:
    every = f"every {said['scanned_every_s']:.0f} s"
    parts = f" of {', '.join(said['scanned_parts'])}" if said["scanned_parts"] else ""
    yield f"seen by {said['seen_by']}{parts}, looked through {every}; last full scan {local_time(said['last_scan_at'])}"
    if said["watches"] or said["refused_watches"]:
        refused = f" and not in {said['refused_watches']}" if said["refused_watches"] else ""
        heard = count(said["watches"], "directory", "directories")
        yield f"heard in {heard}{refused}; last event {local_time(said['last_event_at'])}"
    if said["overflows"]:
        yield f"events were dropped {count(said['overflows'], 'time')}"
    if said["trouble"]:
        yield f"wrong: {said['trouble']}"
    if said["hint"]:
        yield f"hint: {said['hint']}"
