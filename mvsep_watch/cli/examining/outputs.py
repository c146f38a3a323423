"""The output roots: whether results can be put there, whose they are, and how much room they have."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mvsep_watch.cli.examining.finding import Finding, ok, problem, warning
from mvsep_watch.cli.examining.folders import LONGEST_LOOK_S, SHOWN, there
from mvsep_watch.cli.examining.people import ENTER, WRITE, refusals
from mvsep_watch.cli.examining.subject import Remembered, Subject
from mvsep_watch.cli.rendering import program, size
from mvsep_watch.daemon.space import LEAST_FREE_BYTES
from mvsep_watch.errors import MvsepWatchError, OutputRootError
from mvsep_watch.files import claim as claims
from mvsep_watch.files.access import dress
from mvsep_watch.files.roots import require_same
from mvsep_watch.files.staging import stagings_below
from mvsep_watch.files.trouble import output_trouble
from mvsep_watch.model import Access
from mvsep_watch.naming import display

LITTLE_BYTES = 1_000_000_000
"""A dozen songs in flac with all their stems."""
PROBE_PREFIX = ".mvsep-watch-doctor-"


def examine(root: Path, subject: Subject) -> Iterator[Finding]:
    """Examine an output root."""
    noted = subject.remembered.roots.get(root) if subject.remembered else None
    if not os.path.lexists(root) and noted is None:
        yield from _not_yet(root, subject)
        return
    if away := there(root, subject, what="output"):
        yield away
        return
    try:
        require_same(root, noted)
    except MvsepWatchError as error:
        yield problem(error.message, hint=error.hint)
        return
    yield from _writable(root, subject)
    if subject.remembered or not _has_state(subject):
        yield from claim(root, subject.remembered)
    if subject.remembered:
        yield from left_behind(root, subject.remembered)
    yield from room(root)


def _has_state(subject: Subject) -> bool:
    """Say whether there is a state, so that one that was not read is not taken for one that is lost."""
    if subject.config is None:
        return False
    try:
        return subject.config.state.exists()
    except OSError:
        return True


def _not_yet(root: Path, subject: Subject) -> Iterator[Finding]:
    """Examine what a root will be made in."""
    if subject.machine.missing_mount(root):
        away = there(root, subject, what="output")
        yield from [away] if away else []
        return
    parent = next(parent for parent in root.parents if parent.exists())
    stopped = tuple(refusals(subject.person, parent, WRITE | ENTER))
    yield from stopped or [ok(f"{display(root)} is not there yet; it is made with the first results")]
    yield from room(parent)


def _writable(root: Path, subject: Subject) -> Iterator[Finding]:
    if os.statvfs(root).f_flag & os.ST_RDONLY:
        point = subject.machine.mount(root).point
        yield problem(
            f"{display(root)} lies on a disk that is mounted read-only",
            hint="mount it writable; if the kernel did this by itself, look at `dmesg` first",
            command=f"sudo mount -o remount,rw {shlex.quote(point)}" if point else "",
        )
        return
    stopped = tuple(refusals(subject.person, root, WRITE | ENTER))
    yield from stopped
    if not stopped and subject.person.is_me:
        yield tried(root, subject.config.access_at(root) if subject.config else ())
    elif not stopped:
        yield ok(f"{subject.person.name} may write in {display(root)}, going by its permissions")


def tried(root: Path, accesses: Iterable[Access] = ()) -> Finding:
    """Do what publishing does, with a folder of our own that is gone afterwards: write, rename, remove."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=PROBE_PREFIX, dir=root))
        try:
            (folder / "new").mkdir()
            (folder / "new" / "probe").write_bytes(bytes(4096))
            for access in accesses:
                dress(folder / "new" / "probe", access)
                dress(folder / "new", access)
            (folder / "new").rename(folder / "renamed")
        finally:
            shutil.rmtree(folder)
    except OSError as error:
        said = output_trouble(error, root)
        return problem(said.message, hint=said.hint)
    except OutputRootError as error:
        return problem(error.message, hint=error.hint)
    return ok(f"{display(root)} can be written: a folder was made, filled, renamed and removed")


def claim(root: Path, remembered: Remembered | None) -> Iterator[Finding]:
    """Say whose outputs these are."""
    try:
        found = claims.read(root)
    except MvsepWatchError as error:
        yield problem(error.message, hint=error.hint)
        return
    where, rebuild = display(root), f"{program()} rebuild"
    if found is None:
        yield ok(f"{where} is not claimed yet")
    elif remembered is None:
        yield problem(
            f"{where} was filled by a state ({found.state_id}) that is not here: what it paid for is forgotten",
            hint="bring the state file back, or have it rebuilt from the outputs",
            command=rebuild,
        )
    elif found.state_id != remembered.state_id:
        yield problem(
            f"{where} belongs to another state ({found.state_id}), and this one is {remembered.state_id}",
            hint="name another output, or have this state take them over",
            command=rebuild,
        )
    elif found.generation > remembered.generation:
        yield problem(
            f"the state file is older than {where}: it does not remember everything that was paid for",
            hint="it is a backup, it seems; have what it lacks read from the outputs",
            command=rebuild,
        )
    else:
        yield ok(f"{where} carries this state's claim")


def left_behind(
    root: Path, remembered: Remembered, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Finding]:
    """Name results on their way that another state has left: nobody else would ever tell."""
    ends_s, mine = clock() + LONGEST_LOOK_S, {remembered.state_id, *remembered.inherited_ids}
    found = stagings_below(root, stopping=lambda: clock() > ends_s)
    if strangers := sorted(path for path, state_id in found if state_id not in mine):
        more = f" and {len(strangers) - SHOWN} more" if len(strangers) > SHOWN else ""
        yield warning(
            f"another state has left results on their way: {', '.join(map(display, strangers[:SHOWN]))}{more}",
            hint="remove them, if no other mvsep-watch puts its outputs there",
        )


def room(folder: Path) -> Iterator[Finding]:
    """Say how much is free on a folder's disk."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield problem(f"nobody knows what is free in {display(folder)}: {error.strerror}", hint="look at its disk")
        return
    look = f"df -h {shlex.quote(str(folder))}"
    if free < LEAST_FREE_BYTES:
        yield problem(f"{display(folder)} is full: {size(free)} are free", hint="free some space", command=look)
    elif free < LITTLE_BYTES:
        yield warning(f"only {size(free)} are free in {display(folder)}", hint="free some space", command=look)
    else:
        yield ok(f"{size(free)} are free in {display(folder)}")
