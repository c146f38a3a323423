"""What is known of output roots: what each was when it was seen last, what it lacks, and whether it is away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.errors import OutputRootError
from mvsep_watch.files.roots import RootNote
from mvsep_watch.model import Gate, GateName
from mvsep_watch.naming import escape_path
from mvsep_watch.steps.base import Pool

HANGS_AFTER_S = 60.0
"""A probe, or the showing of outputs that are there already, takes seconds."""


class Roots:
    """Remembers output roots; what must outlive the process is in the store."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted_bytes: dict[Path, int] = {}

    def is_new(self, root: Path) -> bool:
        """Say whether this state has never used a root."""
        return self._context.store.memory.meta(root_key(root)) is None

    def seen(self, root: Path, note: RootNote) -> None:
        """Remember what a root is, now that it was seen to be itself."""
        memory, key = self._context.store.memory, root_key(root)
        if memory.meta(key) != note.text():
            memory.set_meta(key, note.text())

    def wanted_bytes(self, root: Path) -> int:
        """Say how much must be free before a root counts as one that can be written: so much results wait for."""
        return self._wanted_bytes.get(root, 0)

    def gate_of(self, root: Path) -> Gate | None:
        """Give the closed gate of a root, or None where it is open."""
        scope = escape_path(root)
        gates = (gate for gate in self._context.store.memory.closed if gate.name == GateName.DISK)
        return next((gate for gate in gates if gate.scope == scope), None)

    def hangs(self, root: Path) -> bool:
        """Say whether a small step there has been under way for so long that its disk does not answer."""
        now_s = self._context.clock.monotonic()
        return any(
            step.pool == Pool.FILING and getattr(step, "root", None) == root and now_s - since_s > HANGS_AFTER_S
            for step, since_s in self._context.hands.since().items()
        )

    def is_probed(self, root: Path) -> bool:
        """Say whether a root is probed regularly; any other must be tried by its jobs."""
        return self._context.config.is_output(root) or root in self._context.store.jobs.roots_of_one_offs()

    def closed(self, root: Path, error: OutputRootError) -> None:
        """Close a root's gate: something could not be written there."""
        self._context.close_gate(GateName.DISK, error.message, error.hint, scope=escape_path(root))
        self._wanted_bytes[root] = max(error.needs_bytes, self._wanted_bytes.get(root, 0))

    def written(self, root: Path, note: RootNote | None = None) -> None:
        """Take note that results could be written there, and of what the root is."""
        if note is not None:
            self.seen(root, note)
        self._wanted_bytes.pop(root, None)
        if not self.is_probed(root):
            self._context.open_gate(GateName.DISK, scope=escape_path(root))


def note_of(context: Context, root: Path) -> RootNote | None:
    """Say what a root was when it was last seen to be itself; None where that was never noted.

    Only a configured root must keep its claim: where one-offs go is a person's folder, to be emptied at will.
    """
    note = RootNote.of(context.store.memory.meta(root_key(root)) or "")
    if note is None or context.config.is_output(root):
        return note
    return replace(note, generation=None)


def root_key(root: Path) -> str:
    """Name the note that says what an output root was."""
    return f"root {escape_path(root)}"
