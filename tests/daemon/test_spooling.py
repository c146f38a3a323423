"""Paid results outlive an output root that is away: kept in the spool, and published when it is back."""

import shutil
from dataclasses import replace

import pytest

from mvsep_watch.files import spool
from mvsep_watch.steps.fetch import Spool, Unspool
from tests.daemon.test_roots import swap, swap_back, swap_with_results_ready
from tests.daemon.world import write_wav

DAY_S = 86400.0


@pytest.fixture(autouse=True)
def no_reserve(monkeypatch):
    """The disk that the tests run on may be as full as it likes."""
    monkeypatch.setattr(spool, "RESERVE_BYTES", 0)
    monkeypatch.setattr(spool, "RESERVE_PART", 0.0)


def away(world, *names):
    """Have songs separated, and the root away when their results are ready."""
    for number, name in enumerate(names or ["song"], 1):
        write_wav(world.drop / f"{name}.wav", pitch=number)
    world.start()
    swap_with_results_ready(world)
    world.pass_time(30)


def spooled(world):
    """Give what lies in the spool, without the state's id."""
    place = spool.place_of(world.base / "state.sqlite3")
    state_id = world.store.memory.state_id
    return [name.replace(state_id, "S") for name in world.tree(place)] if place.exists() else []


def test_results_are_kept_in_the_spool_and_published_when_the_root_is_back(world):
    """Long after the service has forgotten them, and nothing is paid again."""
    away(world)
    world.pass_time(1200, step_s=60)
    kept, reason = spooled(world), world.jobs()[0].reason
    bare = world.tree()
    world.pass_time(4 * DAY_S, step_s=3600)
    swap_back(world)
    world.finish()

    assert kept == [".S-1/Instrumental.wav", ".S-1/Vocals.wav", ".S-1/mvsep-watch.json"]
    assert (reason, bare) == ("kept in the spool until its folder is back", [])
    assert (world.states(), world.service.made, spooled(world)) == (["published"], 1, [])
    assert [name for name in world.tree() if not name.endswith("claim.json")] == [
        "song/Instrumental.wav",
        "song/Vocals.wav",
        "song/mvsep-watch.json",
    ]


def test_a_root_that_is_back_soon_needs_no_spool(world):
    """A server that restarts takes less than ten minutes."""
    away(world)
    world.pass_time(400)
    swap_back(world)
    world.finish()

    assert (world.states(), spool.place_of(world.base / "state.sqlite3").exists()) == (["published"], False)


def test_what_is_staged_on_the_disk_that_went_is_kept_as_well(world):
    """Whether the disk comes back with it, nobody knows."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.hands.held = {"filing"}
    world.service.finish_all()
    world.pass_time(10)
    aside = swap(world)
    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(1200, step_s=60)
    kept = spooled(world)
    for staging in aside.glob(".mvsep-watch-*.part/*.wav"):
        staging.unlink()
    world.pass_time(4 * DAY_S, step_s=3600)
    swap_back(world)
    world.finish()

    assert len(kept) == 3
    assert (world.states(), world.service.made, spooled(world)) == (["published"], 1, [])


def test_the_soonest_expiring_results_come_first(world):
    """One at a time, so that what is begun is soon whole."""
    write_wav(world.drop / "a.wav", pitch=1)
    write_wav(world.drop / "b.wav", pitch=2)
    world.start()
    world.pass_time(20)
    world.hands.held = {"downloads"}
    first, second = world.service.jobs
    world.service.finish(second)
    world.pass_time(70)
    world.service.finish(first)
    world.pass_time(70)
    swap(world)
    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(60)
    world.hands.held = {"downloads"}
    world.pass_time(800)
    waiting = [step.fetch.hash for step in world.hands.waiting if isinstance(step, Spool)]

    assert waiting == [second]


@pytest.mark.parametrize("limit_bytes", [0, 1000])
def test_a_spool_without_room_says_so(world, limit_bytes):
    """Nothing is written beyond the bound; the job says until when the service keeps the results."""
    world.limits = replace(world.limits, spool_bytes=limit_bytes)
    away(world)
    world.pass_time(1500, step_s=60)
    job = world.jobs()[0]
    says = f"{job.reason} {job.hint}"
    left = spooled(world)
    swap_back(world)
    world.finish()

    assert left == []
    assert "The service keeps the results until 20" in says
    assert ("the spool has no room for it" in says) == bool(limit_bytes)
    assert world.states() == ["published"]


def test_the_spool_takes_no_more_than_its_bound(world):
    """What fits is kept, the rest waits."""
    away(world, "a", "b", "c")
    world.pass_time(1200, step_s=60)
    place = spool.place_of(world.base / "state.sqlite3")
    all_three = sum((place / name).stat().st_size for name in world.tree(place))
    shutil.rmtree(place)
    world.limits = replace(world.limits, spool_bytes=int(all_three * 0.8))
    world.restart()
    world.pass_time(1200, step_s=60)

    assert [name for name in spooled(world) if name.endswith("json")] == [
        ".S-1/mvsep-watch.json",
        ".S-2/mvsep-watch.json",
    ]
    assert sum((place / name).stat().st_size for name in world.tree(place)) <= all_three * 0.8


def test_the_reserve_of_the_states_disk_is_never_touched(world, monkeypatch):
    """A state file that cannot grow stops everything."""
    monkeypatch.setattr(spool, "RESERVE_PART", 1.0)
    away(world)
    world.pass_time(1500, step_s=60)

    assert spooled(world) == []
    assert "the spool has no room for it" in world.jobs()[0].reason


def test_a_restart_finds_what_is_kept(world):
    """It is not fetched again, and what no live job needs is removed."""
    away(world)
    world.pass_time(1200, step_s=60)
    downloads = world.service.count("download")
    place = spool.place_of(world.base / "state.sqlite3")
    state_id = world.store.memory.state_id
    ended = spool.folder_of(place, state_id=state_id, job_id=99)
    ended.mkdir()
    begun = place / f".mvsep-watch-{state_id}-98.part"
    begun.mkdir()
    stranger = place / ".other-99"
    stranger.mkdir()
    world.restart()
    world.pass_time(1200, step_s=60)

    assert world.service.count("download") == downloads
    assert [path.exists() for path in (ended, begun, stranger)] == [False, False, True]


def test_a_kill_after_publishing_leaves_nothing_in_the_spool(world):
    """What was not removed yet is removed by the next run."""
    away(world)
    world.pass_time(1200, step_s=60)
    swap_back(world)
    world.hands.held = set()
    real = world.hands.give
    world.hands.give = lambda step: False if isinstance(step, Unspool) else real(step)
    world.finish()
    left = spooled(world)
    world.restart()
    world.pass_time(20)

    assert (len(left), spooled(world), world.states()) == (3, [], ["published"])


def test_results_that_are_damaged_in_the_spool_are_fetched_again(world):
    """Copies are verified, and the service still has them."""
    away(world)
    world.pass_time(1200, step_s=60)
    place = spool.place_of(world.base / "state.sqlite3")
    (path,) = place.glob(".*-1/Vocals.wav")
    path.write_bytes(b"x" * path.stat().st_size)
    swap_back(world)
    world.finish()

    assert world.states() == ["published"]
    assert (world.stems / "song" / "Vocals.wav").read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize("limit_bytes", [0, 10**9])
def test_results_that_expired_are_said_to_be_gone_with_the_date(world, limit_bytes):
    """Not before the root is back, for it might hold them; a redo pays, and says so."""
    world.limits = replace(world.limits, spool_bytes=limit_bytes)
    away(world)
    world.service.fault("download", *["http_503"] * 2000)
    ended_at = world.store.separations.get(1).ended_at
    world.pass_time(3.1 * DAY_S, step_s=1800)
    away_job = world.jobs()[0]
    swap_back(world)
    world.pass_time(900)
    job = world.jobs()[0]

    assert away_job.state == "separated"
    assert (job.state, job.hold) == ("held", "outputs_gone")
    assert world.engine.context.date(ended_at) in job.reason
    assert "72 hours" in job.reason
    assert "`redo` pays" in job.hint
    assert world.service.made == 1


def test_once_spools_what_it_can_before_it_ends(world):
    """The gate has been closed since an earlier run; a person is still needed for the disk."""
    away(world)
    world.stop()
    world.clock.at += 3600
    world.start()
    for _ in range(40):
        world.clock.at += 1.0
        world.turn()
        if world.engine.is_at_rest(gated_for_s=0.0):
            break

    assert world.engine.is_at_rest(gated_for_s=0.0)
    assert len(spooled(world)) == 3
    assert {str(gate.name) for gate in world.engine.context.gates()} == {"disk"}
