"""Proves that what the kernel says is read: a thread that is alive may be stuck, or read something else.

A record is made on purpose and waited for. Nothing is written for it, least of all in anybody's folder: this package's
own directory is opened, which inotify tells to whoever asks for it. It proves nothing about what other machines write.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

PLACE = Path(__file__).parent
PATIENCE_S = 10.0
"""A storm of other records is read first: a late answer is none of a dead thread."""
_MASK = Mask(InotifyConstants.IN_OPEN | InotifyConstants.IN_ONLYDIR)


class Pulse:
    """Feels whether an `InotifyFD` is read.

    Raises:
        OSError: The kernel refuses one more watch.
    """

    def __init__(self, kernel: InotifyFD) -> None:
        self._heard = threading.Event()
        kernel.add_callback(os.fsencode(PLACE), _MASK, self, CallbackId(0))

    def beats(self, *, within_s: float | None = None) -> bool:
        """Make a record, and say whether it came through; where none can be made nothing speaks against it."""
        self._heard.clear()
        try:
            os.close(os.open(PLACE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError:
            return True
        return self._heard.wait(PATIENCE_S if within_s is None else within_s)

    def on_event(self, _: InotifyEvent) -> None:
        """Hear it."""
        self._heard.set()

    def on_watch_deleted(self, _: WatchDescriptor) -> None:
        """Stay as it is: a pulse that is not felt is missed at the next beat."""

    def on_queue_overflow(self) -> None:
        """Hear that the queue is read, if not every record."""
        self._heard.set()
