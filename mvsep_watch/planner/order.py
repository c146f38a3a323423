"""In which order queued jobs are looked at: higher priority first, then fair over folders, then the oldest.

What one scan found came at once, in no order: it goes by name, as people count.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
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
        queues: Each folder's jobs, by descending priority and as they stand in line.
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


def in_line(batch_id: int, relative: str = "") -> bytes:
    """Give what a job stands in its folder's line by: behind earlier batches, and in its own by name.

    Args:
        batch_id: The batch that it came with.
        relative: Its source below the watched folder; empty for what came one by one, which goes as it came.
    """
    return batch_id.to_bytes(8, "big") + (by_name(relative) if relative else b"")


def by_name(relative: str) -> bytes:
    """Give a key that sorts paths as people do: folder by folder, "2" before "10", and capitals like small letters.

    It asks no locale, so that it is the same in every process.
    """
    *folders, name = relative.split("/")
    stem, dot, suffix = name.rpartition(".")
    parts = [*folders, f"{stem}\1{suffix}" if dot else name]  # "song" comes before "song 2"
    return "\0".join(map(_sortable, parts)).encode(errors="surrogateescape")


def _sortable(part: str) -> str:
    """Write a name without case and accents, and a number so that its length comes first."""
    if not part.isascii():
        part = "".join(char for char in unicodedata.normalize("NFKD", part) if not unicodedata.combining(char))
    return re.sub("0*([0-9]+)", lambda found: f"{len(found[1]):03}{found[1]}", part.casefold())
