"""What a person's `pause` and `resume` change: the gate `paused`, for everything or for single watched folders.

It is durable, and nothing but `resume` opens it. The planner asks it like every gate: before an intent, and again in
the transaction that lets the last chunk go. What was let go before goes on.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from mvsep_watch.model import Gate, GateName
from mvsep_watch.naming import display
from mvsep_watch.store import Store

EVERYTHING = ""
"""The scope of a pause that is of no single folder."""


def pause(store: Store, folders: Sequence[str], *, by: str, reason: str, now: float) -> list[str]:
    """Close the gate for each folder, by name, or for `EVERYTHING`; give those that were open.

    Args:
        store: The state, for its owner.
        folders: Whose uploads are to begin no more.
        by: Who said so; empty where that is not known.
        reason: What they gave for it, perhaps nothing.
        now: Seconds since 1970.
    """
    return [folder for folder in folders if _close(store, folder, by=by, reason=reason, now=now)]


def _close(store: Store, folder: str, *, by: str, reason: str, now: float) -> bool:
    what = "everything" if folder == EVERYTHING else display(folder)
    words = f"{what} is paused{f' by {display(by)}' if by else ''}{f': {display(reason)}' if reason else ''}"
    hint = f"what was sent goes on; {resuming(folder)} lets uploads begin again"
    return store.memory.close_gate(Gate(name=GateName.PAUSED, reason=words, hint=hint, since=now, scope=folder))


def resuming(folder: str) -> str:
    """Give the command that ends a pause."""
    return f"`mvsep-watch resume{f' {shlex.quote(folder)}' if folder else ''}`"


def resume(store: Store, folders: Sequence[str]) -> list[str]:
    """Open the gate for each folder, by name, `EVERYTHING` standing for all of them; give those that were closed.

    Args:
        store: The state, for its owner.
        folders: Whose uploads may begin again.
    """
    closed = [gate.scope for gate in store.memory.closed if gate.name == GateName.PAUSED]
    opened = [scope for scope in closed if EVERYTHING in folders or scope in folders]
    for scope in opened:
        store.memory.open_gate(GateName.PAUSED, scope)
    if opened:
        store.jobs.wake()
    return opened
