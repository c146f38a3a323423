"""However a file comes, it is taken once, whole and under its final name; however slow, it is never given up."""

import mmap
import os

import pytest
from structlog.testing import capture_logs

from mvsep_watch.daemon import told
from mvsep_watch.daemon.inbox import Bell, Heard, HeardFolder
from mvsep_watch.files import reading
from mvsep_watch.files.mounts import Mount
from mvsep_watch.files.reading import is_unfilled
from tests.daemon.world import write_wav

STEP_BYTES = 16_384
"""Whole blocks: what is missing of one can be seen by nobody."""


@pytest.fixture
def song(world):
    """A song elsewhere, to be copied in in one way or another."""
    return write_wav(world.base / "elsewhere" / "song.wav").read_bytes()


def finish(world):
    """Give the names of the files that were taken, and how many separations were paid for."""
    world.rescan()
    world.finish()
    return [world.store.sources.get(job.source_id).path.name for job in world.jobs()], world.service.made


def taken(world):
    return len(world.jobs())


def grow(world, path, song, *, pause_s, prepare=lambda file, size: None):
    """Write a song bit by bit, with the file closed in between; give how many jobs there were before the last bit."""
    with path.open("wb") as file:
        prepare(file, len(song))
    before = 0
    for start in range(0, len(song), STEP_BYTES):
        before = taken(world)
        with path.open("r+b") as file:
            file.seek(start)
            file.write(song[start : start + STEP_BYTES])
        world.engine.inbox.path_touched("drop", str(path))
        world.pass_time(pause_s)
    return before


def preallocate(file, size):
    os.posix_fallocate(file.fileno(), 0, size)


def stretch(file, size):
    file.truncate(size)


@pytest.mark.parametrize(
    "prepare", [lambda file, size: None, stretch, preallocate], ids=["grows", "sparse", "reserved"]
)
def test_a_slow_copy_is_taken_once_and_whole(world, song, prepare):
    """Growing, or as long as it is to be from the first second, with the blocks still coming."""
    world.start()

    before = grow(world, world.drop / "song.wav", song, pause_s=3, prepare=prepare)

    assert (before, *finish(world)) == (0, ["song.wav"], 1)


@pytest.mark.parametrize("prepare", [stretch, preallocate], ids=["sparse", "reserved"])
def test_a_file_as_long_as_it_is_to_be_is_waited_for_through_any_pause(world, song, prepare):
    """Its size and times say "complete" for an hour at a time; its holes do not."""
    world.start()

    before = grow(world, world.drop / "song.wav", song, pause_s=3600, prepare=prepare)

    assert (before, *finish(world)) == (0, ["song.wav"], 1)


def test_a_file_whose_writer_has_died_is_never_taken_and_told_of_once(world, song):
    """Zeros where music should be would be paid for. It does not hold up the others."""
    lost = world.drop / "lost.wav"
    lost.write_bytes(song[:STEP_BYTES])
    os.truncate(lost, len(song))
    write_wav(world.drop / "other.wav", pitch=2)
    world.start()
    with capture_logs() as logged:
        world.finish()
        for _ in range(20):
            world.pass_time(3600, step_s=600)
            world.rescan()
    told = [line for line in logged if line["event"] == "source_waits"]

    assert finish(world) == (["other.wav"], 1)
    assert [(line["reason"], "cp --sparse=never" in line["hint"]) for line in told] == [
        ("incomplete: parts of it were never written", True)
    ]


def test_a_file_that_waits_for_long_is_in_what_status_says(world, song):
    """Until it is taken after all."""
    lost = world.drop / "lost.wav"
    lost.write_bytes(b"")
    world.start()
    mount = Mount(point="/", fs_type="ext4", source="/dev/sda1")
    world.engine.inbox.put(Heard({"drop": HeardFolder(mount=mount, is_polled=False)}))
    world.pass_time(1200, step_s=60)
    waiting = told.sight(world.store.memory)["waiting"]
    lost.write_bytes(song)
    world.rescan()
    world.finish()

    assert [(each["path"], each["reason"]) for each in waiting] == [(str(lost), "empty")]
    assert (told.sight(world.store.memory)["waiting"], world.states()) == ([], ["published"])


def test_a_file_that_is_held_open_is_waited_for(world, song):
    """Nothing in it has changed for a day."""
    path = world.drop / "song.wav"
    world.start()
    with path.open("wb", buffering=0) as file:
        file.write(song[:STEP_BYTES])
        world.rescan()
        world.pass_time(86400, step_s=600)
        before = taken(world)
        file.write(song[STEP_BYTES:])

    assert (before, *finish(world)) == (0, ["song.wav"], 1)


def test_a_file_that_is_mapped_for_writing_is_waited_for(world, song):
    """Its descriptor is closed, no event comes, and no time changes until the kernel writes it back."""
    path = world.drop / "song.wav"
    path.write_bytes(bytes(len(song)))
    world.start()
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    world.rescan()
    world.pass_time(600, step_s=60)
    before = taken(world)
    mapped[:] = song
    mapped.close()

    assert (before, *finish(world)) == (0, ["song.wav"], 1)


@pytest.mark.parametrize(
    "name", ["song.wav.part", "song.wav.crdownload", ".song.wav.X4f9", "song.wav~", "song.wav.!qB"]
)
def test_a_temporary_name_is_never_taken(world, song, name):
    """Only the final one."""
    world.start()
    (world.drop / name).write_bytes(song)
    world.rescan()
    world.pass_time(60)
    before = taken(world)
    (world.drop / name).rename(world.drop / "song.wav")

    assert (before, *finish(world)) == (0, ["song.wav"], 1)


@pytest.mark.parametrize("arrive", ["rename", "link"])
def test_a_file_that_is_there_at_once_is_taken_without_a_close(world, song, arrive):
    """Moved in or hard-linked in: no writer is ever heard of."""
    outside = world.base / "outside.wav"
    outside.write_bytes(song)
    world.start()
    if arrive == "rename":
        outside.rename(world.drop / "song.wav")
    else:
        (world.drop / "song.wav").hardlink_to(outside)
    world.engine.inbox.path_touched("drop", str(world.drop / "song.wav"))
    world.pass_time(10)

    assert (taken(world), *finish(world)) == (1, ["song.wav"], 1)


def test_one_file_that_never_stops_changing_holds_up_no_other(world, song):
    """Neither as long as it is young nor later; it is told of."""
    endless = world.drop / "endless.wav"
    write_wav(world.drop / "song.wav")
    endless.write_bytes(song)
    world.start()
    with capture_logs() as logged:
        for _ in range(250):
            with endless.open("ab") as file:
                file.write(b"more")
            world.pass_time(4, step_s=4)
            world.service.finish_all()

    assert world.states() == ["published"]
    assert [line["path"] for line in logged if line["event"] == "source_waits"] == [str(endless)]


def test_fifty_events_and_a_scan_make_one_job(world, song):
    """However often a path is heard of."""
    path = world.drop / "song.wav"
    path.write_bytes(song)
    world.start()
    for _ in range(50):
        world.engine.inbox.path_touched("drop", str(path))
        world.engine.turn(longest_nap_s=0)
    world.engine.inbox.put(Bell("rescan"))

    assert finish(world) == (["song.wav"], 1)


def test_a_song_with_a_little_silence_is_whole_where_zeros_are_kept_as_holes(tmp_path, monkeypatch):
    """ZFS, and a server that we cannot see through, make holes of silence; much of it is still said to be missing."""
    quiet, empty = tmp_path / "quiet.wav", tmp_path / "empty.wav"
    for path, hole in ((quiet, 1 << 17), (empty, 1 << 20)):
        path.write_bytes(bytes(range(256)) * 4096)
        os.truncate(path, (1 << 20) + hole)
    here = [is_unfilled(quiet), is_unfilled(empty)]
    monkeypatch.setattr(reading, "file_system", lambda _: "zfs")

    assert here == [True, True]
    assert [is_unfilled(quiet), is_unfilled(empty)] == [False, True]


def test_a_whole_file_and_one_that_is_gone_have_no_holes(tmp_path):
    """Nor has one that cannot be asked."""
    whole = tmp_path / "a.wav"
    whole.write_bytes(b"x" * 5000)

    assert [is_unfilled(whole), is_unfilled(tmp_path / "gone.wav")] == [False, False]


def write_now(world, name, **kind):
    """Write a song, and have its times tell the world's time."""
    song = write_wav(world.drop / name, **kind)
    os.utime(song, (world.clock.now(),) * 2)
    world.engine.inbox.path_touched("drop", str(song))
    return song


@pytest.mark.parametrize(("pause_s", "at_most"), [(20, 2), (60, 2), (600, 5)])
def test_a_file_that_grows_time_and_again_is_not_paid_for_each_time(world, pause_s, at_most):
    """A recording, say, or what a sync tool copies again and again: it rests ever longer, and its end is taken."""
    world.start()
    for length in range(8):
        song = write_now(world, "recording.wav", seconds=3.0 + length)
        world.pass_time(pause_s, step_s=10.0)
        world.service.finish_all()
    world.pass_time(3700, step_s=300.0)
    world.finish()

    assert 2 <= world.service.made <= at_most
    assert (world.store.sources.at(song).duration_s, {*world.states()}) == (10.0, {"published"})


def test_a_song_that_replaces_a_shorter_one_holds_nobody_up(world):
    """It rests for minutes; what comes with it is taken at once."""
    world.start()
    write_now(world, "mix.wav")
    world.finish()
    world.pass_time(3600, step_s=60.0)
    write_now(world, "mix.wav", seconds=5.0)
    write_now(world, "other.wav", pitch=2)
    world.rescan()
    world.pass_time(60)
    taken_soon = [world.store.sources.get(job.source_id).path.name for job in world.jobs()]
    world.pass_time(300)

    assert taken_soon == ["mix.wav", "other.wav"]
    assert taken(world) == 3


def test_what_has_rested_by_itself_is_taken_at_once(world):
    """However often it has grown: `once`, which looks once a night, finds its last length."""
    for length in range(4):
        song = write_wav(world.drop / "mix.wav", seconds=3.0 + length)
        os.utime(song, (world.clock.now(),) * 2)
        world.clock.at += 24 * 3600
        world.start()
        world.pass_time(30)
        world.service.finish_all()
        world.stop()

    assert world.service.made == 4
