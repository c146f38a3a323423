"""A staging becomes visible: by one rename, flat, or in the place of what was there before."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mvsep_watch.errors import PermanentError
from mvsep_watch.files import flat
from mvsep_watch.files.access import dress
from mvsep_watch.files.renaming import exchange as exchange_names
from mvsep_watch.files.renaming import link_new, rename_new, sync_folder
from mvsep_watch.files.staging.folder import Staging
from mvsep_watch.files.staging.names import WORK_NAME, name_of, require_kind, require_ours, sync
from mvsep_watch.files.trouble import output_errors, shown
from mvsep_watch.model import AS_MADE, Access, Output
from mvsep_watch.naming import OutputPlace


class TakenError(PermanentError):
    """Something that is not this job's stands in the reserved place; another name must be reserved."""


def publish(staging: Staging, place: OutputPlace, *, access: Access = AS_MADE) -> None:
    """Make a staging visible in its place, whole and durable: by one rename, or flat, file by file.

    What is seen of it has its mode and its owner already.

    Raises:
        TakenError: A name is taken.
        OutputRootError: It cannot be written.
        RetryableError: The staging is gone.
        NeedsUserError: Something in the staging is not ours.
    """
    with output_errors(place.base), _taken(place):
        _make_whole(staging, access)
        if place.is_flat:
            flat.show(staging.path, place)
        else:
            rename_new(staging.path, place.base)
            sync_folder(place.base.parent)


def put_back(staging: Staging, place: OutputPlace, names: Iterable[str], *, access: Access = AS_MADE) -> None:
    """Make some files of a staging visible among the outputs that are shown; the rest of it stays.

    Raises:
        TakenError: A name is taken.
        OutputRootError: It cannot be written.
        RetryableError: Either is gone.
    """
    with output_errors(place.base), _taken(place):
        _make_whole(staging, access)
        for name in names:
            link_new(staging.path / name, place.file(name))
        sync_folder(place.folder)


def supersede(staging: Staging, place: OutputPlace, *, old: Iterable[Output], access: Access = AS_MADE) -> None:
    """Make a staging visible in the place of old outputs, which go.

    Raises:
        TakenError: A name is taken by something that is none of the old outputs; those are there again.
        NeedsUserError: What is to be replaced is not a folder.
        OutputRootError: It cannot be written.
        RetryableError: Either is gone.
    """
    if place.is_flat:
        with output_errors(place.base), _taken(place):
            _make_whole(staging, access)
            flat.show(staging.path, place, old=old)
    else:
        exchange(staging, place.base, access=access)
        staging.discard()


@contextmanager
def _taken(place: OutputPlace) -> Iterator[None]:
    try:
        yield
    except FileExistsError as exc:
        raise TakenError(f"{shown(place.base)} is there already and is not this job's.") from exc


def exchange(staging: Staging, final: Path, *, access: Access = AS_MADE) -> None:
    """Swap a staging with the folder that it replaces; afterwards the staging holds what was there before.

    Where the file system cannot swap, the old folder goes aside first. A crash in between leaves the new outputs in
    the staging and the old ones beside it (in `.old` for `.part`); calling again completes the swap, and `discard`
    undoes it.

    Raises:
        NeedsUserError: What is to be replaced is not a folder.
        OutputRootError: It cannot be written.
        RetryableError: Either is gone.
    """
    with output_errors(final):
        old = flat.old_beside(staging.path)
        require_kind(final if os.path.lexists(final) else old, stat.S_ISDIR)
        _make_whole(staging, access)
        try:
            exchange_names(staging.path, final)
        except OSError as exc:
            if exc.errno not in {errno.ENOTSUP, errno.ENOENT}:
                raise
            _exchange_by_hand(staging.path, final, old)
        sync_folder(final.parent)


def is_aside(parent: Path, *, state_id: str, job_id: int) -> bool:
    """Say whether an exchange for a job was broken off after it had set the old outputs aside."""
    return os.path.lexists(flat.old_beside(parent / name_of(state_id=state_id, job_id=job_id)))


def discard_left(parent: Path, *, state_id: str, job_id: int) -> None:
    """Remove what a killed publication has left beside a job's published outputs."""
    path = parent / name_of(state_id=state_id, job_id=job_id)
    with output_errors(path):
        require_ours(path)
        flat.clear(path)


def _exchange_by_hand(new: Path, final: Path, old: Path) -> None:
    aside = old / final.name
    if os.path.lexists(final):
        old.mkdir(exist_ok=True)
        rename_new(final, aside)
    rename_new(new, final)
    rename_new(aside, new)
    old.rmdir()


def _make_whole(staging: Staging, access: Access = AS_MADE) -> None:
    """Remove the bookkeeping, give everything its mode and owner, and make files and names durable."""
    require_ours(staging.path)
    work = staging.path / WORK_NAME
    if work.exists():
        shutil.rmtree(work)
    for path in staging.path.iterdir():
        require_kind(path, stat.S_ISREG)
        dress(path, access)
        sync(path)
    dress(staging.path, access)
    sync_folder(staging.path)
