"""In which order queued jobs are looked at: higher priority first, then fair over folders, then the oldest."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar


class Queued(Protocol):
    """What is put in order."""

    @property
    def id(self) -> int:
        """Smaller is older."""
        ...

    @property
    def priority(self) -> int:
        """Higher is first."""
        ...


J = TypeVar("J", bound=Queued)


def fair(queues: Mapping[str, Sequence[J]], under_way: Mapping[str, int]) -> Iterator[J]:
    """Give the jobs of all folders, taking turns: the folder with the fewest under way is next.

    Args:
        queues: Each folder's jobs, by descending priority and ascending age.
        under_way: How many separations each folder has under way already.
    """
    heap = [
        (-jobs[0].priority, under_way.get(folder, 0), jobs[0].id, folder, 0) for folder, jobs in queues.items() if jobs
    ]
    heapq.heapify(heap)
    while heap:
        _, count, _, folder, position = heapq.heappop(heap)
        jobs = queues[folder]
        yield jobs[position]
        if position + 1 < len(jobs):
            following = jobs[position + 1]
            heapq.heappush(heap, (-following.priority, count + 1, following.id, folder, position + 1))
