"""Folders are looked through: which one is due, wholly or in part, and what could not be read there.

What a scan finds goes to the intake, chunk by chunk, while it is under way.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.counting import Counting
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.errors import MvsepWatchError, StoppedError
from mvsep_watch.files.watched import PartAwayError
from mvsep_watch.model import Folder
from mvsep_watch.retry import words
from mvsep_watch.steps.scanning import Scan, ScanEnd
from mvsep_watch.watcher import Directories

AGAIN_S = 1.0
"""A folder that is being looked through is looked through again so much later."""
TOLD_OF = 5


class Scans:
    """The desk that has folders looked through.

    `looked_s` says when all of a folder was last looked through, monotonic.
    """

    def __init__(self, context: Context, ground: Ground, counting: Counting) -> None:
        self._context = context
        self._ground = ground
        self._counting = counting
        self._due: dict[str, float] = {}
        self._looks: dict[str, tuple[tuple[Path, ...], bool]] = {}
        self._learned: dict[str, tuple[Scan | None, Directories]] = {}
        self._scanned: set[str] = set()
        self._troubled: dict[str, str] = {}
        self._outdated: set[str] = set()
        self.looked_s: dict[str, float] = {}

    @property
    def is_idle(self) -> bool:
        """True while no folder is due to be looked through."""
        return not self._due

    @property
    def first_is_done(self) -> bool:
        """True once every folder was scanned, or could not be; none is where only one-offs are served."""
        return bool(self._context.only) or self._scanned >= {folder.name for folder in self._context.config.folders}

    @property
    def troubled_folders(self) -> dict[str, str]:
        """The folders that cannot be looked through, wholly or in part, by name, with what is the matter."""
        return {name: trouble for name, trouble in self._troubled.items() if trouble}

    def is_outdated(self, folder: str) -> bool:
        """Say whether the scan of a folder that is under way looks for what is not in force any more."""
        return folder in self._outdated

    def want_look(self, folder: str, *, parts: tuple[Path, ...] = (), passes_by: bool = True) -> None:
        """Have a folder looked through for what has come.

        Args:
            folder: Its name.
            parts: What of it is looked through; empty is all of it.
            passes_by: Whether directories are passed by that have not changed, by their own time of change.
        """
        if folder not in self._due:
            self._looks[folder] = (parts, passes_by)
            self._due[folder] = self._context.clock.monotonic()
            if passes_by:
                self._learned.setdefault(folder, (None, {}))

    def want_scan(self, folder: str, *, in_s: float = 0.0) -> None:
        """Have a folder scanned whole, now or a little later."""
        self._looks.pop(folder, None)
        due_s = self._context.clock.monotonic() + in_s
        self._due[folder] = min(due_s, self._due.get(folder, due_s))

    def want_all(self) -> None:
        """Have every folder scanned whole."""
        for folder in self._context.config.folders:
            self.want_scan(folder.name)

    def reloaded(self) -> None:
        """After another configuration: what is under way for a folder that has changed counts no more."""
        config = self._context.config
        self._outdated = {
            step.folder.name
            for step in self._context.hands.in_flight()
            if isinstance(step, Scan) and config.folder(step.folder.name) != step.folder
        }
        self._troubled = {name: trouble for name, trouble in self._troubled.items() if config.folder(name)}

    def work(self) -> None:
        """Hand out the scans that are due."""
        now_s = self._context.clock.monotonic()
        due = [] if self._context.stopping else [name for name, due_s in self._due.items() if due_s <= now_s]
        for name in due:
            folder = self._context.config.folder(name)
            if folder is None:
                del self._due[name]
            elif self._context.hands.give(self._scan_of(folder)):
                del self._due[name]
                self._looks.pop(name, None)
                self._counting.begin(name)
            else:
                self._due[name] = now_s + AGAIN_S

    def next_due_s(self) -> float | None:
        """Say when one is due next, monotonic."""
        return min(self._due.values(), default=None)

    def ended(self, step: Scan, end: ScanEnd | None, error: Exception | None) -> None:
        """Close a scan; what could not be read is said once."""
        name = step.folder.name
        if name in self._outdated:
            self._outdated.discard(name)
            end = error = None
        else:
            self._scanned.add(name)
        self._counting.scan_ended(name)
        if error is None and end is not None:
            self._looked_through(step, end)
        elif error is not None and not isinstance(error, StoppedError):
            self._not_looked_through(step, error)
        self._counting.close()

    def _scan_of(self, folder: Folder) -> Scan:
        skip_dirs = tuple(other.output for other in self._context.config.folders)
        parts, passes_by = self._looks.get(folder.name, ((), False))
        scan = Scan(folder=folder, skip_dirs=skip_dirs, parts=parts, note=self._ground.note_of(folder))
        if folder.name not in self._learned:
            return scan
        before, directories = self._learned[folder.name]
        known = directories if before == scan else {}
        return replace(scan, known=known, is_whole=not passes_by)

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
            self._tell(name, "; ".join(wrong[:TOLD_OF]))

    def _not_looked_through(self, step: Scan, error: Exception) -> None:
        if isinstance(error, MvsepWatchError):
            self._ground.failed(step.folder, error)
        else:
            self._context.log.error("bug_met", folder=step.folder.name, error=repr(error), exc_info=error)
        self._tell(step.folder.name, " ".join(words(error)).strip())

    def _tell(self, folder: str, trouble: str) -> None:
        """Say trouble with a folder once, and once that it is over."""
        before = self._troubled.get(folder, "")
        self._troubled[folder] = trouble
        if trouble and trouble != before:
            self._context.log.warning("folder_unreadable", folder=folder, reason=trouble)
        elif before and not trouble:
            self._context.log.info("folder_readable", folder=folder)
