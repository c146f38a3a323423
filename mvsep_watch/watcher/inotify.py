"""Overhears what passes between watchdog and the kernel, so that nothing of it is lost in silence.

watchdog 7.1 keeps watches on a tree and turns the kernel's records into events. What it does not tell is told here, to
a `Listener`: a directory that the kernel refused to watch, records that the kernel dropped, a bug in its book-keeping
(which would end the one thread that reads for all folders), and that a folder's thread has ended by itself. Two things
are put right. Of a directory that was moved out of the tree and came back, watchdog keeps the former name beside the
new one, and calls it by the former again when what was above it there is renamed. And of two directories that swap
their names it would call both by wrong ones from then on: the kernel tells of a swap as of two moves in a row.

One `InotifyFD` serves all folders, since a user has no more than 128 of them by default. The surprise: a `Line` sits in
the place of that `InotifyFD`, one for each folder, and hands itself on as the callback; so both directions pass through
it. No dispatcher of watchdog's is used, for a handler that raises ends it: a folder's thread calls its listener itself.
"""

from __future__ import annotations

import errno
import itertools
import os
from typing import Protocol, cast

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
)
from watchdog.observers.api import EventQueue, ObservedWatch
from watchdog.observers.inotify import InotifyEmitter, InotifyWatchGroup
from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchCallback, WatchDescriptor

HEARD = (FileCreatedEvent, FileClosedEvent, FileMovedEvent, DirCreatedEvent, DirMovedEvent)
"""No writes: a long copy makes a storm of them, its creation and closing are heard, and settling looks for itself."""

_REFUSED = WatchDescriptor(-1)
_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

_callback_ids = itertools.count(1)


class Listener(Protocol):
    """What a folder wants to hear. Called from several threads; nothing here may raise or wait."""

    def heard(self, path: str) -> None:
        """A file was created, moved here or closed after writing, or a directory came."""

    def refused(self, path: bytes, error: OSError) -> None:
        """The kernel does not watch this directory."""

    def overflowed(self) -> None:
        """The kernel dropped records."""

    def swapped(self) -> None:
        """Directories have changed places; the tree is watched anew, and records may have been lost."""

    def broke(self) -> None:
        """Called in an `except` block: a bug, here or in watchdog; records may have been lost."""

    def ended(self) -> None:
        """Nothing more will be heard, and nobody asked for that: the root is gone, or a bug."""


class Line:
    """Stands between one folder's watches and the kernel: an `InotifyFD` to the one, a callback to the other."""

    def __init__(self, kernel: InotifyFD, listener: Listener) -> None:
        self._kernel = kernel
        self._listener = listener
        self._watches: WatchCallback | None = None
        self._ids: dict[WatchDescriptor, CallbackId] = {}

    def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, _id: CallbackId) -> WatchDescriptor:
        """Watch a directory, or say that it was refused.

        Each call has an id of its own: watchdog warns when one comes twice, and for `mkdir -p` it always does.
        """
        self._watches = callback
        callback_id = CallbackId(next(_callback_ids))
        try:
            wd = self._kernel.add_callback(path, mask, self, callback_id)
            if wd == _REFUSED:  # watchdog 7.1 takes "permission denied" for a watch
                self._kernel.remove_callbacks([(wd, callback_id)])
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        except OSError as error:
            if error.errno not in _VANISHED:
                self._listener.refused(path, error)
            raise
        if wd in self._ids:
            self._kernel.remove_callbacks([(wd, callback_id)])
        else:
            self._ids[wd] = callback_id
        return wd

    @property
    def watches(self) -> int:
        """How many directories are watched."""
        return len(self._ids)

    def remove_callbacks(self, callbacks: list[tuple[WatchDescriptor, CallbackId]]) -> None:
        """Watch directories no more."""
        known = [(wd, self._ids.pop(wd)) for wd, _ in callbacks if wd in self._ids]
        self._kernel.remove_callbacks(known)

    def on_event(self, event: InotifyEvent) -> None:
        """Pass a record on."""
        try:
            if event.is_directory and (event.is_moved_to or event.is_create):
                _forget_former_names(self._target)
            if event.is_directory and event.is_moved_to and _is_taken(self._target, event):
                self._target.on_queue_overflow()  # it watches the tree anew, by the names that are there
                self._listener.swapped()
                return
            self._target.on_event(event)
        except Exception:  # noqa: BLE001 - whatever it is, the thread reads for all folders
            self._listener.broke()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Pass on that a watched directory is gone."""
        self._ids.pop(wd, None)
        try:
            self._target.on_watch_deleted(wd)
        except Exception:  # noqa: BLE001 - as above
            self._listener.broke()

    def on_queue_overflow(self) -> None:
        """Pass on that records were dropped; watchdog then watches the tree anew."""
        try:
            self._target.on_queue_overflow()
        except Exception:  # noqa: BLE001 - as above
            self._listener.broke()
        self._listener.overflowed()

    @property
    def _target(self) -> WatchCallback:
        assert self._watches is not None, "records come for what was asked for"
        return self._watches


def _forget_former_names(group: WatchCallback) -> None:
    """Have watchdog know each watched directory by the one name that it has; where two had one, the later keeps it."""
    if not isinstance(group, InotifyWatchGroup):
        return
    with group._lock:  # noqa: SLF001 - watchdog has no way to be told, here and below
        names, watches = group._active_callbacks_by_watch, group._active_callbacks_by_path  # noqa: SLF001
        former = [path for path, wd in watches.items() if names.get(wd) != path]
        for path in former:
            del watches[path]
        if former:
            watches.update((path, wd) for wd, path in names.items() if path not in watches)


def _is_taken(group: WatchCallback, event: InotifyEvent) -> bool:
    """Say whether a directory came to a name by which another is watched: they swap, or the other is gone just now."""
    if not isinstance(group, InotifyWatchGroup):
        return False
    with group._lock:  # noqa: SLF001 - as above
        above = group._active_callbacks_by_watch.get(event.wd)  # noqa: SLF001
        return above is not None and os.path.join(above, event.name) in group._active_callbacks_by_path  # noqa: PTH118, SLF001


class Ear(InotifyEmitter):
    """One folder's thread: turns records into paths for its listener.

    Args:
        kernel: A running `InotifyFD`.
        path: The root; absolute, and no symbolic link.
        recursive: Whether sub-directories are heard too.
        listener: Who is told.
    """

    def __init__(self, kernel: InotifyFD, path: str, *, recursive: bool, listener: Listener) -> None:
        self._listener = listener
        self._is_dismissed = False
        self.line = Line(kernel, listener)
        super().__init__(
            EventQueue(),
            ObservedWatch(path, recursive=recursive),
            event_filter=list[type[FileSystemEvent]](HEARD),
            inotify_fd=cast("InotifyFD", self.line),
        )

    def queue_event(self, event: FileSystemEvent) -> None:
        """Tell the listener, at once and from this thread."""
        if isinstance(event, HEARD):
            self._listener.heard(os.fsdecode(event.dest_path or event.src_path))

    def run(self) -> None:
        """Read until dismissed; say so when it ends otherwise."""
        try:
            super().run()
        except Exception:  # noqa: BLE001 - a thread that dies must not do so in silence
            self._listener.broke()
        if not self._is_dismissed:
            self._listener.ended()

    def dismiss(self) -> None:
        """Hear nothing more, and wait for the thread."""
        self._is_dismissed = True
        self.stop()
        if self.is_alive():
            self.join()
