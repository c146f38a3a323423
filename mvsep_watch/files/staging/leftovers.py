"""Stagings that nobody needs any longer: whose they are, and when they go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.files import flat
from mvsep_watch.files.staging.folder import Staging
from mvsep_watch.files.staging.names import is_ours, job_of, owner_of, require_ours, stagings_in
from mvsep_watch.files.trouble import never, output_errors

FORMER_KEPT_S = 72 * 3600.0
"""How long what a former id staged is kept for whoever comes: as long as the service lists the results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose stagings are ours.

    Args:
        state_id: The state's id.
        live_job_ids: Its jobs that are not finished.
        newest_job_id: Its youngest job; a staging of a younger one is from before a backup was restored.
        former: The ids that the state had before, or has taken over: their jobs' numbers mean nothing now.
        live_hashes: The separations whose results are still wanted, under whichever id they were staged.
    """

    state_id: str
    live_job_ids: AbstractSet[int]
    newest_job_id: float = float("inf")
    former: AbstractSet[str] = frozenset()
    live_hashes: AbstractSet[str] = frozenset()


def clean(parent: Path, owner: Owner, *, now: float = 0.0) -> tuple[Path, ...]:
    """Remove the stagings of ours in a folder that nobody needs any longer, and say which they were.

    What a former id staged lately, or a job that a restored backup has forgotten, may still be taken by a job that is
    not known yet; what it has shown of it, and not all, is taken back.

    Raises:
        OutputRootError: One cannot be removed.
    """
    removed = []
    with output_errors(parent):
        for path in sorted({*stagings_in(parent), *_exchanged_in(parent)}):
            if _is_left(path, owner, now):
                Staging(path).discard()
                removed.append(path)
            elif owner_of(path.name) in owner.former:
                require_ours(path)
                flat.take_back(path)
    return tuple(removed)


def stagings_below(root: Path, *, stopping: Callable[[], bool] = never) -> Iterator[tuple[Path, str]]:
    """Give the stagings of any state below a root, with that state's id; what may not be read is passed over.

    Args:
        root: Is looked through without following links, outside of hidden folders.
        stopping: Asked at each folder.
    """
    for place, folders, _ in os.walk(root):
        if stopping():
            return
        for name in folders:
            if state_id := owner_of(name.removesuffix(".old") + ".part" if name.endswith(".old") else name):
                yield Path(place, name), state_id
        folders[:] = [name for name in folders if not name.startswith(".")]


def is_over(parent: Path, owner: Owner) -> bool:
    """Say whether a folder is there and holds nothing more that was staged under a former id.

    Raises:
        OutputRootError: It cannot be looked at.
    """
    with output_errors(parent):
        return parent.is_dir() and not any(owner_of(path.name) in owner.former for path in stagings_in(parent))


def _exchanged_in(parent: Path) -> list[Path]:
    """Give the stagings, there or not, beside which an exchange has set something aside."""
    paths = [path.with_suffix(".part") for path in parent.glob(".*.old")] if parent.is_dir() else []
    return [path for path in paths if is_ours(path.name)]


def _is_left(path: Path, owner: Owner, now: float) -> bool:
    """Say whether a staging is ours and nobody needs it."""
    job_id = job_of(path.name, state_id=owner.state_id)
    if job_id is not None and job_id <= owner.newest_job_id:
        return job_id not in owner.live_job_ids
    is_former = job_id is not None or owner_of(path.name) in owner.former
    if not path.exists() or not is_former or Staging(path).belongs_to() in owner.live_hashes:
        return False
    return now - path.stat().st_mtime > FORMER_KEPT_S
