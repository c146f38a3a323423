"""An output root: the claim that it carries, whether it can be written, and how much space it has.

The claim says which state has published here and how many separations that state had released by then. A state file
that is older than the claim is a restored backup: it does not remember work that was paid for. So a generation is
written before the last chunk of an upload leaves, durably, and is never lowered. The surprise: a root that is not
there is an error and is not made in passing, because an unmounted disk looks just like an empty folder.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from mvsep_watch.errors import OutputRootError, SourceChangedError, SourceRefusedError, StateError
from mvsep_watch.files.access import dress, make_folders
from mvsep_watch.files.reading import opened
from mvsep_watch.files.renaming import sync_folder
from mvsep_watch.files.trouble import no_space, output_errors, shown
from mvsep_watch.model import AS_MADE, Access

CLAIM_NAME = ".mvsep-watch-claim.json"
PROBE_NAME = ".mvsep-watch-probe"
_LIMIT_BYTES = 64 * 1024
_PROBE_BYTES = 64 * 1024
"""Enough that a file system must find real blocks for it."""
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose outputs these are.

    Args:
        generation: How many separations the state had released when it was written.
    """

    state_id: str
    generation: int
    realm: str
    host: str
    account: str


def read(root: Path) -> Claim | None:
    """Read a root's claim, or give None where there is none.

    Raises:
        StateError: There is one that cannot be understood.
        SourceBusyError: It cannot be read just now.
        NeedsUserError: It may not be read.
    """
    path = root / CLAIM_NAME
    try:
        with opened(path) as file:
            content = json.loads(file.read(_LIMIT_BYTES))
        claim = Claim(**{name: content[name] for name in Claim.__dataclass_fields__})
    except SourceChangedError:
        return None
    except (SourceRefusedError, ValueError, TypeError, KeyError) as exc:
        raise _damaged(path) from exc
    if not isinstance(claim.generation, int) or not isinstance(claim.state_id, str):
        raise _damaged(path)
    return claim


def renew(root: Path, claim: Claim, *, access: Access = AS_MADE) -> None:
    """Write a claim where there is one of the same state already; one that is gone is never made anew in passing.

    Raises:
        OutputRootError: The root is not there, has no claim, or cannot be written.
        StateError: The claim that is there is another state's, or cannot be understood.
    """
    require(root)
    there = read(root)
    if there is None:
        raise OutputRootError(
            f"{shown(root)} has lost its claim ({CLAIM_NAME}).", hint="Mount its disk, or bring the claim back."
        )
    if there.state_id != claim.state_id:
        raise StateError(f"{shown(root)} belongs to another state ({there.state_id}).")
    write(root, claim, access=access)


def write(root: Path, claim: Claim, *, replace_damaged: bool = False, access: Access = AS_MADE) -> None:
    """Write a claim durably. A state's own generation is never lowered, whoever comes late.

    It gets the mode and the owner of `access`.

    A claim that cannot be understood is replaced only with `replace_damaged`: when a person has said so.

    Raises:
        OutputRootError: The root cannot be written.
        StateError: The claim that is there cannot be understood.
    """
    with _ONE_AT_A_TIME:
        try:
            there = read(root)
        except StateError:
            if not replace_damaged:
                raise
            there = None
        if there and there.state_id == claim.state_id and there.generation > claim.generation:
            return
        if there != claim:
            content = json.dumps(asdict(claim), indent=2).encode() + b"\n"
            _write_durably(root / CLAIM_NAME, content, access)


def probe_root(
    root: Path, *, make: bool = False, needs_bytes: int = 0, accesses: Iterable[Access] = (AS_MADE,)
) -> None:
    """Try whether outputs can be published below a root: make a folder, fill a file, fsync, rename, remove.

    Args:
        root: The root.
        make: Make it if it is not there; for one that was never used.
        needs_bytes: What must be free, beside what the trial takes: so much is known to be wanted.
        accesses: How outputs are to be; a root that is made is as the first says.

    Raises:
        OutputRootError: It is not there, full, read-only or not permitted; the hint says what to do.
    """
    with output_errors(root):
        if make:
            make_folders(root, next(iter(accesses), AS_MADE))
    require(root)
    with output_errors(root):
        if needs_bytes > shutil.disk_usage(root).free:
            raise no_space(root, needs_bytes=needs_bytes)
    with _ONE_AT_A_TIME, output_errors(root):
        _unfinished(root / CLAIM_NAME).unlink(missing_ok=True)
        for access in accesses:
            _try(root / PROBE_NAME, access)


def _try(probe: Path, access: Access) -> None:
    if probe.exists():
        shutil.rmtree(probe)
    probe.mkdir()
    try:
        dress(probe, access)
        _write_durably(probe / "probe", bytes(_PROBE_BYTES), access)
    finally:
        shutil.rmtree(probe)


def require(root: Path) -> None:
    """Require that a root is there, and is a folder and no link to one: the configuration names the folder itself.

    Raises:
        OutputRootError: It is not.
    """
    with output_errors(root):
        is_link, is_folder = root.is_symlink(), root.is_dir()
    if is_link:
        raise OutputRootError(
            f"{shown(root)} is a symbolic link where a folder was.",
            hint="Find out who put it there, and remove it; or name the folder itself in the configuration.",
        )
    if not is_folder:
        raise OutputRootError(
            f"{shown(root)} is not there or not a folder.", hint="Mount its disk, or make the folder."
        )


def _write_durably(path: Path, content: bytes, access: Access) -> None:
    """Write a whole file under its name, so that after a crash the old or the new one is there."""
    new = _unfinished(path)
    with output_errors(path):
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        dress(new, access)
        new.replace(path)
        sync_folder(path.parent)


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _damaged(path: Path) -> StateError:
    return StateError(
        f"{shown(path)} cannot be understood.",
        hint="Restore it from a backup, or run `rebuild`, or start with `--fresh` to give up what it says.",
    )
