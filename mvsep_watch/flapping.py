"""Decides what of gates is news. Pure; instants are seconds, monotonic.

A gate is told of once it has been closed for a minute, and again once it has been open for one. One that closes again
and again is told of once, with how often it did; from then on only what lasts a quarter of an hour is, until it has
been open for an hour.

The surprise: a balance that is too low for what waits is no gate, since cheaper work may go on; it is told of like one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

GATE_LASTS_S = 60.0
FLAPPING_LASTS_S = 900.0
FLAPS = 10
FLAPS_WITHIN_S = 3600.0
"""A gate that closed so often in so long a time flaps; it does so no more once it has been open for as long."""
BALANCE = "balance"
"""Stands among the gates for the balance; that never flaps."""


@dataclass(frozen=True, slots=True)
class Known:
    """The gates that were told of, by key: to be closed, and to flap."""

    closed: frozenset[str] = frozenset()
    flapping: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateNews:
    """What is worth telling of gates, by their keys.

    Args:
        closed: Those that were closed for long enough and not told of.
        opened: Those told of that are open again.
        flapping: Those that close ever again, with how often they did in the last hour.
        steady: Those told to do so that have been open for an hour.
    """

    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    flapping: tuple[tuple[str, int], ...] = ()
    steady: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.closed or self.opened or self.flapping or self.steady)


@dataclass(slots=True)
class Stand:
    """How a gate stands, since when, and when it was closed within the last hour."""

    is_closed: bool
    since_s: float
    closings_s: deque[float] = field(default_factory=deque)

    def turn(self, now_s: float) -> None:
        """Take note that it closed or opened."""
        self.is_closed, self.since_s = not self.is_closed, now_s
        if self.is_closed:
            self.closings_s.append(now_s)

    def closings(self, now_s: float) -> int:
        """Say how often it closed within the last hour."""
        while self.closings_s and now_s - self.closings_s[0] >= FLAPS_WITHIN_S:
            self.closings_s.popleft()
        return len(self.closings_s)


@dataclass(slots=True)
class Gates:
    """Which gates have been closed, and which open, for how long, and how often."""

    _stands: dict[str, Stand] = field(default_factory=dict)

    def see(self, closed: Iterable[str], known: Known, *, now_s: float) -> None:
        """Take note of how they stand."""
        shut = set(closed)
        for key in {*shut, *known.closed, *known.flapping, *self._stands}:
            is_closed = key in shut
            stand = self._stands.setdefault(key, Stand(not is_closed, now_s))
            if stand.is_closed != is_closed:
                stand.turn(now_s)
            if not (is_closed or stand.closings(now_s) or key in {*known.closed, *known.flapping}):
                del self._stands[key]

    def news(self, known: Known, *, now_s: float, is_last: bool = False) -> GateNews:
        """Say what is worth telling, beside what was told of."""

        def has_lasted(key: str, stand: Stand) -> bool:
            lasts_s = FLAPPING_LASTS_S if key in known.flapping else 0.0 if is_last else GATE_LASTS_S
            return now_s - stand.since_s >= lasts_s

        stands = sorted(self._stands.items())
        is_closed = {key: stand.is_closed for key, stand in stands if has_lasted(key, stand)}
        flaps = {key: stand.closings(now_s) for key, stand in stands if key != BALANCE}
        steady = [
            key for key, stand in stands
            if key in known.flapping and not stand.is_closed and now_s - stand.since_s >= FLAPS_WITHIN_S
        ]  # fmt: skip
        return GateNews(
            closed=tuple(key for key, shut in is_closed.items() if shut and key not in known.closed),
            opened=tuple(key for key, shut in is_closed.items() if not shut and key in known.closed),
            flapping=tuple(each for each in flaps.items() if each[1] >= FLAPS and each[0] not in known.flapping),
            steady=tuple(steady),
        )
