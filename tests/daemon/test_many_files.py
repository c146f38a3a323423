"""Many files at once: read together, taken one by one."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from mvsep_watch import audio
from mvsep_watch.daemon import identifying
from mvsep_watch.daemon.hands import perform
from mvsep_watch.model import CreditLimits, Limits
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.reading import Identify
from tests.daemon.world import write_wav


def drop(world, count, *, seconds=0.05):
    """Drop so many small songs."""
    return [write_wav(world.drop / f"{number}.wav", seconds=seconds, pitch=number) for number in range(1, count + 1)]


def held_back(world):
    """Let songs settle, and keep those who read them from it."""
    world.start()
    world.hands.held = {Pool.READING}
    world.pass_time(10.0)


def read_together(world):
    """Give the names that are read in one step, step by step."""
    return [[Path(file.path).name for file in step.files] for step in world.hands.waiting if isinstance(step, Identify)]


def queued(world):
    """Give the files that have jobs."""
    return {world.store.sources.get(job.source_id).path for job in world.jobs()}


def test_small_files_are_read_together(world):
    """A step, its outcome and a commit cost as much as a small file."""
    drop(world, 2 * identifying.READ_AT_ONCE + 1)

    held_back(world)

    assert [len(names) for names in read_together(world)] == [identifying.READ_AT_ONCE, identifying.READ_AT_ONCE, 1]


def test_large_files_are_read_one_by_one(world, monkeypatch):
    """A step on a slow disk comes to its end, and another folder has its turn."""
    size_bytes = drop(world, 3)[0].stat().st_size
    monkeypatch.setattr(identifying, "READ_AT_ONCE_BYTES", 2 * size_bytes - 1)

    held_back(world)

    assert [len(names) for names in read_together(world)] == [1, 1, 1]


def test_a_bug_with_one_that_is_read_keeps_no_other(world, monkeypatch):
    """Those that were read with it are queued; it is told."""
    bad, *good = drop(world, 5)
    probe = audio.probe

    def fails_on_one(path):
        if path == bad:
            raise RuntimeError("a bug")
        return probe(path)

    monkeypatch.setattr(audio, "probe", fails_on_one)
    world.start()

    world.pass_time(10.0)

    assert (queued(world), world.store.sources.at(bad).state) == (set(good), "refused")


def test_a_bug_with_one_that_was_read_keeps_no_other(world, monkeypatch):
    """Each is taken by itself."""
    bad, *good = drop(world, 5)
    world.start()
    queueing = world.engine.desks.identifying._queueing
    questions = queueing.questions

    def fails_on_one(path, *args, **given):
        if path == str(bad):
            raise RuntimeError("a bug")
        return questions(path, *args, **given)

    monkeypatch.setattr(queueing, "questions", fails_on_one)

    world.pass_time(10.0)

    assert (queued(world), world.store.sources.at(bad).state) == (set(good), "refused")


def test_a_file_is_never_read_by_two_at_once(world):
    """One that settles again while it is still being read waits for that."""
    (song,) = drop(world, 1)
    held_back(world)
    world.engine.desks.candidates.look_again(song, "drop")
    world.pass_time(10.0)
    reading = Counter(name for names in read_together(world) for name in names)

    world.hands.held = set()
    world.hands.go_on()
    world.finish()

    assert (reading, world.states(), world.service.made) == ({"1.wav": 1}, ["published"], 1)


ALBUM = ("disc 1/1 a.wav", "disc 1/2 b.wav", "disc 1/10 c.wav", "disc 2/1 d.wav", "x.wav")


def drop_album(world):
    """Drop an album, its tracks in the order in which they were ripped."""
    for pitch, name in enumerate(("x.wav", *sorted(ALBUM[:-1])), start=1):
        write_wav(world.drop / name, seconds=0.5, pitch=pitch)


def sent(world):
    """Give the sources that were sent, in that order."""
    jobs = world.store.jobs._rows("separation_id IS NOT NULL ORDER BY separation_id")
    return [str(world.store.sources.get(job.source_id).path.relative_to(world.drop)) for job in jobs]


def test_an_album_that_a_scan_finds_is_sent_in_its_order(world, monkeypatch):
    """However it lies in its directory, and whatever was read first."""
    monkeypatch.setattr(identifying, "READ_AT_ONCE", 1)
    world.limits = replace(world.limits, separations=len(ALBUM))
    drop_album(world)
    held_back(world)
    world.hands.held = set()
    world.hands.waiting.reverse()

    world.hands.go_on()
    world.pass_time(60.0)

    assert sent(world) == list(ALBUM)


def test_what_a_later_scan_finds_waits_for_what_an_earlier_one_found(world):
    """Its name does not let it go before others; a person's priority does."""
    world.limits = replace(world.limits, separations=1)
    drop_album(world)
    world.start()
    world.pass_time(30.0)
    write_wav(world.drop / "0.wav", seconds=0.5, pitch=50)
    world.rescan()

    for _ in range(len(ALBUM) + 1):
        world.pass_time(30.0)
        world.service.finish_all()

    assert sent(world) == [*ALBUM, "0.wav"]


def test_files_that_come_one_by_one_are_sent_as_they_came(world):
    """An event is news of its own time."""
    world.limits = replace(world.limits, separations=3)
    world.start()
    for pitch, name in enumerate(("3.wav", "1.wav", "2.wav"), start=1):
        song = write_wav(world.drop / name, seconds=0.5, pitch=pitch)
        world.engine.inbox.path_touched("drop", str(song))
        world.pass_time(1.0, step_s=1.0)

    world.pass_time(30.0)

    assert sent(world) == ["3.wav", "1.wav", "2.wav"]


def test_files_that_come_in_one_instant_are_sent_by_name(world):
    """A folder that is moved in makes an event for each of its files, in the order of its directory."""
    world.limits = replace(world.limits, separations=len(ALBUM))
    world.start()
    world.settle()
    drop_album(world)
    for path in world.drop.rglob("*.wav"):
        world.engine.inbox.path_touched("drop", str(path))

    world.pass_time(60.0)

    assert sent(world) == list(ALBUM)


@pytest.mark.parametrize(
    ("premium", "limit", "made"),
    [(True, None, 2), (False, 50, 1), (True, 50, 0)],
    ids=["no limit on batches", "nothing to pay", "a sum to be asked about"],
)
def test_the_first_is_sent_before_the_last_is_read(world, monkeypatch, premium, limit, made):
    """Unless a person may have to agree to what all of them cost together."""
    monkeypatch.setattr(identifying, "READ_AT_ONCE", 1)
    world.limits = Limits(credits=CreditLimits(approve_batch_above=limit))
    world.service.account.enabled = premium
    drop(world, 5, seconds=0.5)
    held_back(world)
    first, world.hands.waiting = world.hands.waiting[:2], world.hands.waiting[2:]

    for step in first:
        world.engine.inbox.put(perform(step, world.hands.tools))
    world.pass_time(30.0)

    assert (len(world.jobs()), world.service.made) == (2, made)
