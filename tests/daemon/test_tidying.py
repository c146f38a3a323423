"""What was staged and not published: used by whoever needs the same results, and gone once nobody can."""

import contextlib
import os

import pytest

from mvsep_watch.errors import OutputRootError
from mvsep_watch.files import staging
from tests.daemon.test_kills import Killed
from tests.daemon.test_one_offs import one_off, separate
from tests.daemon.test_rebuilding import kill_rebuild_at
from tests.daemon.world import write_wav


def stage(world):
    """Have a song fetched and not published."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.hands.held = {"filing"}
    world.service.finish_all()
    world.pass_time(10)
    assert set(world.states()) == {"fetched"}
    for path in world.stems.rglob("*.part"):
        os.utime(path, (world.clock.at, world.clock.at))


def stagings(world):
    return [path.name for path in world.stems.iterdir() if staging.is_ours(path.name)]


def test_staged_results_are_published_after_a_rebuild_though_the_service_forgot_them(world):
    """The state has another id then, and what it staged before is its own all the same."""
    stage(world)
    before = stagings(world)
    world.rebuild()
    world.service.remove(next(iter(world.service.jobs)))
    world.start()
    world.finish()

    assert len(before) == 1
    assert (world.states(), stagings(world), world.service.made) == (["published"], [], 1)


def test_what_a_lost_state_staged_is_not_downloaded_again(world):
    """It is recognised by its hash, whatever job it is of now."""
    stage(world)
    world.lose_state()
    world.rebuild()
    asked = world.service.count("download")
    world.start()
    world.finish()

    assert (world.states(), stagings(world)) == (["published"], [])
    assert world.service.count("download") == asked


def test_what_nobody_takes_is_gone_after_72_hours(world):
    """Also where no job of this state leads any more; the folder is looked at no longer then."""
    write_wav(world.drop / "album" / "song.wav")
    stage(world)
    world.lose_state()
    (world.drop / "album" / "song.wav").unlink()
    (world.drop / "song.wav").unlink()
    world.rebuild()
    world.restart()
    kept = [path.name for path in world.stems.rglob("*.part")]
    world.clock.sleep(80 * 3600)
    world.restart()
    world.settle()

    assert len(kept) == 2
    assert list(world.stems.rglob("*.part")) == []
    assert world.store.memory.meta("staged_in") == "[]"


def test_one_folder_in_trouble_keeps_no_other_from_being_tidied(world, monkeypatch):
    """It is told, and looked at again at the next start."""
    stage(world)
    world.lose_state()
    (world.drop / "song.wav").unlink()
    world.rebuild()
    clean = staging.clean

    def fails_in_the_spool(parent, owner, *, now=0.0):
        if parent != world.stems:
            raise OutputRootError("no")
        return clean(parent, owner, now=now)

    monkeypatch.setattr(staging, "clean", fails_in_the_spool)
    world.clock.sleep(80 * 3600)
    world.start()
    world.settle()

    assert stagings(world) == []


@pytest.mark.parametrize("commit", range(1, 10))
def test_a_rebuild_killed_at_any_commit_leaves_no_one_off_behind(world, tmp_path, monkeypatch, commit):
    """The next one renews the claims of every id that the state had before."""
    world.start()
    wish = one_off(write_wav(tmp_path / "desk" / "song.wav"))
    separate(world, wish)
    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        kill_rebuild_at(patch, commit=commit, before=False)
        world.rebuild()
    world.rebuild()
    world.start()

    assert separate(world, wish)["refused"] == []


def left_in(folder, world, *, state_id=None, job_id=99):
    """Stage something for a job that this state does not know."""
    folder.mkdir(parents=True, exist_ok=True)
    owner = state_id or world.store.memory.state_id
    made = staging.Staging.open(folder, state_id=owner, job_id=job_id, hash_="left")
    made.write("Vocals.wav", [b"music"])
    os.utime(made.path, (world.clock.at, world.clock.at))
    return made.path


def test_what_a_restored_backup_does_not_know_of_is_cleared_once_nobody_can_want_it(world):
    """Wherever it lies below the outputs, and not before the service has forgotten it."""
    world.start()
    world.pass_time(60)
    left = left_in(world.stems / "album" / "1999", world)
    world.pass_time(2 * 3600, step_s=600)
    early = left.exists()
    world.pass_time(8 * 86400, step_s=21600)

    assert (early, left.exists(), left.parent.exists()) == (True, False, True)


def test_what_another_state_left_is_told_and_stays(world, capsys):
    """Only its own go; nobody knows who else works there."""
    world.start()
    world.pass_time(60)
    left = left_in(world.stems, world, state_id="other")
    world.pass_time(15 * 86400, step_s=21600)

    assert left.exists()
    told = [line for line in capsys.readouterr().out.splitlines() if "stagings_of_others" in line]
    assert len(told) == 3
    assert left.name in told[0]


def test_a_root_whose_disk_is_away_is_not_swept(world):
    """Nothing is looked for on a bare mount point."""
    world.start()
    world.pass_time(60)
    world.engine.context.close_gate("disk", "away", scope=str(world.stems))
    given = []
    world.engine.context.hands.give = given.append
    world.clock.sleep(3700)

    world.engine.desks.tidying.work()

    assert given == []
