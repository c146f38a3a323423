"""What `pause` stops and what goes on, until `resume`."""

import dataclasses

import pytest

from mvsep_watch.daemon.pausing import EVERYTHING
from mvsep_watch.model import GateName, Rule
from mvsep_watch.steps.base import Pool
from tests.daemon.test_requests import append
from tests.daemon.world import write_wav


def ask(world, command, *folders, **arguments):
    """Ask, let the daemon turn, and give what it made a difference to."""
    request = append(world, command, folders=list(folders), **arguments)
    world.settle()
    return world.store.requests.answered(request)["folders"]


@pytest.fixture
def two_folders(world):
    """A second folder, `other`, with its own outputs."""
    world.extra_folders = (world.another_folder("other", world.base / "other", world.base / "other-stems"),)
    (world.base / "other").mkdir()
    return world


def gates(world):
    return [(gate.name, gate.scope) for gate in world.engine.context.gates()]


def test_nothing_is_sent_while_everything_is_paused(world):
    """New files are queued, and say why they wait."""
    world.start()
    assert ask(world, "pause", EVERYTHING, by="anna", reason="the line is slow") == [EVERYTHING]

    write_wav(world.drop / "song.wav")
    world.rescan()
    world.pass_time(120)

    assert (world.service.made, world.states()) == (0, ["queued"])
    assert [gate.reason for gate in world.engine.context.gates()] == ["everything is paused by anna: the line is slow"]


def test_what_was_let_go_before_goes_on(world):
    """It is paid for: it is asked for, fetched and published."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    ask(world, "pause", EVERYTHING)

    world.service.finish_all()
    world.pass_time(30)

    assert (world.states(), gates(world)) == (["published"], [(GateName.PAUSED, "")])


@pytest.mark.parametrize("folder", [EVERYTHING, "drop"])
def test_an_upload_under_way_is_not_let_go(world, folder):
    """The last word asks again; the reservation is given back, and nothing is lost."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held = {Pool.UPLOADS}
    world.pass_time(20)
    ask(world, "pause", folder)

    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(20)
    before = (world.service.made, world.states(), world.store.separations.unfinished())
    ask(world, "resume", folder)
    world.finish()

    assert before == (0, ["queued"], [])
    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_pause_outlives_a_restart(two_folders):
    """Of everything, and of a folder."""
    world = two_folders
    world.start()
    ask(world, "pause", EVERYTHING, "other")

    write_wav(world.drop / "song.wav")
    world.restart()
    world.pass_time(60)

    assert world.service.made == 0
    assert sorted(gates(world)) == [(GateName.PAUSED, ""), (GateName.PAUSED, "other")]


def test_only_the_paused_folder_waits(two_folders):
    """The others go on, and `once` waits for them alone."""
    world = two_folders
    write_wav(world.drop / "song.wav", pitch=1)
    write_wav(world.base / "other" / "tune.wav", pitch=2)
    world.start()
    ask(world, "pause", "other")

    for _ in range(20):
        world.pass_time(5)
        world.service.finish_all()

    states = {job.folder: str(job.state) for job in world.jobs()}
    assert states == {"drop": "published", "other": "queued"}
    assert world.engine.is_at_rest(gated_for_s=0.0)


def test_once_is_as_patient_as_ever_while_a_folder_is_paused(two_folders):
    """The service is away for a moment: the files of the folder that is not paused wait for it."""
    world = two_folders
    write_wav(world.drop / "song.wav")
    world.start()
    ask(world, "pause", "other")
    world.engine.context.close_gate(GateName.SERVICE, "no answer")
    world.service.fault("user", *["drop"] * 20)
    world.pass_time(20)

    assert world.states() == ["queued"]
    assert not world.engine.is_at_rest(gated_for_s=120.0)


def test_a_paused_folder_is_no_burden(two_folders):
    """Its jobs are not considered over and over, and nothing is written for them."""
    world = two_folders
    world.start()
    ask(world, "pause", "other")
    for number in range(20):
        write_wav(world.base / "other" / f"{number}.wav", pitch=number)
    world.rescan()
    world.pass_time(60)
    assert world.states() == ["queued"] * 20
    before = world.store.db.value("SELECT total_changes()")

    for _ in range(50):
        world.turn()

    assert world.store.db.value("SELECT total_changes()") == before


def test_work_that_another_folder_wants_too_is_sent_for_that_one(two_folders):
    """The paused folder's job waits, and shares it once it is resumed."""
    world = two_folders
    write_wav(world.drop / "song.wav", pitch=3)
    write_wav(world.base / "other" / "song.wav", pitch=3)
    world.start()
    world.hands.held = {Pool.UPLOADS}
    world.pass_time(20)
    paused = world.jobs()[0].folder
    ask(world, "pause", paused)
    world.hands.held = set()
    world.hands.go_on()
    world.finish()
    world.pass_time(60)
    world.service.finish_all()
    world.pass_time(60)
    ask(world, "resume", paused)
    world.finish()

    assert world.service.made == 1
    assert world.states() == ["published", "published"]


def test_resume_without_a_folder_ends_every_pause(two_folders):
    """It says which there were; a second time there are none."""
    world = two_folders
    world.start()
    ask(world, "pause", "drop", "other")

    assert sorted(ask(world, "resume", EVERYTHING)) == ["drop", "other"]
    assert (ask(world, "resume", EVERYTHING), gates(world)) == ([], [])


def test_pausing_twice_keeps_since_when(world):
    """The reason is the later one's."""
    world.start()
    ask(world, "pause", EVERYTHING, by="anna")
    (before,) = world.engine.context.gates()
    world.pass_time(60)

    assert ask(world, "pause", EVERYTHING, by="ben") == []
    (after,) = world.engine.context.gates()
    assert (after.since, after.reason) == (before.since, "everything is paused by ben")


def test_resuming_a_folder_leaves_the_pause_of_everything(two_folders):
    """Only its own is ended."""
    world = two_folders
    world.start()
    ask(world, "pause", EVERYTHING, "other")

    assert ask(world, "resume", "other") == ["other"]
    assert gates(world) == [(GateName.PAUSED, "")]


def test_a_one_off_stops_with_everything_and_not_with_a_folder(world):
    """A folder's pause is its jobs', by its name."""
    world.rules = (dataclasses.replace(Rule(sep_type=40), name="a"),)
    world.start()
    ask(world, "pause", "drop")

    assert world.engine.context.serves("separate/abc")
    assert not world.engine.context.serves("drop")
