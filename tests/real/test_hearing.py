"""What is heard of real folders, and what is looked through: events and mounts of a real kernel."""

import itertools
import os
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mvsep_watch.daemon import told
from mvsep_watch.daemon.hearing import Hearing, ground_of
from mvsep_watch.daemon.inbox import Inbox
from tests.daemon.world import World, write_wav
from tests.real.test_files_real import run

DEADLINE_S = 20.0


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.stop()


@pytest.fixture
def hearing(world):
    """Hears the world's folders once it was begun."""
    world.start()
    hearing = Hearing(world.engine.inbox)
    yield hearing
    hearing.stop()


@pytest.fixture
def overlays():
    """Mount overlays: what is written to a layer directly is listed above, and makes no event, as on a share."""
    mounted = []

    def mount(at):
        at.mkdir(parents=True, exist_ok=True)
        layers = {name: at.parent / f".{at.name}-{name}" for name in ("lower", "upper", "work")}
        run("mount", "-t", "tmpfs", "tmpfs", str(_made(at.parent / f".{at.name}")))
        mounted.append(at.parent / f".{at.name}")
        layers = {name: _made(mounted[-1] / name) for name in layers}
        options = f"lowerdir={layers['lower']},upperdir={layers['upper']},workdir={layers['work']}"
        run("mount", "-t", "overlay", "overlay", "-o", options, str(at))
        mounted.append(at)
        return layers["upper"]

    def tried(at):
        try:
            return mount(at)
        except subprocess.CalledProcessError as exc:
            pytest.skip(f"mount refused: {exc.stderr.decode().strip()}")

    yield tried
    for place in reversed(mounted):
        with suppress(subprocess.CalledProcessError):
            run("umount", str(place))


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def seen(world):
    return told.sight(world.store.memory)["folders"]["drop"]


def sources(world):
    return {world.store.sources.get(job.source_id).path.name for job in world.jobs()}


def until_heard(world, path):
    """Turn until an event of a real kernel has made a file a candidate."""
    deadline = time.monotonic() + DEADLINE_S
    while str(path) not in world.engine.desks.candidates and time.monotonic() < deadline:
        world.engine.turn(longest_nap_s=0.02)
    return str(path) in world.engine.desks.candidates


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_layered_folder_is_looked_through(world, hearing, overlays):
    """What another machine writes to a share comes the same way: without an event."""
    upper = overlays(world.drop)
    hearing.begin(world.config())
    world.pass_time(10)
    write_wav(upper / "a.wav")

    world.pass_time(45)

    assert sources(world) == {"a.wav"}
    assert (seen(world)["file_system"], seen(world)["seen_by"], seen(world)["watches"]) == ("overlay", "scans", 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_local_and_layered_folders_mix_under_one_root(world, hearing, overlays):
    """The local file is heard, the other found by looks at its part."""
    upper = overlays(world.drop / "a share")
    hearing.begin(world.config())
    world.pass_time(10)
    assert seen(world)["scanned_parts"] == [f"{world.drop}/a share"]
    write_wav(upper / "far.wav", pitch=1)
    near = write_wav(world.drop / "near.wav", pitch=2)

    assert until_heard(world, near)
    world.pass_time(45)

    assert sources(world) == {"near.wav", "far.wav"}
    assert seen(world)["seen_by"] == "events and scans"


def test_fifty_reloads_while_a_writer_writes_on_miss_no_file(world, hearing):
    """Every 20 ms a file comes, in a folder of folders that is heard, not heard, heard flat, and heard whole again."""
    world.folder_options = {"settle_s": 3600.0}
    hearing.begin(world.config())
    songs = [world.drop / f"{number % 5}" / f"{number}.wav" for number in range(50)]

    def write():
        for song in songs:
            song.parent.mkdir(exist_ok=True)
            song.write_bytes(b"RIFF")
            time.sleep(0.02)

    writing, numbers = threading.Thread(target=write), itertools.count()
    writing.start()
    while writing.is_alive() or next(numbers) < 50:
        world.folder_options |= {"recursive": next(numbers) % 2 == 0, "watch": ("events", "poll")[next(numbers) % 2]}
        world.engine.reload(world.config())
        hearing.change(world.config())
        world.engine.turn(longest_nap_s=0.01)
    world.folder_options |= {"recursive": True, "watch": "events"}
    world.engine.reload(world.config())
    hearing.change(world.config())

    assert [song for song in songs if not until_heard(world, song)] == []


def test_a_link_that_leads_elsewhere_has_the_configuration_read_once(world):
    """However often it is looked at, and again when it leads back; not where it leads nowhere."""
    link, read = world.base / "link", []
    world.stems.mkdir()
    link.symlink_to("drop")
    world.folder_options = {"links": ((link, world.drop),)}
    hearing = Hearing(Inbox(), reread=lambda: read.append(link.readlink().name))
    hearing._folders = world.config().folders

    for target in ("drop", "stems", "stems", "nowhere", "drop", "drop"):
        link.unlink()
        link.symlink_to(target)
        hearing._look()
    hearing.stop()

    assert read == ["stems", "drop"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_share_that_is_mounted_later_is_looked_through_from_then_on(world, hearing, overlays):
    """And heard again when it is gone."""
    hearing.begin(world.config())
    world.pass_time(10)
    before = seen(world)["seen_by"]
    upper = overlays(world.drop)
    hearing._look()
    world.pass_time(10)
    write_wav(upper / "a.wav")
    world.pass_time(45)
    during = seen(world)["seen_by"]

    assert (before, during, sources(world)) == ("events", "scans", {"a.wav"})


def test_a_limit_of_watches_is_told_with_the_setting_and_its_value(world, hearing, sysctl):
    """The files in directories that are not watched are found by looks, and not only by full scans."""
    for number in range(30):
        (world.drop / f"{number}").mkdir()
    sysctl("max_user_watches", 10)
    hearing.begin(world.config())
    world.pass_time(10)
    for number in range(30):
        write_wav(world.drop / f"{number}" / "song.wav", pitch=number + 1)

    world.pass_time(60)

    said = seen(world)
    assert len(world.jobs()) == 30
    assert said["seen_by"] == "scans"
    assert "fs.inotify.max_user_watches=524288` (it is 10)" in said["hint"]
    assert said["refused_watches"] > 0


def test_dropped_events_lose_no_file(world, hearing, sysctl):
    """The kernel's queue holds sixteen; a scan finds the rest, and how often it happened is told."""
    sysctl("max_queued_events", 16)
    hearing.begin(world.config())
    world.pass_time(10)
    song = write_wav(world.base / "song.wav").read_bytes()
    with pause(hearing):
        for number in range(300):
            (world.drop / f"{number}.wav").write_bytes(song)
    wait_for(lambda: hearing._watcher.health()["drop"].overflows)
    world.pass_time(20)
    hearing._look()
    world.pass_time(10)

    assert len(sources(world)) == 300
    assert seen(world)["overflows"] >= 1


def test_a_folder_that_is_deleted_and_made_again_is_heard_again(world, hearing):
    """In between it is said to be missing; what is dropped before it is heard again is found by looks."""
    hearing.begin(world.config())
    world.pass_time(10)
    world.drop.rmdir()
    wait_for(lambda: not hearing._watcher.health()["drop"].alive)
    hearing._look()
    world.pass_time(10)
    gone = seen(world)
    world.drop.mkdir()
    write_wav(world.drop / "first.wav", pitch=1)
    world.pass_time(60)
    looked = sources(world)
    hearing._look()
    world.pass_time(10)
    second = write_wav(world.drop / "second.wav", pitch=2)

    assert until_heard(world, second)
    assert (looked, seen(world)["seen_by"], seen(world)["trouble"]) == ({"first.wav"}, "events", "")
    assert "it is not there" in gone["trouble"]
    assert "Create it, or mount" in gone["hint"]


@contextmanager
def pause(hearing):
    """Keep the thread that reads for all folders busy."""
    go_on, kernel = threading.Event(), hearing._watcher._kernel
    handle = kernel.handle_event
    kernel.handle_event = lambda event: (go_on.wait(DEADLINE_S), handle(event))
    try:
        yield
    finally:
        kernel.handle_event = handle
        go_on.set()


def wait_for(condition):
    """Wait for what posts nothing when it comes."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_ground_is_decided_by_types(world, tmp_path):
    """And by a person, who may know better."""
    world.folder_options = {"watch": "poll"}
    polled = ground_of(world.config().folders[0])
    world.folder_options = {"watch": "events"}
    heard = ground_of(world.config().folders[0])

    assert (polled.is_polled, heard.is_polled, heard.parts) == (True, False, ())
