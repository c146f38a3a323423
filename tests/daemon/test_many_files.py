"""Many files at once: read together, taken one by one."""

from collections import Counter
from pathlib import Path

from mvsep_watch import audio
from mvsep_watch.daemon import intake
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
    drop(world, 2 * intake.READ_AT_ONCE + 1)

    held_back(world)

    assert [len(names) for names in read_together(world)] == [intake.READ_AT_ONCE, intake.READ_AT_ONCE, 1]


def test_large_files_are_read_one_by_one(world, monkeypatch):
    """A step on a slow disk comes to its end, and another folder has its turn."""
    size_bytes = drop(world, 3)[0].stat().st_size
    monkeypatch.setattr(intake, "READ_AT_ONCE_BYTES", 2 * size_bytes - 1)

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
    queueing = world.engine.desks.intake._queueing
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
    world.engine.desks.intake.look_again(song, "drop")
    world.pass_time(10.0)
    reading = Counter(name for names in read_together(world) for name in names)

    world.hands.held = set()
    world.hands.go_on()
    world.finish()

    assert (reading, world.states(), world.service.made) == ({"1.wav": 1}, ["published"], 1)
