"""The process may be killed between any two instructions: around chosen commits, at random, and where it costs most."""

import random

import pytest

from mvsep_watch.daemon.hands import perform
from mvsep_watch.model import Rule
from mvsep_watch.steps.submit import Submit
from tests.daemon.effects import Killed
from tests.daemon.world import World, be_prompt, write_wav


def kill_at(world, *, commit, before):
    """End the process at the n-th commit from now, just before or just after it is durable."""
    left = commit
    run = world.store.db.run

    def counted(sql, params=()):
        nonlocal left
        if sql != "COMMIT":
            return run(sql, params)
        left -= 1
        if left == 0 and before:
            raise Killed
        result = run(sql, params)
        if left == 0:
            raise Killed
        return result

    world.store.db.run = counted


def staging_left(world):
    return list(world.stems.rglob("*.part")) if world.stems.exists() else []


def assert_all_is_well(world, *, works):
    assert set(world.states()) == {"published"}
    assert world.service.made == works
    assert staging_left(world) == []


@pytest.mark.parametrize("seed", range(12))
def test_many_kills_at_random_moments_neither_lose_nor_repeat(tmp_path, seed):
    """Four songs, two rules with the same work on each, kills wherever chance puts them."""
    chance = random.Random(seed)
    world = World(tmp_path, auto_finish_after=3)
    world.rules = (Rule(name="a", sep_type=40, output_format=1), Rule(name="b", sep_type=40, output_format=1))
    be_prompt(world)
    for pitch in range(1, 5):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    for _ in range(6):
        try:
            world.restart()
            kill_at(world, commit=chance.randrange(1, 30), before=chance.random() < 0.5)
            world.pass_time(chance.uniform(5, 200))
        except Killed:
            pass
    world.restart()
    world.finish(rounds=150)

    assert_all_is_well(world, works=5)
    world.stop()


def test_a_kill_between_the_last_chunk_and_the_answer_uploads_nothing_again(world):
    """The server has the job, the process does not know: the history does."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    submit = next(step for step in world.hands.waiting if isinstance(step, Submit))
    perform(submit, world.hands.tools)

    world.restart()
    world.finish()

    assert (world.service.count("create"), world.states()) == (1, ["published"])


def test_a_kill_between_rename_and_commit_publishes_once(world, monkeypatch):
    """The folder is there with this job's sidecar and hash: done is done."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.hands.held = {"filing"}
    world.service.finish_all()
    world.pass_time(20)
    for step in world.hands.waiting:
        perform(step, world.hands.tools)

    world.restart()
    world.finish()

    assert world.states() == ["published"]
    assert [path.name for path in world.stems.iterdir() if path.is_dir()] == ["song"]
