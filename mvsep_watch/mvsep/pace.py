"""How fast the process asks: one limiter that all its requests to the service pass.

It keeps well under the rate that the service announces, lets a first burst through unslowed, and after a 429 makes
everything pause together. It never sends anything itself, and downloads do not pass it: results lie on storage hosts
that have no such limit.

The surprise: a turn is reserved before the wait for it. Hands that wait leave one after the other, at the rate, and not
all at once when the pause ends. Who is patient leaves a share of the burst to those who are not, and so none of them
waits behind a hundred polls.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mvsep_watch.errors import StoppedError

DEFAULT_LIMIT = 120
"""Requests a minute until the service announces its own. Source: recorded `X-RateLimit-Limit`, 2025."""
WINDOW_S = 60.0
"""The service counts by the minute. Source: the headers are those of Laravel's throttle, whose window that is."""
SHARE = 0.75
"""What we use of the announced rate at most; the person's browser and other tools live on the rest."""
BURST_SHARE = 1 / 6
"""The burst: 20 of 120. With the share it stays under the whole even when both fall into one window."""
SPARE_SHARE = 0.05
"""Below this part of the window's rest we slow down: somebody else is using it up."""
DEFAULT_PAUSE_S = 20.0
"""After a 429 that names no time. Source: what two public clients wait, 2025."""
MAX_PAUSE_S = 3600.0
"""A longer Retry-After is not believed: it is asked again after an hour."""


class Patience(Enum):
    """The share of the burst that a request leaves to those with less patience."""

    UPLOAD = 0.0
    ORDINARY = 0.25
    POLL = 0.5


@dataclass(frozen=True, slots=True)
class _Turn:
    due_s: float
    pauses: int


class Pace:
    """A limiter for all threads of a process.

    Args:
        limit: Requests a minute to start from.
        clock: Seconds, monotonic.
        sleep: Waits so many seconds and says whether it was stopped; by default until `stop` is called.
        jitter: Gives numbers from 0 to 1.
    """

    def __init__(
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._stopped = threading.Event()
        self._clock = clock
        self._sleep = sleep or self._stopped.wait
        self._jitter = jitter
        self._lock = threading.Lock()
        self._limit = limit
        self._next_s = float("-inf")
        self._paused_until_s = float("-inf")
        self._pauses = 0

    @property
    def limit(self) -> int:
        """Requests a minute, as last announced."""
        return self._limit

    @property
    def pause_left_s(self) -> float:
        """Seconds until a shared pause ends; 0 when there is none."""
        with self._lock:
            return max(0.0, self._paused_until_s - self._clock())

    def take(self, patience: Patience = Patience.UPLOAD) -> None:
        """Wait for a turn; returns at once while the part of the burst lasts that one may use.

        Raises:
            StoppedError: `stop` was called, and the turn would have had to be waited for.
        """
        turn = self._reserve(patience)
        while not self._wait(turn):
            turn = self._reserve(patience)

    def learn(self, *, limit: int | None, remaining: int | None) -> None:
        """Take in what an answer announced: the window's size and what is left of it; None where it did not say."""
        with self._lock:
            if limit is not None and limit > 0:
                self._limit = limit
            if remaining is not None and remaining > 0:
                self._leave_at_most(remaining)
        if remaining is not None and remaining <= 0:
            self.pause(None)

    def pause(self, seconds: float | None) -> float:
        """Let everything wait together, and start slowly afterwards.

        Args:
            seconds: What the service asked for; None takes the default.

        Returns:
            The seconds of this pause, with jitter.
        """
        asked_s = DEFAULT_PAUSE_S if seconds is None else min(max(seconds, 1.0), MAX_PAUSE_S)
        pause_s = asked_s * (1 + 0.1 * self._jitter())
        with self._lock:
            until_s = self._clock() + pause_s
            if until_s > self._paused_until_s:
                self._paused_until_s = until_s
                self._next_s = max(self._next_s, until_s + self._tolerance_s)
                self._pauses += 1
        return pause_s

    def stop(self) -> None:
        """End every wait, now and later, with StoppedError. Requests that need not wait still go."""
        self._stopped.set()

    @property
    def _interval_s(self) -> float:
        return WINDOW_S / (self._limit * SHARE)

    @property
    def _tolerance_s(self) -> float:
        burst = max(1, int(self._limit * BURST_SHARE))
        return (burst - 1) * self._interval_s

    def _reserve(self, patience: Patience) -> _Turn:
        with self._lock:
            now_s = self._clock()
            start_s = max(self._next_s, now_s)
            self._next_s = start_s + self._interval_s
            return _Turn(max(now_s, start_s - self._tolerance_s * (1 - patience.value)), self._pauses)

    def _wait(self, turn: _Turn) -> bool:
        """Wait for the turn and say whether it still holds: a pause that began meanwhile takes it away."""
        wait_s = turn.due_s - self._clock()
        if wait_s > 0 and self._sleep(wait_s):
            raise StoppedError("told to stop while waiting for the service's rate limit")
        with self._lock:
            return turn.pauses == self._pauses

    def _leave_at_most(self, remaining: int) -> None:
        """Shrink the burst that is left to what the window has left, less a spare part."""
        turns = max(1.0, remaining - self._limit * SPARE_SHARE)
        self._next_s = max(self._next_s, self._clock() + self._tolerance_s - (turns - 1) * self._interval_s)
