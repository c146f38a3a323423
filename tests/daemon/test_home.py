"""From results to visible outputs and a source that may go: what the model of it found, lived through."""

import shutil
from dataclasses import replace

import pytest

from mvsep_watch.files import spool
from tests.daemon.effects import Effects, Killed
from tests.daemon.test_requests import append, ask, publish, redo, two_rules
from tests.daemon.test_roots import swap_back
from tests.daemon.test_spooling import away
from tests.daemon.world import write_wav


def staged(world):
    """Have a song fetched, and not yet published."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.finish_all()
    world.hands.held = {"filing"}
    world.pass_time(20)


def go_on(world):
    world.hands.held = set()
    world.hands.go_on()
    world.finish()


def test_an_output_that_was_damaged_in_the_staging_is_fetched_again(world):
    """What it must hash to is known; what lies there under its name is not taken for it."""
    staged(world)
    vocals = next(world.stems.glob(".*.part/Vocals.wav"))
    good = vocals.read_bytes()
    vocals.write_bytes(good[:-1] + b"?")

    go_on(world)

    assert (world.states(), (world.stems / "song" / "Vocals.wav").read_bytes()) == (["published"], good)


def test_redo_never_replaces_the_outputs_of_another_job(world):
    """A person gave them the old folder's name; they are intact, and nobody asked for theirs to go."""
    write_wav(world.drop / "other.wav", pitch=2)
    publish(world)
    shutil.rmtree(world.stems / "song")
    (world.stems / "other").rename(world.stems / "song")
    before = [path.read_bytes() for path in sorted((world.stems / "song").iterdir())]
    song = next(job for job in world.jobs() if job.final.name == "song")

    ask(world, "redo", redo(song, replace=True))
    world.finish()

    assert (world.jobs()[2].state, world.jobs()[2].hold) == ("held", "trouble")
    assert [path.read_bytes() for path in sorted((world.stems / "song").iterdir())] == before


def killed_while_disposing(world):
    """Have a source deleted, and the process killed when it is set aside."""
    world.folder_options = {"source": "delete"}
    write_wav(world.drop / "song.wav")
    effects = Effects(world)

    def kill(name):
        if "-aside-" in name and name.startswith("file rename"):
            effects.kill_after(0)

    def live():
        world.start()
        world.finish()

    effects.fails = kill
    with effects.watched(), pytest.raises(Killed):
        live()


@pytest.mark.parametrize(("source", "left"), [("delete", []), ("keep", ["song.wav"])])
def test_a_source_set_aside_in_a_folder_that_is_away_at_the_next_start_comes_back(world, source, left):
    """The machine went down while it was disposed of, and its share is mounted later than the daemon starts."""
    killed_while_disposing(world)
    away = world.drop.rename(world.base / "away")
    world.folder_options = {"source": source}
    world.restart()
    world.pass_time(200, step_s=20)
    away.rename(world.drop)
    world.rescan()
    world.pass_time(400, step_s=20)

    assert [path.name for path in world.drop.iterdir()] == left


def test_the_spool_keeps_what_another_job_still_needs(world, monkeypatch):
    """A person cancels the job that it was kept for; another one of its separation has found no room."""
    monkeypatch.setattr(spool, "RESERVE_BYTES", 0)
    monkeypatch.setattr(spool, "RESERVE_PART", 0.0)
    two_rules(world)
    world.limits = replace(world.limits, spool_bytes=70_000)
    away(world)
    world.pass_time(700, step_s=60)
    reasons = [job.reason for job in world.jobs()]

    world.pass_time(80 * 3600, step_s=3600)
    ask(world, "cancel", 1)
    world.pass_time(8 * 3600, step_s=600)
    swap_back(world)
    world.finish()

    assert reasons[0].startswith("kept in the spool")
    assert "no room" in reasons[1]
    assert (world.states(), world.service.made) == (["cancelled", "published"], 1)
    assert not list(spool.place_of(world.base / "state.sqlite3").iterdir())


def test_a_job_whose_place_was_taken_takes_the_next_name_beside_it(world):
    """Its rule publishes elsewhere meanwhile; what is staged needs no other disk."""
    staged(world)
    (world.stems / "song").mkdir()
    config = world.config()
    elsewhere = replace(config.folders[0], output=world.base / "elsewhere")
    world.engine.reload(replace(config, folders=(elsewhere,)))

    go_on(world)

    assert (world.states(), [job.final.name for job in world.jobs()]) == (["published"], ["song (2)"])
    assert list(world.stems.glob(".*.part")) == []


def test_a_forgotten_file_is_left_alone(world):
    """Whatever was to become of it once it was published."""
    world.folder_options = {"source": "delete"}
    song = write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.finish_all()
    world.hands.held = {"filing"}
    world.pass_time(20)
    append(world, "forget", 1)
    go_on(world)

    assert song.exists()
