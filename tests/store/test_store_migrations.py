"""A state file of every earlier version becomes one of this version, with all that it knows, whenever it is killed."""

import shutil
import sqlite3

import pytest

from mvsep_watch.model import Settings
from mvsep_watch.store import Store, connection, damage
from mvsep_watch.store.schema import MIGRATIONS

EARLIER = range(1, len(MIGRATIONS))
BY_TYPE = {"INTEGER": 1, "REAL": 2.5, "TEXT": "text", "BLOB": b"/path"}
BY_COLUMN = {
    ("jobs", "state"): "published",
    ("jobs", "hold"): None,
    ("jobs", "resume"): None,
    ("jobs", "redo_of"): None,
    ("separations", "state"): "done",
    ("separations", "link_hash"): None,
    ("separations", "settings"): Settings(sep_type=40).canonical(),
    ("sources", "state"): "known",
    ("gates", "name"): "paused",
    ("requests", "arguments"): "{}",
    ("requests", "applied_at"): None,
}
RENAMED = {("sources", "input_key"): "bytes_key"}
DROPPED = {("jobs", "price_allowed"), ("sources", "inode"), ("sources", "device")}
KEPT_BY_TRIGGERS = {"job_counts"}


def at(path):
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    return db


def tables(db):
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return sorted(row[0] for row in found)


def content(path):
    db = at(path)
    found = {table: [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY rowid")] for table in tables(db)}
    db.close()
    return found


def layout(path):
    db = at(path)
    found = {tuple(row) for row in db.execute("SELECT type, name, sql FROM sqlite_master")}
    db.close()
    return found


def write_version(path, version, monkeypatch):
    """Write a state of an earlier version with a row in every table."""
    with monkeypatch.context() as patch:
        patch.setattr(connection, "MIGRATIONS", MIGRATIONS[:version])
        connection.open_writer(path).close()
    db = at(path)
    for table in set(tables(db)) - KEPT_BY_TRIGGERS:
        columns = [(row["name"], row["type"]) for row in db.execute(f"PRAGMA table_info({table})")]
        values = [BY_COLUMN.get((table, name), BY_TYPE[kind]) for name, kind in columns]
        names, marks = ", ".join(name for name, _ in columns), ", ".join("?" * len(columns))
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
    db.commit()
    db.close()


@pytest.mark.parametrize("version", EARLIER)
def test_an_earlier_version_keeps_every_row(path, tmp_path, monkeypatch, version):
    """Every table and every column, under its name of today; nothing refers to what is not there."""
    write_version(path, version, monkeypatch)
    before = content(path)

    Store(path).close()

    after = content(path)
    for table, rows in before.items():
        assert len(after[table]) == len(rows) > 0, table
        for row, now in zip(rows, after[table], strict=True):
            kept = {name: value for name, value in row.items() if (table, name) not in DROPPED}
            assert {RENAMED.get((table, name), name): value for name, value in kept.items()}.items() <= now.items()
    db = at(path)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()


@pytest.mark.parametrize("version", EARLIER)
def test_an_earlier_version_becomes_what_a_fresh_one_is(path, tmp_path, monkeypatch, version):
    """The same tables, indexes and triggers; and its rows are read as those of today."""
    write_version(path, version, monkeypatch)
    Store(tmp_path / "fresh.sqlite3").close()

    store = Store(path)
    job, row, source = store.jobs.get(1), store.separations.get(1), store.sources.get(1)
    store.close()

    assert layout(path) == layout(tmp_path / "fresh.sqlite3")
    assert (job.source_id, job.separation_id, job.bytes_key) == (1, 1, job.input_key)
    assert (row.work.settings.sep_type, row.link_hash, source.bytes_key) == (40, None, "text")


@pytest.mark.parametrize("version", EARLIER)
def test_what_is_saved_of_a_damaged_earlier_version_counts_as_it_did(path, tmp_path, monkeypatch, version):
    """What was spent stays spent, and what was to be ignored is."""
    write_version(path, version, monkeypatch)
    db = at(path)
    db.execute("UPDATE sources SET state = 'ignored'")
    db.execute("UPDATE ledger SET credits = 7")
    db.commit()
    db.close()
    fresh = Store(tmp_path / "fresh.sqlite3")

    saved = damage.salvage(path, fresh.db)

    spent = fresh.separations.spent(fresh.separations.get(1).realm, "a", "z")
    assert (saved, spent, fresh.sources.is_ignored("text")) == (1, 7, True)
    fresh.close()


class Killing:
    """A connection that keeps, after every statement, what a process that is killed there leaves on the disk."""

    def __init__(self, db, path, left):
        self._db, self._path, self._left = db, path, left

    def execute(self, *args):
        result = self._db.execute(*args)
        place = self._path.parent / f"killed-{len(self._left)}"
        place.mkdir()
        for entry in self._path.parent.glob(f"{self._path.name}*"):
            shutil.copy(entry, place)
        self._left.append(place / self._path.name)
        return result

    def __getattr__(self, name):
        return getattr(self._db, name)


@pytest.mark.parametrize("version", EARLIER)
def test_a_migration_killed_at_any_statement_begins_anew(path, monkeypatch, version):
    """What is left is the earlier version with its rows, and the next start makes it the same as without the kill."""
    write_version(path, version, monkeypatch)
    left = []
    kills = [lambda db, migrate=migrate: migrate(Killing(db, path, left)) for migrate in MIGRATIONS[version:]]
    with monkeypatch.context() as patch:
        patch.setattr(connection, "MIGRATIONS", (*MIGRATIONS[:version], *kills))
        Store(path).close()
    whole = content(path)

    for copy in left:
        Store(copy).close()

    assert len(left) >= len(kills)
    assert all(content(copy) == whole for copy in left)


def test_a_first_start_killed_at_any_statement_begins_anew(path, monkeypatch):
    """Half a state is none."""
    left = []
    kills = [lambda db, migrate=migrate: migrate(Killing(db, path, left)) for migrate in MIGRATIONS]
    with monkeypatch.context() as patch:
        patch.setattr(connection, "MIGRATIONS", tuple(kills))
        Store(path).close()

    for copy in left:
        Store(copy).close()

    assert len(left) > len(MIGRATIONS)
    assert all(layout(copy) == layout(path) for copy in left)
