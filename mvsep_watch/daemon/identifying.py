"""The desk that has settled files read, as many together as are small, and takes what they hold to be queued."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mvsep_watch.daemon.candidate import Candidate
from mvsep_watch.daemon.candidates import Candidates
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.counting import Counting
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.queueing import Queueing
from mvsep_watch.daemon.turns import Turns
from mvsep_watch.errors import (
    NeedsUserError,
    RetryableError,
    SourceChangedError,
    SourceRefusedError,
    StoppedError,
)
from mvsep_watch.files.watched import FolderNote
from mvsep_watch.model import Asking, BatchOrigin, FileStat, Identity
from mvsep_watch.naming import display
from mvsep_watch.retry import words
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.reading import Identify, Unread

READ_AT_ONCE, READ_AT_ONCE_BYTES = 32, 16 << 20
"""Files per step of reading: a turn of the loop costs as much as taking a file or two, and a slow disk gives a few
seconds' worth at a time. What is larger is read by itself."""
READ_AHEAD = 1
"""Steps that wait for a hand, which would else wait for the owner while it takes what was read."""
STILL_READ_S = 1.0
"""When a file is looked at again that is still being read as it was before."""


class Identifying:
    """The desk of what is in files."""

    def __init__(
        self,
        context: Context,
        candidates: Candidates,
        *,
        queueing: Queueing,
        ground: Ground,
        looking: Looking,
        counting: Counting,
    ) -> None:
        self._context = context
        self._candidates = candidates
        self._queueing = queueing
        self._ground = ground
        self._looking = looking
        self._counting = counting
        self._stable: Turns[tuple[str, FileStat]] = Turns()
        self._being_read: set[str] = set()
        self._numbers = itertools.count()
        self.refused_at = 0.0
        """When a file was refused last, by this process, seconds since 1970."""

    @property
    def is_idle(self) -> bool:
        """True while nothing waits to be read."""
        return not self._stable

    def settled(self, path: str, candidate: Candidate, stat: FileStat) -> None:
        """Have a file read that has stopped changing."""
        candidate.due_s, candidate.is_busy = float("inf"), True
        self._stable.put(candidate.folder.name, (path, stat))

    def work(self) -> None:
        """Hand out what is to be read."""
        if self._context.stopping:
            return
        while self._stable and self._context.hands.free(Pool.READING, ahead=READ_AHEAD):
            together: dict[str, list[Unread]] = {}
            for path, stat in self._stable.take(_fits):
                if candidate := self._candidates.get(path):
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

    def identified(self, step: Identify, found: Sequence[Identity | Exception] | None, error: Exception | None) -> None:
        """Take what files hold, and make their jobs."""
        nothing = (error or StoppedError("nothing came back"),) * len(step.files)
        for file, each in zip(step.files, nothing if found is None else found, strict=True):
            self._being_read.discard(file.path)
            if candidate := self._candidates.get(file.path):
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
        if self._candidates.get(file.path) is candidate:
            self._not_identified(file, candidate, error)
        self._counting.close()

    def _take(self, path: str, candidate: Candidate, identity: Identity, read_at: float, eyes: Eyes) -> None:
        """Make the jobs of a file, unless it is looked at anew, or forgotten, by then."""
        if self._candidates.get(path) is candidate:
            origin = BatchOrigin.SCAN if candidate.counted_in else BatchOrigin.EVENTS
            self._queueing.take(
                path, candidate.folder, identity, origin=origin, read_at=read_at, eyes=eyes,
                one_offs=candidate.one_offs,
            )  # fmt: skip
            self._candidates.forget(path)
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
                if candidate.reason != str(error):
                    self._context.log.warning("source_unreadable", path=display(file.path), reason=str(error))
                self._candidates.in_trouble(file.path, candidate, str(error))
            case _:
                self._context.log.error("source_unreadable", path=display(file.path), exc_info=error)
                self._refuse(file, candidate, words(error)[0], "please report it; a touch tries again")

    def _refuse(self, file: Unread, candidate: Candidate, message: str, hint: str) -> None:
        """Refuse a file; one that was refused for a one-off is read again for the folders that want it, if any."""
        self._context.log.warning("source_refused", path=display(file.path), reason=message)
        self._candidates.forget(file.path)
        if candidate.one_offs:
            self._candidates.refuse_one_offs(candidate, message, hint)
            wanting = self._queueing.wanting(file.path, file.stat)
            if wanting and self._context.store.sources.changed([(file.path, file.stat)]):
                self._candidates.add(file.path, wanting[0][0], counted_in=None)
            return
        self.refused_at = self._context.clock.now()
        self._context.store.sources.see(
            file.path, folder=candidate.folder.name, stat=file.stat, state="refused", now=self._context.clock.now(),
            reason=message, hint=hint,
        )  # fmt: skip

    def _read_for_one_offs(self, path: str, candidate: Candidate) -> None:
        """Have a file read once more for one-offs that take it otherwise than the folders do."""
        for name in candidate.one_offs:
            row = self._context.store.one_offs.get(name)
            if row is not None and row.job_id is None:
                self._candidates.look_again(path, name)

    def _askings(self, path: str, stat: FileStat, candidate: Candidate) -> frozenset[Asking]:
        """Say in which ways a file is taken."""
        return frozenset(rule.asking for _, rule in self._queueing.wanting(path, stat, candidate.one_offs))


def _fits(stable: Sequence[tuple[str, FileStat]], another: tuple[str, FileStat]) -> bool:
    """Say whether another stable file may be read in the same step."""
    together = (*stable, another)
    return len(together) <= READ_AT_ONCE and sum(stat.size_bytes for _, stat in together) <= READ_AT_ONCE_BYTES
