"""From a path to a file that has settled: what comes in becomes a candidate, and is looked at until it has.

Event, scan and start all take this one road. What a rescan finds and the store knows is not even a candidate. A batch
is what one scan of one folder, or one rescan interval of events, adds; while a scan's files are still being counted
their folder starts nothing, so that the sum is known before the first of them is paid for.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from mvsep_watch import settle
from mvsep_watch.daemon.candidate import Candidate
from mvsep_watch.daemon.candidates import Candidates
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.counting import Counting
from mvsep_watch.daemon.identifying import Identifying
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.queueing import relative_to
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.errors import (
    SourceChangedError,
    SourceRefusedError,
)
from mvsep_watch.model import FileStat, Folder
from mvsep_watch.planner import by_name
from mvsep_watch.retry import words
from mvsep_watch.steps.looking import IsFolder
from mvsep_watch.steps.reading import Look, LookAt
from mvsep_watch.wanted import wanted

LOOKED_AT_ONCE = 200
"""Candidates per look: small enough that a slow share answers for a few at a time."""
RESCAN_AFTER_FOLDER_EVENT_S = 1.0
"""A folder that was moved in is scanned after its events have calmed down."""


class Intake:
    """The desk where paths come in."""

    def __init__(
        self,
        context: Context,
        *,
        candidates: Candidates,
        identifying: Identifying,
        looking: Looking,
        scans: Scans,
        counting: Counting,
    ) -> None:
        self._context = context
        self._candidates = candidates
        self._identifying = identifying
        self._looking = looking
        self._scans = scans
        self._counting = counting
        self._numbers = itertools.count()

    @property
    def is_idle(self) -> bool:
        """True while no scan is counted, and no file is looked at of which anything may come soon."""
        now_s = self._context.clock.monotonic()
        waits = any(not candidate.is_stalled(now_s) for _, candidate in self._candidates.all())
        return not (waits or self._counting) and self._identifying.is_idle

    def touched(self, folder_name: str, path: str) -> None:
        """Take note that something happened to a path."""
        folder = self._context.config.folder(folder_name)
        if folder is None:
            return
        if candidate := self._candidates.get(path):
            if candidate.seen is None:
                candidate.due_s = self._context.clock.monotonic()
        elif wanted(folder, relative_to(folder, path)):
            self._candidates.add(path, folder, counted_in=None)
        elif "." not in os.path.basename(path):  # noqa: PTH119 - any bytes, no Path
            self._scans.want_scan(folder_name, in_s=RESCAN_AFTER_FOLDER_EVENT_S)
        else:
            self._looking.want(IsFolder(Path(path)), partial(self._scan_with, folder_name))

    def _scan_with(self, folder_name: str, is_folder: object) -> None:
        """Scan a folder in which another has come: files may have come with it that no event tells of."""
        if is_folder is True:
            self._scans.want_scan(folder_name, in_s=RESCAN_AFTER_FOLDER_EVENT_S)

    def reloaded(self) -> None:
        """After another configuration: go on with the candidates that a rule still wants, and forget the others."""
        for path, candidate in list(self._candidates.all()):
            if folder := self._candidates.folder_of(path, candidate):
                candidate.folder = folder
            else:
                self._candidates.forget(path)
        self._counting.close()

    def found(self, folder_name: str, files: Sequence[tuple[str, FileStat]]) -> None:
        """Take a chunk of a scan: what the store does not know becomes a candidate."""
        folder = self._context.config.folder(folder_name)
        if folder is None or self._scans.is_outdated(folder_name):
            return
        store = self._context.store
        changed = set(store.sources.changed(files))
        if not changed:
            return
        if self._skips_existing(folder):
            self._skip([(path, stat) for path, stat in files if path in changed], folder)
            return
        news = [(path, stat) for path, stat in files if path in changed and path not in self._candidates]
        for path, stat in sorted(news, key=lambda file: by_name(relative_to(folder, file[0]))):
            self._candidates.add(path, folder, counted_in=folder.name, stat=stat)

    def work(self) -> None:
        """Hand out the looks that are due."""
        if not self._context.stopping:
            self._start_looks()

    def next_due_s(self) -> float | None:
        """Say when a candidate is due next, monotonic."""
        return min((candidate.due_s for _, candidate in self._candidates.all() if not candidate.is_busy), default=None)

    def looked(self, step: LookAt, looks: Sequence[Look] | None, error: Exception | None) -> None:
        """Take what candidates look like now."""
        if looks is None and error is not None:
            self._context.log.error("bug_met", files=len(step.paths), error=repr(error), exc_info=error)
        for path in step.paths:
            if candidate := self._candidates.get(path):
                candidate.is_busy = False
                if looks is None and error is not None:
                    self._candidates.in_trouble(path, candidate, words(error)[0])
        for look in looks or ():
            if candidate := self._candidates.get(look.path):
                self._observe(look, candidate)
        self._counting.close()

    def _observe(self, look: Look, candidate: Candidate) -> None:
        if look.stat is None:
            self._not_there(look, candidate)
            return
        now_s, is_new = self._context.clock.monotonic(), candidate.seen is None
        candidate.seen, decision = settle.observe(
            candidate.seen,
            look.stat,
            now_s=now_s,
            settle_s=candidate.folder.settle_s,
            earned_s=self._candidates.earned_s(look.path, look.stat) if is_new and not candidate.one_offs else 0.0,
            held_open=look.held_open,
            has_holes=look.has_holes and not candidate.one_offs,
        )
        match decision:
            case settle.Stable():
                self._identifying.settled(look.path, candidate, look.stat)
            case settle.Wait(until_s=until_s, reason=reason):
                candidate.due_s, candidate.reason = until_s, str(reason)
                self._candidates.tell_waits(look.path, candidate)
                if candidate.takes_its_time or (
                    reason != settle.WaitReason.SETTLING and now_s > candidate.seen.first_seen_s
                ):
                    self._candidates.uncount(look.path, candidate)
                    self._candidates.tell_one_offs(candidate)

    def _not_there(self, look: Look, candidate: Candidate) -> None:
        if isinstance(look.error, SourceChangedError | SourceRefusedError):
            self._candidates.refuse_one_offs(candidate, look.error.message, look.error.hint)
            self._candidates.forget(look.path)
        else:
            self._candidates.in_trouble(look.path, candidate, str(look.error))

    def _start_looks(self) -> None:
        now_s = self._context.clock.monotonic()
        due: dict[str, list[str]] = {}
        for path, waiting in self._candidates.all():
            if waiting.due_s <= now_s and not waiting.is_busy:
                waiting.is_busy = True
                due.setdefault(waiting.folder.name, []).append(path)
        for found in due.values():  # each folder by itself: one disk that hangs keeps no file of another
            for start in range(0, len(found), LOOKED_AT_ONCE):
                paths = tuple(found[start : start + LOOKED_AT_ONCE])
                self._context.hands.give(LookAt(paths=paths, number=next(self._numbers)))

    def _skips_existing(self, folder: Folder) -> bool:
        return folder.existing == "skip" and self._context.store.sources.first_scan_of(folder.name)

    def _skip(self, files: Iterable[tuple[str, FileStat]], folder: Folder) -> None:
        store, now = self._context.store, self._context.clock.now()
        with store.transaction():
            for path, stat in files:
                store.sources.see(
                    path,
                    folder=folder.name,
                    stat=stat,
                    state="skipped",
                    now=now,
                    reason="it was there before the folder was first watched (existing: skip)",
                )
