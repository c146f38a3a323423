"""Results that are markedly shorter than their source: a person says what becomes of them, and nothing is paid."""

from dataclasses import replace

import pytest

from mvsep_watch.model import HoldKind, Rule
from tests.daemon.test_requests import ask
from tests.daemon.world import write_wav


@pytest.fixture
def short(world):
    """A world in which the service made three seconds of a song of twenty, for two rules."""
    first = Rule(name="a", sep_type=40, output_format=1)
    world.rules = (first, replace(first, name="b"))
    world.folder_options = {"notes": True}
    write_wav(world.drop / "song.wav", seconds=20)
    world.start()
    world.pass_time(20)
    (made,) = world.service.jobs.values()
    made.upload = replace(made.upload, duration_s=3.0)
    world.service.finish_all()
    world.pass_time(60)
    return world


def test_it_is_held_with_what_can_be_done(short):
    """In words that name the file and no folder of ours, in the note as well."""
    job = short.jobs()[0]
    note = (short.drop / "song.wav.mvsep-watch.txt").read_text()

    assert {(job.state, job.hold) for job in short.jobs()} == {("held", HoldKind.SHORT)}
    assert job.reason == "the service's Vocals.wav plays 3.0 s, and its source 20.0 s"
    assert "`approve` takes it as it is, `retry` fetches it once more; neither pays" in job.hint
    assert job.reason in note
    assert "mvsep-watch approve 1\n" in note
    assert "mvsep-watch retry 1\n" in note


def test_an_approval_takes_it_as_it_is_for_every_job_of_the_work(short):
    """And nothing is paid; a restart forgets no word."""
    answer = ask(short, "approve", 1)
    short.restart()
    short.finish()

    assert (answer["done"], short.states(), short.service.made) == ([1], ["published"] * 2, 1)
    assert [name for name in short.tree() if name.endswith("Vocals.wav")] == ["song/a/Vocals.wav", "song/b/Vocals.wav"]
    assert not (short.drop / "song.wav.mvsep-watch.txt").exists()


def test_a_retry_fetches_it_once_more(short):
    """The service has all of it by now; or it is held again."""
    ask(short, "retry", 1)
    short.pass_time(60)
    again = short.states()
    (made,) = short.service.jobs.values()
    made.upload = replace(made.upload, duration_s=20.0)
    ask(short, "retry", 1, 2)
    short.finish()

    assert (again, short.states(), short.service.made) == (["held"] * 2, ["published"] * 2, 1)
