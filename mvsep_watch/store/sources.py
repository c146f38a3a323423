"""Sources as last seen: so that a rescan opens nothing that it knows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mvsep_watch.model import FINISHED, FileStat
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import SourceRow, path_blob, read

_COMPARED_AT_ONCE = 100
"""Files per query: well under SQLite's limit on variables, and more at once are compared no faster."""
_COLUMNS = ("path", *FileStat._fields)
_OTHER = (
    f"WITH found ({', '.join(_COLUMNS)}) AS (VALUES {', '.join(['(?,?,?,?)'] * _COMPARED_AT_ONCE)})"  # noqa: S608
    " SELECT path FROM found WHERE path IS NOT NULL AND NOT EXISTS"
    f" (SELECT 1 FROM sources AS known WHERE {' AND '.join(f'known.{name} = found.{name}' for name in _COLUMNS)})"
)
"""Which of so many files are not known as they are. SQLite compares them by itself, while other threads go on; the text
is always the same, so that it is understood only once."""


class Sources:
    """The table of sources."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def get(self, source_id: int) -> SourceRow:
        """Give a source by its id."""
        found = self.find(source_id)
        if found is None:
            raise LookupError(f"no source {source_id}")
        return found

    def find(self, source_id: int) -> SourceRow | None:
        """Give a source by its id, or None where it is known no more."""
        row = self._db.one("SELECT * FROM sources WHERE id = ?", (source_id,))
        return read(SourceRow, row) if row else None

    def at(self, path: Path | str) -> SourceRow | None:
        """Give the source at a path, if any."""
        row = self._db.one("SELECT * FROM sources WHERE path = ?", (path_blob(path),))
        return read(SourceRow, row) if row else None

    def changed(self, found: Sequence[tuple[str, FileStat]]) -> list[str]:
        """Give those of the found paths that are new or do not look as last seen."""
        fresh: list[str] = []
        for start in range(0, len(found), _COMPARED_AT_ONCE):
            part = found[start : start + _COMPARED_AT_ONCE]
            values: list[object] = []
            for path, stat in part:
                values.append(path_blob(path))
                values += stat
            values += [None] * (len(_COLUMNS) * _COMPARED_AT_ONCE - len(values))
            if other := {row[0] for row in self._db.all(_OTHER, values)}:
                fresh += [path for path, _ in part if path_blob(path) in other]
        return fresh

    def see(
        self,
        path: Path | str,
        *,
        folder: str,
        stat: FileStat,
        state: str,
        now: float,
        bytes_key: str | None = None,
        xxh3: str | None = None,
        duration_s: float | None = None,
        reason: str = "",
        hint: str = "",
    ) -> int:
        """Write what a file is now and give its source's id; an ignored path stays ignored."""
        self._db.run(
            "INSERT INTO sources (path, folder, state, reason, hint, size_bytes, mtime_ns, ctime_ns,"
            " bytes_key, xxh3, duration_s, seen_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT (path) DO UPDATE SET folder = excluded.folder,"
            " state = CASE state WHEN 'ignored' THEN 'ignored' ELSE excluded.state END,"
            " reason = excluded.reason, hint = excluded.hint, size_bytes = excluded.size_bytes,"
            " mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns,"
            " bytes_key = excluded.bytes_key, xxh3 = excluded.xxh3,"
            " duration_s = excluded.duration_s, seen_at = excluded.seen_at",
            (path_blob(path), folder, state, reason, hint, *stat, bytes_key, xxh3, duration_s, now),
        )
        return int(self._db.value("SELECT id FROM sources WHERE path = ?", (path_blob(path),)))

    def refused(self, folder: str, *, limit: int) -> list[SourceRow]:
        """Give a folder's refused files, the latest first."""
        rows = self._db.all(
            "SELECT * FROM sources WHERE state = 'refused' AND folder = ? ORDER BY seen_at DESC LIMIT ?",
            (folder, limit),
        )
        return [read(SourceRow, row) for row in rows]

    def count_refused(self, folder: str) -> int:
        """Count a folder's refused files."""
        return int(self._db.value("SELECT count(*) FROM sources WHERE state = 'refused' AND folder = ?", (folder,)))

    def refused_since(self, at: float, folder: str) -> list[SourceRow]:
        """Give a folder's files that were refused after an instant (seconds since 1970), the first of them first."""
        rows = self._db.all(
            "SELECT * FROM sources WHERE state = 'refused' AND folder = ? AND seen_at > ? ORDER BY seen_at",
            (folder, at),
        )
        return [read(SourceRow, row) for row in rows]

    def forget_refused(self, source_ids: Sequence[int]) -> None:
        """Forget refused files that are gone; what once had jobs stays known for them."""
        for source_id in source_ids:
            self._db.run(
                "DELETE FROM sources WHERE id = ? AND state = 'refused' AND id NOT IN (SELECT source_id FROM jobs)",
                (source_id,),
            )

    def ignore(self, source_id: int) -> None:
        """Never take this file again."""
        self._db.update("sources", source_id, {"state": "ignored", "reason": "forgotten", "hint": ""})

    def forget_bytes(self, path: Path | str) -> None:
        """Note that a file is no longer what was read: what it holds is not known until it was read again."""
        self._db.run(
            "UPDATE sources SET bytes_key = NULL, xxh3 = NULL, size_bytes = -1 WHERE path = ?", (path_blob(path),)
        )

    def remember(self, source_id: int) -> None:
        """Take bytes again that were to be ignored: a person asks for their jobs after all."""
        self._db.run(
            "UPDATE sources SET state = 'known', reason = ''"
            " WHERE state = 'ignored' AND bytes_key = (SELECT bytes_key FROM sources WHERE id = ?)",
            (source_id,),
        )

    def is_ignored(self, bytes_key: str) -> bool:
        """Say whether these bytes were forgotten under any path."""
        return bool(
            self._db.value("SELECT 1 FROM sources WHERE bytes_key = ? AND state = 'ignored' LIMIT 1", (bytes_key,))
        )

    def same_bytes(self, bytes_key: str) -> list[SourceRow]:
        """Give all sources that held these bytes when they were last seen."""
        rows = self._db.all("SELECT * FROM sources WHERE bytes_key = ? ORDER BY id", (bytes_key,))
        return [read(SourceRow, row) for row in rows]

    def move(self, source_id: int, path: Path | str, *, folder: str, stat: FileStat, now: float) -> None:
        """Follow a renamed file: its jobs stay its own."""
        self._db.run(
            "DELETE FROM sources WHERE path = ? AND id <> ? AND id NOT IN (SELECT source_id FROM jobs)",
            (path_blob(path), source_id),
        )
        self._db.update(
            "sources",
            source_id,
            {
                "path": path_blob(path),
                "folder": folder,
                "seen_at": now,
                "size_bytes": stat.size_bytes,
                "mtime_ns": stat.mtime_ns,
                "ctime_ns": stat.ctime_ns,
            },
        )

    def is_any_needed_below(self, path: Path | str) -> bool:
        """Say whether a file below a path is still to be sent, or to be disposed of."""
        below = path_blob(path) + b"/"
        waits = "EXISTS (SELECT 1 FROM jobs WHERE source_id = sources.id AND state NOT IN (?, ?, ?))"
        row = self._db.one(
            f"SELECT 1 FROM sources WHERE path > ? AND path < ? AND (dispose_pending OR {waits}) LIMIT 1",  # noqa: S608
            (below, below[:-1] + b"0", *sorted(FINISHED)),
        )
        return row is not None

    def want_disposal(self, source_id: int, *, not_before: float = 0.0) -> None:
        """Ask for the source to be disposed of, at `not_before` or later."""
        self._db.update("sources", source_id, {"dispose_pending": 1, "dispose_not_before": not_before})

    def disposed(self, source_id: int) -> None:
        """Note that nothing is left to be done with the source's file."""
        self._db.update("sources", source_id, {"dispose_pending": 0})

    def to_dispose(self, now: float) -> list[SourceRow]:
        """Give the sources whose disposal is due."""
        rows = self._db.all("SELECT * FROM sources WHERE dispose_pending AND dispose_not_before <= ? LIMIT 20", (now,))
        return [read(SourceRow, row) for row in rows]

    def folders_to_dispose(self) -> list[Path]:
        """Give the folders in which a killed run may have set a source aside."""
        rows = self._db.all("SELECT path FROM sources WHERE dispose_pending")
        return list({Path(os.fsdecode(row[0])).parent for row in rows})

    def copy_begun(self, folder: Path, sha256: str) -> None:
        """Write down that a source with these bytes may be copied to a folder: a kill leaves a part of it there."""
        self._db.run("INSERT INTO copies VALUES (?, ?) ON CONFLICT DO NOTHING", (path_blob(folder), sha256))

    def copy_over(self, folder: Path, sha256: str) -> None:
        """Note that nothing of the copy is left."""
        self._db.run("DELETE FROM copies WHERE folder = ? AND sha256 = ?", (path_blob(folder), sha256))

    def copies(self) -> list[tuple[Path, str]]:
        """Give the folders in which a part of a copy may be left, with the sha256 of the bytes."""
        rows = self._db.all("SELECT folder, sha256 FROM copies")
        return [(Path(os.fsdecode(row["folder"])), row["sha256"]) for row in rows]

    def first_scan_of(self, folder: str) -> bool:
        """Say whether the folder has never been scanned to its end."""
        return self._db.value("SELECT 1 FROM folders WHERE name = ?", (folder,)) is None

    def not_scanned(self, folder: str) -> None:
        """Note that the folder is another one than was scanned under its name."""
        self._db.run("DELETE FROM folders WHERE name = ?", (folder,))

    def scanned(self, folder: str, now: float) -> None:
        """Note that the folder was scanned to its end."""
        self._db.run("INSERT INTO folders VALUES (?, ?) ON CONFLICT DO NOTHING", (folder, now))
