"""From a path to an identified source: candidates settle and are read.

Event, scan and start all take this one road. What a rescan finds and the store knows is not even a candidate. A batch
is what one scan of one folder, or one rescan interval of events, adds; while a scan's files are still being counted
their folder starts nothing, so that the sum is known before the first of them is paid for.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mvsep_watch import settle
from mvsep_watch.daemon.candidate import Candidate
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.counting import Counting
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.queueing import Queueing, relative_to, rules_for
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.daemon.turns import Turns
from mvsep_watch.errors import (
    NeedsUserError,
    RetryableError,
    SourceChangedError,
    SourceRefusedError,
    StoppedError,
)
from mvsep_watch.files.watched import FolderNote
from mvsep_watch.model import Asking, BatchOrigin, FileStat, Folder, Identity
from mvsep_watch.naming import display, unescape_path
from mvsep_watch.planner import by_name
from mvsep_watch.retry import backoff_s, words
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.looking import IsFolder
from mvsep_watch.steps.reading import Identify, Look, LookAt, Unread
from mvsep_watch.wanted import wanted

LOOKED_AT_ONCE = 200
"""Candidates per look: small enough that a slow share answers for a few at a time."""
READ_AT_ONCE, READ_AT_ONCE_BYTES = 32, 16 << 20
"""Files per step of reading: a turn of the loop costs as much as taking a file or two, and a slow disk gives a few
seconds' worth at a time. What is larger is read by itself."""
READ_AHEAD = 1
"""Steps that wait for a hand, which would else wait for the owner while it takes what was read."""
STILL_READ_S = 1.0
"""When a file is looked at again that is still being read as it was before."""
LONG_S = 900.0
"""A file that could not be taken for so long is told of: its writer may be gone."""
TOLD_OF = 20
RESCAN_AFTER_FOLDER_EVENT_S = 1.0
"""A folder that was moved in is scanned after its events have calmed down."""


class Intake:
    """The desk where paths come in; `news_s` says when something last came in a folder, monotonic."""

    def __init__(
        self,
        context: Context,
        *,
        queueing: Queueing,
        ground: Ground,
        looking: Looking,
        scans: Scans,
        counting: Counting,
    ) -> None:
        self._context = context
        self._queueing = queueing
        self._ground = ground
        self._looking = looking
        self._scans = scans
        self._counting = counting
        self.candidates: dict[str, Candidate] = {}
        self._stable: Turns[tuple[str, FileStat]] = Turns()
        self._being_read: set[str] = set()
        self._numbers = itertools.count()
        self.news_s: dict[str, float] = {}
        self._told: dict[str, None] = {}
        self.refused_at = 0.0
        """When a file was refused last, by this process, seconds since 1970."""

    @property
    def is_idle(self) -> bool:
        """True while no scan is counted, and no file is looked at of which anything may come soon."""
        now_s = self._context.clock.monotonic()
        waits = any(not candidate.is_stalled(now_s) for candidate in self.candidates.values())
        return not (waits or self._stable or self._counting)

    @property
    def not_taken(self) -> dict[str, str]:
        """The files that cannot be taken as they are, by path, with the reason."""
        return {path: candidate.reason for path, candidate in self.candidates.items() if candidate.reason}

    @property
    def waits_long(self) -> dict[str, tuple[str, float]]:
        """Some files that have waited for long to be taken, by path: the reason, and since when, monotonic."""
        return {path: self.candidates[path].waits for path in itertools.islice(self._told, TOLD_OF)}

    def waits_of(self, path: str) -> dict[str, Any] | None:
        """Say why a path (escaped) waits to be taken, with `hint` and `since`; None where it does not."""
        candidate = self.candidates.get(unescape_path(path))
        if candidate is None:
            return None
        reason, hint = candidate.explained
        since = self._context.clock.now() - (self._context.clock.monotonic() - candidate.since_s)
        return {"reason": reason, "hint": hint, "since": since}

    def touched(self, folder_name: str, path: str) -> None:
        """Take note that something happened to a path."""
        folder = self._context.config.folder(folder_name)
        if folder is None:
            return
        if path in self.candidates:
            if (candidate := self.candidates[path]).seen is None:
                candidate.due_s = self._context.clock.monotonic()
        elif wanted(folder, relative_to(folder, path)):
            self.news_s[folder_name] = self._context.clock.monotonic()
            self._add(path, folder, counted_in=None)
        elif "." not in os.path.basename(path):  # noqa: PTH119 - any bytes, no Path
            self._scans.want_scan(folder_name, in_s=RESCAN_AFTER_FOLDER_EVENT_S)
        else:
            self._looking.want(IsFolder(Path(path)), partial(self._scan_with, folder_name))

    def _scan_with(self, folder_name: str, is_folder: object) -> None:
        """Scan a folder in which another has come: files may have come with it that no event tells of."""
        if is_folder is True:
            self._scans.want_scan(folder_name, in_s=RESCAN_AFTER_FOLDER_EVENT_S)

    def look_again(self, path: Path | str, folder_name: str) -> None:
        """Send a path to settle, again or as the file of a one-off."""
        if folder := self._context.config.folder(folder_name):
            one_offs = {folder_name} & self._context.config.one_offs.keys()
            self._add(str(path), folder, counted_in=None, one_offs=one_offs)

    def reloaded(self) -> None:
        """After another configuration: go on with the candidates that a rule still wants, and forget the others."""
        for path, candidate in list(self.candidates.items()):
            if folder := self._folder_of(path, candidate):
                candidate.folder = folder
            else:
                self._forget(path)
        self._counting.close()

    def _folder_of(self, path: str, candidate: Candidate) -> Folder | None:
        """Give the folder that a candidate belongs to now: its own, another that wants it, or a one-off."""
        names = [folder.name for folder, _ in rules_for(self._context.config, path)] + sorted(candidate.one_offs)
        if candidate.folder.name in names:
            return self._context.config.folder(candidate.folder.name)
        return self._context.config.folder(names[0]) if names else None

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
        news = [(path, stat) for path, stat in files if path in changed and path not in self.candidates]
        for path, stat in sorted(news, key=lambda file: by_name(relative_to(folder, file[0]))):
            self.news_s[folder_name] = self._context.clock.monotonic()
            self._add(path, folder, counted_in=folder.name, stat=stat)

    def work(self) -> None:
        """Hand out what is due: looks, identifications."""
        if not self._context.stopping:
            self._start_looks()
            self._start_identifications()

    def next_due_s(self) -> float | None:
        """Say when a candidate is due next, monotonic."""
        return min((candidate.due_s for candidate in self.candidates.values() if not candidate.is_busy), default=None)

    def looked(self, step: LookAt, looks: Sequence[Look] | None, error: Exception | None) -> None:
        """Take what candidates look like now."""
        if looks is None and error is not None:
            self._context.log.error("bug_met", files=len(step.paths), error=repr(error), exc_info=error)
        for path in step.paths:
            if candidate := self.candidates.get(path):
                candidate.is_busy = False
                if looks is None and error is not None:
                    self._cannot_be_looked_at(path, candidate, words(error)[0])
        for look in looks or ():
            if candidate := self.candidates.get(look.path):
                self._observe(look, candidate)
        self._counting.close()

    def _observe(self, look: Look, candidate: Candidate) -> None:
        if look.stat is None:
            self._not_there(look, candidate)
            return
        now_s = self._context.clock.monotonic()
        candidate.seen, decision = settle.observe(
            candidate.seen,
            look.stat,
            now_s=now_s,
            settle_s=candidate.folder.settle_s,
            earned_s=self._earned_s(look.path, look.stat) if candidate.seen is None and not candidate.one_offs else 0.0,
            held_open=look.held_open,
            has_holes=look.has_holes and not candidate.one_offs,
        )
        match decision:
            case settle.Stable():
                candidate.due_s, candidate.is_busy = float("inf"), True
                self._stable.put(candidate.folder.name, (look.path, look.stat))
            case settle.Wait(until_s=until_s, reason=reason):
                candidate.due_s, candidate.reason = until_s, str(reason)
                self._tell_waits(look.path, candidate)
                if candidate.takes_its_time or (
                    reason != settle.WaitReason.SETTLING and now_s > candidate.seen.first_seen_s
                ):
                    self._uncount(look.path, candidate)
                    self._tell_one_offs(candidate)

    def _tell_waits(self, path: str, candidate: Candidate) -> None:
        """Say once that a file has waited for long."""
        if path not in self._told and self._context.clock.monotonic() - candidate.since_s > LONG_S:
            self._told[path] = None
            self._context.log.warning("source_waits", path=display(path), reason=candidate.reason, hint=candidate.hint)

    def _not_there(self, look: Look, candidate: Candidate) -> None:
        if isinstance(look.error, SourceChangedError | SourceRefusedError):
            self._refuse_one_offs(candidate, look.error.message, look.error.hint)
            self._forget(look.path)
        else:
            self._cannot_be_looked_at(look.path, candidate, str(look.error))

    def _cannot_be_looked_at(self, path: str, candidate: Candidate, reason: str) -> None:
        """Look again later; whoever waits for the file is told, and its batch does not wait."""
        self._uncount(path, candidate)
        candidate.failures += 1
        candidate.due_s = self._context.clock.monotonic() + backoff_s(candidate.failures)
        candidate.reason = reason
        self._tell_waits(path, candidate)
        self._tell_one_offs(candidate)

    def identified(self, step: Identify, found: Sequence[Identity | Exception] | None, error: Exception | None) -> None:
        """Take what files hold, and make their jobs."""
        nothing = (error or StoppedError("nothing came back"),) * len(step.files)
        for file, each in zip(step.files, nothing if found is None else found, strict=True):
            self._being_read.discard(file.path)
            if candidate := self.candidates.get(file.path):
                with self._context.surviving(then=partial(self._not_identified, file, candidate), path=file.path):
                    self._identified(file, candidate, each)
        self._counting.close()

    def _identified(self, file: Unread, candidate: Candidate, found: Identity | Exception) -> None:
        if isinstance(found, Exception):
            self._not_identified(file, candidate, found)
        elif not self._askings(file.path, file.stat, candidate) <= found.keys.keys():
            candidate.seen, candidate.is_busy = None, False  # a one-off came while it was read
            candidate.due_s = self._context.clock.monotonic()
        else:
            self._context.log.debug("source_identified", path=display(file.path), sha256=found.sha256)
            read_at = self._context.clock.now()
            self._looking.attempt(
                lambda eyes: self._take(file.path, candidate, found, read_at, eyes),
                failed=partial(self._not_taken, file, candidate),
                ahead=self._queueing.questions(file.path, found, read_at=read_at, one_offs=candidate.one_offs),
            )

    def _not_taken(self, file: Unread, candidate: Candidate, error: Exception) -> None:
        """Refuse a file that a bug was met with."""
        if self.candidates.get(file.path) is candidate:
            self._not_identified(file, candidate, error)
        self._counting.close()

    def _take(self, path: str, candidate: Candidate, identity: Identity, read_at: float, eyes: Eyes) -> None:
        """Make the jobs of a file, unless it is looked at anew, or forgotten, by then."""
        if self.candidates.get(path) is candidate:
            origin = BatchOrigin.SCAN if candidate.counted_in else BatchOrigin.EVENTS
            self._queueing.take(
                path, candidate.folder, identity, origin=origin, read_at=read_at, eyes=eyes,
                one_offs=candidate.one_offs,
            )  # fmt: skip
            self._forget(path)
            self._read_for_one_offs(path, candidate)
        self._counting.close()

    def _not_identified(self, file: Unread, candidate: Candidate, error: Exception) -> None:
        candidate.is_busy = False
        match error:
            case StoppedError():
                candidate.due_s = self._context.clock.monotonic()
            case SourceRefusedError(message=message, hint=hint):
                self._refuse(file, candidate, message, hint)
            case SourceChangedError():
                candidate.seen, candidate.due_s = None, self._context.clock.monotonic()
            case RetryableError() | NeedsUserError():
                self._uncount(file.path, candidate)
                candidate.failures += 1
                candidate.due_s = self._context.clock.monotonic() + backoff_s(candidate.failures)
                if candidate.reason != str(error):
                    self._context.log.warning("source_unreadable", path=display(file.path), reason=str(error))
                candidate.reason = str(error)
                self._tell_waits(file.path, candidate)
                self._tell_one_offs(candidate)
            case _:
                self._context.log.error("source_unreadable", path=display(file.path), exc_info=error)
                self._refuse(file, candidate, words(error)[0], "please report it; a touch tries again")

    def _refuse(self, file: Unread, candidate: Candidate, message: str, hint: str) -> None:
        """Refuse a file; one that was refused for a one-off is read again for the folders that want it, if any."""
        self._context.log.warning("source_refused", path=display(file.path), reason=message)
        self._forget(file.path)
        if candidate.one_offs:
            self._refuse_one_offs(candidate, message, hint)
            wanting = self._queueing.wanting(file.path, file.stat)
            if wanting and self._context.store.sources.changed([(file.path, file.stat)]):
                self._add(file.path, wanting[0][0], counted_in=None)
            return
        self.refused_at = self._context.clock.now()
        self._context.store.sources.see(
            file.path, folder=candidate.folder.name, stat=file.stat, state="refused", now=self._context.clock.now(),
            reason=message, hint=hint,
        )  # fmt: skip

    def _refuse_one_offs(self, candidate: Candidate, reason: str, hint: str) -> None:
        for name in candidate.one_offs:
            self._context.store.one_offs.refuse(name, reason=reason, hint=hint)

    def _read_for_one_offs(self, path: str, candidate: Candidate) -> None:
        """Have a file read once more for one-offs that take it otherwise than the folders do."""
        for name in candidate.one_offs:
            row = self._context.store.one_offs.get(name)
            if row is not None and row.job_id is None:
                self.look_again(path, name)

    def _tell_one_offs(self, candidate: Candidate) -> None:
        """Write down for whoever asked why a file cannot be taken yet."""
        for name in candidate.one_offs:
            self._context.store.one_offs.keep_waiting(name, candidate.reason)

    def _askings(self, path: str, stat: FileStat, candidate: Candidate) -> frozenset[Asking]:
        """Say in which ways a file is taken."""
        return frozenset(rule.asking for _, rule in self._queueing.wanting(path, stat, candidate.one_offs))

    def _add(
        self,
        path: str,
        folder: Folder,
        *,
        counted_in: str | None,
        stat: FileStat | None = None,
        one_offs: Collection[str] = (),
    ) -> None:
        now_s = self._context.clock.monotonic()
        names = frozenset(one_offs)
        since_s = now_s
        if before := self.candidates.get(path):
            counted_in = counted_in or before.counted_in  # the scan that counts it must still hear that it is done
            names |= before.one_offs
            since_s = before.since_s
        candidate = Candidate(folder=folder, due_s=now_s, since_s=since_s, counted_in=counted_in, one_offs=names)
        if stat is not None:
            candidate.seen, decision = settle.observe(
                None, stat, now_s=now_s, settle_s=folder.settle_s, earned_s=self._earned_s(path, stat)
            )
            candidate.due_s = decision.until_s if isinstance(decision, settle.Wait) else now_s
        self.candidates[path] = candidate
        if counted_in:
            self._counting.add(counted_in, path)
        if candidate.takes_its_time:
            self._uncount(path, candidate)

    def _earned_s(self, path: str, stat: FileStat) -> float:
        """Say how long a file must rest that was taken before and has grown since."""
        store = self._context.store
        before = store.sources.at(path)
        if before is None or before.state != "known" or not 0 < before.size_bytes < stat.size_bytes:
            return 0.0
        now, was = self._context.clock.now(), before.stat
        return settle.earned_quiet_s(
            away_s=now - min(before.seen_at, max(was.mtime_ns, was.ctime_ns) / 1e9),
            times=len({before.bytes_key, *(job.bytes_key for job in store.jobs.of_source(before.id))}),
            rested_s=now - max(stat.mtime_ns, stat.ctime_ns) / 1e9,
        )

    def _forget(self, path: str) -> None:
        candidate = self.candidates.pop(path, None)
        self._told.pop(path, None)
        if candidate:
            self._uncount(path, candidate)

    def forget_path(self, path: Path) -> None:
        """Stop looking at a path that a person said to ignore."""
        self._forget(str(path))

    def _uncount(self, path: str, candidate: Candidate) -> None:
        """Let the batch not wait for a file that takes its time."""
        if candidate.counted_in:
            self._counting.leave_out(candidate.counted_in, path)
        candidate.counted_in = None

    def _start_looks(self) -> None:
        now_s = self._context.clock.monotonic()
        due: dict[str, list[str]] = {}
        for path, waiting in self.candidates.items():
            if waiting.due_s <= now_s and not waiting.is_busy:
                due.setdefault(waiting.folder.name, []).append(path)
        for found in due.values():  # each folder by itself: one disk that hangs keeps no file of another
            for start in range(0, len(found), LOOKED_AT_ONCE):
                paths = tuple(found[start : start + LOOKED_AT_ONCE])
                for path in paths:
                    self.candidates[path].is_busy = True
                self._context.hands.give(LookAt(paths=paths, number=next(self._numbers)))

    def _start_identifications(self) -> None:
        while self._stable and self._context.hands.free(Pool.READING, ahead=READ_AHEAD):
            together: dict[str, list[Unread]] = {}
            for path, stat in self._stable.take(_fits):
                if candidate := self.candidates.get(path):
                    self._have_read(path, stat, candidate, together)
            for name, files in together.items():
                self._context.hands.give(
                    Identify(files=tuple(files), number=next(self._numbers), folder=self._standing(name))
                )

    def _have_read(self, path: str, stat: FileStat, candidate: Candidate, together: dict[str, list[Unread]]) -> None:
        """Have a candidate read along with those of its folder, or with others that a person named."""
        if path in self._being_read:
            candidate.is_busy, candidate.due_s = False, self._context.clock.monotonic() + STILL_READ_S
            return
        self._being_read.add(path)
        file = Unread(path=path, stat=stat, askings=self._askings(path, stat, candidate))
        together.setdefault("" if candidate.one_offs else candidate.folder.name, []).append(file)

    def _standing(self, folder_name: str) -> tuple[Path, FolderNote | None] | None:
        """Say which folder files lie in, and what that was; what a person named may lie anywhere."""
        folder = self._context.config.folder(folder_name)
        return None if folder is None else (folder.path, self._ground.note_of(folder))

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


def _fits(stable: Sequence[tuple[str, FileStat]], another: tuple[str, FileStat]) -> bool:
    """Say whether another stable file may be read in the same step."""
    together = (*stable, another)
    return len(together) <= READ_AT_ONCE and sum(stat.size_bytes for _, stat in together) <= READ_AT_ONCE_BYTES
