"""The hands: pools of threads that perform steps, one outcome each, and nothing else.

The threads are daemons of the process: what is stuck in a dead server or a dead share when the process is told to stop
is left behind. That is safe because every step can be done again, and because what matters was committed before.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Hashable, Mapping
from typing import Protocol

from mvsep_watch.daemon.inbox import Inbox, Outcome
from mvsep_watch.steps.base import Pool, Step, Tools

STUCK_AFTER_S = 3600.0
"""A step that is in flight for so long does not make progress."""
_PATIENT = (Pool.UPLOADS, Pool.DOWNLOADS, Pool.TELLING)
"""These take what they take, or matter to nobody's work."""


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

    def free(self, pool: Pool) -> int:
        """Count the hands of a pool that have nothing to do."""
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

    def give(self, step: Step) -> bool:
        """Hand a step out; False where its key is in flight already."""
        if step.key in self._steps:
            return False
        self._steps[step.key] = step
        self._since[step.key] = self._tools.monotonic()
        if self._started[step.pool] < min(self._sizes[step.pool], self._count(step.pool)):
            self._start(step.pool)
        self._queues[step.pool].put(step)
        return True

    def finished(self, step: Step) -> None:
        """Take note that a step's outcome has been dealt with."""
        self._steps.pop(step.key, None)
        self._since.pop(step.key, None)

    def is_busy_with(self, key: Hashable) -> bool:
        """Say whether a step with this key is in flight."""
        return key in self._steps

    def free(self, pool: Pool) -> int:
        """Count the hands of a pool that have nothing to do."""
        return max(0, self._sizes[pool] - self._count(pool))

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


def stuck(hands: Hands, *, now_s: float) -> Step | None:
    """Give a small step that has been in flight for too long; now is monotonic."""
    late = (step for step, since_s in hands.since().items() if now_s - since_s > STUCK_AFTER_S)
    return next((step for step in late if step.pool not in _PATIENT), None)
