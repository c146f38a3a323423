"""A path that may become a source, and what is said of it while it waits."""

from __future__ import annotations

from dataclasses import dataclass

from mvsep_watch import settle
from mvsep_watch.model import Folder

STALLED_AFTER_S = 15.0
"""How long `once` waits for a file that does not change and cannot be taken."""
_STALLING = frozenset({settle.WaitReason.EMPTY, settle.WaitReason.INCOMPLETE, settle.WaitReason.HELD_OPEN})
_LOOK_WHO = "look who writes to it: `fuser -v PATH`"
_HINTS: dict[str, str] = {
    settle.WaitReason.EMPTY: "put the whole file in its place, or delete it",
    settle.WaitReason.INCOMPLETE: "let its writer finish; if it is whole, `cp --sparse=never` makes a copy to drop",
    settle.WaitReason.HELD_OPEN: _LOOK_WHO,
    settle.WaitReason.CHANGING: _LOOK_WHO,
    settle.WaitReason.SETTLING: _LOOK_WHO,
}


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A path that may become a source.

    Args:
        due_s: When it is looked at next, monotonic.
        since_s: When it became one, monotonic.
        seen: What settle remembers; None before the first look.
        counted_in: The scan whose batch waits for it, or None.
        failures: How often it could not be read in a row.
        one_offs: The one-offs that it is the file of, by name.
    """

    folder: Folder
    due_s: float
    since_s: float
    seen: settle.Candidate | None = None
    counted_in: str | None = None
    is_busy: bool = False
    failures: int = 0
    reason: str = ""
    one_offs: frozenset[str] = frozenset()

    @property
    def waits(self) -> tuple[str, float]:
        """Why it waits, and since when, monotonic."""
        return self.reason, self.since_s

    @property
    def hint(self) -> str:
        """What to do about the reason for which it waits."""
        return _HINTS.get(self.reason, "")

    @property
    def explained(self) -> tuple[str, str]:
        """Why it is not taken yet, whatever it is at, and what to do."""
        reason = self.reason or ("being read" if self.is_busy else str(settle.WaitReason.SETTLING))
        if reason != settle.WaitReason.SETTLING:
            return reason, _HINTS.get(reason, "")
        quiet_s = max(self.seen.quiet_s if self.seen else 0.0, self.folder.settle_s)
        return reason, f"it is taken once it has not changed for {quiet_s:.0f} s"

    @property
    def takes_its_time(self) -> bool:
        """Whether its writer has earned more patience than its folder's, so that nobody should wait for it."""
        return self.seen is not None and self.seen.quiet_s > self.folder.settle_s

    def is_stalled(self, now_s: float) -> bool:
        """Say whether it cannot be taken, or may come back, and has not changed for a while."""
        is_waiting = self.reason in _STALLING or bool(self.failures) or self._rests_long
        since_s = self.since_s if self.seen is None else self.seen.since_s
        return is_waiting and now_s - since_s > max(STALLED_AFTER_S, self.folder.settle_s)

    @property
    def _rests_long(self) -> bool:
        """Whether it was taken time and again, and has grown each time."""
        return self.seen is not None and self.seen.quiet_s > max(settle.MAX_QUIET_S, self.folder.settle_s)
