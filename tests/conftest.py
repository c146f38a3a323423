"""What every test can rely on."""

import os
import secrets
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from mvsep_watch.config import places
from mvsep_watch.store import connection

IN_MEMORY = Path("/dev/shm")
ROOM_BYTES = 1 << 30

settings.register_profile("same", derandomize=True)  # what passes today passes tomorrow: a verdict is about the tree
settings.register_profile("search", max_examples=5_000, deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def folders():
    """Where fast tests write: in memory, where there is room, since nothing that they promise is about a disk."""
    has_room = os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM_BYTES
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if has_room else None, prefix="mvsep-watch-") as folder:
        yield Path(folder)


@pytest.fixture
def tmp_path(request, folders):
    """A folder for a test: in `tests/real` on the disk, and kept for a while."""
    if "real" in request.path.parts:
        yield request.getfixturevalue("tmp_path")
        return
    folder = Path(tempfile.mkdtemp(dir=folders))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def empty_state(folders):
    """An empty state as the migrations make it, kept in memory."""
    made, kept = connection.open_writer(folders / "empty.sqlite3"), sqlite3.connect(":memory:", check_same_thread=False)
    made._connection.backup(kept)
    made.close()
    yield kept
    kept.close()


@pytest.fixture(scope="module", autouse=True)
def a_state_that_is_copied(request, empty_state):
    """Every migration for each of some thousand states is what `tests/store` is about; the others begin with a copy."""
    if "store" in request.path.parts:
        yield
        return
    migrate = connection._migrate

    def copy(db):
        if connection._version(db):
            migrate(db)
        else:
            empty_state.backup(db._connection)
            db.run("UPDATE meta SET value = ? WHERE key = 'state_id'", (secrets.token_hex(6),))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_migrate", copy)
        yield


@pytest.fixture(autouse=True)
def a_log_that_nobody_configured():
    """What a command does to the log of its process is over with it."""
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def nothing_of_whoever_runs_them(folders):
    """No test, and nothing that a module's tests share, sees the configuration, state or caches of a person."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE_DIRECTORY", "MVSEP_API_TOKEN", "MVSEP_BASE_URL", "MVSEP_WATCH_CONFIG"):
            patch.delenv(name, raising=False)
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, tempfile.mkdtemp(dir=folders))
        yield


@pytest.fixture(autouse=True)
def caches_of_its_own(monkeypatch, folders):
    """What a test keeps is another's surprise."""
    monkeypatch.setenv("XDG_CACHE_HOME", tempfile.mkdtemp(dir=folders))


@pytest.fixture(autouse=True)
def no_configuration_of_the_machine(monkeypatch):
    """A machine that runs mvsep-watch for itself, with a configuration in /etc, passes the tests all the same."""
    may_be_there = places._may_be_there
    monkeypatch.setattr(
        places, "_may_be_there", lambda path: places.SYSTEM_FOLDER not in path.parents and may_be_there(path)
    )
