"""Whether the state file has room to grow. While it has not, nothing is taken up, so that nothing can be half done.

What hands bring back is kept in order and dealt with once there is space again; whatever else comes is found again by a
scan then. A hand before its last chunk is told no. The surprise: this looks at what is left before a transaction can
fail for want of it; the file that could not be written is no place to write down why.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.inbox import Bell, Message, ReleaseQuestion
from mvsep_watch.errors import StateError
from mvsep_watch.model import Gate, GateName
from mvsep_watch.naming import display
from mvsep_watch.steps.base import Denied

LEAST_FREE_BYTES = 16_000_000
"""Several times what a busy turn writes: a log of 4 MB before it is written back, and the file itself."""


class Space:
    """Watches the disk of the state file, and keeps what cannot be dealt with."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: list[Message] = []
        self.is_short = any(gate.name == GateName.DISK and not gate.scope for gate in context.store.memory.closed)
        """True while nothing may be written."""

    def look(self) -> bool:
        """Look at what is free; say whether there is enough again after there was not."""
        was_short = self.is_short
        self.is_short = free_bytes(self._context.config.state.parent) < LEAST_FREE_BYTES
        if self.is_short:
            self._tell(is_news=not was_short)
        elif was_short:
            self._context.open_gate(GateName.DISK)
        return was_short and not self.is_short

    def _tell(self, *, is_news: bool) -> None:
        """Close the gate as soon as that can be written down, and log it at once."""
        context = self._context
        reason, hint = full_words(context.config.state.parent)
        if is_news:
            context.log.warning("gate_closed", gate=str(GateName.DISK), reason=reason, hint=hint)
        with contextlib.suppress(StateError):  # there may be no space at all
            context.store.memory.close_gate(
                Gate(name=GateName.DISK, reason=reason, hint=hint, since=context.clock.now())
            )

    def keep(self, messages: Iterable[Message]) -> None:
        """Keep what is to be dealt with later; bells ring again, and no release is granted."""
        for message in messages:
            if isinstance(message, ReleaseQuestion):
                message.reply(Denied("there is no space left for the state file"))
            elif not isinstance(message, Bell):
                self._kept.append(message)

    def kept(self) -> list[Message]:
        """Give what was kept, once."""
        kept, self._kept = self._kept, []
        return kept


def full_words(folder: Path) -> tuple[str, str]:
    """Give the reason and the hint of a state's disk without room."""
    reason = f"there is hardly any space left for the state file in {display(folder)}"
    return reason, "free some space; everything goes on by itself then"


def free_bytes(folder: Path) -> float:
    """Say how much a folder's file system has free for us; endlessly much where it does not tell."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return float("inf")
    return found.f_bavail * found.f_frsize
