"""Who is told what: notices for people, pings for a service that watches, numbers for whoever measures. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Subject(StrEnum):
    """What a notice may be about."""

    HELD = "held"
    FAILED = "failed"
    GATE = "gate"
    PUBLISHED = "published"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a notice goes: an address, or a program.

    Args:
        name: What it is called in logs and answers: `urls[0]`, `command`.
        url: An address that Apprise understands; never in a repr.
        command: A program and its words, where there is no address.
    """

    name: str
    url: str = field(default="", repr=False)
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """The section `notify`. `summary_minute` is a minute of the day."""

    destinations: tuple[Destination, ...]
    about: frozenset[Subject] = frozenset({Subject.HELD, Subject.FAILED, Subject.GATE})
    summary_minute: int = 8 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """The section `ping`: the addresses that are asked, none of them in a repr; empty asks none."""

    success: str = field(repr=False)
    start: str = field(default="", repr=False)
    fail: str = field(default="", repr=False)
    interval_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The section `metrics`: a file, absolute, and an address to listen at, each of them perhaps None."""

    file: Path | None = None
    listen: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice in words, and the facts of it as JSON."""

    title: str
    text: str
    facts: str = "{}"
