"""Folders that events do not tell everything of: looked through often while something comes, seldom while nothing."""

import itertools
import json
from dataclasses import replace

import pytest

from mvsep_watch.daemon import told
from mvsep_watch.daemon.inbox import Heard, HeardFolder, Trouble
from mvsep_watch.files.mounts import Mount
from mvsep_watch.steps.scanning import Scan
from mvsep_watch.watcher import FolderHealth, Mode
from mvsep_watch.watcher import Trouble as Deaf
from tests.daemon.world import write_wav

NFS = Mount(point="/mnt/nas", fs_type="nfs4", source="nas:/music")
OVERLAY = Mount(point="/mnt/over", fs_type="overlay", source="overlay")
LOCAL = Mount(point="/", fs_type="ext4", source="/dev/sda1")
WELL = FolderHealth(mode=Mode.EVENTS, alive=True, watches=3)


@pytest.fixture
def looks(world, monkeypatch):
    """Note when each scan was made, in seconds since the first, and what of."""
    made, perform = [], Scan.perform

    def noting(step, tools):
        made.append((world.clock.at, step))
        return perform(step, tools)

    monkeypatch.setattr(Scan, "perform", noting)
    return made


def hear(world, mount=NFS, *, is_polled=True, parts=(), health=None, hint=""):
    folder = HeardFolder(mount=mount, is_polled=is_polled, parts=parts, health=health, hint=hint)
    world.engine.inbox.put(Heard({"drop": folder}))
    world.settle()


def gaps(looks):
    times = [at for at, _ in looks]
    return [round(later - sooner) for sooner, later in itertools.pairwise(times)]


def test_a_share_where_nothing_happens_is_looked_at_ever_less_often(world, looks):
    """Up to the interval of full scans, so that a disk and a network can rest."""
    world.start()
    hear(world)

    world.pass_time(1500)

    assert gaps(looks) == [30, 30, 60, 120, 240, 300, 300, 300]


def test_a_share_where_something_comes_is_looked_at_often_at_once(world, looks):
    """Whoever dropped one song drops another."""
    world.start()
    hear(world)
    world.pass_time(1500)
    write_wav(world.drop / "a.wav")
    world.rescan()
    del looks[:-1]

    world.pass_time(95)

    assert gaps(looks) == [30, 30]


def test_a_file_that_waits_for_its_end_is_no_news(world, looks):
    """An empty file is found by every look, and keeps nobody awake."""
    (world.drop / "a.wav").write_bytes(b"")
    world.start()
    hear(world)

    world.pass_time(1500)

    assert gaps(looks)[-1] == 300


def test_a_full_scan_that_is_asked_for_seldom_makes_no_look_rarer_than_itself(world, looks, monkeypatch):
    """A short `schedule.rescan` is the interval of looks as well."""
    config = world.config
    monkeypatch.setattr(world, "config", lambda: replace(config(), rescan_s=10.0))
    world.start()
    hear(world)

    world.pass_time(40)

    assert gaps(looks) == [10, 10, 10, 10]


def test_where_directories_times_mean_nothing_every_directory_is_listed(world, looks):
    """What is written to a layer directly changes no time of the overlay's."""
    write_wav(world.drop / "a" / "a.wav")
    world.start()
    hear(world, OVERLAY)
    world.pass_time(130)
    by_overlay = [step.is_whole for _, step in looks[1:]]
    del looks[:]
    hear(world, NFS)
    world.pass_time(130)

    assert (set(by_overlay), {step.is_whole for _, step in looks}) == ({True}, {False})


def test_only_the_part_on_a_share_is_looked_through(world, looks):
    """The rest of the folder is heard."""
    share = world.drop / "share"
    write_wav(world.drop / "local" / "a.wav", pitch=1)
    share.mkdir()
    world.start()
    world.settle()
    write_wav(world.drop / "local" / "unheard.wav", pitch=2)
    write_wav(share / "b.wav", pitch=3)
    hear(world, LOCAL, is_polled=False, parts=((str(share), NFS),), health=WELL)

    world.pass_time(60)

    assert sorted(world.store.sources.get(job.source_id).path.name for job in world.jobs()) == ["a.wav", "b.wav"]
    assert {step.parts for _, step in looks[1:]} == {(share,)}


def test_a_folder_that_is_heard_is_not_looked_through_between_full_scans(world, looks):
    """Events tell."""
    world.start()
    hear(world, LOCAL, is_polled=False, health=WELL)

    world.pass_time(1000)

    assert len(looks) == 1


@pytest.mark.parametrize("trouble", [Deaf.LIMIT, Deaf.INSTANCES, Deaf.BROKEN, Deaf.GONE])
def test_a_folder_that_cannot_be_heard_is_looked_through_until_it_can(world, looks, trouble):
    """From the moment on that it was noticed."""
    world.start()
    hear(world, LOCAL, is_polled=False, health=WELL)
    world.engine.inbox.put(Trouble("drop", str(trouble), "do this"))
    world.settle()
    del looks[:]
    world.pass_time(100)
    deaf = len(looks)
    hear(world, LOCAL, is_polled=False, health=WELL)
    del looks[:]
    world.pass_time(300)

    assert (deaf, len(looks)) == (2, 0)


def test_a_folder_in_trouble_is_tried_again_before_the_next_full_scan(world, looks):
    """Its jobs wait for it."""
    world.start()
    hear(world, LOCAL, is_polled=False, health=WELL)
    aside = world.drop.rename(world.base / "aside")
    world.rescan()
    troubled = dict(world.engine.desks.scans.troubled_folders)
    aside.rename(world.drop)
    write_wav(world.drop / "a.wav")

    world.pass_time(60)

    assert "is not there" in troubled["drop"]
    assert (world.engine.desks.scans.troubled_folders, len(world.jobs())) == ({}, 1)


def test_what_status_says_is_written_when_it_changes_and_not_else(world):
    """A daemon at rest wakes up no disk; once an hour it says how things stand."""
    world.start()
    hear(world, LOCAL, is_polled=False, health=WELL)
    world.pass_time(10)
    written = told.sight(world.store.memory)
    for _ in range(10):
        hear(world, LOCAL, is_polled=False, health=replace(WELL, last_event_s=world.clock.monotonic()))
        world.pass_time(300)
    still = told.sight(world.store.memory)
    world.pass_time(1000)
    later = told.sight(world.store.memory)

    assert (still, later["as_of"] > still["as_of"]) == (written, True)
    assert later["folders"]["drop"]["last_event_at"] == world.clock.now() - 1300
    assert written["folders"]["drop"]["seen_by"] == "events"
    assert written["folders"]["drop"]["watches"] == 3


def test_a_trouble_is_written_with_what_to_do_and_goes(world):
    """For `status`."""
    world.start()
    refused = FolderHealth(mode=Mode.POLLING, alive=True, watches=99, refused_watches=201, trouble=Deaf.LIMIT)
    hear(world, LOCAL, is_polled=False, health=refused, hint="sysctl this")
    troubled = told.sight(world.store.memory)["folders"]["drop"]
    hear(world, LOCAL, is_polled=False, health=WELL)
    healed = told.sight(world.store.memory)["folders"]["drop"]

    assert (troubled["trouble"], troubled["hint"]) == (
        "the kernel refuses to watch a part of it: too many watches",
        "sysctl this",
    )
    assert (troubled["watches"], troubled["refused_watches"], troubled["seen_by"]) == (99, 201, "scans")
    assert (healed["trouble"], healed["hint"], healed["seen_by"]) == ("", "", "events")


def test_nothing_is_known_before_anything_was_heard(world):
    """`once` hears nothing."""
    world.start()
    world.pass_time(30)

    assert told.sight(world.store.memory) == {}
    assert world.store.memory.meta(told.SIGHT) is None


def test_what_is_written_can_be_read_by_programs(world):
    """Names are any bytes."""
    world.start()
    share = str(world.drop / "caf\udce9")
    hear(world, LOCAL, is_polled=False, parts=((share, NFS),), health=WELL)

    text = world.store.memory.meta(told.SIGHT)

    assert json.loads(text.encode())["folders"]["drop"]["scanned_parts"] == [f"{world.drop}/caf\\xe9"]
