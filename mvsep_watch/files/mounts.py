"""Which file system a path lies on, and what that means for events and for the state file. Reads the mount table only.

Decided by type and never by a trial: a probe file written on this machine does fire an event on NFS, while a file
that another machine writes never does. Overlays count as needing polls, because what is written to a layer directly
is listed but not announced.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

MOUNT_TABLE = Path("/proc/self/mountinfo")
UNKNOWN = "unknown"

_NETWORK = re.compile(
    r"nfs4?|cifs|smb[23]|smbfs|ncpfs|9p|afs|coda|ceph|glusterfs|lustre|gpfs|beegfs|orangefs|pvfs2|ocfs2|gfs2|davfs|panfs"
    r"|virtiofs|vboxsf|vmhgfs|prl_fs"
    r"|fuse\.(sshfs|rclone|glusterfs|s3fs|s3ql|cephfs|ceph-fuse|davfs2?|curlftpfs|gcsfuse|goofys|mountpoint-s3|blobfuse2?"
    r"|juicefs|seaweedfs|moosefs|mfs|lizardfs|smbnetfs|vmhgfs-fuse|google-drive-ocamlfuse|onedriver|gvfsd-fuse)"
)
"""Where another machine (or a host, for its guests) can write without this kernel's knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """What a path lies on.

    Args:
        point: Where it is mounted; empty where the mount table cannot be read.
        fs_type: The kernel's word (`ext4`, `nfs4`, `fuse.sshfs`), or `unknown`.
        source: What is mounted there (`/dev/sda1`, `nas:/music`), as far as the kernel names it.
    """

    point: str = ""
    fs_type: str = UNKNOWN
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MountNote:
    """What is remembered of where a folder lay; each kind of folder adds what tells it from others.

    Args:
        point: Where what it lay on was mounted; empty where that could not be known.
        fs_type: The type of that file system.
    """

    point: str
    fs_type: str

    def text(self) -> str:
        """Give it as it is remembered."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read what `text` gave; None for anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None


def file_system(path: Path, *, table: str | None = None) -> str:
    """Name the type of the file system that a path lies on, or would lie on; `unknown` where it cannot be known."""
    return mount_of(path, table=table).fs_type


def mount_of(path: Path, *, table: str | None = None) -> Mount:
    """Find the mount that a path lies on, or would lie on.

    `table` is the text of a mount table, by default this process's own.
    """
    real = Path(os.path.realpath(path))
    with contextlib.suppress(OSError):
        real.stat()  # an automounter mounts at the first look
    return _deepest(real, _table() if table is None else table)


def mounts_below(path: Path, *, table: str | None = None) -> tuple[Mount, ...]:
    """Give what is mounted below a path, the topmost at each point, in the order of their points."""
    real = Path(os.path.realpath(path))
    found = {
        mount.point: mount
        for mount in _mounts(_table() if table is None else table)
        if Path(mount.point) != real and Path(mount.point).is_relative_to(real)
    }
    return tuple(found[point] for point in sorted(found))


def is_network(fs_type: str) -> bool:
    """Say whether others can write to it past this kernel: no events from there, and no place for a state file."""
    return _NETWORK.fullmatch(fs_type) is not None


def needs_polling(fs_type: str) -> bool:
    """Say whether events cannot be relied on: network file systems, anything in user space, overlays."""
    return is_network(fs_type) or fs_type in {"overlay", "aufs", "fuse", UNKNOWN} or fs_type.startswith("fuse.")


def keeps_times(fs_type: str) -> bool:
    """Say whether a directory's time of change tells that a name came or went, whoever brought or took it.

    File systems in user space often make these times up, and a layer that is written directly changes none of the
    overlay's.
    """
    return not needs_polling(fs_type) or (is_network(fs_type) and not fs_type.startswith("fuse."))


def makes_holes(fs_type: str) -> bool:
    """Say whether holes in a file may be the file system's own way of keeping zeros: silence, not what is missing."""
    return fs_type == "zfs" or needs_polling(fs_type)


def takes_any_name(fs_type: str) -> bool:
    """Say whether names may hold what Linux allows; Windows' file systems refuse some, or cannot read them there."""
    return fs_type not in {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk"}


def _table() -> str:
    try:
        return MOUNT_TABLE.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _mounts(table: str) -> Iterator[Mount]:
    """Read a mount table, without what is mounted on itself.

    So a unit of systemd gets the places that it may write in (`ReadWritePaths=`). They are no disks of their own: with
    their disk away, what is below its mount point would be mounted on itself just so, and pass for it.
    Source: proc_pid_mountinfo(5), 2024.
    """
    above: dict[str, tuple[str, str, str]] = {}
    for line in table.splitlines():
        fields, _, rest = line.partition(" - ")
        number, parent, device, root, point, *_ = fields.split(" ")
        fs_type, source, *_ = [*rest.split(" "), ""]
        root, point = _unescaped(root), _unescaped(point)
        above[number] = (device, root, point)
        if not _is_on_itself(device, root, point, above.get(parent)):
            yield Mount(point=point, fs_type=fs_type, source=_unescaped(source))


def _is_on_itself(device: str, root: str, point: str, parent: tuple[str, str, str] | None) -> bool:
    """Say whether a mount shows what was at its point anyway; `root`: what of the device it shows."""
    if parent is None:
        return False
    parents_device, parents_root, parents_point = parent
    inside = os.path.relpath(point, parents_point)
    return device == parents_device and Path(root) == Path(parents_root) / inside


def _deepest(path: Path, table: str) -> Mount:
    """Find the longest mount point above a path; of several at one point the last is on top."""
    found, depth = Mount(), 0
    for mount in _mounts(table):
        point = Path(mount.point)
        if len(point.parts) >= depth and path.is_relative_to(point):
            found, depth = mount, len(point.parts)
    return found


def _unescaped(field: str) -> str:
    """Undo the table's octal escapes of space, tab, newline and backslash, byte by byte."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), os.fsencode(field)))
