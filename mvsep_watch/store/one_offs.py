"""One-offs: what a person has separated by itself, and what became of the last time that it was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import read


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOffRow:
    """A one-off. Without a job and not refused it is still to be read; `reason` then says what keeps it waiting.

    `spec` is what was asked for, a JSON object; `asked_at` when it was asked for last.
    """

    name: str
    spec: str
    asked_at: float
    job_id: int | None
    is_refused: bool
    reason: str
    hint: str


class OneOffs:
    """The table of one-offs."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def ask(self, name: str, spec: str, *, now: float) -> None:
        """Have it read, again where it was asked for before."""
        self._db.run(
            "INSERT INTO one_offs (name, spec, asked_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
            " asked_at = excluded.asked_at, job_id = NULL, is_refused = 0, reason = '', hint = ''",
            (name, spec, now),
        )

    def get(self, name: str) -> OneOffRow | None:
        """Give a one-off by its name."""
        row = self._db.one("SELECT * FROM one_offs WHERE name = ?", (name,))
        return read(OneOffRow, row) if row else None

    def all(self) -> list[OneOffRow]:
        """Give every one-off."""
        return [read(OneOffRow, row) for row in self._db.all("SELECT * FROM one_offs ORDER BY asked_at, name")]

    def serve(self, name: str, job_id: int) -> None:
        """Write down which job serves it."""
        self._db.run("UPDATE one_offs SET job_id = ?, reason = '', hint = '' WHERE name = ?", (job_id, name))

    def refuse(self, name: str, *, reason: str, hint: str) -> None:
        """Write down why it gets no job."""
        self._db.run(
            "UPDATE one_offs SET job_id = NULL, is_refused = 1, reason = ?, hint = ? WHERE name = ?",
            (reason, hint, name),
        )

    def keep_waiting(self, name: str, reason: str) -> None:
        """Write down why it cannot be read yet."""
        self._db.run("UPDATE one_offs SET reason = ? WHERE name = ? AND reason <> ?", (reason, name, reason))
