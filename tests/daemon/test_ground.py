"""A watched folder is the folder that it was, or nothing is taken from it, and nothing missing in it is gone."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mvsep_watch.files import watched
from mvsep_watch.files.mounts import Mount
from tests.daemon.world import write_wav

NAS = Mount(point="/mnt/nas", fs_type="nfs4", source="nas:/music")
BARE = Mount(point="/", fs_type="ext4", source="/dev/sda1")


@pytest.fixture
def logged():
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def share(world, monkeypatch):
    """Have the watched folder on a share, which can be unmounted and mounted."""
    aside = world.base / "aside"

    class Share:
        mount = NAS

        def unmount(self):
            world.drop.rename(aside)
            world.drop.mkdir()
            self.mount = BARE

        def remount(self):
            shutil.rmtree(world.drop)
            aside.rename(world.drop)
            self.mount = NAS

    share = Share()
    monkeypatch.setattr(watched, "mount_of", lambda _: share.mount)
    return share


def trouble(world):
    return world.engine.desks.scans.troubled_folders.get("drop", "")


@pytest.mark.parametrize("restarted", [False, True])
def test_an_unmounted_share_is_not_an_empty_folder(world, share, restarted):
    """It is said what is away, once, and what to do; a file on the bare mount point is not taken."""
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.finish()
    share.unmount()
    write_wav(world.drop / "two.wav", pitch=2)
    if restarted:
        world.restart()
    world.engine.inbox.path_touched("drop", str(world.drop / "two.wav"))
    world.rescan()
    world.pass_time(600)
    said, jobs = trouble(world), len(world.jobs())
    share.remount()
    write_wav(world.drop / "three.wav", pitch=3)
    world.rescan()
    world.finish()

    assert jobs == 1
    assert "was on /mnt/nas (nas:/music, nfs4), which is not mounted" in said
    assert "stay on / (/dev/sda1, ext4), start once with `--fresh`" in said
    assert (trouble(world), world.states(), world.service.made) == ("", ["published"] * 2, 2)


def test_a_folder_that_is_to_stay_where_it_is_is_taken_when_a_person_says_so(world, share):
    """The share was given up, and the folder lives on the local disk."""
    world.start()
    world.pass_time(10)
    share.unmount()
    write_wav(world.drop / "one.wav")
    world.restart()
    world.pass_time(100)
    before = len(world.jobs())

    world.restart(fresh=True)
    world.pass_time(30)

    assert (before, len(world.jobs()), trouble(world)) == (0, 1, "")


def test_a_queued_job_waits_for_the_share_of_its_file(world, share):
    """It is not cancelled: its file is not gone. It says what it waits for, and goes on when the share is back."""
    write_wav(world.drop / "one.wav")
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    share.unmount()
    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(300)
    states, reason, made = world.states(), world.jobs()[0].reason, world.service.made
    share.remount()
    world.rescan()
    world.finish()

    assert (states, made) == (["queued"], 0)
    assert "which is not mounted" in reason
    assert (world.states(), world.service.made) == (["published"], 1)


def test_what_is_paid_for_goes_on_without_the_share(world, share):
    """Only the file is away, and nobody needs it any more; it is disposed of when it is back."""
    world.folder_options = {"source": "delete"}
    song = write_wav(world.drop / "one.wav")
    world.start()
    world.pass_time(20)
    share.unmount()
    world.finish()
    world.pass_time(300)
    states, kept = world.states(), (world.base / "aside" / "one.wav").exists()
    share.remount()
    world.rescan()
    world.pass_time(200)

    assert (states, kept) == (["published"], True)
    assert not song.exists()


def test_a_copy_of_a_file_on_a_share_that_is_away_is_no_renamed_file(world, share):
    """The file on the share keeps its source, and its copy gets one of its own."""
    song = write_wav(world.drop / "one.wav")
    other = world.base / "other"
    other.mkdir()
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    world.start()
    world.finish()
    shutil.copy(song, other / "copy.wav")
    share.unmount()
    world.rescan()
    world.finish()
    share.remount()

    assert [str(world.store.sources.get(job.source_id).path) for job in world.jobs()] == [
        str(song),
        str(other / "copy.wav"),
    ]
    assert world.service.made == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EHOSTDOWN])
def test_a_share_in_trouble_for_a_while_loses_nothing(world, monkeypatch, logged, number):
    """It is said once, and once that it is over; nothing is paid again, nothing is cancelled."""
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.finish()
    scandir = os.scandir

    def failing(path):
        if str(path).startswith(str(world.drop)):
            raise OSError(number, os.strerror(number), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    write_wav(world.drop / "two.wav", pitch=2)
    for _ in range(3):
        world.rescan()
        world.pass_time(60)
    said = [line["event"] for line in logged if line["event"].startswith("folder_")]
    monkeypatch.setattr(os, "scandir", scandir)
    world.rescan()
    world.finish()

    assert said == ["folder_unreadable"]
    assert [line["event"] for line in logged if line["event"].startswith("folder_")][1:] == ["folder_readable"]
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_a_sub_folder_that_may_not_be_read_is_told_once_and_stops_no_sibling(world, monkeypatch, logged):
    """With the right to read it, what is in it is taken as well."""
    write_wav(world.drop / "open" / "one.wav", pitch=1)
    write_wav(world.drop / "locked" / "two.wav", pitch=2)
    scandir = os.scandir

    def failing(path):
        if str(path) == str(world.drop / "locked"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    world.start()
    world.finish()
    world.rescan()
    states, said = world.states(), trouble(world)
    told = [line["event"] for line in logged if line["event"].startswith("folder_")]
    monkeypatch.setattr(os, "scandir", scandir)
    world.rescan()
    world.finish()

    assert (states, told) == (["published"], ["folder_unreadable"])
    assert f"{world.drop}/locked could not be read" in said
    assert (world.states(), trouble(world)) == (["published"] * 2, "")


def test_a_folder_that_is_deleted_keeps_its_queued_jobs(world):
    """Perhaps its disk only went away with its mount point; when it comes again with the file, the job goes on."""
    song = write_wav(world.drop / "one.wav")
    aside = world.base / "aside"
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    world.drop.rename(aside)
    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(120)
    states, reason = world.states(), world.jobs()[0].reason
    aside.rename(world.drop)
    world.rescan()
    world.finish()

    assert (states, world.states(), song.exists()) == (["queued"], ["published"], True)
    assert "is not there" in reason


def note(**changes):
    values = {"point": "/mnt/nas", "fs_type": "nfs4", "source": "nas:/music", "device": 50, "inode": 7}
    return watched.FolderNote(**(values | changes))


def test_a_note_can_be_read_again(tmp_path):
    """And what is none is none."""
    there = watched.note_of(tmp_path)

    assert watched.FolderNote.of(there.text()) == there
    assert [watched.FolderNote.of(text) for text in ("", "{}", "[]", "nonsense")] == [None] * 4


@pytest.mark.parametrize(
    ("mount", "inode", "is_there"),
    [
        (NAS, 7, True),
        (NAS, 9, True),
        (BARE, 9, False),
        (BARE, 7, False),
        (Mount(point="/", fs_type="nfs4", source="nas:/music"), 7, True),
        (Mount(point="/mnt/nas/deeper", fs_type="ext4", source="/dev/sdb1"), 9, True),
        (Mount(), 9, True),
    ],
)
def test_a_folder_is_away_where_it_has_left_its_mount_and_is_another(tmp_path, monkeypatch, mount, inode, is_there):
    """A mount of its own that only another process sees makes nothing another folder."""
    monkeypatch.setattr(watched, "mount_of", lambda _: mount)
    status = tmp_path.stat()
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((*status[:1], inode, 51, *status[3:10])))

    assert (watched.trouble_with(tmp_path, note()) is None) == is_there


def test_a_folder_that_is_missing_or_does_not_answer_is_in_trouble(tmp_path, monkeypatch):
    """Then what is missing in it is not gone."""
    missing = watched.trouble_with(tmp_path / "missing", None)

    def failing(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "stat", failing)

    assert "is not there" in str(missing)
    assert "cannot be read just now" in str(watched.trouble_with(tmp_path, None))


def test_a_mount_that_may_not_be_looked_at_stops_no_scan(world, monkeypatch):
    """Another user's, or one whose server is away: what lies beside it is taken."""
    locked = Mount(point=str(world.drop / ("x" * 300)), fs_type="fuse.portal", source="portal")
    monkeypatch.setattr(watched, "mounts_below", lambda _: (locked,))
    write_wav(world.drop / "one.wav")
    world.start()
    world.finish()

    assert (world.states(), trouble(world)) == (["published"], "")


def test_mounts_that_are_not_looked_through_are_not_missed(world, monkeypatch):
    """Snapshots come and go in hidden folders; a file may be a mount, too."""
    (world.drop / ".zfs" / "now").mkdir(parents=True)
    song = write_wav(world.drop / "one.wav")
    mounts = tuple(Mount(point=str(point), fs_type="zfs") for point in (world.drop / ".zfs" / "now", song))
    monkeypatch.setattr(watched, "mounts_below", lambda _: mounts)
    world.start()
    world.pass_time(10)
    monkeypatch.setattr(watched, "mounts_below", lambda _: ())
    world.rescan()

    assert (world.states(), trouble(world)) == (["submitted"], "")
