"""Looks into a state file and leaves nothing behind, not even the two files that a reader of a write-ahead log makes.

Where something is written in the log beside it, it is read like everybody else reads it; otherwise as a file that does
not change. The surprise: an owner may begin to write while such a look lasts; it writes to its log first, which is not
looked at, and not to the file.
"""

from __future__ import annotations

from pathlib import Path

from mvsep_watch.store.connection import Db, open_existing
from mvsep_watch.store.damage import found_in

STILL = "ro&immutable=1"
"""A mode in the address of a database. Source: SQLite, URI filenames, 3.3."""


def open_still(path: Path) -> Db:
    """Open a state file for looking only.

    Raises:
        StateError: There is none, or it cannot be read, or it is of another version.
    """
    return open_existing(path, _mode(path))


def damage_in(path: Path) -> str:
    """Say what is damaged in a state file; empty where nothing is."""
    return found_in(path, mode=_mode(path))


def _mode(path: Path) -> str:
    log = path.with_name(f"{path.name}-wal")
    return "ro" if log.exists() and log.stat().st_size else STILL
