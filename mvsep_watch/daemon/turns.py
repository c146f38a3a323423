"""Turns that folders take: whoever waits in one waits for one of each other folder, however many wait there."""

from __future__ import annotations

from collections import deque
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

    def take(self) -> T:
        """Take what is next; something must wait."""
        folder = next(iter(self._queues))
        queue = self._queues.pop(folder)
        each = queue.popleft()
        if queue:
            self._queues[folder] = queue
        return each
