"""Counts what became of requests, for whoever measures. Counts of this process only; thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mvsep_watch.errors import RetryableError

OUTCOMES = ("answered", "refused", "limited", "failed", "silent")
"""A yes, 4xx, 429, 5xx, and no whole answer."""


class Tally:
    """Requests by outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(OUTCOMES, 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many requests had each of the `OUTCOMES`."""
        with self._lock:
            return dict(self._counts)

    def answered(self, status: int) -> None:
        """Count an answer, by its status."""
        if status == 429:
            self._count("limited")
        elif status >= 500:
            self._count("failed")
        else:
            self._count("refused" if status >= 400 else "answered")

    @contextmanager
    def noting_silence(self) -> Iterator[None]:
        """Count a request that gets no whole answer."""
        try:
            yield
        except RetryableError:
            self._count("silent")
            raise

    def _count(self, outcome: str) -> None:
        with self._lock:
            self._counts[outcome] += 1
