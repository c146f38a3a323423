"""What a running daemon writes down for `status`: how each folder is seen, and a configuration that it did not take.

It imports nothing that the daemon works with, so that a look at it costs little on a slow machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from mvsep_watch.store.memory import Memory

_REFUSED = "configuration_refused"
SIGHT = "sight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A configuration that a running daemon did not take, and since when (seconds since 1970)."""

    since: float
    reason: str
    hint: str
    problems: tuple[str, ...]


def refused(memory: Memory) -> Refused | None:
    """Give what was written down about a configuration that was not taken."""
    said = json.loads(memory.meta(_REFUSED) or "null")
    return Refused(**said | {"problems": tuple(said["problems"])}) if said else None


def tell_refused(memory: Memory, said: Refused | None) -> None:
    """Write down that a configuration was not taken, or take that back."""
    memory.set_meta(_REFUSED, json.dumps(asdict(said)) if said else "")


def sight(memory: Memory) -> dict[str, Any]:
    """Give how folders were seen last: `as_of`, `folders` by name, `waiting` files; empty where nothing was written."""
    text = memory.meta(SIGHT)
    written: dict[str, Any] = json.loads(text) if text else {}
    return written


def tell_sight(memory: Memory, said: dict[str, Any]) -> None:
    """Write down how folders are seen."""
    memory.set_meta(SIGHT, json.dumps(said))
