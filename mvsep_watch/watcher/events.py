"""Hears of changes in the watched folders; posts paths, and trouble with hearing.

An event is a hint: its path is posted, nothing is looked at, nothing is decided. Whatever makes hearing incomplete is
posted as trouble, and then the folder needs a scan:

    overflow     the kernel dropped events
    limit        the kernel refused watches: a part of the tree, or all of it, is not heard
    instances    the kernel refused to be listened to at all
    unreadable   directories could not be watched
    gone         the root is missing
    replaced     the root, or a part of it, is another directory than it was, or is back: heard from here on
    broken       a bug, in what was called or in watchdog

The surprise: inotify follows a directory, not a path. A root that was moved away is followed to wherever it went, one
that was mounted over is listened to below the mount, and neither makes an event, nor does a mount deeper down; so
`check` compares, before every full scan, the root that is heard with the root that is there. Nor is a thread that is
alive one that hears: `check` feels its pulse.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog
from watchdog.observers.inotify_c import InotifyFD

from mvsep_watch.model import Folder
from mvsep_watch.naming import NEW_NOTE_NAME, NOTE_SUFFIX
from mvsep_watch.watcher.inotify import Ear
from mvsep_watch.watcher.pulse import Pulse

log = structlog.get_logger()

OnPath = Callable[[str, str], None]
OnTrouble = Callable[[str, str], None]

_LIMITS = {
    errno.ENOSPC: "limit",
    errno.ENOMEM: "limit",
    errno.EMFILE: "instances",
    errno.ENFILE: "instances",
}
_JOINED_S = 2.0
"""A thread that does not read does not end either; it is left behind."""


class Trouble(StrEnum):
    """Why a folder needs a scan, and perhaps more of them."""

    OVERFLOW = "overflow"
    LIMIT = "limit"
    INSTANCES = "instances"
    UNREADABLE = "unreadable"
    GONE = "gone"
    REPLACED = "replaced"
    BROKEN = "broken"


class Mode(StrEnum):
    """How a folder is really seen."""

    EVENTS = "events"
    POLLING = "polling"
    """Events do not come, or not from everywhere: only scans find everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderHealth:
    """How well a folder is heard.

    Args:
        alive: Whether its events are read at all.
        last_event_s: When the last one came, seconds on `time.monotonic`; None before the first.
        watches: How many of its directories are watched.
        refused_watches: How many of its directories are not watched.
        overflows: How often the kernel dropped events.
        trouble: The trouble that lasts, if any.
    """

    mode: Mode
    alive: bool
    last_event_s: float | None = None
    watches: int = 0
    refused_watches: int = 0
    overflows: int = 0
    trouble: Trouble | None = None


class Watcher:
    """Watches folders until told to stop. Its methods belong to one thread; the callbacks come from any.

    Args:
        on_path: Takes a folder's name and a path: a file that came or changed, or a directory to be looked through. It
            must not wait for the thread that calls `stop`.
        on_trouble: Takes a folder's name and a `Trouble`; the folder needs a scan.
    """

    def __init__(self, on_path: OnPath, on_trouble: OnTrouble) -> None:
        self._on_path = on_path
        self._on_trouble = on_trouble
        self._watched: dict[str, _Watched] = {}
        self._kernel: InotifyFD | None = None
        self._pulse: Pulse | None = None

    def watch(self, folder: Folder) -> None:
        """Begin to hear a folder; what cannot be heard yet is tried again by `check`."""
        self.unwatch(folder.name)
        watched = self._watched[folder.name] = _Watched(folder, self._on_path, self._on_trouble)
        self._listen(watched)

    def unwatch(self, folder_name: str) -> None:
        """Hear a folder no more."""
        if watched := self._watched.pop(folder_name, None):
            watched.deafen()

    def stop(self) -> None:
        """Hear nothing more, and wait for the threads."""
        for name in list(self._watched):
            self.unwatch(name)
        self._close_kernel()

    def check(self) -> None:
        """Hear again what is not heard, or not rightly; to be called before every full scan.

        A folder that is heard from here on only is posted as `replaced`.
        """
        if self._kernel is not None and not self._is_read(self._kernel):
            for watched in self._watched.values():
                watched.deafen()
            self._close_kernel()
        for watched in self._watched.values():
            self._check(watched)

    def health(self) -> dict[str, FolderHealth]:
        """Say of each folder how well it is heard."""
        return {name: watched.health() for name, watched in self._watched.items()}

    def _is_read(self, kernel: InotifyFD) -> bool:
        return kernel.is_alive() and (self._pulse is None or self._pulse.beats())

    def _check(self, watched: _Watched) -> None:
        try:
            there = _root(watched.path)
        except (FileNotFoundError, NotADirectoryError):
            watched.deafen()
            watched.note(Trouble.GONE)
        except OSError:
            return  # it is there and says no: the scan will say so too
        else:
            self._hear_again(watched, there)

    def _hear_again(self, watched: _Watched, there: _Root) -> None:
        is_other = not watched.is_alive or watched.root != there
        if is_other or watched.trouble is not None:
            watched.deafen()
            self._listen(watched)
        if is_other and watched.is_alive:
            watched.post(Trouble.REPLACED)

    def _listen(self, watched: _Watched) -> None:
        try:
            watched.listen(self._open_kernel())
        except (FileNotFoundError, NotADirectoryError):
            watched.note(Trouble.GONE)
        except OSError as error:
            watched.note(_trouble(error))

    def _open_kernel(self) -> InotifyFD:
        if self._kernel is None:
            self._kernel = InotifyFD()
            self._kernel.start()
            with contextlib.suppress(OSError):  # where not even one watch is left the folders will say so
                self._pulse = Pulse(self._kernel)
        return self._kernel

    def _close_kernel(self) -> None:
        kernel, self._kernel, self._pulse = self._kernel, None, None
        if kernel is not None:
            kernel.stop()
            kernel.join(_JOINED_S)


@dataclass(frozen=True, slots=True)
class _Root:
    """Which directory a path means just now, and what is mounted on it and below."""

    device: int
    inode: int
    mount: str
    mounts_below: frozenset[str]


class _Watched:
    """One folder and what is known of hearing it. The callbacks of `Listener` never raise."""

    def __init__(self, folder: Folder, on_path: OnPath, on_trouble: OnTrouble) -> None:
        self.path = os.fspath(folder.path)
        self.root: _Root | None = None
        self.trouble: Trouble | None = None
        self._folder = folder
        self._on_path = on_path
        self._on_trouble = on_trouble
        self._ear: Ear | None = None
        self._last_event_s: float | None = None
        self._refused: dict[bytes, Trouble] = {}
        self._posted: set[Trouble] = set()
        self._overflows = 0

    @property
    def is_alive(self) -> bool:
        return self._ear is not None and self._ear.is_alive() and self._ear.should_keep_running()

    def listen(self, kernel: InotifyFD) -> None:
        """Begin to hear; a trouble that lasts is posted once only, however often this is tried."""
        self._refused = {}
        self.root = _root(self.path)
        ear = Ear(kernel, self.path, recursive=self._folder.recursive, listener=self)
        ear.start()
        self._ear = ear
        if not self._refused:
            self.trouble = None
            self._posted = set()

    def deafen(self) -> None:
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.dismiss()

    def health(self) -> FolderHealth:
        is_complete = self.is_alive and not {Trouble.LIMIT, Trouble.INSTANCES} & set(self._refused.values())
        return FolderHealth(
            mode=Mode.EVENTS if is_complete else Mode.POLLING,
            alive=self.is_alive,
            last_event_s=self._last_event_s,
            watches=self._ear.line.watches if self._ear else 0,
            refused_watches=len(self._refused),
            overflows=self._overflows,
            trouble=self.trouble,
        )

    def heard(self, path: str) -> None:
        if path.endswith((NOTE_SUFFIX, NEW_NOTE_NAME)):  # ours: it would wake the daemon that wrote it
            return
        self._last_event_s = time.monotonic()
        try:
            self._on_path(self._folder.name, path)
        except Exception:  # noqa: BLE001 - it would end the thread that hears this folder
            self.broke()

    def refused(self, path: bytes, error: OSError) -> None:
        self._refused[path] = _trouble(error)
        self.note(_trouble(error))

    def overflowed(self) -> None:
        self._overflows += 1
        self.post(Trouble.OVERFLOW)

    def swapped(self) -> None:
        self.post(Trouble.REPLACED)

    def broke(self) -> None:
        log.error("watching_failed", folder=self._folder.name, exc_info=True)  # noqa: LOG014 - called where one is caught
        self.trouble = Trouble.BROKEN
        self.post(Trouble.BROKEN)

    def ended(self) -> None:
        if self.trouble is not Trouble.BROKEN:
            self.note(Trouble.GONE)

    def note(self, trouble: Trouble) -> None:
        """Remember a trouble that lasts, and post it once until all is well again."""
        self.trouble = trouble
        if trouble not in self._posted:
            self._posted.add(trouble)
            self.post(trouble)

    def post(self, trouble: Trouble) -> None:
        try:
            self._on_trouble(self._folder.name, trouble)
        except Exception:
            log.exception("watching_failed", folder=self._folder.name)


def _root(path: str) -> _Root:
    """Say which directory a path means; the mount tells a bind mount from what it covers.

    Source: proc_pid_fdinfo(5), `mnt_id`.
    """
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        stat = os.fstat(descriptor)
        lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii").splitlines()
        mount = next((line for line in lines if line.startswith("mnt_id:")), "")
    finally:
        os.close(descriptor)
    return _Root(device=stat.st_dev, inode=stat.st_ino, mount=mount, mounts_below=_mounts_below(path))


def _mounts_below(path: str) -> frozenset[str]:
    """Give the numbers of the mounts below a path. Source: proc_pid_mountinfo(5)."""
    around = os.fsencode(os.path.join(os.path.realpath(path), ""))  # noqa: PTH118 - one more for every root but "/"
    for byte in b"\\ \t\n":
        around = around.replace(bytes([byte]), b"\\%03o" % byte)
    lines = (line.split(b" ", 5) for line in Path("/proc/self/mountinfo").read_bytes().splitlines())
    return frozenset(os.fsdecode(fields[0]) for fields in lines if fields[4].startswith(around))


def _trouble(error: OSError) -> Trouble:
    return Trouble(_LIMITS.get(error.errno or 0, "unreadable"))
