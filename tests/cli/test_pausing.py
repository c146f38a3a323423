"""`pause` and `resume`: with a daemon and without one."""

import os
import pwd
import sys

import pytest

from tests.cli.settled import Person, write_config
from tests.cli.test_acting import beside_a_daemon
from tests.daemon.world import write_wav

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def person(run, world, capsys):
    return Person(run, world, capsys)


def test_a_pause_is_shown_first_and_resume_ends_it(person, world):
    """With who, why, since when, and how to go on."""
    world.start()
    world.stop()

    said = person("pause", "--reason", "the line is slow")
    _, status, _ = person("status")
    _, found = person.json("status")
    resumed = person("resume")

    assert said[0] == 0
    assert said[1].splitlines()[0] == "paused: everything"
    assert status.startswith("everything is paused; nothing is lost, and `mvsep-watch resume` lets it go on\n")
    assert status.splitlines()[1].startswith("gate paused is closed since ")
    assert status.splitlines()[1].endswith(f": everything is paused by {ME}: the line is slow")
    assert [(gate["name"], gate["since"][-6:]) for gate in found["gates"]] == [("paused", "+00:00")]
    assert (resumed[0], resumed[1].splitlines()[0]) == (0, "resumed: everything")
    assert person.json("status")[1]["gates"] == []


def test_a_running_daemon_pauses_within_its_next_turn(person, world):
    """The request is answered by whoever has the state."""
    world.start()

    code, out, _ = beside_a_daemon(person, world, "pause")
    write_wav(world.drop / "song.wav")
    world.rescan()
    world.pass_time(30)

    assert (code, out.splitlines()[0]) == (0, "paused: everything")
    assert (world.service.made, world.states()) == (0, ["queued"])
    assert person.json("jobs")[1][0]["reason"].startswith("everything is paused")


def test_a_folder_is_named_by_its_name_or_its_path(person, world):
    """And its jobs say that it is that."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.stop()

    by_path = person.json("pause", world.drop)
    by_name = person.json("pause", "drop")
    world.start()
    world.pass_time(30)

    assert by_path[1]["paused"] == ["drop"]
    assert (by_name[1]["paused"], by_name[1]["gates"][0]["scope"]) == ([], "drop")
    assert person.json("jobs")[1][0]["reason"] == f"drop is paused by {ME}"
    assert world.service.made == 0


def test_a_folder_that_is_none_is_refused_with_those_that_are(person):
    """Nothing is paused by a slip."""
    code, _, err = person("pause", "drob")

    assert (code, 'the configuration has no folder "drob"' in err, "did you mean drop?" in err) == (2, True, True)


def test_folders_beside_all_are_refused(person):
    """It is one or the other."""
    assert person("pause", "--all", "drop")[0] == 2


def test_resume_makes_no_state(person, world):
    """Where nothing ever ran, nothing is paused."""
    code, out, _ = person("resume")

    assert (code, out) == (0, "nothing more is resumed\n")
    assert not (world.base / "state.sqlite3").exists()


def test_a_pause_before_the_first_run_holds(person, world):
    """It is written down for the daemon that comes."""
    person("pause", "--all")
    write_wav(world.drop / "song.wav")

    world.start()
    world.pass_time(60)

    assert (world.service.made, world.states()) == (0, ["queued"])


def test_a_folder_that_left_the_configuration_can_be_resumed(person, world):
    """Its pause is shown, and ends by its name."""
    world.start()
    world.stop()
    person("pause", "drop")
    write_config(world, folder=", name: records")

    assert person.json("resume", "drop")[1] == {"resumed": ["drop"], "gates": []}


def test_once_says_that_it_is_paused_and_exits_with_3(world, person, run, monkeypatch):
    """What waits for a person's word is not done."""
    from mvsep_watch.daemon import run as daemon  # noqa: PLC0415 - only this test runs a daemon of its own

    write_wav(world.drop / "song.wav")
    world.start()
    world.stop()
    person.config.write_text(person.config.read_text().replace("sep_type: 40", "settle: 0.1s, sep_type: 40"))
    person("pause", "--reason", "holidays")
    service = world.service
    monkeypatch.setattr(
        daemon, "Client", lambda token, **given: service.client(token=token, base_url=given["base_url"])
    )
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)

    code, out, _ = run("-c", person.config, "once")

    assert code == 3
    assert f"gate paused is closed: everything is paused by {ME}: holidays" in out
    assert service.made == 0
