"""What to do about hearing badly, in a sentence that one can act on: the setting, what it is, and what it may be."""

from __future__ import annotations

from pathlib import Path

from mvsep_watch.watcher.events import Trouble

SETTINGS = Path("/proc/sys/fs/inotify")
_SETTING = {
    Trouble.OVERFLOW: ("max_queued_events", 131_072),
    Trouble.LIMIT: ("max_user_watches", 1_048_576),
    Trouble.INSTANCES: ("max_user_instances", 1_024),
}
"""Which setting is too small, and what is ample: a watch costs about a kilobyte, and only where it is used."""
_WORDS = {
    Trouble.UNREADABLE: "Give the user that runs mvsep-watch the right to read and enter all of it (`chmod u+rx`).",
    Trouble.GONE: "Create it, or mount the disk or share it lies on.",
    Trouble.BROKEN: "It is looked through meanwhile. Please report it, with the log.",
}


def advice(trouble: Trouble) -> str:
    """Say what to do about a trouble; empty where it has mended itself."""
    if trouble not in _SETTING:
        return _WORDS.get(trouble, "")
    name, ample = _SETTING[trouble]
    value = _value(name)
    more = max(ample, 2 * value)
    return f"`sysctl fs.inotify.{name}={more}` (it is {value}), and the same line in /etc/sysctl.d/ for the next start."


def _value(name: str) -> int:
    try:
        return int((SETTINGS / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
