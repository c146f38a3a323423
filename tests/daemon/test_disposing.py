"""A source is never touched before its outputs are published, whatever goes wrong and whatever is to become of it."""

from dataclasses import replace

import pytest

from tests.daemon.test_roots import swap
from tests.daemon.world import write_wav


def separated(world):
    world.pass_time(20)
    world.service.finish_all()


def failed(world):
    world.pass_time(20)
    world.service.finish(next(iter(world.service.jobs)), "failed", "no luck")


def refused(world):
    world.service.fault("create", *["refused"] * 5)


def lost(world):
    world.service.history_lag_s = float("inf")
    world.service.fault("create", "drop_after_made")


def damaged(world):
    world.service.fault("download", *["truncate_download"] * 40)
    separated(world)


def gone(world):
    world.pass_time(20)
    world.hands.held = {"downloads"}
    world.service.finish_all()
    world.pass_time(10)
    world.service.remove(next(iter(world.service.jobs)))
    world.hands.held = set()
    world.hands.go_on()


def away(world):
    world.pass_time(20)
    world.hands.held = {"downloads"}
    world.service.finish_all()
    world.pass_time(10)
    swap(world)
    world.hands.held = set()
    world.hands.go_on()


def in_the_way(world):
    """Somebody exchanges the final folder's parent for a file between fetching and publishing."""
    world.pass_time(20)
    world.hands.held = {"filing"}
    world.service.finish_all()
    world.pass_time(10)
    world.stems.rename(world.base / "aside")
    world.stems.write_text("no folder")
    world.hands.held = set()
    world.hands.go_on()


FAILURES = [failed, refused, lost, damaged, gone, away, in_the_way]


@pytest.mark.parametrize("source", ["keep", "delete", "move"])
@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_a_failure_never_touches_the_source(world, fail, source):
    """It stays where it is, byte for byte, its times included."""
    world.limits = replace(world.limits, spool_bytes=0)
    world.folder_options = {"source": world.base / "done" if source == "move" else source}
    song = write_wav(world.drop / "song.wav")
    content, stat = song.read_bytes(), song.stat()
    world.start()
    fail(world)
    world.pass_time(900, step_s=20)

    assert "published" not in world.states()
    assert (song.read_bytes(), song.stat().st_mtime_ns, song.stat().st_ino) == (content, stat.st_mtime_ns, stat.st_ino)
    assert ([path.name for path in world.drop.iterdir()], (world.base / "done").exists()) == (["song.wav"], False)
