"""What a running daemon writes down for `status`: how folders are seen, what moves, what configuration it did not take.

It imports nothing that the daemon works with, so that a look at it costs little on a slow machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mvsep_watch.store.memory import Memory

_REFUSED = "configuration_refused"
SIGHT = "sight"
MOVES = "moves"
BELIEVED_S = 15.0
"""What moves is written down every few seconds while it does; older words are about something else."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What moves.

    Args:
        uploads: Bytes sent and bytes per second, by the separation's id.
        fetching: The jobs whose outputs are fetched.
        fetched: How many bytes since it is these, and bytes per second; of all of them together.
    """

    uploads: Mapping[int, tuple[int, float]] = field(default_factory=dict)
    fetching: frozenset[int] = frozenset()
    fetched: tuple[int, float] = (0, 0.0)


def moves(memory: Memory, *, now: float) -> Moves:
    """Give what moves, as it was written down just now; nothing, where that is too long ago."""
    said = json.loads(memory.meta(MOVES) or "{}")
    if not 0.0 <= now - said.get("at", 0.0) < BELIEVED_S:
        return Moves()
    uploads = {int(key): (size, per_s) for key, (size, per_s) in said["uploads"].items()}
    return Moves(uploads=uploads, fetching=frozenset(said["fetching"]), fetched=tuple(said["fetched"]))


def tell_moves(memory: Memory, said: Moves, *, now: float) -> None:
    """Write down what moves."""
    memory.set_meta(MOVES, json.dumps({"at": now, **asdict(said), "fetching": sorted(said.fetching)}))
