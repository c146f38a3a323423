"""A disk that does not answer keeps a hand, and never the owner: whatever else there is to do goes on."""

import os
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from mvsep_watch.daemon import patience
from mvsep_watch.daemon.hands import Threads, stuck
from mvsep_watch.daemon.inbox import Inbox
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Destination, Message, Rule
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.looking import LookThere
from mvsep_watch.steps.telling import SendPing, Tell, WriteNumbers
from mvsep_watch.telling import textfile
from tests.daemon import world as worlds
from tests.daemon.test_inputs import ask
from tests.daemon.test_one_offs import one_off, separate
from tests.daemon.test_requests import redo
from tests.daemon.world import write_wav

LOOKS = ("stat", "lstat", "scandir", "listdir", "open", "access", "statvfs")


class Owner:
    """Notes what the owner's thread looks at on the disks of sources and outputs, outside of hands."""

    def __init__(self, world, monkeypatch, *disks):
        self.touched = []
        self._disks, self._is_turning, self._hands = disks, False, 0
        for name in LOOKS:
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))
        monkeypatch.setattr(worlds, "perform", self._in_a_hand(worlds.perform))
        turn = world.engine.turn
        monkeypatch.setattr(world.engine, "turn", lambda **given: self._turned(turn, given))

    def _watched(self, name, look):
        def looked(path=".", *args, **given):
            if self._is_turning and not self._hands and any(str(disk) in os.fsdecode(path) for disk in self._disks):
                self.touched.append((name, os.fsdecode(path)))
            return look(path, *args, **given)

        return looked

    def _in_a_hand(self, perform):
        def performed(*args):
            self._hands += 1
            try:
                return perform(*args)
            finally:
                self._hands -= 1

        return performed

    def _turned(self, turn, given):
        self._is_turning = True
        try:
            turn(**given)
        finally:
            self._is_turning = False


def test_the_owner_looks_at_no_disk_but_the_states(world, tmp_path, monkeypatch):
    """From the drop to the end: renamed, its place taken, redone, fetched again, a one-off, deleted or gone."""
    world.rules = (Rule(name="a", sep_type=40, output_format=1), Rule(name="b", sep_type=20, output_format=1))
    desk = write_wav(tmp_path / "desk" / "one.wav", pitch=5)
    world.start()
    owner = Owner(world, monkeypatch, world.drop, world.stems, tmp_path / "desk")
    write_wav(world.drop / "song.wav")
    world.pass_time(20)
    (world.drop / "song.wav").rename(world.drop / "renamed.wav")
    world.rescan()
    (world.stems / "song").mkdir()
    (world.stems / "song" / "a").mkdir()
    world.finish()
    for path in world.jobs()[1].final.iterdir():
        path.unlink()
    world.jobs()[1].final.rmdir()
    ask(world, "retry", {"id": 2})
    ask(world, "redo", redo(world.jobs()[0]))
    world.finish()
    separate(world, one_off(desk))
    world.engine.reload(replace(world.config(), folders=(replace(world.config().folders[0], source="delete"),)))
    gone = write_wav(world.drop / "gone.wav", pitch=7)
    world.pass_time(20)
    gone.unlink()
    world.finish()
    write_wav(world.drop / "Vol. 2" / "late.wav", pitch=8)
    world.engine.inbox.path_touched("drop", str(world.drop / "Vol. 2"))
    world.pass_time(300, step_s=20)
    world.finish()

    assert world.states().count("published") >= 6
    assert owner.touched == []


@pytest.fixture
def hung(world):
    """Two folders; the disk of the first one's outputs does not answer whoever looks there."""
    world.extra_folders = (world.another_folder("other", world.base / "other", world.base / "elsewhere"),)
    (world.base / "other").mkdir()
    world.start()
    world.settle()
    give = world.hands.give

    def hang(step):
        if isinstance(step, LookThere) and step.group == world.stems and step.key not in world.hands.steps:
            world.hands.steps[step.key] = step
            world.hands.began_s[step.key] = world.clock.monotonic()
            world.hands.waiting.append(step)
            return True
        return give(step)

    world.hands.give = hang
    yield world
    world.hands.give = give


def test_other_folders_go_on_while_one_disk_hangs(hung):
    """What is dropped for the hung one waits, and goes on once the disk answers; nothing is paid twice."""
    for pitch in (1, 2, 3):
        write_wav(hung.drop / f"{pitch}.wav", pitch=pitch)
    write_wav(hung.base / "other" / "song.wav", pitch=9)
    hung.rescan()
    for _ in range(8):
        hung.pass_time(10)
        hung.service.finish_all()
    published, looking = hung.states(), [step for step in hung.hands.in_flight() if isinstance(step, LookThere)]
    for _ in range(10):
        hung.hands.go_on()
        hung.pass_time(10)
        hung.service.finish_all()

    assert (published, len(looking)) == (["published"], 1)
    assert (hung.states(), hung.service.made) == (["published"] * 4, 4)


def test_a_command_about_a_hung_disk_waits_and_holds_no_other_up(hung):
    """It is answered once that is known."""
    write_wav(hung.base / "other" / "song.wav", pitch=9)
    hung.rescan()
    hung.finish()
    slow = hung.store.requests.append(
        "separate", one_off(hung.base / "other" / "song.wav", hung.stems).as_json(), now=0
    )
    quick = hung.store.requests.append("pause", {"folders": []}, now=0)
    hung.engine.desks.commands.look_again()
    hung.settle()
    before = hung.store.requests.answered(slow), hung.store.requests.answered(quick)
    for _ in range(5):
        hung.hands.go_on()
        hung.settle()

    assert (before[0], before[1] is not None) == (None, True)
    assert hung.store.requests.answered(slow) is not None


def test_a_file_that_is_forgotten_while_its_disk_hangs_makes_no_job(hung):
    """The answer comes too late for it."""
    write_wav(hung.drop / "song.wav")
    hung.rescan()
    hung.pass_time(20)
    (hung.drop / "song.wav").unlink()
    hung.engine.desks.candidates.forget(str(hung.drop / "song.wav"))
    hung.hands.go_on()
    hung.settle()

    assert (hung.states(), hung.engine.desks.intake.is_idle) == ([], True)


class Hung:
    """A step that a disk holds up until it is let go."""

    pool = Pool.FILING

    def __init__(self, key, *, hangs):
        self.key, self.goes_on = key, threading.Event()
        if not hangs:
            self.goes_on.set()

    def perform(self, _):
        assert self.goes_on.wait(20)


def test_other_hands_take_over_from_those_that_a_disk_holds_up():
    """What waited behind them is done, and what comes after it; nothing is begun beside work that only just began."""
    now, inbox = [0.0], Inbox()
    hands = Threads(inbox, SimpleNamespace(monotonic=lambda: now[0]), dict.fromkeys(Pool, 2))
    hung = [Hung(number, hangs=True) for number in range(2)]
    waiting = Hung("behind", hangs=False)
    for step in (*hung, waiting):
        assert hands.give(step)
    before = (hands.free(Pool.FILING), inbox.is_empty)
    now[0] = 61.0
    hands.give(Hung("after", hangs=False))
    done = set()
    while len(done) < 2:
        done |= {outcome.step.key for outcome in inbox.take(10.0)[0]}
    for step in hung:
        step.goes_on.set()

    assert (before, done) == ((0, True), {"behind", "after"})


def test_each_kind_of_telling_waits_for_its_own_alone(tmp_path, monkeypatch):
    """A file of numbers on a disk that does not answer; notices and pings go out."""
    inbox, goes_on, now = Inbox(), threading.Event(), [0.0]
    monkeypatch.setattr(textfile, "write", lambda *_: goes_on.wait(20))
    tools = SimpleNamespace(monotonic=lambda: now[0], teller=worlds.Letterbox(), stopping=threading.Event())
    hands = Threads(inbox, tools, dict.fromkeys(Pool, 1))
    hands.give(WriteNumbers(path=tmp_path / "numbers", text=""))
    hands.give(SendPing(what="success", url="https://x", reason="", begun_s=0.0))
    hands.give(Tell(kind="jobs", destination=Destination(name="command"), message=Message(title="a: b", text="")))
    done = set()
    while len(done) < 2:
        done |= {type(outcome.step) for outcome in inbox.take(10.0)[0]}
    goes_on.set()

    assert done == {SendPing, Tell}


def test_files_of_different_folders_are_never_looked_at_by_one_step(world):
    """The one disk hangs, and the other folder's files go on."""
    world.extra_folders = (world.another_folder("other", world.base / "other", world.base / "elsewhere"),)
    write_wav(world.base / "other" / "song.wav", pitch=9)
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held = {Pool.LOOKING}
    world.pass_time(20)

    assert sorted(len({Path(path).parent for path in step.paths}) for step in world.hands.waiting) == [1, 1]


def test_jobs_whose_root_does_not_answer_wait_and_keep_no_hand(world):
    """They say so, and go on by themselves; the others' hands are free."""
    for pitch in range(1, 6):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.pass_time(20)
    world.hands.held = {Pool.FILING}
    world.engine.desks.outputs.reloaded()
    world.pass_time(70)
    world.service.finish_all()
    world.pass_time(60)
    kept = {type(step).__name__ for step in world.hands.waiting}
    reasons = {job.reason for job in world.jobs()}
    world.hands.held = set()
    world.hands.go_on()
    for _ in range(6):
        world.pass_time(30)
        world.service.finish_all()

    assert kept == {"CheckRoot"}
    assert reasons == {f"{world.stems} does not answer"}
    assert world.states() == ["published"] * 5


class Listener:
    """Takes what systemd would be told; asked for more time, it lets the disk answer."""

    def __init__(self, disk):
        self.disk, self.said = disk, []

    def status(self, text):
        self.said.append(text)

    def more_time(self, _):
        self.disk.set()


def test_a_start_waits_for_a_disk_that_its_configuration_names(monkeypatch):
    """It says so once, and asks systemd for time; what is read in the end is what it would have been."""
    monkeypatch.setattr(patience, "PROMPT_S", 0.01)
    disk, read = threading.Event(), object()
    listener = Listener(disk)

    with capture_logs() as logged:
        found = patience.read_patiently(lambda: disk.wait(20) and read, notifier=listener)

    assert (found, listener.said) == (read, [patience.DISK_HANGS])
    assert [line["event"] for line in logged] == ["configuration_waits"]


def test_a_configuration_that_cannot_be_used_is_refused_at_once():
    """Whoever reads it."""

    def read():
        raise ConfigError("it has 1 problem")

    with capture_logs() as logged, pytest.raises(ConfigError, match="1 problem"):
        patience.read_patiently(read)

    assert logged == []


@pytest.mark.parametrize(("pool", "is_mended"), [(Pool.EYES, False), (Pool.SCANNING, False), (Pool.ASKING, True)])
def test_a_disk_that_hangs_is_no_reason_to_be_another_process(world, pool, is_mended):
    """It would wait for the same disk, and for nothing else; whoever waits for a ping hears of it all the same."""
    held_up = SimpleNamespace(items=lambda: [(SimpleNamespace(pool=pool), 0.0)])
    hands = SimpleNamespace(since=lambda: held_up)
    world.start()
    world.clock.at += 7200
    world.engine.context.hands = hands

    assert (world.engine.stuck() is not None, stuck(hands, now_s=7200.0) is not None) == (is_mended, True)
