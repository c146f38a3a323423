"""A damaged state file heals at the next start by itself, and spends nothing by it."""

import contextlib

import pytest

from mvsep_watch.daemon import rebuilding, run
from mvsep_watch.errors import StateError
from mvsep_watch.store import StateDamagedError, restoring
from tests.daemon.test_kills import Killed
from tests.daemon.test_rebuilding import approve_all, gates, songs
from tests.daemon.world import write_wav


def state_of(world):
    return world.base / "state.sqlite3"


def harm(world):
    """End, and lose half of the state file."""
    world.stop()
    content = state_of(world).read_bytes()
    state_of(world).write_bytes(content[: len(content) // 2])


def asides(world):
    return sorted(path.name for path in world.base.glob("*.damaged-*") if not path.name.endswith(("-wal", "-shm")))


def test_a_damaged_state_is_rebuilt_at_the_next_start(world, capsys):
    """What was published is known, what is new is asked about; one notice says where the damaged file is."""
    songs(world)
    harm(world)
    write_wav(world.drop / "new.wav", pitch=9)
    capsys.readouterr()

    world.start()
    world.pass_time(120)
    said = capsys.readouterr().out
    states, made = sorted(world.states()), world.service.made
    held = approve_all(world)
    world.finish()

    assert (states, made, len(held)) == (["held", "published", "published", "published"], 3, 1)
    assert len(asides(world)) == 1
    assert said.count("state_damaged") == 1
    assert f"moved_to={world.base / asides(world)[0]}" in said
    assert (sorted(world.states()), gates(world)) == (["published"] * 4, [])


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("commit", range(1, 8))
def test_healing_that_was_killed_is_finished_by_the_next_start(world, monkeypatch, commit, before):
    """Whenever that is; nothing is spent."""
    songs(world, count=2)
    harm(world)
    write_wav(world.drop / "new.wav", pitch=9)
    left = commit
    commit_of = restoring.Db.run

    def killed(self, sql, params=()):
        nonlocal left
        left -= sql == "COMMIT"
        if sql == "COMMIT" and left == 0 and before:
            raise Killed
        result = commit_of(self, sql, params)
        if sql == "COMMIT" and left == 0:
            raise Killed
        return result

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(restoring.Db, "run", killed)
        world.start()
    world.restart()
    world.pass_time(120)

    states = sorted(world.states())
    assert world.service.made == 2
    assert (states, gates(world)) in [
        (["held", "published", "published"], []),
        (["queued", "queued", "queued"], ["state"]),
    ]


def test_damage_that_is_met_at_work_is_mended_by_the_next_start(world):
    """The file is put aside once it is closed."""
    songs(world)
    world.stop()

    def meet():
        with run._putting_aside(state_of(world)):
            raise StateDamagedError("the state file: malformed")

    with pytest.raises(StateDamagedError):
        meet()
    left = asides(world)
    world.start()
    world.pass_time(60)

    assert len(left) == 1
    assert (world.states(), gates(world), world.service.made) == (["published"] * 3, [], 3)


def test_other_trouble_puts_nothing_aside(world):
    """A full disk is no damage."""
    world.start()
    world.stop()

    def meet():
        with run._putting_aside(state_of(world)):
            raise StateError("full")

    with pytest.raises(StateError):
        meet()

    assert asides(world) == []


def test_a_rebuild_that_a_person_began_is_not_finished_behind_their_back(world, monkeypatch):
    """The gate stays closed until they say so again."""
    songs(world)
    harm(world)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding.Rebuilding, "_finish", killed)
        with pytest.raises(Killed):
            world.rebuild()
    world.stop()
    world.start()
    world.pass_time(60)
    closed = gates(world)
    world.rebuild()
    world.start()
    world.pass_time(60)

    assert (closed, gates(world)) == (["state"], [])
    assert (world.states(), world.service.made) == (["published"] * 3, 3)


def test_a_new_beginning_leaves_an_unfinished_rebuild_behind(world, monkeypatch):
    """`--fresh` is a person's word too."""
    songs(world, count=1)
    world.lose_state()

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding.Rebuilding, "_finish", killed)
        with pytest.raises(Killed):
            world.rebuild()
    world.stop()
    world.start(fresh=True)
    world.pass_time(120)

    assert (gates(world), world.service.made) == ([], 1)
