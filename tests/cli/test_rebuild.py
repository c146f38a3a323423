"""`rebuild`: asks, says what it found and did, and how much of it was left out."""

import pytest

from mvsep_watch.cli import rebuild
from mvsep_watch.daemon import run as daemon_run
from mvsep_watch.files.lock import StateLock
from tests.cli.settled import Person
from tests.daemon.world import write_wav


@pytest.fixture
def lost(world, monkeypatch):
    """A world with two songs published, and no state."""
    for pitch in (1, 2):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.finish()
    world.lose_state()
    monkeypatch.setattr(rebuild, "asked", lambda service: world.service.client(token=service.token))
    return world


@pytest.fixture
def person(run, world, capsys):
    return Person(run, world, capsys)


def test_it_says_what_it_restored(lost, person):
    """And what happens to what is new."""
    code, out, _ = person("rebuild", "--yes")

    assert code == 0
    assert out.splitlines()[0] == "2 sidecars: 2 jobs and 2 separations restored"
    assert "waits for one `approve`" in out.splitlines()[-1]
    assert [job["state"] for job in person.json("jobs")[1]] == ["published", "published"]


def test_a_second_time_it_finds_nothing_new(lost, person):
    """Nothing is restored twice."""
    person("rebuild", "--yes")

    code, out, _ = person("rebuild", "--yes")

    assert (code, out.splitlines()[0]) == (0, "2 sidecars: nothing that was not known")


def test_its_json_is_one_object(lost, person):
    """With paths that programs can open."""
    (lost.drop / "2.wav").unlink()
    (lost.stems / "1" / "Vocals.wav").unlink()

    code, told = person.json("rebuild", "--yes")

    assert code == 0
    assert {key: told[key] for key in told if key not in {"state_id", "generation"}} == {
        "damaged_state_file": None,
        "salvaged": 0,
        "roots": [str(lost.stems)],
        "sidecars": 2,
        "jobs_restored": 2,
        "separations_restored": 2,
        "foreign": 0,
        "sources_gone": 1,
        "changed": [{"folder": str(lost.stems / "1"), "outputs": ["Vocals.wav"]}],
        "left_out": [],
        "spool_left": [],
        "history": {"tagged": 2, "unexplained": 0, "trouble": ""},
    }


def test_a_damaged_sidecar_ends_it_with_3(lost, person):
    """With its path; the other is restored."""
    path = lost.stems / "1" / "mvsep-watch.json"
    path.write_text("{")

    code, out, _ = person("rebuild", "--yes")

    assert code == 3
    assert out.startswith("1 sidecar: 1 job and 1 separation restored\n")
    assert f"left out  {path}: " in out


def test_a_history_that_cannot_be_read_ends_it_with_3(lost, person):
    """Said, with what that means."""
    lost.service.fault("user", *["http_503"] * 5)

    code, out, _ = person("rebuild", "--yes")

    assert code == 3
    assert "the account's history was not read: " in out


def test_without_anybody_to_ask_it_does_nothing(lost, person, typed):
    """A script says --yes."""
    typed("")
    code, _, err = person("rebuild")

    assert (code, "--yes rebuilds without asking" in err) == (2, True)
    assert not (lost.base / "state.sqlite3").exists()


@pytest.mark.parametrize(("answer", "code"), [("n\n", 130), ("y\n", 0)])
def test_a_person_is_asked(lost, person, typed, answer, code):
    """A no leaves everything as it is."""
    typed(answer, at_terminal=True)

    assert person("rebuild")[0] == code
    assert (lost.base / "state.sqlite3").exists() == (code == 0)


def test_beside_a_daemon_it_is_refused(lost, person):
    """Nobody else may have the state."""
    with StateLock(lost.base / "state.sqlite3"):
        code, _, err = person("rebuild", "--yes")

    assert (code, "is in use by process" in err) == (5, True)


def test_a_damaged_state_file_is_put_aside(lost, person):
    """And named, with what could be saved of it."""
    lost.start()
    lost.stop()
    state = lost.base / "state.sqlite3"
    state.write_bytes(state.read_bytes()[:5000])

    code, out, _ = person("rebuild", "--yes")

    aside = min(lost.base.glob("state.sqlite3.damaged-*"))
    assert (code, out.splitlines()[0]) == (0, f"the damaged state file is {aside} now")


def test_a_state_file_on_a_network_is_refused(lost, person, monkeypatch):
    """As by the daemon."""
    monkeypatch.setattr(daemon_run, "file_system", lambda _: "nfs4")

    code, _, err = person("rebuild", "--yes")

    assert (code, "network file system" in err) == (4, True)


@pytest.mark.parametrize(
    "words", [("status",), ("jobs",), ("jobs", "--json"), ("show", "1"), ("approve", "--all"), ("check",)]
)
def test_commands_that_look_at_a_damaged_state_file_say_what_to_do(lost, person, words):
    """No traceback, and nothing is changed."""
    lost.start()
    lost.stop()
    state = lost.base / "state.sqlite3"
    state.write_bytes(state.read_bytes()[:5000])
    before = state.read_bytes()

    code, out, err = person(*words)

    assert (code, state.read_bytes()) == (4, before)
    assert "malformed" in out + err
    assert "puts it aside and rebuilds the state" in out + err
    assert "Traceback" not in err
