"""The state file and the spool beside it."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from mvsep_watch.cli import spooled
from mvsep_watch.cli.examining.finding import Finding, ok, problem, warning
from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.cli.examining.outputs import room
from mvsep_watch.cli.examining.people import ENTER, READ, WRITE, refusals
from mvsep_watch.cli.examining.subject import Remembered, Subject
from mvsep_watch.cli.rendering import count, program, size
from mvsep_watch.daemon.ground import folder_key
from mvsep_watch.daemon.roots import root_key
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import spool
from mvsep_watch.files.lock import holder_of
from mvsep_watch.files.mounts import is_network
from mvsep_watch.files.roots import RootNote
from mvsep_watch.files.spool import Orphan
from mvsep_watch.files.watched import FolderNote
from mvsep_watch.model import Config
from mvsep_watch.naming import display
from mvsep_watch.store.connection import MENDS_ITSELF
from mvsep_watch.store.jobs import Jobs
from mvsep_watch.store.memory import Memory
from mvsep_watch.store.still import damage_in, open_still

LOST_LAYERS = frozenset({"overlay", "aufs", "tmpfs", "ramfs"})
"""What is gone with its container, or with the next start of the machine."""


def remembered(config: Config) -> Remembered | None:
    """Give what the state file says; None where there is none, or it cannot be read."""
    with contextlib.suppress(MvsepWatchError, OSError):
        db = open_still(config.state)
        try:
            memory = Memory(db)
            roots = {
                folder.output: RootNote.of(memory.meta(root_key(folder.output)) or "") for folder in config.folders
            }
            folders = {folder.path: FolderNote.of(memory.meta(folder_key(folder)) or "") for folder in config.folders}
            return Remembered(
                state_id=memory.state_id,
                generation=memory.generation,
                inherited_ids=memory.inherited_ids,
                roots={root: note for root, note in roots.items() if note is not None},
                folders={path: note for path, note in folders.items() if note is not None},
            )
        finally:
            db.close()
    return None


def examine(state: Path, subject: Subject) -> Iterator[Finding]:
    """Examine the state file."""
    yield from place(state, subject.machine)
    yield from _folder(state, subject)
    if not state.exists():
        yield ok(f"{display(state)} is not there yet; `run` or `once` makes it")
        return
    yield from refusals(subject.person, state, READ | WRITE)
    yield from private(state, what="it tells what somebody listens to")
    holder = holder_of(state)
    yield ok(f"it is in use by {holder}" if holder else "nobody is using it: no daemon runs on it")
    yield from whole(state)


def place(state: Path, machine: Machine) -> Iterator[Finding]:
    """Say whether a state file may lie where it does."""
    kind = machine.mount(state.parent).fs_type
    if is_network(kind):
        yield problem(
            f"{display(state)} lies on a network file system ({kind}), where SQLite cannot keep it whole",
            hint="give `state:` a path on a local disk; the music may stay where it is",
        )
    elif kind in LOST_LAYERS:
        yield warning(
            f"{display(state)} lies on {kind}: it is lost with the container, or when the machine starts again",
            hint="mount a folder of the host there, or give `state:` a path on a disk",
        )
    else:
        yield ok(f"{display(state)} lies on {kind}")


def _folder(state: Path, subject: Subject) -> Iterator[Finding]:
    folder = next(parent for parent in state.parents if parent.exists())
    yield from refusals(subject.person, folder, WRITE | ENTER)
    yield from room(folder)


def private(path: Path, *, what: str) -> Iterator[Finding]:
    """Say whether a file is its owner's alone."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield warning(
            f"{display(path)} can be used by others than its owner ({mode:03o}), and {what}",
            hint="make it private",
            command=f"chmod {'700' if path.is_dir() else '600'} {shlex.quote(str(path))}",
        )
    else:
        yield ok(f"{display(path)} is its owner's alone")


def whole(state: Path) -> Iterator[Finding]:
    """Say whether a state file can be read by this version, and is not damaged."""
    if not os.access(state, os.R_OK):
        yield warning(
            f"{display(state)} cannot be read by you, so it was not looked into", hint="ask as its owner, or as root"
        )
        return
    if reason := damage_in(state):
        yield problem(
            f"{display(state)} is damaged: {reason}",
            hint="stop the daemon; " + MENDS_ITSELF,
            command=f"{program()} rebuild",
        )
        return
    try:
        open_still(state).close()
    except MvsepWatchError as error:
        yield problem(error.message, hint=error.hint)
        return
    yield ok(f"it is not damaged; {size(state.stat().st_size)}")


def examine_spool(config: Config) -> Iterator[Finding]:
    """Examine what is kept beside the state file for folders that are away."""
    folder = spool.place_of(config.state)
    if not config.limits.spool_bytes:
        yield ok("it is switched off by `limits.spool: 0`")
        return
    left = _orphans(config)
    for orphan in left:
        yield warning(f"{spooled.line(orphan)} is of no job here; {size(orphan.size_bytes)}", hint=spooled.HINT)
    apart = {orphan.folder for orphan in left}
    kept = [path for path in folder.iterdir() if path.is_dir() and path not in apart] if folder.is_dir() else []
    if kept:
        held = sum(path.lstat().st_size for job in kept for path in job.rglob("*"))
        yield warning(
            f"{count(len(kept), 'job')} with {size(held)} wait in {display(folder)} for their output folder",
            hint="mount its disk, or make it writable; `status` says which",
            command=f"{program()} status",
        )
        yield from private(folder, what="what waits there is for its owner")
        return
    waits = "nothing else waits there" if left else "nothing waits there"
    yield ok(f"{waits}; it may take up to {size(config.limits.spool_bytes)}")


def _orphans(config: Config) -> tuple[Orphan, ...]:
    """Find what the spool keeps for nobody; nothing where the state cannot be read."""
    with contextlib.suppress(MvsepWatchError, OSError):
        db = open_still(config.state)
        try:
            return spooled.orphans(config, Memory(db), Jobs(db))
        finally:
            db.close()
    return ()
