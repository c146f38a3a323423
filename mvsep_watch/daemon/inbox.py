"""The owner's inbox: the one way in for events, bells, outcomes and questions.

Paths coalesce in a set with one wake token, so that a storm of events stays bounded: when the set is full it is
emptied, and the folder's scan, which is the truth, is asked for instead. Nothing put here can block or raise.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mvsep_watch.files.mounts import Mount
from mvsep_watch.model import Account, FileStat
from mvsep_watch.steps.base import Denied, Granted, Step
from mvsep_watch.watcher import FolderHealth

MAX_PATHS = 20_000
"""About 5 MB of paths; a scan of as many files takes a fraction of a second."""


@dataclass(frozen=True, slots=True)
class Bell:
    """Something is due: `rescan`, `scan` of one folder, `account`, `stop`, or only `wake`."""

    name: str
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A hand has performed a step: its result, or what it ran into."""

    step: Step
    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """A chunk of a scan."""

    folder: str
    files: tuple[tuple[str, FileStat], ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The watcher cannot see everything below a folder; `hint` says what to do about it."""

    folder: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardFolder:
    """What a folder lies on, and how well it is heard.

    Args:
        is_polled: Whether all of it must be looked through, because not everything there makes an event.
        parts: What must be looked through, where that is not all of it: paths below it, with what is mounted there.
        health: What the watcher says; None where it was not asked to listen.
        hint: What to do about a trouble that lasts.
    """

    mount: Mount
    is_polled: bool
    parts: tuple[tuple[str, Mount], ...] = ()
    health: FolderHealth | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """How well each folder is heard, by name."""

    folders: Mapping[str, HeardFolder]


@dataclass(slots=True, kw_only=True)
class ReleaseQuestion:
    """A hand stands before the last chunk and waits for the owner's answer."""

    separation_id: int
    send: int
    account: Account | None
    answer: Granted | Denied = field(default_factory=lambda: Denied("the daemon is stopping"))
    answered: threading.Event = field(default_factory=threading.Event)

    def reply(self, answer: Granted | Denied) -> None:
        """Let the hand go on."""
        self.answer = answer
        self.answered.set()


Message = Bell | Outcome | FoundFiles | Trouble | Heard | ReleaseQuestion


class Inbox:
    """Messages in order, and the set of paths that something happened to."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._paths: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def put(self, message: Message) -> None:
        """Leave a message."""
        self._messages.put(message)

    def path_touched(self, folder: str, path: str) -> None:
        """Say that something happened to a path; called from watchdog's thread, which must not be held up."""
        with self._lock:
            overflows = len(self._paths) >= MAX_PATHS
            first = not self._paths
            if overflows:
                self._paths.clear()
            else:
                self._paths.add((folder, path))
        if overflows:
            self.put(Trouble(folder, "too many events at once"))
        elif first:
            self.put(Bell("wake"))

    @property
    def is_empty(self) -> bool:
        """True while nothing has come."""
        return self._messages.empty() and not self._paths

    def take(self, timeout_s: float) -> tuple[list[Message], list[tuple[str, str]]]:
        """Give what is there, waiting at most so long (real seconds) for the first of it."""
        messages = self._take_messages(timeout_s)
        with self._lock:
            paths, self._paths = list(self._paths), set()
        return messages, paths

    def _take_messages(self, timeout_s: float) -> list[Message]:
        found: list[Message] = []
        try:
            found.append(self._messages.get(block=timeout_s > 0, timeout=timeout_s or None))
            while True:
                found.append(self._messages.get_nowait())
        except queue.Empty:
            return found
