"""Notes: beside which sources one of ours lies, and which are to be looked at: their trouble came, changed or went.

Triggers of the schema mark what is due, in the transaction of the change itself, so that nothing is missed, and a
crash leaves it due. A source of which there is nothing to say has no row.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import path_blob


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """A source's note.

    Args:
        path: The source beside which a note lies; None where none does.
        written: The hash of what it says.
    """

    source_id: int
    path: Path | None
    written: str


class Notes:
    """The table of notes."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def due(self, *, limit: int) -> list[NoteRow]:
        """Give those that are to be looked at."""
        return self._rows("is_due ORDER BY source_id LIMIT ?", (limit,))

    def there(self) -> list[NoteRow]:
        """Give those that lie beside their source."""
        return self._rows("path <> x'' ORDER BY source_id")

    def want(self, source_ids: Sequence[int]) -> None:
        """Have these looked at."""
        for source_id in source_ids:
            self._db.run(
                "INSERT INTO notes (source_id) VALUES (?) ON CONFLICT (source_id) DO UPDATE SET is_due = 1",
                (source_id,),
            )

    def want_all(self, folders: Sequence[str]) -> None:
        """Have looked at whatever there is, and whatever there may be to say of these folders; looks through it all."""
        marks = ",".join("?" * len(folders))
        with self._db.transaction():
            self._db.run("UPDATE notes SET is_due = 1 WHERE path <> x''")
            if not folders:
                return
            for troubled in (
                f"SELECT source_id FROM jobs WHERE state IN ('held', 'failed') AND folder IN ({marks})",  # noqa: S608
                f"SELECT id FROM sources WHERE state = 'refused' AND folder IN ({marks})",  # noqa: S608 - only marks
            ):
                self._db.run(f"INSERT OR IGNORE INTO notes (source_id) {troubled}", folders)

    def put(self, source_id: int, path: Path | None, written: str) -> None:
        """Note beside which source a note lies, if one does, and what it says; it stays due."""
        blob = path_blob(path) if path else b""
        self._db.run("UPDATE notes SET path = ?, written = ? WHERE source_id = ?", (blob, written, source_id))

    def done(self, source_id: int) -> None:
        """Note that nothing is to be done about one just now."""
        self._db.run("UPDATE notes SET is_due = 0 WHERE source_id = ?", (source_id,))

    def forget(self, source_id: int) -> None:
        """Note that there is none, and nothing to say."""
        self._db.run("DELETE FROM notes WHERE source_id = ?", (source_id,))

    def _rows(self, where: str, params: Sequence[object] = ()) -> list[NoteRow]:
        rows = self._db.all(f"SELECT source_id, path, written FROM notes WHERE {where}", params)  # noqa: S608 - constants
        return [
            NoteRow(source_id=row[0], path=Path(os.fsdecode(row[1])) if row[1] else None, written=row[2])
            for row in rows
        ]
