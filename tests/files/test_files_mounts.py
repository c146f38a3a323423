"""File systems and what they mean."""

from pathlib import Path

import pytest

from mvsep_watch.files import mounts

TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:20 / /mnt rw - ext4 /dev/vdb rw
31 30 0:21 / /mnt/nas rw - nfs4 nas:/music rw
32 30 0:22 / /mnt/nas\\040two rw master:1 - cifs //nas/two rw
33 31 0:23 / /mnt/nas/local rw - xfs /dev/vdc rw
34 22 0:24 / /over rw - ext4 /dev/vdd rw
35 34 0:25 / /over rw - overlay overlay rw
"""


@pytest.mark.parametrize(
    ("path", "fs_type"),
    [
        ("/mnt/nas/album/song.wav", "nfs4"),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nasty", "ext4"),
        ("/mnt/nas two/song.wav", "cifs"),
        ("/mnt/nas/local/x", "xfs"),
        ("/over/x", "overlay"),
        ("/elsewhere", "ext4"),
    ],
)
def test_the_deepest_and_topmost_mount_counts(path, fs_type):
    """Whole components, escapes undone, the last of several at one point."""
    assert mounts.file_system(Path(path), table=TABLE) == fs_type


def test_a_mount_is_known_by_its_point():
    """What a folder lies on when its disk is away is the mount around it."""
    away = TABLE.replace("31 30 0:21 / /mnt/nas rw - nfs4 nas:/music rw\n", "")

    nas, bare = (mounts.mount_of(Path("/mnt/nas/album"), table=table) for table in (TABLE, away))

    assert (nas.point, nas.fs_type, nas.source) == ("/mnt/nas", "nfs4", "nas:/music")
    assert (bare.point, bare.fs_type) == ("/mnt", "ext4")


UNIT = """\
230 196 0:40 / / ro master:1 - ext4 /dev/vda rw
240 230 8:1 / /srv/music rw master:2 - ext4 /dev/sdb1 rw
250 230 0:40 /srv/drop /srv/drop rw master:1 - ext4 /dev/vda rw
260 240 8:1 /stems\\040two /srv/music/stems\\040two rw master:2 - ext4 /dev/sdb1 rw
270 240 8:1 /old /srv/music/other rw master:2 - ext4 /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("path", "point"),
    [
        ("/srv/drop/a", "/"),
        ("/srv/music/stems two/a", "/srv/music"),
        ("/srv/music/other", "/srv/music/other"),
        ("/srv/music/x", "/srv/music"),
    ],
)
def test_what_is_mounted_on_itself_is_no_disk(path, point):
    """A unit of systemd has the places that it may write in so; a disk that is away would pass for one."""
    assert mounts.mount_of(Path(path), table=UNIT).point == point
    assert [each.point for each in mounts.mounts_below(Path("/srv/drop"), table=UNIT)] == []


def test_a_table_that_says_nothing_is_unknown():
    """Then folders are polled."""
    assert mounts.needs_polling(mounts.file_system(Path("/x"), table=""))


def test_this_machines_own_table_is_understood():
    """Whatever is mounted here, /proc is."""
    assert mounts.file_system(Path("/proc/self")) == "proc"


@pytest.mark.parametrize("fs_type", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone", "ceph"])
def test_network_file_systems_are_known(fs_type):
    """No state file there, and no trust in events."""
    assert (mounts.is_network(fs_type), mounts.needs_polling(fs_type)) == (True, True)


@pytest.mark.parametrize("fs_type", ["overlay", "fuse.mergerfs", "fuse", "unknown"])
def test_what_can_be_written_past_the_kernel_is_polled(fs_type):
    """A layer, or a program in between: local enough for a state file, too deep for events."""
    assert (mounts.is_network(fs_type), mounts.needs_polling(fs_type)) == (False, True)


@pytest.mark.parametrize("fs_type", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "fuseblk", "exfat", "bcachefs"])
def test_local_file_systems_give_events(fs_type):
    """NTFS and exFAT disks of this machine too."""
    assert (mounts.is_network(fs_type), mounts.needs_polling(fs_type)) == (False, False)


def test_mounts_below_a_folder_are_found_with_what_they_are():
    """Not the folder's own, nor those beside it."""
    below = mounts.mounts_below(Path("/mnt"), table=TABLE)

    assert [mount.point for mount in below] == sorted(mount.point for mount in below)
    assert ("/mnt/nas", "nfs4") in [(mount.point, mount.fs_type) for mount in below]
    assert "/mnt" not in [mount.point for mount in below]
    assert mounts.mounts_below(Path("/elsewhere"), table=TABLE) == ()


@pytest.mark.parametrize(
    ("fs_type", "keeps_times", "makes_holes"),
    [
        ("ext4", True, False),
        ("xfs", True, False),
        ("zfs", True, True),
        ("nfs4", True, True),
        ("cifs", True, True),
        ("fuse.rclone", False, True),
        ("overlay", False, True),
        ("unknown", False, True),
    ],
)
def test_what_a_file_system_says_is_believed_as_far_as_it_goes(fs_type, keeps_times, makes_holes):
    """Of directories' times, and of holes in files."""
    assert (mounts.keeps_times(fs_type), mounts.makes_holes(fs_type)) == (keeps_times, makes_holes)
