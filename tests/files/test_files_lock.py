"""One process at a time."""

import os

import pytest

from mvsep_watch.errors import AlreadyRunningError, StateError
from mvsep_watch.files.lock import StateLock, holder_of, lock_path
from mvsep_watch.store import Store, open_still


@pytest.fixture
def state(tmp_path):
    return tmp_path / "watch.state.sqlite3"


def test_a_second_lock_is_refused_and_names_the_first(state):
    """Two descriptors exclude each other even within one process."""
    with StateLock(state), pytest.raises(AlreadyRunningError, match=f"process {os.getpid()} .*pytest"):
        StateLock(state).acquire()


def test_a_refusal_leaves_the_holders_text_alone(state):
    """The third to come is told the same."""
    with StateLock(state):
        for _ in range(2):
            with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()} "):
                StateLock(state).acquire()


def test_a_released_lock_can_be_taken(state):
    """Whatever text the last holder left."""
    StateLock(state).release()
    with StateLock(state):
        pass

    with StateLock(state):
        assert holder_of(state).pid == os.getpid()


def test_looking_for_the_holder_never_takes_the_lock(state):
    """`status` must not make a starting daemon believe that another runs."""
    before = holder_of(state)
    with StateLock(state):
        during = holder_of(state)

    assert (before, during.pid, "pytest" in during.command, holder_of(state)) == (None, os.getpid(), True, None)


@pytest.mark.parametrize("text", [b"", b"{", b'{"pid": 1, "mood": 2}', b"\xff"])
def test_a_holder_that_cannot_be_read_is_another_process(state, text):
    """The lock decides, not the text."""
    with StateLock(state):
        lock_path(state).write_bytes(text)
        with pytest.raises(AlreadyRunningError, match="another process"):
            StateLock(state).acquire()


def test_the_lock_is_not_inherited_by_children(state):
    """A hook that outlives the daemon must not keep the state."""
    with StateLock(state) as lock:
        assert not os.get_inheritable(lock._descriptor)


def test_only_the_owner_may_read_the_lock(state):
    """The command line of the holder stands in it."""
    with StateLock(state):
        assert lock_path(state).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """A state file has a place, or the configuration is wrong."""
    with pytest.raises(StateError, match="cannot be locked"):
        StateLock(tmp_path / "never" / "state").acquire()


def test_a_planted_link_is_not_followed(tmp_path, state):
    """The text would be written through it."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    lock_path(state).symlink_to(victim)

    with pytest.raises(StateError):
        StateLock(state).acquire()
    assert victim.read_bytes() == b"precious"


def test_a_second_lock_is_refused_though_the_lock_file_was_deleted(state):
    """The state file is locked as well, at a place that SQLite never uses."""
    state.touch()
    with StateLock(state):
        lock_path(state).unlink()

        with pytest.raises(AlreadyRunningError, match="in use by another process"):
            StateLock(state).acquire()


def test_a_state_file_that_is_made_later_is_locked_once_it_is_there(state):
    """As is one that takes the place of another."""
    with StateLock(state) as lock:
        state.touch()
        lock.cover()
        state.rename(state.with_name("aside"))
        state.touch()
        lock.cover()
        lock.cover()
        lock_path(state).unlink()

        with pytest.raises(AlreadyRunningError):
            StateLock(state).acquire()


def test_a_lock_that_is_given_back_lets_the_state_file_go(state):
    """Also after a refusal."""
    state.touch()
    with StateLock(state):
        lock_path(state).unlink()
        with pytest.raises(AlreadyRunningError):
            StateLock(state).acquire()

    with StateLock(state):
        pass


def test_the_lock_stands_in_no_statements_way(state):
    """SQLite locks other bytes: the owner writes, readers read, the log goes when the state is closed."""
    with StateLock(state) as lock:
        store = Store(state)
        lock.cover()
        reader = open_still(state)
        store.memory.set_meta("a", "1")
        seen = reader.value("SELECT value FROM meta WHERE key = 'a'")
        reader.close()
        store.close()

    assert seen == "1"
    assert sorted(path.name for path in state.parent.iterdir()) == [state.name, lock_path(state).name]
