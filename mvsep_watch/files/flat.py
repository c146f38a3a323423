"""Outputs without a folder of their own: each staged file gets a second name beside those of others, the sidecar last.

One rename cannot do that, so the staging stays whole until all of it is shown, and is the journal. What a publication
that was killed has shown is known by being the very file that is staged; it is taken back, the old outputs that were to
be replaced are put back, and all begins anew. So whoever opens a staging, or removes it, sees nothing half.

The surprise: where the file system knows no links, a staged file moves to its name, and is known by its bytes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import sidecar
from mvsep_watch.files.renaming import link_new, rename_new, rename_to_free_name, sync_folder
from mvsep_watch.model import Output, Provenance
from mvsep_watch.naming import OutputPlace, is_sidecar


def show(staged: Path, place: OutputPlace, *, old: Iterable[Output] = ()) -> None:
    """Give every staged file its name, and the sidecar last; what holds the very bytes already is left as it is.

    Args:
        staged: The staging, complete, with its sidecar.
        place: Where all that the sidecar lists is to be seen.
        old: What is in the place now and goes, if anything.

    Raises:
        FileExistsError: A name is taken; all is as it was before.
        OSError: Whatever else the system says; so is it then, if that is possible.
    """
    said = sidecar.read(replace(place, base=staged / place.base.name))
    assert said is not None, "a staging is complete before it is shown"
    try:
        _set_aside(old_beside(staged), place, tuple(old))
        for output in said.outputs:
            if not _holds(place.file(output.name), output):
                link_new(staged / output.name, place.file(output.name))
        sync_folder(place.folder)
        link_new(staged / place.sidecar.name, place.sidecar)
        sync_folder(place.folder)
    except Exception:
        with suppress(OSError, MvsepWatchError):
            take_back(staged)
        raise
    clear(staged)


def take_back(staged: Path) -> None:
    """Undo a publication that was not completed: what was shown goes, what was set aside comes back.

    Of one that was, what it has replaced goes.
    """
    old = old_beside(staged)
    begun = sidecar.place_in(staged)
    told = begun or sidecar.place_in(old)
    if told is None or not told.is_flat:
        return
    place = OutputPlace(staged.parent / told.base.name, is_flat=True)
    mine = sidecar.read(begun) if begun else None
    if _is_complete(place, mine):
        if mine is not None and old.is_dir():
            shutil.rmtree(old)
        return
    for output in mine.outputs if mine else ():
        _take_one_back(staged / output.name, place.file(output.name), output)
    if old.is_dir():
        _put_back(old, place.folder)
    sync_folder(place.folder)


def clear(staged: Path) -> None:
    """Remove a staging whose outputs are shown, after what they replaced."""
    for path in (old_beside(staged), staged):
        if os.path.lexists(path):
            shutil.rmtree(path)


def old_beside(staged: Path) -> Path:
    """Give the folder in which old outputs stay until those that replace them are shown."""
    return staged.with_suffix(".old")


def _set_aside(old: Path, place: OutputPlace, outputs: Sequence[Output]) -> None:
    """Take old outputs out of the way, the sidecar first."""
    if outputs:
        old.mkdir(exist_ok=True)
        for path in (place.sidecar, *(place.file(output.name) for output in outputs)):
            rename_new(path, old / path.name)
        sync_folder(old)
        sync_folder(place.folder)


def _is_complete(place: OutputPlace, mine: Provenance | None) -> bool:
    """Say whether a publication came to its end: the sidecar, which comes last, is in its place."""
    try:
        there = sidecar.read(place)
    except sidecar.SidecarDamagedError:
        return False
    if there is None or mine is None:
        return there is not None
    return there.is_of(mine)


def _take_one_back(staged: Path, shown: Path, output: Output) -> None:
    """Take a name from a file if it is ours: the one that is staged, or the one that is staged no more."""
    if not staged.exists():
        if _holds(shown, output):
            rename_new(shown, staged)
    elif os.path.lexists(shown) and os.path.samestat(shown.lstat(), staged.lstat()):
        shown.unlink()


def _holds(path: Path, output: Output) -> bool:
    """Say whether a file holds an output's bytes; one that cannot be read does not."""
    try:
        return not sidecar.verify(OutputPlace(path.parent), (replace(output, name=path.name),))
    except MvsepWatchError:
        return False


def _put_back(old: Path, folder: Path) -> None:
    """Give old outputs their names again, the sidecar last; one whose name a stranger has taken gets a number."""
    for path in sorted(old.iterdir(), key=lambda path: is_sidecar(path.name)):
        rename_to_free_name(path, folder / path.name)
    old.rmdir()
