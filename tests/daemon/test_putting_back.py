"""One stem of a published job was deleted: `retry` puts it back among the others, which are a person's by now."""

import shutil
from dataclasses import replace

import pytest

from mvsep_watch.files import sidecar
from mvsep_watch.model import JobState
from mvsep_watch.naming import OutputPlace
from tests.daemon.test_requests import ask, publish, redo


@pytest.mark.parametrize("form", ["folder", "flat"])
def test_a_deleted_stem_comes_back_and_nothing_else_is_touched(world, form):
    """Not even a stem that somebody has worked on since; nobody pays."""
    world.folder_options = {"publish": form}
    job = publish(world)
    before = world.tree()
    vocals, other = (job.place.file(output.name) for output in world.store.jobs.outputs(1))
    other.write_bytes(b"edited")
    vocals.unlink()

    answer = ask(world, "retry", 1)
    world.finish()

    assert (answer["done"], world.states(), world.service.made) == ([1], ["published"], 1)
    assert (world.tree(), other.read_bytes()) == (before, b"edited")
    assert len(sidecar.verify(job.place, sidecar.read(job.place).outputs)) == 1


def test_a_stem_that_comes_back_otherwise_is_in_the_sidecar_as_it_is(world):
    """The service made it anew, or it has tags now: whoever verifies the outputs later finds them whole."""
    job = publish(world)
    there = sidecar.read(job.place)
    first, *others = there.outputs
    outputs = (replace(first, sha256="0" * 64), *others)
    sidecar.write(job.place, replace(there, outputs=outputs), version="x")
    job.place.file(first.name).unlink()

    ask(world, "retry", 1)
    world.finish()

    assert sidecar.verify(job.place, sidecar.read(job.place).outputs) == ()


def test_a_stem_that_the_service_has_no_longer_is_told_of(world):
    """What is there stays; a person decides what the rest is worth."""
    job = publish(world)
    left = world.tree()
    gone = job.place.file("Vocals.wav")
    gone.unlink()
    for each in world.service.jobs.values():
        world.service.remove(each.hash)

    ask(world, "retry", 1)
    world.pass_time(600, step_s=30)

    held = world.jobs()[0]
    assert (held.state, held.hold) == ("held", "outputs_gone")
    assert "neither all here nor with the service" in held.reason
    assert {name for name in left if name not in world.tree()} == {"song/Vocals.wav"}


def test_a_kill_in_between_ends_as_if_there_had_been_none(world, monkeypatch):
    """After the stem was put back and before that was written down; nothing of ours is left beside it."""
    job = publish(world)
    before = world.tree()
    job.place.file("Vocals.wav").unlink()
    monkeypatch.setattr(type(world.engine.desks.finishing), "published", lambda *_: None)
    ask(world, "retry", 1)
    world.pass_time(30)
    monkeypatch.undo()
    world.restart()
    world.finish()

    assert (world.states(), world.tree()) == (["published"], before)
    assert [path.name for path in world.stems.rglob(".*.part")] == []


def test_of_outputs_that_were_replaced_none_is_missed(world):
    """What a redo put in their place may have other names."""
    job = publish(world)
    ask(world, "redo", redo(job, replace=True))
    world.finish()
    for output in world.store.jobs.outputs(1):
        job.place.file(output.name).unlink()

    answer = ask(world, "retry", 1)

    assert "redo" in answer["refused"][0]["reason"]
    assert world.jobs()[0].state == JobState.PUBLISHED


def test_a_stem_and_the_sidecar_that_are_gone_are_published_beside(world):
    """Without it nobody knows whose the folder is: it is left alone."""
    job = publish(world)
    job.place.sidecar.unlink()
    job.place.file("Vocals.wav").unlink()

    ask(world, "retry", 1)
    world.finish()

    assert {"song/Other.wav", "song (2)/Vocals.wav"} <= {name.replace("Instrumental", "Other") for name in world.tree()}


def test_a_folder_that_is_gone_comes_back_whole(world):
    """As before."""
    job = publish(world)
    shutil.rmtree(job.place.base)

    ask(world, "retry", 1)
    world.finish()

    assert sidecar.verify(OutputPlace(world.stems / "song"), world.store.jobs.outputs(1)) == ()
