"""The one connection to the state file: opened with care, written in whole transactions.

SQLite in WAL mode with `synchronous=FULL`: what is committed survives a power cut, and readers never wait. The owner's
lock is taken by the caller before a writer is opened; a second writer is a bug, not a case. A state file of a newer
version, of another program, or damaged, is refused and not touched.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mvsep_watch.errors import StateError
from mvsep_watch.store.schema import APPLICATION_ID, MIGRATIONS

BUSY_TIMEOUT_S = 10.0
"""Commands append requests beside the daemon; a commit on a slow NAS disk takes tens of milliseconds."""

LOG_BYTES = 4 << 20
"""What the log beside the state file is cut to once it was taken over: one large transaction is not kept for ever."""

BESIDE = ("-wal", "-shm")
"""What SQLite has beside a state file while it is in use."""

Params = Sequence[Any]
MENDS_ITSELF = "the next `mvsep-watch run`, `once` or `rebuild` puts it aside and rebuilds the state from the outputs"


class StateDamagedError(StateError):
    """The state file, or a part of it, cannot be read any more."""


class StateFullError(StateError):
    """There is no space left for the state file."""


class Db:
    """A connection with transactions that nest: the outermost commits.

    Raises:
        StateError: From every method, when the state file cannot be read or written.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._translating = _Translating(path)
        self._depth = 0
        self._seen: dict[str, tuple[int, int]] = {}
        self.path = path

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside, or nothing; an inner one that fails takes only itself back."""
        begin, commit = "BEGIN IMMEDIATE", "COMMIT"
        rollback: tuple[str, ...] = ("ROLLBACK",)
        if self._depth:
            name = f"depth_{self._depth}"
            begin, commit = f"SAVEPOINT {name}", f"RELEASE {name}"
            rollback = (f"ROLLBACK TO {name}", f"RELEASE {name}")
        self.run(begin)
        self._depth += 1
        try:
            yield
            self.run(commit)
        except BaseException:
            if self._connection.in_transaction:
                with contextlib.suppress(StateError):  # what ends the transaction is on its way out already
                    for statement in rollback:
                        self.run(statement)
            raise
        finally:
            self._depth -= 1

    def run(self, sql: str, params: Params = ()) -> sqlite3.Cursor:
        """Execute one statement. Text with half a character, as of a path that is no UTF-8, is written escaped."""
        with self._translating:
            try:
                return self._connection.execute(sql, params)
            except UnicodeEncodeError:
                return self._connection.execute(sql, [_encodable(value) for value in params])

    def insert(self, table: str, values: dict[str, Any]) -> int:
        """Insert a row and give its id."""
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        cursor = self.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
        return cursor.lastrowid or 0

    def update(self, table: str, row_id: int, values: dict[str, Any]) -> None:
        """Change columns of one row."""
        names = ", ".join(f"{name} = ?" for name in values)
        self.run(f"UPDATE {table} SET {names} WHERE id = ?", (*values.values(), row_id))  # noqa: S608

    def all(self, sql: str, params: Params = ()) -> list[sqlite3.Row]:
        """Give all rows."""
        cursor = self.run(sql, params)
        with self._translating:
            return cursor.fetchall()

    def one(self, sql: str, params: Params = ()) -> sqlite3.Row | None:
        """Give the first row or None."""
        cursor = self.run(sql, params)
        with self._translating:
            row: sqlite3.Row | None = cursor.fetchone()
            return row

    def value(self, sql: str, params: Params = ()) -> Any:
        """Give the first column of the first row, or None."""
        row = self.one(sql, params)
        return row[0] if row else None

    def is_in_place(self) -> bool:
        """Say whether the file and what SQLite has beside it are still those that were there at the first asking.

        What is written goes on into a file that was deleted or exchanged, and is gone with the process.
        """
        return all(self._is_as_seen(suffix) for suffix in ("", *BESIDE))

    def _is_as_seen(self, suffix: str) -> bool:
        with contextlib.suppress(FileNotFoundError):
            found = self._part(suffix).stat()
            identity = found.st_dev, found.st_ino
            return self._seen.setdefault(suffix, identity) == identity
        return suffix not in self._seen

    def _part(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def close(self) -> None:
        """Close; a writer leaves no WAL behind."""
        orphans = self._orphans()
        self._connection.close()
        for path in orphans:
            path.unlink(missing_ok=True)

    def _orphans(self) -> list[Path]:
        """Name what belongs to a file that is not in its place any more: another one there must not be read with it."""
        with contextlib.suppress(OSError):
            if not self._is_as_seen(""):
                return [self._part(suffix) for suffix in BESIDE if suffix in self._seen and self._is_as_seen(suffix)]
        return []


class _Translating:
    """Raises what SQLite says as one of our errors; every statement passes here, so it is no generator."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise _translated(error, self._path) from error


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def open_writer(path: Path) -> Db:
    """Open the state file for its owner, made and migrated as needed.

    Raises:
        StateError: It is of a newer version, of another program, damaged, or cannot be opened.
    """
    _make_private(path)
    db = Db(_connect(f"{path.absolute().as_uri()}?mode=rw", path), path)
    try:
        _check_ours(db)
        db.run("PRAGMA journal_mode = WAL")
        db.run("PRAGMA synchronous = FULL")
        db.run(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        db.run("PRAGMA foreign_keys = ON")
        _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def open_requester(path: Path) -> Db:
    """Open an existing state file to append a request beside its owner.

    Raises:
        StateError: There is none, or it cannot be written.
    """
    return open_existing(path, "rw")


def open_existing(path: Path, mode: str) -> Db:
    """Open a state file that is there, in a mode of SQLite's addresses.

    Raises:
        StateError: There is none, or it cannot be used so, or it is of another version.
    """
    if not path.exists():
        raise StateError(f"there is no state file at {path} yet", hint="`mvsep-watch run` or `once` makes it")
    db = Db(_connect(f"{path.absolute().as_uri()}?mode={mode}", path), path)
    try:
        _check_ours(db)
        _check_current(db)
    except BaseException:
        db.close()
        raise
    return db


def _check_current(db: Db) -> None:
    if (version := _version(db)) != len(MIGRATIONS):
        raise StateError(
            f"the state file {db.path} is of version {version}, this program reads {len(MIGRATIONS)}",
            hint="use the same version of mvsep-watch as the daemon",
        )


def _connect(uri: str, path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    connection.row_factory = sqlite3.Row
    return connection


def _make_private(path: Path) -> None:
    """Create the file readable by its owner alone: it tells what somebody listens to.

    What root makes in the folder of a service's user is that user's, who could not open it otherwise; where root may
    not give it away, it stays root's.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))  # it may be a link to nowhere yet
            return
        with os.fdopen(descriptor, "rb"), contextlib.suppress(PermissionError):
            if os.geteuid() == 0:
                folder = path.parent.stat()
                os.fchown(descriptor, folder.st_uid, folder.st_gid)
    except OSError as error:
        raise StateError(
            f"the state file {path} cannot be opened: {error.strerror}",
            hint="give `state:` a path that the daemon's user may write",
        ) from error


def _version(db: Db) -> int:
    return int(db.value("PRAGMA user_version"))


def _check_ours(db: Db) -> None:
    application, version = db.value("PRAGMA application_id"), _version(db)
    is_new = not db.value("SELECT count(*) FROM sqlite_master") and not application and not version
    if application != APPLICATION_ID and not is_new:
        raise StateError(
            f"{db.path} is a database of another program", hint="give `state:` a path of its own; nothing was changed"
        )
    if version > len(MIGRATIONS):
        raise StateError(
            f"the state file {db.path} is of version {version}, this program knows up to {len(MIGRATIONS)}",
            hint="update mvsep-watch; nothing was changed",
        )


def _migrate(db: Db) -> None:
    for number in range(_version(db), len(MIGRATIONS)):
        with db.transaction():
            MIGRATIONS[number](db._connection)  # noqa: SLF001 - a migration speaks SQL to the bare connection
            db.run(f"PRAGMA application_id = {APPLICATION_ID}")
            db.run(f"PRAGMA user_version = {number + 1}")


def _translated(error: sqlite3.Error, path: Path) -> StateError | sqlite3.Error:
    """Tell trouble with the file from a bug in our own SQL."""
    name = getattr(error, "sqlite_errorname", "")
    for prefix, (kind, hint) in _TROUBLE.items():
        if name.startswith(prefix):
            return kind(f"the state file {path}: {error}", hint=hint)
    return error


_TROUBLE: dict[str, tuple[type[StateError], str]] = {
    "SQLITE_FULL": (StateFullError, "free some space; nothing was lost"),
    "SQLITE_CORRUPT": (StateDamagedError, f"{MENDS_ITSELF}; nothing is sent before you `approve` it"),
    "SQLITE_NOTADB": (StateError, "it is no state file; restore a backup or name another path in `state:`"),
    "SQLITE_READONLY": (StateError, "make it writable for the daemon's user"),
    "SQLITE_CANTOPEN": (StateError, "make its folder writable for the daemon's user"),
    "SQLITE_BUSY": (StateError, "another program holds it; try again"),
    "SQLITE_IOERR": (StateError, "check the disk that it is on"),
}
