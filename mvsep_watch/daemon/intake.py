"""From a path to an identified source: candidates settle and are read.

Event, scan and start all take this one road. What a rescan finds and the store knows is not even a candidate. A batch
is what one scan of one folder, or one rescan interval of events, adds; while a scan's files are still being counted
their folder starts nothing, so that the sum is known before the first of them is paid for.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mvsep_watch import settle
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.queueing import Queueing, relative_to, rules_for
from mvsep_watch.daemon.turns import Turns
from mvsep_watch.errors import (
    MvsepWatchError,
    NeedsUserError,
    RetryableError,
    SourceChangedError,
    SourceRefusedError,
    StoppedError,
)
from mvsep_watch.files.watched import FolderNote, PartAwayError
from mvsep_watch.model import Asking, BatchOrigin, FileStat, Folder, Identity
from mvsep_watch.naming import display, unescape_path
from mvsep_watch.retry import backoff_s, words
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.looking import IsFolder
from mvsep_watch.steps.reading import Identify, Look, LookAt
from mvsep_watch.steps.scanning import Scan, ScanEnd
from mvsep_watch.wanted import wanted
from mvsep_watch.watcher import Directories

LOOKED_AT_ONCE = 200
"""Candidates per look: small enough that a slow share answers for a few at a time."""
STALLED_AFTER_S = 15.0
"""How long `once` waits for a file that does not change and cannot be taken."""
LONG_S = 900.0
"""A file that could not be taken for so long is told of: its writer may be gone."""
TOLD_OF = 20
RESCAN_AFTER_FOLDER_EVENT_S = 1.0
"""A folder that was moved in is scanned after its events have calmed down."""


_STALLING = frozenset({settle.WaitReason.EMPTY, settle.WaitReason.INCOMPLETE, settle.WaitReason.HELD_OPEN})


@dataclass(slots=True, kw_only=True)
class Waiting:
    """A candidate: a path that may become a source.

    Args:
        due_s: When it is looked at next, monotonic.
        since_s: When it became one, monotonic.
        seen: What settle remembers; None before the first look.
        counted_in: The scan whose batch waits for it, or None.
        failures: How often it could not be read in a row.
        one_offs: The one-offs that it is the file of, by name.
    """

    folder: Folder
    due_s: float
    since_s: float
    seen: settle.Candidate | None = None
    counted_in: str | None = None
    is_busy: bool = False
    failures: int = 0
    reason: str = ""
    one_offs: frozenset[str] = frozenset()

    @property
    def waits(self) -> tuple[str, float]:
        """Why it waits, and since when, monotonic."""
        return self.reason, self.since_s

    def is_stalled(self, now_s: float) -> bool:
        """Say whether it cannot be taken, and has not changed for a while: empty, held open, or unreadable."""
        is_waiting = self.reason in _STALLING or bool(self.failures)
        since_s = self.since_s if self.seen is None else self.seen.since_s
        return is_waiting and now_s - since_s > max(STALLED_AFTER_S, self.folder.settle_s)


@dataclass(slots=True, kw_only=True)
class Counting:
    """A scan whose files are still being counted."""

    paths: set[str] = field(default_factory=set)
    has_ended: bool = False


class Intake:
    """The desk where paths come in.

    `news_s` says when something last came in a folder, `looked_s` when all of it was last looked through; monotonic.
    """

    def __init__(self, context: Context, queueing: Queueing, ground: Ground, looking: Looking) -> None:
        self._context = context
        self._queueing = queueing
        self._ground = ground
        self._looking = looking
        self.candidates: dict[str, Waiting] = {}
        self._stable: Turns[tuple[str, FileStat]] = Turns()
        self._scans_due: dict[str, float] = {}
        self._looks: dict[str, tuple[tuple[Path, ...], bool]] = {}
        self._learned: dict[str, tuple[Scan | None, Directories]] = {}
        self._counting: dict[str, Counting] = {}
        self._numbers = itertools.count()
        self._scanned: set[str] = set()
        self.news_s: dict[str, float] = {}
        self.looked_s: dict[str, float] = {}
        self._troubled: dict[str, str] = {}
        self._told: dict[str, None] = {}
        self.refused_at = 0.0
        """When a file was refused last, by this process, seconds since 1970."""
        self._outdated: set[str] = set()

    @property
    def is_idle(self) -> bool:
        """True while no scan is under way, and no file is looked at of which anything may come soon."""
        now_s = self._context.clock.monotonic()
        waits = any(not candidate.is_stalled(now_s) for candidate in self.candidates.values())
        return not (waits or self._stable or self._scans_due or self._counting)

    @property
    def troubled_folders(self) -> dict[str, str]:
        """The folders that cannot be looked through, wholly or in part, by name, with what is the matter."""
        return {name: trouble for name, trouble in self._troubled.items() if trouble}

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
        reason = candidate.reason or ("being read" if candidate.is_busy else str(settle.WaitReason.SETTLING))
        quiet_s = candidate.seen.quiet_s if candidate.seen else candidate.folder.settle_s
        hint = f"it is taken once it has not changed for {max(quiet_s, candidate.folder.settle_s):.0f} s"
        if reason != settle.WaitReason.SETTLING:
            hint = _WAITING_HINTS.get(reason, "")
        since = self._context.clock.now() - (self._context.clock.monotonic() - candidate.since_s)
        return {"reason": reason, "hint": hint, "since": since}

    @property
    def first_scan_is_done(self) -> bool:
        """True once every folder was scanned, or could not be; none is where only one-offs are served."""
        return bool(self._context.only) or self._scanned >= {folder.name for folder in self._context.config.folders}

    def is_counting(self, folder: str) -> bool:
        """Say whether a scan of the folder is still being counted: its sum is not known yet."""
        if folder in self._context.config.one_offs:
            return False
        counted = [other for name in self._counting if (other := self._context.config.folder(name))]
        mine = self._context.config.folder(folder)
        return mine is not None and any(_overlap(mine, other) for other in counted)

    def want_look(self, folder: str, *, parts: tuple[Path, ...] = (), passes_by: bool = True) -> None:
        """Have a folder looked through for what has come.

        Args:
            folder: Its name.
            parts: What of it is looked through; empty is all of it.
            passes_by: Whether directories are passed by that have not changed, by their own time of change.
        """
        if folder not in self._scans_due:
            self._looks[folder] = (parts, passes_by)
            self._scans_due[folder] = self._context.clock.monotonic()
            if passes_by:
                self._learned.setdefault(folder, (None, {}))

    def want_scan(self, folder: str, *, in_s: float = 0.0) -> None:
        """Have a folder scanned whole, now or a little later."""
        self._looks.pop(folder, None)
        due = self._context.clock.monotonic() + in_s
        self._scans_due[folder] = min(due, self._scans_due.get(folder, due))

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
            self.want_scan(folder_name, in_s=RESCAN_AFTER_FOLDER_EVENT_S)
        else:
            self._looking.want(IsFolder(Path(path)), partial(self._scan_with, folder_name))

    def _scan_with(self, folder_name: str, is_folder: object) -> None:
        """Scan a folder in which another has come: files may have come with it that no event tells of."""
        if is_folder is True:
            self.want_scan(folder_name, in_s=RESCAN_AFTER_FOLDER_EVENT_S)

    def look_again(self, path: Path | str, folder_name: str) -> None:
        """Send a path to settle, again or as the file of a one-off."""
        if folder := self._context.config.folder(folder_name):
            one_offs = {folder_name} & self._context.config.one_offs.keys()
            self._add(str(path), folder, counted_in=None, one_offs=one_offs)

    def reloaded(self) -> None:
        """After another configuration: go on with the candidates that a rule still wants, and forget the others."""
        config, scans = self._context.config, self._context.hands.in_flight()
        self._outdated = {
            step.folder.name
            for step in scans
            if isinstance(step, Scan) and config.folder(step.folder.name) != step.folder
        }
        self._troubled = {name: trouble for name, trouble in self._troubled.items() if config.folder(name)}
        for path, candidate in list(self.candidates.items()):
            if folder := self._folder_of(path, candidate):
                candidate.folder = folder
            else:
                self._forget(path)
        self._close_counted()

    def _folder_of(self, path: str, candidate: Waiting) -> Folder | None:
        """Give the folder that a candidate belongs to now: its own, another that wants it, or a one-off."""
        names = [folder.name for folder, _ in rules_for(self._context.config, path)] + sorted(candidate.one_offs)
        if candidate.folder.name in names:
            return self._context.config.folder(candidate.folder.name)
        return self._context.config.folder(names[0]) if names else None

    def found(self, folder_name: str, files: Sequence[tuple[str, FileStat]]) -> None:
        """Take a chunk of a scan: what the store does not know becomes a candidate."""
        folder = self._context.config.folder(folder_name)
        if folder is None or folder_name in self._outdated:
            return
        store = self._context.store
        changed = set(store.sources.changed(files))
        if not changed:
            return
        if self._skips_existing(folder):
            self._skip([(path, stat) for path, stat in files if path in changed], folder)
            return
        for path, stat in files:
            if path in changed and path not in self.candidates:
                self.news_s[folder_name] = self._context.clock.monotonic()
                self._add(path, folder, counted_in=folder.name, stat=stat)

    def scan_ended(self, step: Scan, end: ScanEnd | None, error: Exception | None) -> None:
        """Close a scan; what could not be read is said once."""
        name = step.folder.name
        if name in self._outdated:
            self._outdated.discard(name)
            end = error = None
        else:
            self._scanned.add(name)
        if counting := self._counting.get(name):
            counting.has_ended = True
        if error is None and end is not None:
            self._looked_through(step, end)
        elif error is not None and not isinstance(error, StoppedError):
            self._not_looked_through(step, error)
        self._close_counted()

    def _not_looked_through(self, step: Scan, error: Exception) -> None:
        if isinstance(error, MvsepWatchError):
            self._ground.failed(step.folder, error)
        else:
            self._context.log.error("bug_met", folder=step.folder.name, error=repr(error), exc_info=error)
        self._tell(step.folder.name, " ".join(words(error)).strip())

    def _looked_through(self, step: Scan, end: ScanEnd) -> None:
        name = step.folder.name
        if end.note is not None:
            self._ground.seen(step.folder, end.note, end.away)
        self._ground.asides |= end.asides
        if name in self._learned:
            before = self._learned[name][1] if step.parts else {}
            self._learned[name] = (step, before | end.directories)
        if not step.parts:
            self.looked_s[name] = self._context.clock.monotonic()
            self._context.store.sources.scanned(name, self._context.clock.now())
        wrong = [*(" ".join(words(PartAwayError(part))) for part in end.away), *end.unreadable]
        if wrong or not step.parts:
            self._tell(name, "; ".join(wrong[:5]))

    def work(self) -> None:
        """Hand out what is due: scans, looks, identifications."""
        if not self._context.stopping:
            self._start_scans()
            self._start_looks()
            self._start_identifications()

    def next_due(self) -> float | None:
        """Say when something is due next, monotonic."""
        times = [candidate.due_s for candidate in self.candidates.values() if not candidate.is_busy]
        return min([*times, *self._scans_due.values()], default=None)

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
        self._close_counted()

    def _observe(self, look: Look, candidate: Waiting) -> None:
        if look.stat is None:
            self._not_there(look, candidate)
            return
        now_s = self._context.clock.monotonic()
        candidate.seen, decision = settle.observe(
            candidate.seen,
            look.stat,
            now_s=now_s,
            settle_s=candidate.folder.settle_s,
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
                if reason != settle.WaitReason.SETTLING and now_s > candidate.seen.first_seen_s:
                    self._uncount(look.path, candidate)
                    self._tell_one_offs(candidate)

    def _tell_waits(self, path: str, candidate: Waiting) -> None:
        """Say once that a file has waited for long."""
        if path not in self._told and self._context.clock.monotonic() - candidate.since_s > LONG_S:
            self._told[path] = None
            hint = _WAITING_HINTS.get(candidate.reason, "")
            self._context.log.warning("source_waits", path=display(path), reason=candidate.reason, hint=hint)

    def _not_there(self, look: Look, candidate: Waiting) -> None:
        if isinstance(look.error, SourceChangedError | SourceRefusedError):
            self._refuse_one_offs(candidate, look.error.message, look.error.hint)
            self._forget(look.path)
        else:
            self._cannot_be_looked_at(look.path, candidate, str(look.error))

    def _cannot_be_looked_at(self, path: str, candidate: Waiting, reason: str) -> None:
        """Look again later; whoever waits for the file is told, and its batch does not wait."""
        self._uncount(path, candidate)
        candidate.failures += 1
        candidate.due_s = self._context.clock.monotonic() + backoff_s(candidate.failures)
        candidate.reason = reason
        self._tell_waits(path, candidate)
        self._tell_one_offs(candidate)

    def identified(self, step: Identify, identity: Identity | None, error: Exception | None) -> None:
        """Take what a file holds, and make its jobs."""
        candidate = self.candidates.get(step.path)
        if candidate is None:
            return
        if identity is not None and not self._askings(step.path, step.stat, candidate) <= identity.keys.keys():
            candidate.seen, candidate.is_busy = None, False  # a one-off came while it was read
            candidate.due_s = self._context.clock.monotonic()
        elif identity is not None:
            self._context.log.debug("source_identified", path=display(step.path), sha256=identity.sha256)
            read_at = self._context.clock.now()
            self._looking.attempt(
                lambda eyes: self._take(step.path, candidate, identity, read_at, eyes),
                failed=lambda error: self.identified(step, None, error),
                ahead=self._queueing.questions(step.path, identity, read_at=read_at, one_offs=candidate.one_offs),
            )
        else:
            self._not_identified(step, candidate, error or StoppedError("nothing came back"))
        self._close_counted()

    def _take(self, path: str, candidate: Waiting, identity: Identity, read_at: float, eyes: Eyes) -> None:
        """Make the jobs of a file, unless it is looked at anew, or forgotten, by then."""
        if self.candidates.get(path) is candidate:
            origin = BatchOrigin.SCAN if candidate.counted_in else BatchOrigin.EVENTS
            self._queueing.take(
                path, candidate.folder, identity, origin=origin, read_at=read_at, eyes=eyes,
                one_offs=candidate.one_offs,
            )  # fmt: skip
            self._forget(path)
            self._read_for_one_offs(path, candidate)
        self._close_counted()

    def _not_identified(self, step: Identify, candidate: Waiting, error: Exception) -> None:
        candidate.is_busy = False
        match error:
            case StoppedError():
                candidate.due_s = self._context.clock.monotonic()
            case SourceRefusedError(message=message, hint=hint):
                self._refuse(step, candidate, message, hint)
            case SourceChangedError():
                candidate.seen, candidate.due_s = None, self._context.clock.monotonic()
            case RetryableError() | NeedsUserError():
                self._uncount(step.path, candidate)
                candidate.failures += 1
                candidate.due_s = self._context.clock.monotonic() + backoff_s(candidate.failures)
                if candidate.reason != str(error):
                    self._context.log.warning("source_unreadable", path=display(step.path), reason=str(error))
                candidate.reason = str(error)
                self._tell_waits(step.path, candidate)
                self._tell_one_offs(candidate)
            case _:
                self._context.log.error("source_unreadable", path=display(step.path), exc_info=error)
                self._refuse(step, candidate, words(error)[0], "please report it; a touch tries again")

    def _refuse(self, step: Identify, candidate: Waiting, message: str, hint: str) -> None:
        """Refuse a file; one that was refused for a one-off is read again for the folders that want it, if any."""
        self._context.log.warning("source_refused", path=display(step.path), reason=message)
        self._forget(step.path)
        if candidate.one_offs:
            self._refuse_one_offs(candidate, message, hint)
            wanting = self._queueing.wanting(step.path, step.stat)
            if wanting and self._context.store.sources.changed([(step.path, step.stat)]):
                self._add(step.path, wanting[0][0], counted_in=None)
            return
        self.refused_at = self._context.clock.now()
        self._context.store.sources.see(
            step.path, folder=candidate.folder.name, stat=step.stat, state="refused", now=self._context.clock.now(),
            reason=message, hint=hint,
        )  # fmt: skip

    def _refuse_one_offs(self, candidate: Waiting, reason: str, hint: str) -> None:
        for name in candidate.one_offs:
            self._context.store.one_offs.refuse(name, reason=reason, hint=hint)

    def _read_for_one_offs(self, path: str, candidate: Waiting) -> None:
        """Have a file read once more for one-offs that take it otherwise than the folders do."""
        for name in candidate.one_offs:
            row = self._context.store.one_offs.get(name)
            if row is not None and row.job_id is None:
                self.look_again(path, name)

    def _tell_one_offs(self, candidate: Waiting) -> None:
        """Write down for whoever asked why a file cannot be taken yet."""
        for name in candidate.one_offs:
            self._context.store.one_offs.keep_waiting(name, candidate.reason)

    def _askings(self, path: str, stat: FileStat, candidate: Waiting) -> frozenset[Asking]:
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
        candidate = Waiting(folder=folder, due_s=now_s, since_s=since_s, counted_in=counted_in, one_offs=names)
        if stat is not None:
            candidate.seen, decision = settle.observe(None, stat, now_s=now_s, settle_s=folder.settle_s)
            candidate.due_s = decision.until_s if isinstance(decision, settle.Wait) else now_s
        self.candidates[path] = candidate
        if counted_in:
            self._counting.setdefault(counted_in, Counting()).paths.add(path)

    def _forget(self, path: str) -> None:
        candidate = self.candidates.pop(path, None)
        self._told.pop(path, None)
        if candidate:
            self._uncount(path, candidate)

    def forget_path(self, path: Path) -> None:
        """Stop looking at a path that a person said to ignore."""
        self._forget(str(path))

    def _uncount(self, path: str, candidate: Waiting) -> None:
        """Let the batch not wait for a file that takes its time."""
        if candidate.counted_in and (counting := self._counting.get(candidate.counted_in)):
            counting.paths.discard(path)
        candidate.counted_in = None

    def _close_counted(self) -> None:
        """Close the batches of scans whose files are all counted."""
        for name, counting in list(self._counting.items()):
            if counting.has_ended and not counting.paths:
                del self._counting[name]
                self._context.store.jobs.close_batch_of(name, BatchOrigin.SCAN, now=self._context.clock.now())

    def _start_scans(self) -> None:
        now_s = self._context.clock.monotonic()
        for name in [name for name, due in self._scans_due.items() if due <= now_s]:
            folder = self._context.config.folder(name)
            if folder is None:
                del self._scans_due[name]
            elif self._context.hands.give(self._scan_of(folder)):
                del self._scans_due[name]
                self._looks.pop(name, None)
                self._counting.setdefault(name, Counting()).has_ended = False
            else:
                self._scans_due[name] = now_s + 1.0

    def _scan_of(self, folder: Folder) -> Scan:
        skip_dirs = tuple(other.output for other in self._context.config.folders)
        parts, passes_by = self._looks.get(folder.name, ((), False))
        scan = Scan(folder=folder, skip_dirs=skip_dirs, parts=parts, note=self._ground.note_of(folder))
        if folder.name not in self._learned:
            return scan
        before, directories = self._learned[folder.name]
        known = directories if before == scan else {}
        return replace(scan, known=known, is_whole=not passes_by)

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
        while self._stable and self._context.hands.free(Pool.READING):
            path, stat = self._stable.take()
            candidate = self.candidates.get(path)
            if candidate is None:
                continue
            askings = self._askings(path, stat, candidate)
            if not self._context.hands.give(
                Identify(path=path, stat=stat, askings=askings, folder=self._standing(candidate))
            ):
                self._stable.put(candidate.folder.name, (path, stat))  # an earlier look at it is still being read
                break

    def _standing(self, candidate: Waiting) -> tuple[Path, FolderNote | None] | None:
        """Say which folder a candidate lies in, and what that was; a file that a person named may lie anywhere."""
        if candidate.one_offs:
            return None
        return candidate.folder.path, self._ground.note_of(candidate.folder)

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

    def _tell(self, folder: str, trouble: str) -> None:
        """Say trouble with a folder once, and once that it is over."""
        before = self._troubled.get(folder, "")
        self._troubled[folder] = trouble
        if trouble and trouble != before:
            self._context.log.warning("folder_unreadable", folder=folder, reason=trouble)
        elif before and not trouble:
            self._context.log.info("folder_readable", folder=folder)


_LOOK_WHO = "look who writes to it: `fuser -v PATH`"
_WAITING_HINTS: dict[str, str] = {
    settle.WaitReason.EMPTY: "put the whole file in its place, or delete it",
    settle.WaitReason.INCOMPLETE: "let its writer finish; if it is whole, `cp --sparse=never` makes a copy to drop",
    settle.WaitReason.HELD_OPEN: _LOOK_WHO,
    settle.WaitReason.CHANGING: _LOOK_WHO,
    settle.WaitReason.SETTLING: _LOOK_WHO,
}


def _overlap(one: Folder, other: Folder) -> bool:
    """Say whether a file may be in both folders: then a batch of the one is not counted before that of the other."""
    return one.path.is_relative_to(other.path) or other.path.is_relative_to(one.path)
