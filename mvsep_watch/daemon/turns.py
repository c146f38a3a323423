"""Turns that folders take: whoever waits in one waits for one of each other folder, however many wait there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """A queue for each folder; the folder that was served last is the last to be served again."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[T]] = {}

    def __len__(self) -> int:
        """Count what waits."""
        return sum(map(len, self._queues.values()))

    def put(self, folder: str, each: T) -> None:
        """Have something wait behind what waits in its folder."""
        self._queues.setdefault(folder, deque()).append(each)

    def take(self, fits: Callable[[Sequence[T], T], bool]) -> list[T]:
        """Take what is next in one folder, and what comes after it as far as that fits; something must wait."""
        folder = next(iter(self._queues))
        queue = self._queues.pop(folder)
        taken = [queue.popleft()]
        while queue and fits(taken, queue[0]):
            taken.append(queue.popleft())
        if queue:
            self._queues[folder] = queue
        return taken
