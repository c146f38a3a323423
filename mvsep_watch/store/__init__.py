"""The state file: the SQLite database that remembers everything, and the one place that writes it.

`Store` is the owner's side, made under the kernel lock and used by one thread. `Reader` is everybody else's: it looks,
and appends requests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mvsep_watch.store.approvals import Approvals
from mvsep_watch.store.connection import (
    Db,
    StateDamagedError,
    StateFullError,
    open_requester,
    open_writer,
)
from mvsep_watch.store.durations import Durations
from mvsep_watch.store.jobs import Jobs
from mvsep_watch.store.memory import Memory, Sightings
from mvsep_watch.store.notes import NoteRow, Notes
from mvsep_watch.store.one_offs import OneOffRow, OneOffs
from mvsep_watch.store.requests import EXPLAIN, Request, Requests
from mvsep_watch.store.rows import JobRow, SeparationRow, SourceRow
from mvsep_watch.store.separations import Separations
from mvsep_watch.store.sources import Sources
from mvsep_watch.store.still import open_still
from mvsep_watch.store.transitions import Transitions

__all__ = [
    "EXPLAIN",
    "Db",
    "JobRow",
    "NoteRow",
    "OneOffRow",
    "OneOffs",
    "Request",
    "Requests",
    "SeparationRow",
    "Sightings",
    "SourceRow",
    "StateDamagedError",
    "StateFullError",
    "Store",
    "Transitions",
    "open_requester",
    "open_still",
]


class Store:
    """The state, for its owner.

    Raises:
        StateError: From every method, when the state file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.db = open_writer(path)
        self.path = path
        self.sources = Sources(self.db)
        self.jobs = Jobs(self.db)
        self.approvals = Approvals(self.db)
        self.separations = Separations(self.db)
        self.memory = Memory(self.db)
        self.requests = Requests(self.db)
        self.one_offs = OneOffs(self.db)
        self.durations = Durations(self.db)
        self.notes = Notes(self.db)
        self.transitions = Transitions(self.db)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside, or nothing; transactions nest."""
        with self.db.transaction():
            yield

    def bring_forward(self, *, now: float, latest: float) -> None:
        """Make due now whatever is due later than `latest`, for a clock that was set back.

        What ended, or was refused, in a future that has gone counts as ended or refused now: an account that is read
        from here on tells of it.
        """
        with self.transaction():
            for table, due in (
                ("jobs", "not_before"),
                ("separations", "not_before"),
                ("sources", "dispose_not_before"),
            ):
                self.db.run(f"UPDATE {table} SET {due} = 0 WHERE {due} > ?", (latest,))  # noqa: S608 - constants
            self.db.run("UPDATE separations SET ended_at = ? WHERE ended_at > ? AND balance_read = 0", (now, now))
            self.db.run("UPDATE separations SET released_at = ? WHERE released_at > ? AND is_doubted", (now, now))

    def foreign_writes(self) -> int:
        """Give a number that changes when another process has committed, so that looking costs nothing."""
        return int(self.db.value("PRAGMA data_version"))

    def is_in_place(self) -> bool:
        """Say whether the state file is still the one that was opened, and not a deleted one."""
        with contextlib.suppress(OSError):  # a disk that does not tell says nothing about the file
            return self.db.is_in_place()
        return True

    def close(self) -> None:
        """Close, leaving no WAL behind."""
        self.db.close()
