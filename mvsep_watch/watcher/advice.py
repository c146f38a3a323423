"""What to do about hearing badly, in a sentence that one can act on: the setting, what it is, and what it may be."""

from __future__ import annotations

from pathlib import Path

from mvsep_watch.watcher.events import Trouble

SETTINGS = Path("/proc/sys/fs/inotify")
AMPLE = {"max_queued_events": 131_072, "max_user_watches": 524_288, "max_user_instances": 512}
"""What is enough for nearly everybody: a watch costs about a kilobyte, and only where it is used."""
_SETTING = {
    Trouble.OVERFLOW: "max_queued_events",
    Trouble.LIMIT: "max_user_watches",
    Trouble.INSTANCES: "max_user_instances",
}
_WORDS = {
    Trouble.UNREADABLE: "Where permission is denied, let the user that runs mvsep-watch read and enter all of it.",
    Trouble.GONE: "Create it, or mount the disk or share it lies on.",
    Trouble.BROKEN: "It is looked through meanwhile. Please report it, with the log.",
}


def advice(trouble: Trouble) -> str:
    """Say what to do about a trouble; empty where it has mended itself."""
    if trouble not in _SETTING:
        return _WORDS.get(trouble, "")
    name = _SETTING[trouble]
    value = _value(name)
    more = ample(name, value=value)
    return f"`sysctl fs.inotify.{name}={more}` (it is {value}), and the same line in /etc/sysctl.d/ for the next start."


def ample(name: str, *, value: int, needed: int = 0) -> int:
    """Say what a setting of inotify is to be: more than it is, and at least twice what is needed."""
    return max(AMPLE[name], 2 * value, 1 << (2 * needed).bit_length())


def _value(name: str) -> int:
    try:
        return int((SETTINGS / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
