"""The hands: pools of threads that perform steps, one outcome each, and nothing else.

The threads are daemons of the process: what is stuck in a dead server or a dead share when the process is told to stop
is left behind. That is safe because every step can be done again, and because what matters was committed before. While
it runs, another hand takes over from one that a dead share holds up.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Hashable, Mapping
from typing import Protocol

from mvsep_watch.daemon.inbox import Inbox, Outcome
from mvsep_watch.steps.base import TELLING, Pool, Step, Tools

STUCK_AFTER_S = 3600.0
"""A step that is in flight for so long does not make progress."""
_PATIENT = {Pool.UPLOADS, Pool.DOWNLOADS, *TELLING}
"""These take what they take, or matter to nobody's work."""
HELD_UP_AFTER_S = {
    Pool.LOOKING: 60.0,
    Pool.FILING: 60.0,
    Pool.EYES: 60.0,
    Pool.NOTICES: 60.0,
    Pool.NUMBERS: 60.0,
    Pool.SCANNING: 600.0,
    Pool.READING: 600.0,
}
"""From when on a step counts as held up by a disk that does not answer; a large file, or share, is read for longer."""
MINDED_EVERY_S = 5.0
"""How often it is looked whether hands are held up, at most; what waits behind them is not told of otherwise."""
MOST_HELD_UP = 8
"""How many hands may take over in a pool; a process has only so many threads to lose."""


class Hands(Protocol):
    """Who performs steps. `Threads` does it for real; a test may do it on the spot."""

    def give(self, step: Step) -> bool:
        """Hand a step out; False where its key is in flight already."""
        ...

    def finished(self, step: Step) -> None:
        """Take note that a step's outcome has been dealt with."""
        ...

    def is_busy_with(self, key: Hashable) -> bool:
        """Say whether a step with this key is in flight."""
        ...

    def free(self, pool: Pool, *, ahead: int = 0) -> int:
        """Count the hands of a pool that have nothing to do, and of so many steps ahead those that are not there."""
        ...

    def resize(self, sizes: Mapping[Pool, int]) -> None:
        """Have so many hands in each pool; what is in flight goes on."""
        ...

    def in_flight(self) -> tuple[Step, ...]:
        """Give the steps in flight."""
        ...

    def since(self) -> Mapping[Step, float]:
        """Give the steps in flight with the instant (monotonic) at which they were handed out."""
        ...


class Threads:
    """Hands that are threads, started when they are first needed."""

    def __init__(self, inbox: Inbox, tools: Tools, sizes: Mapping[Pool, int]) -> None:
        self._inbox = inbox
        self._tools = tools
        self._sizes = sizes
        self._steps: dict[Hashable, Step] = {}
        self._since: dict[Hashable, float] = {}
        self._queues: dict[Pool, queue.SimpleQueue[Step | None]] = {pool: queue.SimpleQueue() for pool in sizes}
        self._started: dict[Pool, int] = dict.fromkeys(sizes, 0)
        self._minded_s = float("-inf")

    def give(self, step: Step) -> bool:
        """Hand a step out; False where its key is in flight already."""
        if step.key in self._steps:
            return False
        self._steps[step.key] = step
        self._since[step.key] = self._tools.monotonic()
        self._queues[step.pool].put(step)
        self._start_missing(step.pool)
        if self._tools.monotonic() - self._minded_s > MINDED_EVERY_S:
            self._minded_s = self._tools.monotonic()
            for pool in HELD_UP_AFTER_S:
                self._start_missing(pool)
        return True

    def finished(self, step: Step) -> None:
        """Take note that a step's outcome has been dealt with."""
        self._steps.pop(step.key, None)
        self._since.pop(step.key, None)

    def is_busy_with(self, key: Hashable) -> bool:
        """Say whether a step with this key is in flight."""
        return key in self._steps

    def free(self, pool: Pool, *, ahead: int = 0) -> int:
        """Count the hands of a pool that have nothing to do, and of so many steps ahead those that are not there."""
        return max(0, self._wanted(pool) + ahead - self._count(pool))

    def resize(self, sizes: Mapping[Pool, int]) -> None:
        """Have so many hands in each pool; what is in flight goes on, and hands too many end after it."""
        self._sizes = sizes
        for pool, size in sizes.items():
            for _ in range(self._started[pool] - size):
                self._queues[pool].put(None)
            self._started[pool] = min(self._started[pool], size)

    def in_flight(self) -> tuple[Step, ...]:
        """Give the steps in flight."""
        return tuple(self._steps.values())

    def since(self) -> Mapping[Step, float]:
        """Give the steps in flight with the instant (monotonic) at which they were handed out."""
        return {step: self._since[key] for key, step in self._steps.items()}

    def _count(self, pool: Pool) -> int:
        return sum(step.pool == pool for step in self._steps.values())

    def _wanted(self, pool: Pool) -> int:
        """Say how many hands a pool is to have: others take over from those that a disk holds up, as far as it goes."""
        after_s = HELD_UP_AFTER_S.get(pool)
        if after_s is None:
            return self._sizes[pool]
        begun_before_s = self._tools.monotonic() - after_s
        held_up = sum(step.pool == pool and self._since[key] < begun_before_s for key, step in self._steps.items())
        return self._sizes[pool] + min(held_up, MOST_HELD_UP)

    def _start_missing(self, pool: Pool) -> None:
        while self._started[pool] < min(self._wanted(pool), self._count(pool)):
            self._start(pool)

    def _start(self, pool: Pool) -> None:
        self._started[pool] += 1
        name = f"{pool}-{self._started[pool]}"
        threading.Thread(target=self._work, args=(self._queues[pool],), name=name, daemon=True).start()

    def _work(self, steps: queue.SimpleQueue[Step | None]) -> None:
        while (step := steps.get()) is not None:
            self._inbox.put(perform(step, self._tools))


def perform(step: Step, tools: Tools) -> Outcome:
    """Perform a step and give its outcome, whatever happens."""
    try:
        return Outcome(step=step, result=step.perform(tools))
    except Exception as error:  # noqa: BLE001 - a bug in a step must reach the owner and not kill the hand
        return Outcome(step=step, error=error)


def stuck(hands: Hands, *, now_s: float, of_disks: bool = True) -> Step | None:
    """Give a small step that has been in flight for too long.

    Args:
        hands: Who may be stuck.
        now_s: Monotonic.
        of_disks: Whether those count that a disk may hold up, from which others have taken over.
    """
    aside = _PATIENT if of_disks else {*_PATIENT, *HELD_UP_AFTER_S}
    late = (step for step, since_s in hands.since().items() if now_s - since_s > STUCK_AFTER_S)
    return next((step for step in late if step.pool not in aside), None)
