"""What was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: a problem keeps something from working, a warning may be as it should be."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        what: What it is like, a sentence.
        hint: What to do about it; empty where there is nothing to do.
        command: What does that when typed as it is; empty where no command can.
    """

    level: Level
    what: str
    hint: str = ""
    command: str = ""


def ok(what: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(Level.OK, what)


def warning(what: str, *, hint: str = "", command: str = "") -> Finding:
    """Say that something may be as it should be."""
    return Finding(Level.WARNING, what, hint, command)


def problem(what: str, *, hint: str = "", command: str = "") -> Finding:
    """Say that something keeps it from working."""
    return Finding(Level.PROBLEM, what, hint, command)
