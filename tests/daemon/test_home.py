"""From results to visible outputs and a source that may go: what the model of it found, lived through."""

import errno
import shutil
from dataclasses import replace

import pytest

from mvsep_watch.files import renaming, spool
from mvsep_watch.steps.publish import Dispose
from tests.daemon.effects import Effects, Killed
from tests.daemon.test_requests import append, ask, publish, redo, two_rules
from tests.daemon.test_roots import swap, swap_back
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


def test_an_output_that_was_damaged_in_the_staging_is_not_taken_by_a_retry(world):
    """What it holds was not looked at while it was cancelled."""
    staged(world)
    vocals = next(world.stems.glob(".*.part/Vocals.wav"))
    good = vocals.read_bytes()
    vocals.write_bytes(good[:-1] + b"?")
    ask(world, "cancel", 1)
    world.hands.waiting.clear()
    world.hands.steps.clear()
    world.hands.held = set()
    ask(world, "retry", 1)
    world.finish()

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

    world.service.remove(next(iter(world.service.jobs)))
    world.pass_time(1300, step_s=60)
    ask(world, "cancel", 1)
    world.pass_time(1300, step_s=60)
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


def test_a_source_set_aside_by_a_lost_state_is_seen_by_the_next_scan(world):
    """Nothing is known of it but what lies there."""
    killed_while_disposing(world)
    world.lose_state()
    world.folder_options = {"source": "keep"}
    world.start(fresh=True)
    world.pass_time(30)

    assert [path.name for path in world.drop.iterdir()] == ["song.wav"]


def test_an_exchange_that_was_broken_off_is_undone_when_its_job_is_cancelled(world, monkeypatch):
    """On a file system that cannot swap: the old outputs are visible again."""

    def rename(source, target, flags):
        if flags == renaming._EXCHANGE:
            raise OSError(errno.EINVAL, "no flags")
        if target == job.final and source.suffix == ".part":
            raise Killed("between the renames")
        renameat2(source, target, flags)

    job = publish(world)
    before = [path.read_bytes() for path in sorted(job.final.iterdir())]
    renameat2 = renaming._renameat2
    monkeypatch.setattr(renaming, "_renameat2", rename)
    append(world, "redo", redo(job, replace=True))
    with pytest.raises(Killed):
        world.finish()
    is_hidden = not job.final.exists()
    monkeypatch.undo()
    world.restart()
    world.hands.held = {"filing"}
    ask(world, "cancel", 2)
    world.restart()
    world.finish()

    assert is_hidden
    assert [path.read_bytes() for path in sorted(job.final.iterdir())] == before


def test_what_the_away_disk_may_hold_is_not_called_gone(world):
    """The service has forgotten it; another job of its separation has published it there."""
    two_rules(world)
    world.folder_options = {"layout": "{rel}/{name}/{rule}"}
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    ask(world, "cancel", 2)
    world.finish()
    swap(world)
    world.service.remove(next(iter(world.service.jobs)))
    ask(world, "retry", 2)
    world.pass_time(4 * 3600, step_s=300)
    states = world.states()
    swap_back(world)
    world.finish()

    assert (states, world.states()) == (["published", "separated"], ["published", "published"])


def test_a_file_that_came_while_its_forerunner_was_deleted_goes_as_well(world):
    """The same song was dropped again, and read, before the first was known to be gone."""
    world.folder_options = {"source": "delete"}
    song = write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.finish_all()
    deleting = world.hands.inbox.put
    kept = []

    def keep(message):
        is_disposal = isinstance(getattr(message, "step", None), Dispose) and not kept
        kept.append(message) if is_disposal else deleting(message)

    world.hands.inbox.put = keep
    world.pass_time(20)
    is_gone = not song.exists()
    write_wav(song)
    world.rescan()
    world.pass_time(20)
    world.hands.inbox.put = deleting
    deleting(kept[0])
    world.pass_time(120)

    assert (is_gone, song.exists(), world.service.made) == (True, False, 1)
