"""A source is never touched before its outputs are published, whatever goes wrong and whatever is to become of it."""

import errno
import os
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from mvsep_watch.files import disposal, renaming
from tests.daemon.effects import Killed
from tests.daemon.test_requests import ask
from tests.daemon.test_roots import swap_with_results_ready
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


FAILURES = [failed, refused, lost, damaged, gone, swap_with_results_ready, in_the_way]


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


def test_a_source_goes_once_the_job_that_kept_it_has_ended(world):
    """A job on what the file held before keeps it; that one's end, however it comes, has it considered again."""
    world.folder_options = {"source": "delete"}
    source = write_wav(world.drop / "song.wav")
    world.start()
    failed(world)
    world.pass_time(20)
    write_wav(source, pitch=5)
    world.rescan()
    world.pass_time(20)
    world.finish()
    kept = source.exists()

    ask(world, "cancel", 1)

    assert (world.states(), kept, source.exists()) == (["cancelled", "published"], True, False)


def copying(folder):
    return [path.name for path in folder.rglob(".mvsep-watch-copying-*")]


def begin_a_copy(world, monkeypatch):
    """Have a published source moved across file systems, and end the process as a kill in the middle would."""
    world.folder_options = {"source": world.base / "done"}
    song = write_wav(world.drop / "album" / "song.wav")
    monkeypatch.setattr(renaming, "rename_new", refuse_to("done", renaming.rename_new))
    monkeypatch.setattr(disposal, "_copy", half_a_copy)
    world.start()
    world.pass_time(20)
    world.service.finish_all()
    with pytest.raises(Killed):
        world.pass_time(20)
    monkeypatch.undo()
    return song


def refuse_to(name, rename):
    def renamed(source, target):
        if name in target.parts:
            raise OSError(errno.EXDEV, "on another file system")
        return rename(source, target)

    return renamed


def half_a_copy(source, to, sha256, stopping):
    (to.parent / f".mvsep-watch-copying-{sha256[:16]}").write_bytes(source.read_bytes()[:100])
    raise Killed


def test_what_a_killed_copy_left_goes_though_the_configuration_names_another_place(world, monkeypatch):
    """What was begun is remembered; a source is where it was, or where it is to go by now, whole."""
    song = begin_a_copy(world, monkeypatch)
    content, left = next(world.drop.rglob("song.wav")).read_bytes(), copying(world.base / "done")
    stranger = world.base / "done" / "album" / ".mvsep-watch-copying-0123456789abcdef"
    stranger.write_bytes(b"another state's")
    world.folder_options = {"source": world.base / "elsewhere"}
    world.restart()
    world.pass_time(200)

    assert len(left) == 1
    assert (song.exists(), (world.base / "elsewhere" / "album" / "song.wav").read_bytes()) == (False, content)
    assert copying(world.base) == [stranger.name]
    assert world.store.sources.copies() == []


def test_what_a_killed_copy_left_on_a_disk_that_is_away_goes_once_it_is_back(world, monkeypatch):
    """At the start after that."""
    begin_a_copy(world, monkeypatch)
    (world.base / "done").rename(world.base / "away")
    world.folder_options = {"source": "keep"}
    world.restart()
    world.pass_time(60)
    remembered = world.store.sources.copies()
    (world.base / "away").rename(world.base / "done")
    world.restart()
    world.settle()

    assert len(remembered) == 1
    assert (copying(world.base), world.store.sources.copies()) == ([], [])


@pytest.mark.parametrize(("number", "patience_s"), [(errno.EROFS, 0), (errno.EBUSY, 900)], ids=["read-only", "busy"])
def test_a_source_that_cannot_go_is_told_of_once_and_tried_ever_less_often(world, monkeypatch, number, patience_s):
    """In the log and in `status`; what is only busy is given time first. It goes once it can."""
    world.folder_options["source"] = "delete"
    song, tries, told = write_wav(world.drop / "song.wav"), [], []

    def refuse(source, target):
        assert source == song
        tries.append(world.clock.at)
        told.append(bool(world.engine.desks.disposing.waits_long))
        raise OSError(number, os.strerror(number), str(source))

    world.start()
    with monkeypatch.context() as refusing, capture_logs() as lines:
        refusing.setattr(disposal, "rename_new", refuse)
        world.finish()
        world.pass_time(6 * 3600, step_s=60.0)
    since_s = [at - tries[0] for at, is_told in zip(tries, told, strict=True) if not is_told]
    world.pass_time(3600, step_s=60.0)

    assert [line["event"] for line in lines].count("source_kept") == 1
    assert max(since_s) == patience_s
    assert (len(tries) < 15, song.exists(), world.engine.desks.disposing.waits_long) == (True, False, {})
