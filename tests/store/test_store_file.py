"""The state file itself: made privately, migrated whole, refused where it is not ours, read beside its writer."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from mvsep_watch.errors import StateError
from mvsep_watch.store import Requests, Store, connection, open_requester, open_still
from mvsep_watch.store.schema import MIGRATIONS


def tables(path):
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as db:
        found = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}, *db.execute("PRAGMA user_version")
    db.close()
    return found


def write(path, *statements):
    db = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


def test_a_file_that_takes_the_place_of_one_in_use_is_read_without_its_log(path, tmp_path):
    """What the log holds is of the other one."""
    store = Store(path)
    store.memory.set_meta("a", "before")
    with sqlite3.connect(path) as live, sqlite3.connect(tmp_path / "backup") as copy:
        live.backup(copy)
    store.memory.set_meta("a", "after")
    store.is_in_place()
    (tmp_path / "backup").replace(path)
    store.close()

    again = Store(path)

    assert again.memory.meta("a") == "before"
    again.close()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("is_exchanged", [False, True])
def test_what_is_deleted_or_exchanged_is_not_in_place(path, suffix, is_exchanged):
    """SQLite would go on writing into the file that is gone."""
    store = Store(path)
    store.memory.set_meta("a", "1")
    before = store.is_in_place()
    part = path.with_name(path.name + suffix)
    if is_exchanged:
        Path(shutil.copy(part, path.with_name("copy"))).replace(part)
    else:
        part.unlink()

    assert (before, store.is_in_place()) == (True, False)

    store.close()


def test_a_state_file_is_its_owners_alone(path):
    """It tells what somebody listens to."""
    Store(path).close()

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_for_a_service_is_the_services_own(path):
    """A state that root rebuilds is one that the service can open; what SQLite writes beside it as well."""
    os.chown(path.parent, 54321, 54322)

    db = connection.open_writer(path)
    owners = {(each.stat().st_uid, each.stat().st_gid) for each in path.parent.glob(f"{path.name}*")}
    db.close()

    assert owners == {(54321, 54322)}


def test_what_is_written_beside_it_is_private_too(path):
    """The WAL holds the same words."""
    store = Store(path)
    store.memory.set_meta("a", "b")
    beside = [entry for entry in path.parent.iterdir() if entry != path]
    modes = {entry.stat().st_mode & 0o777 for entry in beside}
    store.close()

    assert beside
    assert modes == {0o600}


def test_a_closed_state_leaves_no_wal_behind(path):
    """So that copying one file is a backup."""
    store = Store(path)
    store.memory.set_meta("a", "b")
    store.close()

    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_large_transaction_is_not_kept_in_the_log_for_ever(store):
    """The first look at a large library would else lie beside the state file for as long as the daemon runs."""
    log = store.path.with_name(f"{store.path.name}-wal")
    store.memory.set_meta("a", "b" * 2 * connection.LOG_BYTES)
    before = log.stat().st_size

    store.memory.set_meta("c", "d")

    assert (before > connection.LOG_BYTES, log.stat().st_size) == (True, connection.LOG_BYTES)


def test_what_is_committed_is_durable(store):
    """Intents and hashes survive a power cut."""
    assert store.db.value("PRAGMA journal_mode") == "wal"
    assert store.db.value("PRAGMA synchronous") == 2
    assert store.db.value("PRAGMA foreign_keys") == 1


def test_two_new_states_have_different_ids(tmp_path):
    """The id is what tells a state from all others."""
    stores = [Store(tmp_path / name) for name in ("a", "b")]
    ids = {store.memory.state_id for store in stores}
    for store in stores:
        store.close()

    assert len(ids) == 2


def test_a_state_is_the_same_when_opened_again(path):
    """Nothing is migrated twice."""
    store = Store(path)
    before = store.memory.state_id
    store.close()
    again = Store(path)
    after = again.memory.state_id
    again.close()

    assert before == after


@pytest.mark.parametrize("name", ["café.sqlite3", os.fsdecode(b"caf\xe9.sqlite3"), "a?b#c%20.sqlite3"])
def test_a_state_file_may_have_any_name(tmp_path, name):
    """Also one that means something in a URL, or that is no UTF-8."""
    path = tmp_path / name
    Store(path).close()
    open_still(path).close()

    assert os.fsencode(name) in [os.fsencode(entry.name) for entry in tmp_path.iterdir()]


def foreign(path):
    write(path, "CREATE TABLE music (name TEXT)")


def of_another_program(path):
    write(path, "PRAGMA application_id = 252006674")


def newer(path):
    Store(path).close()
    write(path, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


def no_database(path):
    path.write_bytes(b"These are the notes of a drummer. " * 400)


def scribbled_over(path):
    Store(path).close()
    content = bytearray(path.read_bytes())
    content[100:4096] = os.urandom(3996)
    path.write_bytes(content)


def header_lost(path):
    Store(path).close()
    content = bytearray(path.read_bytes())
    content[:100] = bytes(100)
    path.write_bytes(content)


@pytest.mark.parametrize("opens", [Store, open_still, open_requester])
@pytest.mark.parametrize("make", [foreign, of_another_program, newer, no_database, scribbled_over, header_lost])
def test_what_is_not_a_state_of_ours_is_refused_and_not_touched(path, make, opens):
    """Not a byte of it; every opener says what to do."""
    make(path)
    before = path.read_bytes()

    with pytest.raises(StateError) as caught:
        opens(path)

    assert caught.value.hint
    assert path.read_bytes() == before


def test_a_state_file_cut_short_is_refused(path):
    """It is refused when it is opened or when it is read, never taken for an empty one."""
    Store(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(StateError, match="malformed"):
        Store(path)


@pytest.mark.parametrize("opens", [open_still, open_requester])
def test_looking_makes_no_state_file(path, opens):
    """`status` before the first run leaves nothing behind."""
    with pytest.raises(StateError, match="no state file"):
        opens(path)

    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    """With what to do about it."""
    (tmp_path / "file").touch()

    with pytest.raises(StateError) as caught:
        Store(tmp_path / "file" / "state.sqlite3")

    assert "state:" in caught.value.hint


@pytest.fixture
def next_version(monkeypatch):
    """Add a migration of the future."""

    def add(migration):
        monkeypatch.setattr(connection, "MIGRATIONS", (*MIGRATIONS, migration))

    return add


def test_an_older_state_is_migrated_with_all_it_knows(path, next_version):
    """The version counts the migrations that a file has seen."""
    store = Store(path)
    store.memory.set_meta("a", "b")
    store.close()
    next_version(lambda db: db.execute("CREATE TABLE later (x)"))

    again = Store(path)
    kept = again.memory.meta("a")
    again.close()
    names, version = tables(path)

    assert kept == "b"
    assert "later" in names
    assert version == (len(MIGRATIONS) + 1,)


@pytest.mark.parametrize("opens", [open_still, open_requester])
def test_a_command_of_another_version_does_not_read_what_it_may_misread(path, next_version, opens):
    """Only the owner migrates."""
    Store(path).close()
    next_version(lambda db: db.execute("CREATE TABLE later (x)"))

    with pytest.raises(StateError, match=f"version {len(MIGRATIONS)}, this program reads {len(MIGRATIONS) + 1}"):
        opens(path)


def test_a_migration_that_fails_half_way_leaves_the_old_version(path, next_version):
    """Version and tables change together or not at all."""
    Store(path).close()

    def breaks(db):
        db.execute("CREATE TABLE later (x)")
        raise RuntimeError("half-way")

    next_version(breaks)
    with pytest.raises(RuntimeError, match="half-way"):
        Store(path)

    names, version = tables(path)
    assert "later" not in names
    assert version == (len(MIGRATIONS),)


def test_a_migration_killed_half_way_leaves_the_old_version(path, tmp_path, next_version):
    """What is on the disk in the middle of it is what a killed process leaves: it opens as it was."""
    Store(path).close()
    crashed = tmp_path / "crashed"

    def copies_the_disk(db):
        db.execute("CREATE TABLE later (x)")
        db.execute("DROP TABLE ledger")
        crashed.mkdir()
        for entry in tmp_path.glob("state.sqlite3*"):
            shutil.copy(entry, crashed)

    next_version(copies_the_disk)
    Store(path).close()

    names, version = tables(crashed / path.name)
    assert version == (len(MIGRATIONS),)
    assert "ledger" in names
    assert "later" not in names


def test_a_reader_works_beside_a_writer(store, path):
    """It sees what is committed, waits for nobody, and holds nobody up."""
    reader = open_still(path)
    with store.transaction():
        store.memory.set_meta("a", "new")
        during = reader.value("SELECT value FROM meta WHERE key = 'a'")
    after = reader.value("SELECT value FROM meta WHERE key = 'a'")
    reader.close()

    assert (during, after) == (None, "new")


def test_a_reader_cannot_write(store, path):
    """Commands that look change nothing, whatever they try."""
    reader = open_still(path)

    with pytest.raises(StateError, match="readonly"):
        reader.run("DELETE FROM meta")

    reader.close()


def test_the_owner_notices_that_somebody_asked(store, path):
    """A number changes when another process has committed, and only then."""
    before = store.foreign_writes()
    store.memory.set_meta("a", "own")
    own = store.foreign_writes()
    requester = open_requester(path)
    Requests(requester).append("retry", {}, now=1.0)
    requester.close()

    assert own == before
    assert store.foreign_writes() != own


def test_transactions_nest_and_the_outermost_commits(store, path):
    """A part that is whole by itself can be part of something larger."""
    reader = open_still(path)
    seen = []
    with store.transaction():
        with store.transaction():
            store.memory.set_meta("a", "1")
        seen.append(reader.value("SELECT count(*) FROM meta WHERE key = 'a'"))
    seen.append(reader.value("SELECT count(*) FROM meta WHERE key = 'a'"))
    reader.close()

    assert seen == [0, 1]


def test_a_transaction_that_fails_inside_takes_all_of_it_back(store):
    """Also what was done before the inner part began."""

    def fails():
        with store.transaction():
            store.memory.set_meta("a", "1")
            with store.transaction():
                store.memory.set_meta("b", "2")
                raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fails()

    assert (store.memory.meta("a"), store.memory.meta("b")) == (None, None)
    with store.transaction():
        store.memory.set_meta("c", "3")
    assert store.memory.meta("c") == "3"


def test_an_error_in_our_own_words_is_a_bug_and_not_the_files_fault(store):
    """Nobody is told to restore a backup because of a slip of the pen."""
    with pytest.raises(sqlite3.OperationalError):
        store.db.run("SELECT nonsense")


def test_a_full_disk_is_said_and_what_was_committed_stays(store):
    """The next commit goes through once there is space."""
    store.db.run("PRAGMA max_page_count = 1")

    with pytest.raises(StateError) as caught, store.transaction():
        store.db.run("INSERT INTO meta VALUES ('big', hex(zeroblob(4000000)))")

    assert "space" in caught.value.hint
    store.db.run("PRAGMA max_page_count = 1000000")
    store.memory.set_meta("small", "x")
    assert store.memory.meta("small") == "x"


def test_a_second_writer_is_told_that_the_file_is_held(store, path, monkeypatch):
    """It cannot happen under the lock; if it does, nothing is written twice."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.0)
    other = open_requester(Path(path))

    with store.transaction(), pytest.raises(StateError, match="locked"):
        Requests(other).append("retry", {}, now=1.0)

    other.close()
