"""What every step is: a value that says what to do, which a hand performs once with the adapters.

A step never touches the store and decides nothing; it returns a result or raises, and what follows is the owner's
business. Every step can be done again from the beginning.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from mvsep_watch.model import Account, FileStat
from mvsep_watch.mvsep import Client
from mvsep_watch.telling import Teller


class Pool(StrEnum):
    """Which hands perform a step; a pool that is busy never keeps another waiting."""

    UPLOADS = "uploads"
    DOWNLOADS = "downloads"
    ASKING = "asking"
    """Small requests to the service."""
    LOOKING = "looking"
    """A stat each, of candidates: never behind the reading of a large file."""
    READING = "reading"
    """Hashing sources."""
    SCANNING = "scanning"
    FILING = "filing"
    """Publishing, disposing, probing output roots."""
    EYES = "eyes"
    """Looking for the owner where a disk may not answer."""
    NOTICES = "notices"
    PINGS = "pings"
    NUMBERS = "numbers"


TELLING = frozenset({Pool.NOTICES, Pool.PINGS, Pool.NUMBERS})
"""These tell others, each kind one thing at a time; whatever hangs there keeps nobody else waiting."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The owner committed `released`; the claim is to carry this generation before the last chunk leaves."""

    generation: int


@dataclass(frozen=True, slots=True)
class Denied:
    """The owner says no: nothing leaves."""

    reason: str


AskRelease = Callable[[int, int, Account | None], Granted | Denied]
"""(separation id, send number, the account read again where the price was 0) → the owner's answer."""


TellFound = Callable[[str, tuple[tuple[str, FileStat], ...]], None]
"""(folder's name, found files): waits while the owner is behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a hand works with.

    Args:
        ask_release: Waits for the owner's word on the last chunk.
        found: Tells the owner what a scan found.
        stopping: Set when the process is told to stop.
        now: Seconds since 1970.
        monotonic: Seconds on the monotonic clock.
        version: This program's, for sidecars.
        teller: Sends notices and pings.
    """

    client: Client
    ask_release: AskRelease
    found: TellFound
    stopping: threading.Event
    now: Callable[[], float]
    monotonic: Callable[[], float]
    version: str
    teller: Teller = field(default_factory=Teller)


class Step(Protocol):
    """One step; `key` is unique among the steps in flight, `pool` says which hands perform it."""

    pool: ClassVar[Pool]

    @property
    def key(self) -> Hashable:
        """What must not be in flight twice."""
        ...

    def perform(self, tools: Tools) -> object:
        """Do it and give the result; trouble is raised as one of the project's errors."""
        ...
