"""What the spool keeps for nobody: results that were paid for, of jobs that the state does not have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mvsep_watch.cli import rendering
from mvsep_watch.cli.rendering import count, size
from mvsep_watch.files import spool
from mvsep_watch.files.spool import Orphan
from mvsep_watch.model import Config
from mvsep_watch.naming import display
from mvsep_watch.store.jobs import Jobs
from mvsep_watch.store.memory import Memory

HINT = (
    "drop the source again, and its results are taken from there without paying; or move the folder to where you want"
    " it; until then it counts against `limits.spool`"
)


def orphans(config: Config, memory: Memory, jobs: Jobs) -> tuple[Orphan, ...]:
    """Find them."""
    place = spool.place_of(config.state)
    return spool.orphans(place, state_id=memory.state_id, is_known=lambda job_id: jobs.get(job_id) is not None)


def total(found: Iterable[Orphan]) -> str:
    """Say how many they are, and how large."""
    sizes = [orphan.size_bytes for orphan in found]
    return f"{count(len(sizes), 'folder')} with {size(sum(sizes))}"


def line(orphan: Orphan) -> str:
    """Name one: where it is, and of which source."""
    said = display(orphan.said.source_name) if orphan.said else "its sidecar cannot be understood"
    return f"{rendering.path(orphan.folder)} ({said})"


def as_json(found: Iterable[Orphan]) -> list[dict[str, Any]]:
    """Give them for programs."""
    return [
        {
            "path": rendering.full_path(orphan.folder),
            "size": orphan.size_bytes,
            "source": orphan.said.source_name if orphan.said else None,
            "hash": orphan.said.hash if orphan.said else None,
        }
        for orphan in found
    ]
