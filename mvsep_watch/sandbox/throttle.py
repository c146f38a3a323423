"""The rate limit: so many requests in a minute, announced in headers.

Decides by an injected clock; the window is fixed and begins with the first request after the last one ended.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

WINDOW_S = 60.0


class Throttle:
    """Counts requests.

    Args:
        limit: Requests in a window.
        clock: Seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._used = 0
        self._began_at = clock()

    def take(self) -> int | None:
        """Count a request; give the seconds to wait if it is one too many."""
        with self._lock:
            now = self._clock()
            if now - self._began_at >= WINDOW_S:
                self._began_at, self._used = now, 0
            self._used += 1
            return max(1, math.ceil(self._began_at + WINDOW_S - now)) if self._used > self._limit else None

    def headers(self) -> dict[str, str]:
        """Give the headers that say how much is left."""
        with self._lock:
            left = max(0, self._limit - self._used)
        return {"X-RateLimit-Limit": str(self._limit), "X-RateLimit-Remaining": str(left)}
