"""The watched folders: whether they are there, can be read, and how what comes into them is noticed."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.cli.examining.finding import Finding, ok, problem, warning
from mvsep_watch.cli.examining.people import ENTER, READ, WRITE, Person, making, refusals
from mvsep_watch.cli.examining.subject import Subject
from mvsep_watch.cli.rendering import count
from mvsep_watch.files.mounts import Mount, needs_polling
from mvsep_watch.files.watched import PartAwayError, away_below
from mvsep_watch.model import Folder
from mvsep_watch.naming import display

SAMPLE = 500
"""Sub-folders whose permissions are looked at: enough to meet what somebody else put there."""
LONGEST_LOOK_S = 15.0
SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What lies below a watched folder.

    Args:
        directories: How many there are, the folder itself too.
        is_whole: Whether they were counted to the end.
        refused: What keeps some of a sample from being read.
    """

    directories: int
    is_whole: bool
    refused: tuple[Finding, ...] = ()


def examine(folder: Folder, tree: Tree, subject: Subject) -> Iterator[Finding]:
    """Examine a watched folder, with what was counted below it."""
    if missing := there(folder.path, subject, what=f'folder "{folder.name}"'):
        yield missing
        return
    stopped = tuple(refusals(subject.person, folder.path, READ | ENTER))
    yield from stopped
    if not stopped:
        yield from _sampled(folder, tree)
    yield from away(folder, subject)
    mount = subject.machine.mount(folder.path)
    yield heard(folder, mount)
    if folder.source != "keep" or folder.notes:
        yield from _written(folder, subject)


def there(path: Path, subject: Subject, *, what: str) -> Finding | None:
    """Say that a folder is not there, and why, or give None where it is."""
    if path.is_dir():
        return None
    point = subject.machine.missing_mount(path)
    if point is not None:
        return problem(
            f"{what}: {display(path)} is not there, because nothing is mounted on {display(point)}, as /etc/fstab says",
            hint="mount its disk",
            command=f"sudo mount {shlex.quote(point)}",
        )
    if os.path.lexists(path):
        return problem(f"{what}: {display(path)} is not a folder", hint="move it away, or name another folder")
    return problem(
        f"{what}: there is no folder {display(path)}",
        hint="make it, or mount its disk",
        command=making(path, name="" if subject.person.is_me else subject.person.name),
    )


def away(folder: Folder, subject: Subject) -> Iterator[Finding]:
    """Say which parts of a folder lay on a disk or share that is not mounted."""
    note = subject.remembered.folders.get(folder.path) if subject.remembered else None
    for part in away_below(folder.path, note):
        trouble = PartAwayError(part)
        yield problem(trouble.message, hint=trouble.hint)


def walk(folder: Folder, person: Person, *, clock: Callable[[], float] = time.monotonic) -> Tree:
    """Count the directories below a folder, and try a sample of them."""
    ends_s = clock() + LONGEST_LOOK_S
    waiting, directories, refused = [folder.path] if folder.path.is_dir() else [], 0, list[Finding]()
    while waiting and clock() < ends_s:
        here = waiting.pop()
        directories += 1
        if 1 < directories <= SAMPLE:
            refused += refusals(person, here, READ | ENTER)
        if folder.recursive:
            waiting += _below(here)
    return Tree(directories=directories, is_whole=not waiting, refused=tuple(refused))


def _below(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _sampled(folder: Folder, tree: Tree) -> Iterator[Finding]:
    yield from tree.refused[:SHOWN]
    if len(tree.refused) > SHOWN:
        yield warning(f"and {len(tree.refused) - SHOWN} more like these")
    if not tree.refused:
        many = "" if tree.is_whole else "more than "
        yield ok(f"{display(folder.path)} can be read; it has {many}{count(tree.directories - 1, 'sub-folder')}")


def is_polled(folder: Folder, mount: Mount) -> bool:
    """Say whether a folder is scanned instead of heard."""
    return folder.watch == "poll" or (folder.watch == "auto" and needs_polling(mount.fs_type))


def heard(folder: Folder, mount: Mount) -> Finding:
    """Say how what comes into a folder is noticed."""
    where = f"it lies on {mount.fs_type}" + (f", mounted at {display(mount.point)}" if mount.point else "")
    if folder.watch == "events" and needs_polling(mount.fs_type):
        return warning(
            f"{where}, which does not tell of every file, and `watch: events` relies on that",
            hint="write `watch: auto`; until then a file that is not told of waits for the next `schedule.rescan`",
        )
    if is_polled(folder, mount):
        why = "as `watch: poll` says" if folder.watch == "poll" else "because it does not tell of every file"
        return ok(f"{where}; it is looked through every 30 seconds, {why}")
    return ok(f"{where}; files are noticed as they come")


def _written(folder: Folder, subject: Subject) -> Iterator[Finding]:
    """Examine what `notes`, and `source: delete` or `move`, need."""
    yield from refusals(subject.person, folder.path, WRITE | ENTER)
    if isinstance(folder.source, Path) and folder.source.exists():
        yield from refusals(subject.person, folder.source, WRITE | ENTER)
        if folder.source.stat().st_dev != folder.path.stat().st_dev:
            yield warning(
                f"sources are moved to {display(folder.source)}, which is on another disk: each is copied first",
                hint="name a folder on the same disk if that takes too long",
            )
