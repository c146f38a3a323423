"""Batches that are still being counted: before its sum is known, nothing starts in a scan's folder or in one around it.

Where nobody is asked about a sum, the first file is sent while the last is still to be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mvsep_watch.daemon.context import Context
from mvsep_watch.model import BatchOrigin, Folder


@dataclass(slots=True, kw_only=True)
class _Counted:
    """A scan whose files are still being counted."""

    paths: set[str] = field(default_factory=set)
    has_ended: bool = False


class Counting:
    """Knows of every scan which of its files are not read yet."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._scans: dict[str, _Counted] = {}

    def __bool__(self) -> bool:
        return bool(self._scans)

    def has(self, folder: str) -> bool:
        """Say whether a scan of the folder is still being counted, and a person may be asked about its sum."""
        if folder in self._context.config.one_offs or not self._is_asked_about():
            return False
        counted = [other for name in self._scans if (other := self._context.config.folder(name))]
        mine = self._context.config.folder(folder)
        return mine is not None and any(_overlap(mine, other) for other in counted)

    def _is_asked_about(self) -> bool:
        """Say whether batches may be held for their sum; an account without premium pays nothing."""
        context = self._context
        pays = context.account is None or context.account.has_premium
        is_limited = context.config.limits.credits.approve_batch_above is not None
        return (pays and is_limited) or context.store.memory.meta("ask_about_new") == "1"

    def begin(self, folder: str) -> None:
        """Count what a scan of a folder is going to find."""
        self._scans.setdefault(folder, _Counted()).has_ended = False

    def add(self, folder: str, path: str) -> None:
        """Have the batch of a folder's scan wait for a file."""
        self._scans.setdefault(folder, _Counted()).paths.add(path)

    def leave_out(self, folder: str, path: str) -> None:
        """Have it wait for a file no longer."""
        if counted := self._scans.get(folder):
            counted.paths.discard(path)

    def scan_ended(self, folder: str) -> None:
        """Take note that a scan finds nothing more."""
        if counted := self._scans.get(folder):
            counted.has_ended = True

    def close(self) -> None:
        """Close the batches of scans whose files are all counted."""
        for name, counted in list(self._scans.items()):
            if counted.has_ended and not counted.paths:
                del self._scans[name]
                self._context.store.approvals.close_batch_of(name, BatchOrigin.SCAN, now=self._context.clock.now())


def _overlap(one: Folder, other: Folder) -> bool:
    """Say whether a file may be in both folders: then a batch of the one is not counted before that of the other."""
    return one.path.is_relative_to(other.path) or other.path.is_relative_to(one.path)
