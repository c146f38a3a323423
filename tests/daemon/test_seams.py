"""Where features meet: what one of them keeps, another must neither lose nor pay for once more."""

import pytest

from mvsep_watch.files import spool
from tests.daemon.test_inputs import ask
from tests.daemon.test_roots import swap_back
from tests.daemon.test_spooling import DAY_S, away, no_reserve, spooled  # noqa: F401 - a fixture
from tests.daemon.world import write_wav

PUBLISHED = ["song/Instrumental.wav", "song/Vocals.wav", "song/mvsep-watch.json"]


def published(world):
    """Give the outputs that are shown, and what happened to the money."""
    shown = [name for name in world.tree() if not name.endswith("claim.json")]
    return world.states(), shown, world.service.count("create")


def everything_spooled(world):
    return world.tree(spool.place_of(world.base / "state.sqlite3"))


def kept_for_days(world):
    """Have results in the spool that the service has forgotten."""
    away(world)
    world.pass_time(1200, step_s=60)
    world.pass_time(4 * DAY_S, step_s=3600)


# The spool and the memory


@pytest.mark.parametrize("is_back", [True, False])
def test_a_rebuild_loses_nothing_that_is_in_the_spool(world, is_back):
    """Whether the root comes back before it or after: the state has another id by then."""
    kept_for_days(world)
    if is_back:
        swap_back(world)
    world.rebuild()
    world.start()
    world.pass_time(60)
    if not is_back:
        swap_back(world)
    world.finish()

    assert published(world) == (["published"], PUBLISHED, 1)
    assert everything_spooled(world) == []


def test_results_in_the_spool_of_a_lost_state_are_published(world):
    """They were paid for, and nobody else has them any more."""
    kept_for_days(world)
    swap_back(world)
    world.lose_state()
    report = world.rebuild()
    world.start()
    world.finish()

    assert (report.separations, report.damaged) == (1, [])
    assert published(world) == (["published"], PUBLISHED, 1)


def test_a_spool_with_a_hostile_sidecar_holds_no_rebuild_up(world):
    """What it says of its source is checked like any other."""
    kept_for_days(world)
    swap_back(world)
    world.stop()
    (folder,) = spool.place_of(world.base / "state.sqlite3").iterdir()
    said = folder / "mvsep-watch.json"
    said.write_text(said.read_text().replace('"song.wav"', '"../../song.wav"'))
    report = world.rebuild()

    assert (report.separations, [path for path, _ in report.damaged]) == (0, [folder])


def test_a_restored_backup_removes_nothing_from_the_spool(world):
    """The jobs that it counts are others: what was kept since is published after a rebuild."""
    world.start()
    world.back_up()
    kept_for_days(world)
    kept = everything_spooled(world)
    world.restore()
    world.start()
    world.pass_time(1200, step_s=60)
    held, left = world.states(), everything_spooled(world)
    swap_back(world)
    world.rebuild()
    world.start()
    world.finish()

    assert (held, left, len(kept)) == (["held"], kept, 3)
    assert published(world) == (["published"], PUBLISHED, 1)


def test_a_number_that_stands_for_another_job_removes_nothing_from_the_spool(world):
    """A restored state gives the same number to the next file, and publishes it."""
    world.start()
    world.back_up()
    kept_for_days(world)
    kept = everything_spooled(world)
    world.restore()
    (world.drop / "song.wav").unlink()
    write_wav(world.drop / "other.wav", pitch=5)
    swap_back(world)
    world.stop()
    (world.stems / ".mvsep-watch-claim.json").unlink()
    world.start(fresh=True)
    world.pass_time(30)
    ask(world, "approve", {"id": 1})
    world.finish()
    world.pass_time(60)

    assert [(job.id, str(job.state), job.final.name) for job in world.jobs()] == [(1, "published", "other")]
    assert everything_spooled(world) == kept
