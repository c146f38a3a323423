"""Which folders can really be seen, and how: by events, by looking through them ever less often, or not at all.

A folder that events do not tell everything of is looked through every half minute. Where nothing comes the looks grow
rarer, up to `schedule.rescan`, so that a network and a disk can rest; with the first file that comes they are frequent
again. Of a folder with a share mounted below it, only that part is looked through.

What is known of each folder is written down for `status`. The surprise: when something last happened is written only
along with something that changed, or once an hour, for a daemon that has nothing to do should wake up no disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvsep_watch.daemon import told
from mvsep_watch.daemon.candidates import Candidates
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.disposing import Disposing
from mvsep_watch.daemon.inbox import Heard, HeardFolder, Trouble
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.files.mounts import keeps_times
from mvsep_watch.model import Folder
from mvsep_watch.naming import escape_path
from mvsep_watch.watcher import FolderHealth
from mvsep_watch.watcher import Trouble as Deaf

POLL_EVERY_S = 30.0
"""How often a folder is looked through that events do not tell everything of, while something comes."""
GROWTH = 2.0
WRITTEN_EVERY_S = 3600.0
_UNHEARD = frozenset({Deaf.LIMIT, Deaf.INSTANCES, Deaf.GONE, Deaf.BROKEN})
_PASSING = frozenset({Deaf.OVERFLOW, Deaf.REPLACED})


@dataclass(slots=True)
class View:
    """How one folder is seen.

    Args:
        heard: What hearing it says; None before it said anything.
        every_s: How long until it is looked through again, and at least as long as something comes.
        due_s: When that is, monotonic.
    """

    heard: HeardFolder
    every_s: float
    due_s: float
    news_s: float
    trouble: str = ""
    hint: str = ""

    @property
    def is_looked_through(self) -> bool:
        """Whether all of it must be looked through, because not everything there is heard."""
        return self.heard.is_polled or self.trouble in _UNHEARD


class Sight:
    """The desk that keeps looking where nothing is heard, and says how well everything is seen."""

    def __init__(self, context: Context, *, scans: Scans, candidates: Candidates, disposing: Disposing) -> None:
        self._context = context
        self._scans = scans
        self._candidates = candidates
        self._disposing = disposing
        self._views: dict[str, View] = {}
        self._written: tuple[object, object] = ({}, {})
        self._written_s = float("-inf")

    def heard(self, message: Heard) -> None:
        """Take how well each folder is heard."""
        now_s, before = self._context.clock.monotonic(), self._views
        self._views = {name: self._view(before.get(name), heard, now_s) for name, heard in message.folders.items()}

    def _view(self, before: View | None, heard: HeardFolder, now_s: float) -> View:
        if before is None or _polls(before.heard) != _polls(heard):
            every_s = self._soonest_s
            before = View(heard=heard, every_s=every_s, due_s=now_s + every_s, news_s=now_s)
        before.heard = heard
        lasting = heard.health.trouble if heard.health else None
        before.trouble, before.hint = (str(lasting), heard.hint) if lasting else ("", "")
        return before

    def deaf(self, message: Trouble) -> None:
        """Take note of a trouble with hearing, and look until all is well again."""
        view = self._views.get(message.folder)
        if view is None or message.reason in _PASSING:
            return
        view.trouble, view.hint = message.reason, message.hint
        view.every_s = self._soonest_s
        view.due_s = min(view.due_s, self._context.clock.monotonic() + view.every_s)

    @property
    def healths(self) -> dict[str, FolderHealth]:
        """How well the folders are heard that are listened to, by name."""
        return {name: health for name, view in self._views.items() if (health := view.heard.health)}

    @property
    def deaf_folders(self) -> dict[str, str]:
        """The folders whose events are heard no more because of a bug, by name, with the words for it."""
        return {name: _words(view.trouble) for name, view in self._views.items() if view.trouble == Deaf.BROKEN}

    @property
    def _soonest_s(self) -> float:
        return min(POLL_EVERY_S, self._context.config.rescan_s)

    def work(self) -> None:
        """Have looked through what is due."""
        if self._context.stopping:
            return
        for name, view in self._views.items():
            folder = self._context.config.folder(name)
            if folder is not None:
                self._look(folder, view)
        self._write()

    def _look(self, folder: Folder, view: View) -> None:
        now_s = self._context.clock.monotonic()
        if (news_s := self._candidates.news_s.get(folder.name, view.news_s)) > view.news_s:
            view.news_s, view.every_s = news_s, self._soonest_s
            view.due_s = min(view.due_s, now_s + view.every_s)
        is_all = view.is_looked_through or folder.name in self._scans.troubled_folders
        if now_s < view.due_s or not (is_all or view.heard.parts):
            return
        parts = () if is_all else tuple(Path(part) for part, _ in view.heard.parts)
        types = [view.heard.mount.fs_type, *(mount.fs_type for _, mount in view.heard.parts)]
        self._scans.want_look(folder.name, parts=parts, passes_by=all(map(keeps_times, types)))
        view.due_s = now_s + view.every_s
        view.every_s = min(view.every_s * GROWTH, max(self._context.config.rescan_s, self._soonest_s))

    def _write(self) -> None:
        """Write down what `status` says, if it changed; the times in it only once in a while."""
        lasting = {name: self._lasting(name, view) for name, view in self._views.items()}
        waiting = self._candidates.waits_long | self._disposing.waits_long
        now_s, now = self._context.clock.monotonic(), self._context.clock.now()
        if not lasting or ((lasting, waiting) == self._written and now_s - self._written_s < WRITTEN_EVERY_S):
            return
        self._written, self._written_s = (lasting, waiting), now_s
        folders = {name: said | self._passing(name, self._views[name], now, now_s) for name, said in lasting.items()}
        waits = [
            {"path": escape_path(Path(path)), "reason": reason, "since": now - (now_s - since_s)}
            for path, (reason, since_s) in waiting.items()
        ]
        told.tell_sight(self._context.store.memory, {"as_of": now, "folders": folders, "waiting": waits})

    def _lasting(self, name: str, view: View) -> dict[str, Any]:
        health, mount = view.heard.health, view.heard.mount
        wrong = self._scans.troubled_folders.get(name, "")
        return {
            "file_system": mount.fs_type,
            "mounted": {"at": escape_path(Path(mount.point)), "what": mount.source},
            "seen_by": "scans" if view.is_looked_through else "events and scans" if view.heard.parts else "events",
            "scanned_parts": []
            if view.is_looked_through
            else [escape_path(Path(part)) for part, _ in view.heard.parts],
            "watches": health.watches if health else 0,
            "refused_watches": health.refused_watches if health else 0,
            "overflows": health.overflows if health else 0,
            "trouble": "; ".join(filter(None, [_words(view.trouble), wrong])),
            "hint": view.hint,
        }

    def _passing(self, name: str, view: View, now: float, now_s: float) -> dict[str, Any]:
        heard_s = view.heard.health.last_event_s if view.heard.health else None
        looked_s = self._scans.looked_s.get(name)
        return {
            "scanned_every_s": view.every_s
            if view.is_looked_through or view.heard.parts
            else self._context.config.rescan_s,
            "last_event_at": None if heard_s is None else now - (now_s - heard_s),
            "last_scan_at": None if looked_s is None else now - (now_s - looked_s),
        }


def _polls(heard: HeardFolder) -> tuple[object, ...]:
    return (heard.is_polled, heard.parts)


def _words(trouble: str) -> str:
    return _TROUBLE.get(trouble, trouble)


_TROUBLE: Mapping[str, str] = {
    Deaf.LIMIT: "the kernel refuses to watch a part of it: too many watches",
    Deaf.INSTANCES: "the kernel refuses to be listened to: too many inotify instances",
    Deaf.UNREADABLE: "a part of it may not be watched",
    Deaf.GONE: "it is not there",
    Deaf.BROKEN: "hearing it ran into a bug",
}
