"""What stagings are called, and the few things that every room here does with what lies on the disk."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from mvsep_watch.errors import NeedsUserError
from mvsep_watch.files.flat import old_beside
from mvsep_watch.files.trouble import shown
from mvsep_watch.naming import is_sidecar

WORK_NAME = ".mvsep-watch-fetching"
_NAME = re.compile(r"\.mvsep-watch-(?P<state>[A-Za-z0-9-]+)-(?P<job>[0-9]+)\.part")


def name_of(*, state_id: str, job_id: int) -> str:
    """Give the name of a job's staging.

    Raises:
        ValueError: The state id cannot be a part of a name.
    """
    name = f".mvsep-watch-{state_id}-{job_id}.part"
    if not is_ours(name):
        raise ValueError(f"no name of a staging: {name!r}")
    return name


def is_ours(name: str) -> bool:
    """Say whether a name is that of a staging, of this or another state."""
    return _NAME.fullmatch(name) is not None


def job_of(name: str, *, state_id: str) -> int | None:
    """Say which job's staging a name is, if it is one of this state's."""
    found = _NAME.fullmatch(name)
    return int(found["job"]) if found and found["state"] == state_id else None


def owner_of(name: str) -> str | None:
    """Say which state's staging a name is; None where it is none."""
    found = _NAME.fullmatch(name)
    return found["state"] if found else None


def plain(name: str) -> str:
    """Give back an output's name, which is one component of a path, not hidden, and not the sidecar's.

    Raises:
        ValueError: It is something else.
    """
    if not name or name.startswith(".") or "/" in name or "\0" in name or is_sidecar(name):
        raise ValueError(f"not a plain file name: {name!r}")
    return name


def stagings_in(parent: Path) -> list[Path]:
    """Give the stagings in a folder, of any state, without links in their place."""
    paths = [path for path in parent.iterdir() if is_ours(path.name)] if parent.is_dir() else []
    return [path for path in sorted(paths) if path.is_dir() and not path.is_symlink()]


def require_kind(path: Path, is_kind: Callable[[int], bool]) -> None:
    """Refuse what is of another kind than what was put there.

    Raises:
        NeedsUserError: It is.
    """
    if not is_kind(path.lstat().st_mode):
        raise NeedsUserError(
            f"{shown(path)} is not what mvsep-watch put there.",
            hint="Find out who did, move it away, then `retry`.",
        )


def require_ours(staging: Path) -> None:
    """Refuse what is no folder in the place of a staging, or of what is set aside for it; none is fine.

    Raises:
        NeedsUserError: Something else is there, a link for instance, which would lead to what is not ours.
    """
    for path in (staging, old_beside(staging)):
        if os.path.lexists(path):
            require_kind(path, stat.S_ISDIR)


def sync(path: Path) -> None:
    """Make a file's bytes durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
