"""Stems say which song they are of."""

import dataclasses
import io
import json
import shutil
import threading

import pytest
from structlog.testing import capture_logs

from mvsep_watch import audio
from mvsep_watch.audio.tags import UntaggableError
from mvsep_watch.model import Tags
from mvsep_watch.steps import tagging
from mvsep_watch.steps.tagging import Tagger
from tests.daemon.effects import Effects, Killed
from tests.daemon.invariants import assert_nothing_is_half, assert_nothing_is_left, sha256
from tests.daemon.test_requests import ask
from tests.daemon.world import World, write_wav

TAGS = Tags(
    texts=(("title", ("So What",)), ("artist", ("Miles Davis",)), ("album", ("Kind of Blue",))),
    cover=b"\xff\xd8\xff" + bytes(100),
)


def drop(world, name="song.wav", tags=TAGS):
    path = write_wav(world.drop / name)
    audio.write_tags(path, tags)
    return path


def finish(world):
    world.start()
    world.finish()
    return world.stems / "song"


def tags_of(path):
    return audio.read_tags(io.BytesIO(path.read_bytes()))


def titles(folder):
    return [dict(tags_of(path).texts).get("title") for path in sorted(folder.glob("*.wav"))]


TITLES = [("So What (Instrumental)",), ("So What (Vocals)",)]


def as_the_service_gave_it(path):
    """Untagged outputs of the fake service end with their sound."""
    return not tags_of(path) and b"id3" not in path.read_bytes().lower()


def test_stems_have_their_sources_tags(world):
    """With the stem in the title; the sidecar tells of what is published."""
    drop(world)
    folder = finish(world)

    assert titles(folder) == TITLES
    assert tags_of(folder / "Vocals.wav") == TAGS.for_stem("Vocals")
    assert_nothing_is_half(world)
    assert_nothing_is_left(world)


@pytest.mark.parametrize("tags", [True, False])
def test_without_tags_outputs_are_what_the_service_gave(world, tags):
    """The source has none, or its folder wants none."""
    world.folder_options = {"tags": tags}
    drop(world, tags=Tags() if tags else TAGS)
    folder = finish(world)

    assert all(as_the_service_gave_it(path) for path in folder.glob("*.wav"))


def test_a_source_that_is_gone_leaves_its_stems_without_tags(world):
    """They are published all the same."""
    path = drop(world)
    world.start()
    world.pass_time(20)
    path.unlink()
    world.finish()

    assert world.states() == ["published"]
    assert titles(world.stems / "song") == [None, None]


def test_a_source_on_a_mount_that_hangs_holds_nothing_up(world, monkeypatch):
    """What is paid for is published without tags; at most a few readers are left hanging."""
    end = threading.Event()
    monkeypatch.setattr(tagging, "PATIENCE_S", 0.01)
    monkeypatch.setattr(tagging, "_READERS", threading.BoundedSemaphore(1))
    monkeypatch.setattr(audio, "read_tags", lambda _: end.wait(60))
    drop(world)
    write_wav(world.drop / "other.wav", pitch=2)
    folder = finish(world)
    readers = [thread for thread in threading.enumerate() if thread.name == "tags"]
    end.set()
    for thread in readers:
        thread.join(10)
    monkeypatch.undo()

    assert (world.states(), len(readers)) == (["published", "published"], 1)
    assert titles(folder) == [None, None]


def test_what_cannot_be_tagged_is_published_as_it_is(world, monkeypatch):
    """One line in the log says so; half of a tag was written by then."""

    def breaks(path, _):
        path.write_bytes(path.read_bytes()[:100])
        raise UntaggableError("it is strange")

    drop(world)
    monkeypatch.setattr(audio, "write_tags", breaks)
    with capture_logs() as logs:
        folder = finish(world)

    told = [line for line in logs if line["event"] == "outputs_not_tagged"]
    assert [(line["job"], line["reason"]) for line in told] == [(1, "Vocals.wav: it is strange")]
    assert all(as_the_service_gave_it(path) for path in folder.glob("*.wav"))
    assert_nothing_is_half(world)


def test_no_copy_is_made_where_there_is_no_room_for_it(tmp_path):
    """The spool leaves its disk a reserve, also for a moment."""
    path = write_wav(tmp_path / "Vocals.wav")
    tagger = Tagger(tags=TAGS, has_room=lambda size_bytes: size_bytes < path.stat().st_size)

    assert tagger.tagged(path, stem="Vocals", check=audio.check_text_output) is None
    assert tagger.trouble.endswith("there is no room for a copy")
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_that_are_fetched_again_are_the_same(world):
    """To the last byte, so that they are what the first sidecar tells of."""
    drop(world)
    folder = finish(world)
    before = {path.name: sha256(path) for path in folder.glob("*.wav")}
    told = json.loads((folder / "mvsep-watch.json").read_text())["outputs"]
    shutil.rmtree(folder)
    ask(world, "retry", 1)
    world.finish()

    assert {path.name: sha256(path) for path in folder.glob("*.wav")} == before
    assert {each["name"]: each["sha256"] for each in told} == before


def test_a_copy_of_a_song_gets_the_outputs_that_are_there(world):
    """As the first job published them; its source may be gone by then, and nothing is downloaded again."""
    path = drop(world)
    copy = shutil.copy(path, world.base / "copy.wav")
    folder = finish(world)
    path.unlink()
    other = world.base / "other"
    other.mkdir()
    extra = world.another_folder("other", other, world.base / "other-stems")
    world.extra_folders = (dataclasses.replace(extra, tags=True),)
    downloads = world.service.count("download")
    world.restart()
    shutil.move(copy, other / "copy.wav")
    world.finish()

    assert (world.service.count("download"), world.service.made) == (downloads, 1)
    assert titles(world.base / "other-stems" / "copy") == titles(folder) == TITLES


def killed_once(base, number):
    """Live until killed after so many effects from the first download, and once more; say whether it came to that."""
    base.mkdir()
    world = World(base)
    drop(world)
    effects = Effects(world)

    def fails(name):
        if name == "request download begun" and not effects.kills:
            effects.kill_after(number)

    effects.fails = fails
    was_killed = False
    try:
        with effects.watched():
            world.restart()
            world.finish()
    except Killed:
        was_killed = "jobs fetched" not in effects.names[-1]
    effects.fails = lambda _: None
    effects.revive()
    with effects.watched():
        world.restart()
        world.finish()

    assert (world.states(), world.service.made, titles(world.stems / "song")) == (["published"], 1, TITLES)
    assert_nothing_is_half(world)
    assert_nothing_is_left(world)
    world.stop()
    return was_killed


def test_a_kill_while_outputs_are_tagged_leaves_each_tagged_once(tmp_path):
    """And never a download that goes on with tagged bytes."""
    number = 1

    while killed_once(tmp_path / str(number), number):
        number += 3

    assert number > 10
