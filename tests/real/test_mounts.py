"""The daemon on real mounts: an output root that goes and comes back, fills up, or must not be written. Needs root."""

import os
import subprocess
from contextlib import suppress
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from mvsep_watch.files import spool
from mvsep_watch.files.claim import CLAIM_NAME
from tests.daemon.test_spooling import no_reserve  # noqa: F401 - a fixture for all tests here
from tests.daemon.world import World, gates, write_wav
from tests.real.test_files_real import run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.stop()
    with suppress(subprocess.CalledProcessError):
        run("umount", str(world.stems))
    with suppress(subprocess.CalledProcessError):
        run("umount", str(world.drop))


def mount(world, *options):
    world.stems.mkdir(exist_ok=True)
    try:
        run("mount", *options, str(world.stems))
    except subprocess.CalledProcessError as exc:
        pytest.skip(f"mount refused: {exc.stderr.decode().strip()}")


def mount_disk(world):
    """Mount a disk that keeps what is on it while it is away."""
    (world.base / "disk").mkdir(exist_ok=True)
    mount(world, "--bind", str(world.base / "disk"))


def results(world):
    return [name for name in world.tree() if name.endswith(".wav")]


def test_a_disk_that_is_unmounted_and_comes_back(world):
    """Nothing is paid meanwhile, what was paid is kept, and the bare mount point stays bare."""
    mount_disk(world)
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.pass_time(20)
    world.hands.held = {"downloads"}
    world.service.finish_all()
    world.pass_time(10)
    run("umount", str(world.stems))
    world.hands.held = set()
    world.hands.go_on()
    write_wav(world.drop / "two.wav", pitch=2)
    world.rescan()
    world.pass_time(1200, step_s=60)
    made, closed, bare = world.service.made, gates(world), world.tree()
    kept = [name for name in world.tree(spool.place_of(world.base / "state.sqlite3")) if name.endswith(".wav")]

    mount_disk(world)
    world.finish()

    assert (made, closed, bare, len(kept)) == (1, [("disk", str(world.stems))], [], 2)
    assert (world.states(), world.service.made) == (["published", "published"], 2)
    assert len(results(world)) == 4


def test_a_disk_that_was_first_seen_unmounted_is_told_from_its_mount_point(world):
    """Both have a claim then: the older one is not believed."""
    world.start()
    world.pass_time(5)
    (world.base / "disk").mkdir()
    (world.base / "disk" / CLAIM_NAME).write_bytes((world.stems / CLAIM_NAME).read_bytes())
    mount_disk(world)
    write_wav(world.drop / "one.wav", pitch=1)
    world.rescan()
    world.finish()
    published = results(world)
    run("umount", str(world.stems))
    write_wav(world.drop / "two.wav", pitch=2)
    world.rescan()
    world.pass_time(900, step_s=30)

    assert len(published) == 2
    assert (world.service.made, gates(world), world.tree()) == (1, [("disk", str(world.stems))], [CLAIM_NAME])
    assert f"was on the mount {world.stems}" in world.engine.context.gates()[0].reason


def test_a_full_disk_keeps_its_results_waiting_and_pays_nothing_more(world):
    """When there is room again they are published by themselves."""
    world.limits = replace(world.limits, spool_bytes=0)
    mount(world, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.pass_time(20)
    ballast = world.stems / "ballast"
    ballast.write_bytes(bytes(3_500_000))
    world.service.finish_all()
    world.pass_time(60)
    closed = gates(world)
    write_wav(world.drop / "two.wav", pitch=2)
    world.rescan()
    world.pass_time(600, step_s=30)
    made, still = world.service.made, gates(world)

    ballast.unlink()
    world.finish()

    assert (closed, still, made) == ([("disk", str(world.stems))], [("disk", str(world.stems))], 1)
    assert world.states() == ["published", "published"]


def test_a_read_only_disk_is_noticed_before_anything_is_paid(world):
    """And taken again when it can be written."""
    mount(world, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
    run("mount", "-o", "remount,ro", str(world.stems))
    write_wav(world.drop / "one.wav")
    world.start()
    world.pass_time(120)
    made, reasons = world.service.made, [gate.reason for gate in world.engine.context.gates()]

    run("mount", "-o", "remount,rw", str(world.stems))
    world.finish()

    assert (made, ["read-only" in reason for reason in reasons]) == (0, [True])
    assert world.states() == ["published"]


def test_a_source_is_moved_to_another_disk_once_its_outputs_are_published(world):
    """Copied, read back, and only then removed."""
    mount(world, "-t", "tmpfs", "-o", "size=8m", "tmpfs")
    world.folder_options = {"source": world.stems.parent / "done"}
    (world.base / "done").mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(world.base / "done"))
    try:
        song = write_wav(world.drop / "live" / "song.wav")
        content = song.read_bytes()
        world.start()
        world.finish()

        assert ((world.base / "done" / "live" / "song.wav").read_bytes(), song.exists()) == (content, False)
        assert world.states() == ["published"]
    finally:
        run("umount", str(world.base / "done"))


def test_a_watched_share_that_is_unmounted_and_comes_back(world):
    """The bare mount point is not an empty folder: nothing there is taken, and the queued job waits for its file."""
    (world.base / "share").mkdir()
    run("mount", "--bind", str(world.base / "share"), str(world.drop))
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    run("umount", str(world.drop))
    world.hands.held = set()
    world.hands.go_on()
    write_wav(world.drop / "on-the-mount-point.wav", pitch=2)
    world.rescan()
    world.pass_time(900, step_s=30)
    states, reason, made = world.states(), world.jobs()[0].reason, world.service.made

    run("mount", "--bind", str(world.base / "share"), str(world.drop))
    world.rescan()
    world.finish()

    assert (states, made) == (["queued"], 0)
    assert f"was on {world.drop} (" in reason
    assert (world.states(), world.service.made) == (["published"], 1)


def test_a_mount_that_comes_over_a_watched_folder_is_looked_through(world):
    """What lies below it is out of sight then; when it goes again, that is said as well."""
    world.start()
    world.pass_time(10)
    (world.base / "share").mkdir()
    run("mount", "--bind", str(world.base / "share"), str(world.drop))
    write_wav(world.drop / "one.wav")
    world.rescan()
    world.finish()
    run("umount", str(world.drop))
    world.rescan()

    assert world.states() == ["published"]
    assert "is away" in world.engine.desks.scans.troubled_folders["drop"]


@pytest.fixture
def stick(world):
    """A disk that is mounted below the watched folder, and what it is mounted on."""
    (world.base / "stick").mkdir()
    at = world.drop / "stick"
    at.mkdir()
    run("mount", "--bind", str(world.base / "stick"), str(at))
    yield at
    with suppress(subprocess.CalledProcessError):
        run("umount", str(at))


def wrong(world):
    return world.engine.desks.scans.troubled_folders.get("drop", "")


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_disk_below_a_watched_folder_that_is_away_is_named_and_its_jobs_wait(world, stick, is_restarted):
    """What lies beside it goes on; it is said once, in the log and in what `status` shows, and heals by itself."""
    write_wav(stick / "one.wav", pitch=1)
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    run("umount", str(stick))
    with capture_logs() as logged:
        if is_restarted:
            world.restart()
        world.hands.held = set()
        world.hands.go_on()
        write_wav(world.drop / "two.wav", pitch=2)
        world.rescan()
        world.pass_time(900, step_s=30)
    states, reason, said = world.states(), world.jobs()[0].reason, wrong(world)
    world.service.finish_all()

    run("mount", "--bind", str(world.base / "stick"), str(stick))
    world.rescan()
    world.finish()

    assert states[0] == "queued"
    assert f"{stick} is not mounted: its disk or share (" in reason
    assert reason in said
    assert [line["event"] for line in logged].count("folder_unreadable") == 1
    assert (wrong(world), world.states(), world.service.made) == ("", ["published"] * 2, 2)


def test_a_disk_that_nothing_waits_for_is_forgotten(world, stick):
    """It is named once, and not for ever: it was there for a day, and all of it is done."""
    write_wav(stick / "one.wav")
    world.start()
    world.finish()
    run("umount", str(stick))
    world.rescan()
    said = wrong(world)
    world.rescan()

    assert f"{stick} is not mounted" in said
    assert (wrong(world), world.states()) == ("", ["published"])


def test_a_disk_that_comes_below_a_watched_folder_is_told(world, stick):
    """What it brings is taken."""
    run("umount", str(stick))
    world.start()
    world.pass_time(10)
    run("mount", "--bind", str(world.base / "stick"), str(stick))
    write_wav(stick / "one.wav")
    with capture_logs() as logged:
        world.rescan()
        world.finish()

    assert [line["path"] for line in logged if line["event"] == "part_mounted"] == [str(stick)]
    assert world.states() == ["published"]
