"""A disk under the state file that fills up: nothing is spent or lost, and it goes on by itself."""

import threading

import pytest

from mvsep_watch.daemon import space
from mvsep_watch.daemon.inbox import Bell, ReleaseQuestion
from mvsep_watch.errors import StateError
from mvsep_watch.model import Destination, Notify, Ping
from mvsep_watch.steps.base import Denied
from tests.daemon.world import gates, write_wav


@pytest.fixture
def disk(monkeypatch):
    """A disk with plenty of space, which a test fills by `disk.free = 0`."""

    class Disk:
        free = 1e12

    disk = Disk()
    monkeypatch.setattr(space, "free_bytes", lambda _: disk.free)
    return disk


def test_with_hardly_any_space_left_nothing_is_sent_until_there_is_some(world, disk):
    """The gate says so; what was dropped meanwhile is found then."""
    world.start()
    world.pass_time(10)
    disk.free = 1e6
    write_wav(world.drop / "song.wav")
    world.pass_time(600)
    closed, made = gates(world), world.service.made

    disk.free = 1e12
    world.pass_time(30)
    world.finish()

    assert (closed, made) == ([("disk", "")], 0)
    assert (world.states(), gates(world)) == (["published"], [])


def test_others_are_told_of_it(world, disk):
    """A person, and a watching service: it is they who can free some space."""
    there = Destination(name="command", command=("tell",))
    world.telling = {"notify": Notify(destinations=(there,)), "ping": Ping(success="ok", fail="ill")}
    world.start()
    world.engine.desks.pinging.begin()
    world.pass_time(30)
    disk.free = 1e6

    world.pass_time(600)

    assert world.letterbox.titles == ["disk closed"]
    assert [url for url, _ in world.letterbox.pings] == ["ok", "ill", "ill"]


def test_what_comes_back_meanwhile_is_kept(world, disk):
    """The answer to an upload is dealt with once it can be written down; nothing is looked for or sent again."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    disk.free = 0
    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(300)
    kept = [str(row.state) for row in world.store.separations.unfinished()]

    disk.free = 1e12
    world.finish()

    assert kept == ["released"]
    assert (world.states(), world.service.count("create")) == (["published"], 1)


def test_a_disk_that_is_full_to_the_last_byte_does_not_end_it(world, disk, monkeypatch):
    """Not even the gate can be written down then."""
    world.start()
    world.pass_time(10)
    write_wav(world.drop / "song.wav")

    def refuses(*_, **__):
        raise StateError("full")

    with monkeypatch.context() as patch:
        patch.setattr(world.store.memory, "close_gate", refuses)
        disk.free = 0
        world.pass_time(120)
    disk.free = 1e12
    world.pass_time(30)
    world.finish()

    assert world.states() == ["published"]


def test_a_hand_before_its_last_chunk_is_told_no(world, disk):
    """Nothing can be paid for that cannot be written down."""
    world.start()
    disk.free = 0
    question = ReleaseQuestion(separation_id=1, send=1, account=None, answered=threading.Event())
    world.engine.inbox.put(question)

    world.turn()

    assert isinstance(question.answer, Denied)
    assert question.answered.is_set()


def test_it_can_be_told_to_stop_and_once_comes_to_its_end(world, disk):
    """Neither waits for space."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(5)
    disk.free = 0
    world.turn()
    is_at_rest = world.engine.is_at_rest(gated_for_s=0.0)
    world.engine.inbox.put(Bell("stop"))

    world.turn()

    assert (is_at_rest, world.engine.context.stopping) == (True, True)


def test_a_gate_that_a_killed_run_left_opens_at_the_next_start(world, disk):
    """There is space again by then."""
    world.start()
    disk.free = 0
    world.turn()
    disk.free = 1e12

    world.restart()
    world.turn()

    assert gates(world) == []


def test_it_is_said_once(world, disk, capsys):
    """Not at every turn."""
    world.start()
    disk.free = 1e6

    world.turn(50)

    assert capsys.readouterr().out.count("hardly any space left") == 1


def test_a_disk_that_does_not_tell_is_no_full_disk(tmp_path):
    """And a real one says how much it has."""
    assert space.free_bytes(tmp_path / "never") == float("inf")
    assert 0 < space.free_bytes(tmp_path) < float("inf")
