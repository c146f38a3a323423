"""The spool: results that are kept beside the state file while the folder they belong to is away.

Each job has a folder of its own in it, named after the state and the job, that appears whole, by one rename, with its
sidecar: a person can take it from there as it is. The spool is bounded and leaves its disk a reserve, because the state
file lies on the same one. Only what bears this state's id is ever removed.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import sidecar, staging
from mvsep_watch.files.claim import require
from mvsep_watch.files.trouble import output_errors
from mvsep_watch.model import Provenance

RESERVE_BYTES = 10**9
RESERVE_PART = 0.05
"""What stays free on the state's disk, whichever is more: a state file that cannot grow stops everything."""
_KEPT = re.compile(r"\.(?P<state>[A-Za-z0-9-]+)-(?P<job>[0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """Which jobs have something in a spool: `kept` all that they need, `begun` a part."""

    kept: frozenset[int]
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
    kept = [_KEPT.fullmatch(name) for name in names]
    begun = [staging.job_of(name, state_id=state_id) for name in names]
    return Spooled(
        kept=frozenset(int(found["job"]) for found in kept if found and found["state"] == state_id),
        begun=frozenset(job_id for job_id in begun if job_id is not None),
    )


def read(folder: Path, *, state_id: str, job_id: int, hash_: str) -> Provenance | None:
    """Read what a job's folder in a spool says of itself; None where it is not there or is not this job's."""
    try:
        found = None if folder.is_symlink() else sidecar.read(folder)
    except (MvsepWatchError, OSError):  # whatever is wrong with it, the service still has the results
        return None
    is_ours = found is not None and (found.state_id, found.job_id, found.hash) == (state_id, job_id, hash_)
    return found if is_ours else None


def remove(place: Path, *, state_id: str, job_id: int) -> None:
    """Remove all that a spool holds for a job, whole or begun.

    Raises:
        OutputRootError: It cannot be removed.
    """
    folder = folder_of(place, state_id=state_id, job_id=job_id)
    with output_errors(folder):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
    staging.discard_left(place, state_id=state_id, job_id=job_id)


def _used_bytes(place: Path) -> int:
    return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(place) for name in names)
