"""The spool: results that are kept beside the state file while the folder they belong to is away.

Each job has a folder of its own in it, named after the state and the job, that appears whole, by one rename, with its
sidecar: a person can take it from there as it is. The spool is bounded and leaves its disk a reserve, because the state
file lies on the same one. Only what bears this state's id is ever removed. The surprise: what is kept is known by its
separation's hash, whoever kept it, for it may outlive the state that did.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import sidecar, staging
from mvsep_watch.files.claim import require
from mvsep_watch.files.renaming import rename_new
from mvsep_watch.files.trouble import output_errors
from mvsep_watch.model import Output, Provenance
from mvsep_watch.naming import OutputPlace

RESERVE_BYTES = 10**9
RESERVE_PART = 0.05
"""What stays free on the state's disk, whichever is more: a state file that cannot grow stops everything."""
_KEPT = re.compile(r"\.(?P<state>[A-Za-z0-9-]+)-(?P<job>[0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """What a spool has under the jobs' numbers: `kept` whole, with the hash it is of, `begun` a part."""

    kept: Mapping[int, str]
    begun: frozenset[int]


def place_of(state: Path) -> Path:
    """Give the spool of a state file."""
    return state.with_name(f"{state.name}.spool")


def folder_of(place: Path, *, state_id: str, job_id: int) -> Path:
    """Give a job's folder in a spool; hidden, so that no watched folder around it takes its files for sources."""
    return place / f".{state_id}-{job_id}"


def make(place: Path) -> None:
    """Make a spool, if it is not there.

    Raises:
        OutputRootError: It cannot be made, or something else stands in its place.
    """
    with output_errors(place):
        if not os.path.lexists(place):
            place.mkdir(mode=0o700)
    require(place)


def room_bytes(place: Path, *, limit_bytes: int) -> int:
    """Say how much more may be written to a spool: within its bound, and leaving its disk the reserve."""
    with output_errors(place):
        usage = shutil.disk_usage(place)
        reserve_bytes = max(RESERVE_BYTES, int(usage.total * RESERVE_PART))
        return min(limit_bytes - _used_bytes(place), usage.free - reserve_bytes)


def look(place: Path, *, state_id: str) -> Spooled:
    """Find what a spool holds for the jobs of a state.

    Raises:
        OutputRootError: It cannot be looked at.
    """
    with output_errors(place):
        is_there = place.is_dir() and not place.is_symlink()
        names = [path.name for path in place.iterdir()] if is_there else []
    found = [_KEPT.fullmatch(name) for name in names]
    kept = [int(each["job"]) for each in found if each and each["state"] == state_id]
    begun = [staging.job_of(name, state_id=state_id) for name in names]
    return Spooled(
        kept={job_id: _hash_in(folder_of(place, state_id=state_id, job_id=job_id)) for job_id in kept},
        begun=frozenset(job_id for job_id in begun if job_id is not None),
    )


def _hash_in(folder: Path) -> str:
    said = read(folder)
    return said.hash if said else ""


def read(folder: Path) -> Provenance | None:
    """Read what a folder in a spool says of itself; None where it says nothing that can be understood."""
    try:
        return None if folder.is_symlink() else sidecar.read(OutputPlace(folder))
    except (MvsepWatchError, OSError):  # whatever is wrong with it, the service may still have the results
        return None


def kept_in(place: Path, *, state_id: str = "", job_id: int = 0) -> Iterator[tuple[Path, Provenance]]:
    """Give every folder of a spool with what it says of itself, whichever state kept it; a job's own goes first."""
    own = folder_of(place, state_id=state_id, job_id=job_id)
    there: list[Path] = []
    with suppress(OSError):
        there = [] if place.is_symlink() else sorted(place.iterdir())
    for folder in sorted(there, key=lambda path: path != own):
        if _KEPT.fullmatch(folder.name) and (found := read(folder)) is not None:
            yield folder, found


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """Results in a spool that no job of a state is known to wait for. `said`: None where that cannot be understood."""

    folder: Path
    size_bytes: int
    said: Provenance | None


def orphans(place: Path, *, state_id: str, is_known: Callable[[int], bool]) -> tuple[Orphan, ...]:
    """Find what a spool keeps for jobs that a state does not have; where it cannot be looked at, nothing.

    Args:
        place: The spool.
        state_id: The state's id.
        is_known: Says whether it has a job with a number.
    """
    found: list[Orphan] = []
    with suppress(OSError):
        for folder in [] if place.is_symlink() else sorted(place.iterdir()):
            name = _KEPT.fullmatch(folder.name)
            if name and folder.is_dir() and not (name["state"] == state_id and is_known(int(name["job"]))):
                found.append(Orphan(folder=folder, size_bytes=_used_bytes(folder), said=read(folder)))
    return tuple(found)


def adopt(place: Path, *, state_id: str, job_id: int, hash_: str, outputs: Iterable[Output]) -> bool:
    """Give a job what another state kept of the same separation, where the job has all of it; say whether it did.

    It goes with the job then, like all that is kept for it. What holds more stays as it is.
    """
    own, mine = folder_of(place, state_id=state_id, job_id=job_id), Counter(output.stem for output in outputs)
    for folder, said in kept_in(place):
        name = _KEPT.fullmatch(folder.name)
        is_anothers = name is not None and name["state"] != state_id
        if is_anothers and said.hash == hash_ and Counter(output.stem for output in said.outputs) <= mine:
            with suppress(OSError):
                rename_new(folder, own)
                return True
    return False


def take_over(place: Path, *, before: Collection[str], after: str) -> None:
    """Let a state that has got another id keep what it has kept; what cannot be renamed is found all the same."""
    for folder, _ in kept_in(place):
        found = _KEPT.fullmatch(folder.name)
        if found and found["state"] in before:
            with suppress(OSError):
                folder.rename(folder_of(place, state_id=after, job_id=int(found["job"])))


def vacate(place: Path, *, state_id: str, job_id: int, hash_: str) -> None:
    """Have a job's folder free for whole outputs: what is of another separation there is kept under another name.

    Raises:
        OutputRootError: It cannot be renamed, or removed.
    """
    folder = folder_of(place, state_id=state_id, job_id=job_id)
    said = read(folder)
    with output_errors(folder):
        if said is not None and said.hash != hash_:
            folder.rename(folder_of(place, state_id=f"{state_id}-{secrets.token_hex(4)}", job_id=job_id))
        elif folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)


def remove(place: Path, *, state_id: str, job_id: int, hash_: str) -> None:
    """Remove all that a spool holds for a job, whole or begun; but not what is of another separation than the job's.

    A state that was restored from a backup counts its jobs anew: the same number may stand for other work.

    Raises:
        OutputRootError: It cannot be removed.
    """
    folder = folder_of(place, state_id=state_id, job_id=job_id)
    said = read(folder)
    with output_errors(folder):
        if folder.is_dir() and not folder.is_symlink() and (said is None or said.hash == hash_):
            shutil.rmtree(folder)
    staging.discard_left(place, state_id=state_id, job_id=job_id)


def _used_bytes(place: Path) -> int:
    return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(place) for name in names)
