"""A damaged state file is recognised, moved aside whole, and gives back what stands by itself."""

import os
import sqlite3
from dataclasses import replace

import pytest

from mvsep_watch.errors import StateError
from mvsep_watch.model import SeparationState
from mvsep_watch.store import StateDamagedError, Store, damage, open_still
from mvsep_watch.store.schema import MIGRATIONS
from tests.store.conftest import WORK, Desk

NOW = 1_800_000_000.0


def filled(path, *, count=400):
    """Write a state of many pages."""
    store = Store(path)
    desk = Desk(store)
    with store.transaction():
        for number in range(count):
            row = desk.intent(replace(WORK, input_key=f"sha256:{number:064x}"), upload_name="x" * 500)
            store.separations.move(row, SeparationState.DONE, now=2.0, hash=f"hash-{number}")
            desk.source(f"/drop/{number}.wav", bytes_key=f"sha256:{number:064x}")
            store.sources.ignore(number + 1)
    store.close()


def scribble(path, *, start, length):
    content = bytearray(path.read_bytes())
    content[start : start + length] = os.urandom(length)
    path.write_bytes(content)


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scribbled_in_the_middle(path):
    scribble(path, start=path.stat().st_size // 2, length=8192)


def first_page_lost(path):
    scribble(path, start=100, length=3996)


def header_zeroed(path):
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])


DAMAGES = [cut_short, scribbled_in_the_middle, first_page_lost, header_zeroed]


@pytest.mark.parametrize("harm", DAMAGES)
def test_damage_is_found(path, harm):
    """Before anything is made of it."""
    filled(path)
    harm(path)

    assert damage.found_in(path)
    with pytest.raises(StateDamagedError, match="is damaged"):
        damage.require_whole(path)


def test_a_whole_state_is_not_damaged(path):
    """Nor is one that a killed process left with its log, or one that is not there."""
    assert damage.found_in(path) == ""
    filled(path)
    left = Store(path)
    left.memory.set_meta("a", "b")

    assert damage.found_in(path) == ""
    damage.require_whole(path)
    left.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"These are the notes of a drummer. " * 400, b"SQLite format 3\0" + bytes(44) + b"\0\0\0\x63" + bytes(400)],
    ids=["empty", "notes", "newer"],
)
def test_what_is_not_ours_is_no_damage(path, content):
    """It is refused elsewhere, and never moved."""
    path.write_bytes(content)

    assert damage.found_in(path) == ""


def test_a_newer_state_is_no_damage_whatever_is_in_it(path):
    """Only its own program can tell."""
    filled(path)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    scribbled_in_the_middle(path)

    assert damage.found_in(path) == ""


def test_it_is_moved_aside_with_all_that_belongs_to_it(path):
    """Under a name that says when, byte for byte."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).write_bytes(suffix.encode())

    aside = damage.put_aside(path, now=NOW)

    assert aside.name == f"{path.name}.damaged-20270115T080000Z"
    assert {entry.name: entry.read_bytes() for entry in path.parent.iterdir()} == {
        aside.name: b"",
        f"{aside.name}-wal": b"-wal",
        f"{aside.name}-shm": b"-shm",
    }


def test_what_cannot_be_moved_is_told(path, monkeypatch):
    """Nothing is begun beside it."""
    filled(path, count=1)

    def refuses(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(type(path), "rename", refuses)
    with pytest.raises(StateError, match="cannot be moved aside: Read-only"):
        damage.put_aside(path, now=NOW)


def test_what_can_be_read_is_saved(path, tmp_path):
    """Separations and sources to be ignored, from both ends of what is damaged; each once, and sound."""
    filled(path)
    scribbled_in_the_middle(path)
    fresh = Store(tmp_path / "fresh.sqlite3")

    saved = [damage.salvage(path, fresh.db) for _ in range(2)]

    rows = fresh.separations._rows("1")
    ignored = fresh.db.value("SELECT count(*) FROM sources")
    assert saved[1] == 0 < saved[0] == len(rows) <= 400
    assert {row.state for row in rows} == {SeparationState.DONE}
    assert all(row.hash == f"hash-{row.id - 1}" for row in rows)
    assert ignored <= 400
    fresh.close()


@pytest.mark.parametrize("harm", [cut_short, first_page_lost, header_zeroed])
def test_where_nothing_can_be_read_nothing_is_saved(path, harm, tmp_path):
    """The outputs and the history say the rest."""
    filled(path)
    harm(path)
    fresh = Store(tmp_path / "fresh.sqlite3")

    assert damage.salvage(path, fresh.db) == 0
    fresh.close()


def test_what_was_only_intended_is_not_saved(path, tmp_path):
    """Nothing of it had left, and its job is gone."""
    store = Store(path)
    Desk(store).intent()
    store.close()
    fresh = Store(tmp_path / "fresh.sqlite3")

    assert damage.salvage(path, fresh.db) == 0
    assert damage.salvage(tmp_path / "never", fresh.db) == 0
    fresh.close()


def test_rows_that_make_no_sense_are_not_saved(path, tmp_path):
    """What a damaged page gives may be anything."""
    store = Store(path)
    desk = Desk(store)
    for number, changes in enumerate(("state = 'dreamt'", "settings = '{}'", "settings = '['")):
        row = desk.intent(replace(WORK, input_key=f"sha256:{number}"))
        store.db.run(f"UPDATE separations SET {changes} WHERE id = ?", (row.id,))
    store.close()
    fresh = Store(tmp_path / "fresh.sqlite3")

    assert damage.salvage(path, fresh.db) == 0
    fresh.close()


def test_who_only_looks_is_told_what_to_do(path):
    """An error with its hint, and no traceback."""
    filled(path)
    reader = open_still(path)
    reader.close()
    half = path.stat().st_size // 2
    scribble(path, start=half, length=half)
    reader = open_still(path)

    with pytest.raises(StateDamagedError) as caught:
        reader.all("SELECT * FROM separations")

    assert "rebuild" in caught.value.hint
    reader.close()
