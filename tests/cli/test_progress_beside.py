"""How far something is, told beside the daemon: bytes, rates, the queue, chunks, and how long it takes still."""

import pytest

from mvsep_watch.cli.describing import Describer
from mvsep_watch.daemon.told import BELIEVED_S, MOVES
from mvsep_watch.steps.base import Pool
from mvsep_watch.store.views import Views
from tests.cli.test_running import separate_for
from tests.daemon.world import write_wav


def doing(world, *, running=True, later_s=0.0):
    """Say what is done about the newest job, and how far that is."""
    views = Views(world.store.db)
    describer = Describer(views, world.config(), running=running, now=world.clock.now() + later_s)
    return describer.doing(views.views(world.jobs()[-1:])[0])


@pytest.fixture
def uploading(world):
    """A daemon with an upload of 48 kB that its hand holds."""
    world.start()
    world.hands.held = {Pool.UPLOADS}
    write_wav(world.drop / "song.wav")
    world.rescan()
    world.pass_time(15)
    return world


def test_an_upload_is_told_in_bytes_with_its_rate_and_what_is_left(uploading):
    """As the daemon wrote it down a few seconds ago."""
    before = doing(uploading)
    uploading.hands.waiting[0].meter.sent_bytes = 10_000
    uploading.pass_time(5)
    uploading.hands.waiting[0].meter.sent_bytes = 20_000
    uploading.pass_time(5)

    assert before == ("being uploaded", "")
    assert doing(uploading) == ("being uploaded", "20.0 kB of 48.0 kB at 2.0 kB/s, about 14 s left")


@pytest.mark.parametrize("when", [{"running": False}, {"later_s": BELIEVED_S}, {"later_s": -60.0}])
def test_what_was_written_down_before_is_not_believed(uploading, when):
    """The daemon has ended since, or was killed, or the clock was set."""
    uploading.hands.waiting[0].meter.sent_bytes = 10_000
    uploading.pass_time(10)

    assert "kB" not in doing(uploading, **when)[1]


def test_nothing_is_written_where_nothing_moves(world):
    """A daemon at rest wakes no disk."""
    world.start()
    write_wav(world.drop / "song.wav")
    world.finish()
    before = world.store.db.value("SELECT total_changes()")
    world.pass_time(120)

    assert world.store.memory.meta(MOVES) is None
    assert world.store.db.value("SELECT total_changes()") - before <= 3


def test_outputs_that_come_are_told_with_their_rate(world):
    """Where they are all that comes."""
    world.start()
    world.hands.held = {Pool.DOWNLOADS}
    write_wav(world.drop / "song.wav")
    world.finish(rounds=6)
    for _ in range(2):
        world.client.download_rate.moved_bytes += 50_000
        world.pass_time(5)

    assert doing(world) == ("its outputs are fetched", "100 kB at 10.0 kB/s")


def test_the_service_is_told_with_its_words_and_how_long_it_takes_still(world):
    """Its place in the queue, its chunks, and what its like took."""
    separate_for(world, 95.0, pitch=1)
    separate_for(world, 35.0, pitch=2, finish=False)
    (unfinished,) = [job for job in world.service.jobs.values() if job.is_unfinished]
    early = doing(world)
    world.service.set_status(unfinished.hash, "distributing", finished_chunks=3, all_chunks=8)
    world.pass_time(50, step_s=1.0)
    late = doing(world)
    world.service.set_status(unfinished.hash, "waiting", current_order=2, queue_count=9)
    world.pass_time(60, step_s=1.0)

    assert early == ("submitted", "about 1 min 10 s left")
    assert (late[0], late[1].partition(", ")[0]) == ("being separated", "3 of 8 chunks")
    assert late[1].endswith("s left")
    assert doing(world) == ("in the queue", "place 2 of 9")


def test_a_balance_that_the_service_does_not_say_is_why_work_waits(world):
    """It is asked for again within a minute, and the work goes on."""
    world.service.account.credits = None
    world.start()
    write_wav(world.drop / "song.wav")
    world.rescan()
    world.pass_time(100)
    views = Views(world.store.db)
    describer = Describer(views, world.config(), running=True, now=world.clock.now())
    told = describer.why(views.views(world.jobs())[0])

    world.service.account.credits = 1000
    world.pass_time(70)

    assert told == ("the service does not say the account's balance", "it is asked for again by itself")
    assert world.states() == ["submitted"]
