"""A file is what it holds: whatever becomes of its name, place and times, its work is never paid for again."""

import hashlib
import itertools
import os
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from mvsep_watch.model import FileStat, Rule
from tests.daemon.world import write_wav

HOUR_NS = 3600 * 10**9


@pytest.fixture
def other(world):
    """A second watched folder, with the same rules."""
    path = world.base / "other"
    path.mkdir()
    world.extra_folders = (world.another_folder("other", path, world.base / "other-stems"),)
    return path


def rescan(world):
    world.rescan()
    world.finish()


def queue(world, song):
    """Have a job queued that waits for its upload."""
    world.limits = replace(world.limits, credits=replace(world.limits.credits, reserve=10_000))
    world.start()
    world.pass_time(20)
    assert world.states() == ["queued"]
    return song


def spend(world):
    """Let what waits be paid for, and finish."""
    world.limits = replace(world.limits, credits=replace(world.limits.credits, reserve=0))
    world.engine.reload(world.config())
    world.finish()


def homes(world):
    return [(job.folder, str(job.state)) for job in world.jobs()]


def other_rules(world, path, rule):
    folder = world.another_folder("other", path, world.base / "other-stems")
    world.extra_folders = (replace(folder, rules=(rule,)),)


def test_a_queued_job_follows_its_file_to_a_folder_with_the_same_rule(world, other):
    """It keeps its place in the queue, and its outputs go where the folder's go."""
    song = queue(world, write_wav(world.drop / "song.wav"))
    song.rename(other / "song.wav")
    world.rescan()
    world.pass_time(20)
    moved = homes(world)
    spend(world)

    assert moved == [("other", "queued")]
    assert (homes(world), world.service.made) == ([("other", "published")], 1)
    assert len(world.tree(world.base / "other-stems" / "song")) == 3
    assert not (world.stems / "song").exists()


def test_a_submitted_job_follows_its_file(world, other):
    """It is paid for once, and published once."""
    song = write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    song.rename(other / "song.wav")
    rescan(world)

    assert (homes(world), world.service.made) == ([("other", "published")], 1)


def test_a_folder_with_other_rules_makes_a_job_of_its_own(world, other):
    """What the file was dropped for before is not wanted any more, and is not paid for."""
    other_rules(world, other, Rule(sep_type=40, output_format=4))
    song = queue(world, write_wav(world.drop / "song.wav"))
    song.rename(other / "song.wav")
    world.rescan()
    world.pass_time(20)
    moved = homes(world)
    spend(world)

    assert moved == [("drop", "cancelled"), ("other", "queued")]
    assert (homes(world), world.service.made) == ([("drop", "cancelled"), ("other", "published")], 1)


def test_a_file_that_is_moved_back_has_its_first_job_again(world, other):
    """And the other folder's ends."""
    other_rules(world, other, Rule(sep_type=40, output_format=4))
    song = queue(world, write_wav(world.drop / "song.wav"))
    song.rename(other / "song.wav")
    world.rescan()
    world.pass_time(20)
    (other / "song.wav").rename(song)
    world.rescan()
    world.pass_time(20)
    spend(world)

    assert (homes(world), world.service.made) == ([("drop", "published"), ("other", "cancelled")], 1)


def test_what_is_with_the_service_goes_on_when_its_file_is_moved_to_other_rules(world, other):
    """It is paid for; the other rule's job is another work."""
    other_rules(world, other, Rule(sep_type=40, output_format=4))
    song = write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    song.rename(other / "song.wav")
    rescan(world)

    assert (homes(world), world.service.made) == ([("drop", "published"), ("other", "published")], 2)


def test_a_done_file_that_is_moved_to_another_folder_is_published_there_for_nothing(world, other):
    """The work is done; the other folder has outputs of its own."""
    song = write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    song.rename(other / "song.wav")
    rescan(world)

    assert (homes(world), world.service.made) == ([("drop", "published"), ("other", "published")], 1)


def touch(path):
    os.utime(path)


def change_mode(path):
    path.chmod(0o600)


def link(path):
    (path.parent.parent / "linked").hardlink_to(path)


def restore(path):
    os.utime(path, ns=(0, path.stat().st_mtime_ns - HOUR_NS))


def replace_inode(path):
    copy = path.with_suffix(".new")
    shutil.copy(path, copy)
    copy.rename(path)


def rename(path):
    path.rename(path.with_name("renamed.wav"))


def rename_case(path):
    path.rename(path.with_name("SONG.WAV"))


def move_down(path):
    (path.parent / "album").mkdir()
    path.rename(path.parent / "album" / "song.wav")


def copy(path):
    shutil.copy(path, path.with_name("copy.wav"))


def swap(path):
    """Take the inode away, and let another file of the same content have another."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize(
    "change", [touch, change_mode, link, restore, replace_inode, rename, rename_case, move_down, copy, swap]
)
def test_no_change_of_anything_but_the_bytes_is_paid_for(world, change):
    """Whatever `stat` says then, it is read again, and known."""
    song = write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    change(song)
    for _ in range(3):
        rescan(world)
    world.restart()
    rescan(world)

    assert (world.states(), world.service.made) == (["published"], 1)


def test_other_bytes_behind_the_same_size_and_time_are_other_work(world):
    """A re-used name, with a clock that shows nothing; the inode's own change shows it."""
    song = write_wav(world.drop / "song.wav", pitch=1)
    world.start()
    world.finish()
    before = song.stat()
    write_wav(song, pitch=2)
    os.utime(song, ns=(before.st_atime_ns, before.st_mtime_ns))
    rescan(world)

    assert song.stat().st_size == before.st_size
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


NAMES = [
    "ordinary.wav",
    "new\nline.wav",
    "tab\tand 'quotes' \"two\".wav",
    "-rf.wav",
    "$(touch x).wav",
    os.fsdecode(b"caf\xe9.wav"),
    unicodedata.normalize("NFC", "Motörhead.wav"),
    unicodedata.normalize("NFD", "Motörhead.wav"),
    "\u202egnp.wav",
    "n" * 251 + ".wav",
    "日本語.wav",
    "UPPER.WAV",
    "upper.wav",
    "CON.wav",
    "trailing. .wav",
]


def test_any_name_that_linux_allows_comes_back_as_its_own_folder(world):
    """None is lost, none takes another's place, and nothing is run."""
    for number, name in enumerate(NAMES):
        write_wav(world.drop / name, seconds=0.5, pitch=number + 1)
    world.start()
    for _ in range(6):
        rescan(world)

    folders = [job.final for job in world.jobs()]
    assert world.states() == ["published"] * len(NAMES)
    assert len(set(folders)) == len(NAMES)
    assert all(folder.is_relative_to(world.stems) for folder in folders)
    assert not Path("x").exists()


def test_a_path_as_deep_as_linux_takes_is_taken(world):
    """Ten folders of long names."""
    deep = world.drop.joinpath(*["d" * 120] * 10)
    write_wav(deep / "song.wav")
    world.start()
    world.finish()

    assert world.states() == ["published"]


def test_links_pipes_and_devices_are_never_opened(world):
    """A pipe would block whoever opens it; a link leads out of the folder."""
    outside = write_wav(world.base / "outside" / "song.wav")
    (world.drop / "link.wav").symlink_to(outside)
    (world.drop / "album").symlink_to(outside.parent)
    (world.drop / "loop").symlink_to(world.drop)
    (world.drop / "gone.wav").symlink_to("nowhere")
    os.mkfifo(world.drop / "pipe.wav")
    write_wav(world.drop / "real.wav", pitch=2)
    world.start()
    for name in ("link.wav", "pipe.wav", "gone.wav"):
        world.engine.inbox.path_touched("drop", str(world.drop / name))
    rescan(world)

    assert [world.store.sources.get(job.source_id).path.name for job in world.jobs()] == ["real.wav"]


def test_a_new_mode_of_many_done_files_is_read_and_not_paid_for(world):
    """`chmod -R` changes every file, by the time that says so, and none of them."""
    songs = [write_wav(world.drop / f"{number}.wav", seconds=0.05, pitch=number + 1) for number in range(20)]
    world.start()
    world.finish()
    for song in songs:
        change_mode(song)
    rescan(world)

    assert (world.states(), world.service.made) == (["published"] * 20, 20)


def with_stats(monkeypatch, change):
    """Have a file system that keeps other times than it should."""
    made = FileStat.of
    monkeypatch.setattr(FileStat, "of", lambda status: change(made(status)))


def test_a_rewrite_within_the_tick_of_a_coarse_clock_is_not_sent_as_what_it_was(world, monkeypatch):
    """Same size, same times, as on a FAT disk, whose ticks take two seconds: the bytes decide."""
    with_stats(monkeypatch, lambda stat: stat._replace(mtime_ns=0, ctime_ns=0))
    song = write_wav(world.drop / "song.wav", pitch=1)
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    content = song.read_bytes()
    song.write_bytes(content[:-4] + b"fade")
    world.hands.held = set()
    world.hands.go_on()
    world.finish()

    assert [upload.sha256 for upload in world.service.uploads] == [hashlib.sha256(song.read_bytes()).hexdigest()]
    assert (world.states().count("published"), world.service.made) == (1, 1)


def test_times_that_never_agree_are_waited_for_and_told_of(world, monkeypatch):
    """Replicas of a cluster whose clocks differ: nothing is sent before they do, and it is no secret."""
    jitter = itertools.count()
    with monkeypatch.context() as patch:
        with_stats(patch, lambda stat: stat._replace(mtime_ns=stat.mtime_ns + 2_000_000 * (next(jitter) % 2)))
        write_wav(world.drop / "song.wav")
        world.start()
        world.pass_time(1200)
        told, made = world.engine.desks.candidates.waits_long, world.service.made
    world.finish()

    assert ("changed while it was read" in next(iter(told.values()))[0], made) == (True, 0)
    assert (world.states(), world.service.made) == (["published"], 1)
