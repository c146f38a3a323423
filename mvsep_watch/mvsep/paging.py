"""Lists that the service gives in pages, walked through as one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from mvsep_watch.errors import ServiceError

PAGE_ROWS = 20
"""The most that the service lists at once. Source: MVSEP API page, 2025 and 2026."""

Row = TypeVar("Row")


def paged(
    read_page: Callable[[int, int], Sequence[Row]],
    *,
    key: Callable[[Row], Hashable],
    start: int,
    limit: int | None,
) -> Iterator[Row]:
    """Walk through a list page by page, as far as it is read; a row that moved on meanwhile is not given twice.

    Args:
        read_page: Given how many rows to skip and how many are wanted.
        key: What tells one row from another.
        start: How many of the first rows to skip.
        limit: Rows at most; None goes to the end, which is a page that is not full.

    Raises:
        ServiceError: The service gives one page again and again.
    """
    seen: set[Hashable] = set()
    before: list[Hashable] = []
    while limit is None or len(seen) < limit:
        wanted = PAGE_ROWS if limit is None else min(PAGE_ROWS, limit - len(seen))
        page = read_page(start, wanted)
        keys = [key(row) for row in page]
        if keys and keys == before:
            raise ServiceError("the service gives the same page of a list twice", hint="asked again by itself")
        for row in page[:wanted]:
            if key(row) not in seen:
                seen.add(key(row))
                yield row
        if len(page) < wanted:
            return
        start, before = start + len(page), keys
