"""How fast bytes go: one limit for all uploads together, and one for all downloads.

Whoever moves bytes takes room for them first, and waits until the bytes before them have had their time. The time is
reserved before it is waited for, so that any number of threads share one rate, in the order in which they came.

The surprise: nothing is saved up. A connection that is slower than the limit for a while gains nothing by it later, so
that no burst ever goes over the limit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mvsep_watch.errors import StoppedError

SHORTEST_WAIT_S = 0.25
"""What a piece of an upload takes of the whole rate: often enough for a server that waits, and cheap."""


class Rate:
    """A limit that threads share.

    Args:
        bytes_per_s: The limit; None is none.
        clock: Seconds, monotonic.
        sleep: Waits so many seconds and says whether it was stopped; by default until `stop` is called.

    `moved_bytes` counts what room was ever taken for.
    """

    def __init__(
        self,
        bytes_per_s: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
    ) -> None:
        self.bytes_per_s = bytes_per_s
        self._stopped = threading.Event()
        self._clock = clock
        self._sleep = sleep or self._stopped.wait
        self._lock = threading.Lock()
        self._free_s = float("-inf")
        self.moved_bytes = 0

    def take(self, size_bytes: int) -> None:
        """Wait until so many bytes may go.

        Raises:
            StoppedError: `stop` was called, and they would have had to wait.
        """
        wait_s = self._reserve(size_bytes)
        if wait_s > 0 and self._sleep(wait_s):
            raise StoppedError("told to stop while waiting for limits.upload_rate or limits.download_rate")

    def piece_bytes(self, most_bytes: int) -> int:
        """Give how many bytes to move at once, so that none of the waits is long."""
        if self.bytes_per_s is None:
            return most_bytes
        return max(1, min(most_bytes, int(self.bytes_per_s * SHORTEST_WAIT_S)))

    def stop(self) -> None:
        """End every wait, now and later, with StoppedError."""
        self._stopped.set()

    def _reserve(self, size_bytes: int) -> float:
        with self._lock:
            self.moved_bytes += size_bytes
            if not self.bytes_per_s:
                return 0.0
            now_s = self._clock()
            begins_s = max(self._free_s, now_s)
            self._free_s = begins_s + size_bytes / self.bytes_per_s
            return begins_s - now_s
