"""Sources that have served: kept, deleted or moved, once every rule in force has a published job on their bytes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.queueing import rules_for
from mvsep_watch.errors import SourceBusyError, SourceChangedError, StoppedError
from mvsep_watch.model import AS_MADE, Folder
from mvsep_watch.naming import display
from mvsep_watch.planner import Served, Wish, may_dispose
from mvsep_watch.retry import words
from mvsep_watch.steps.publish import ClearCopies, Dispose, Recover, SourceMissingError
from mvsep_watch.steps.standing import AwayError
from mvsep_watch.store import SourceRow

DISPOSE_AGAIN_S = 60.0
DISPOSE_AGAIN_AT_LEAST_S = 3600.0
"""What is refused time and again is tried ever less often, but no less often than this."""
LONG_S = 900.0
"""A file that is busy for so long is told of: whoever has it may never let it go."""
TOLD_OF = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A source that could not be disposed of, and how often that was tried; `since_s` is monotonic."""

    path: Path
    reason: str
    since_s: float
    times: int
    is_told: bool


class Disposing:
    """The desk that lets sources go."""

    def __init__(self, context: Context, ground: Ground, news: News) -> None:
        self._context = context
        self._ground = ground
        self._news = news
        self._doubted = set(context.store.sources.folders_to_dispose())
        """The folders in which something may be set aside: by a killed run, or where a disposal went wrong."""
        self._told: set[Path] = set()
        self._missed: set[int] = set()
        self._kept: dict[int, _Kept] = {}
        self._copies = tuple(context.store.sources.copies())
        """What a killed run may have left of copies; looked for once, at start."""

    @property
    def waits_long(self) -> dict[str, tuple[str, float]]:
        """Some sources that cannot be disposed of, by path: the reason, and since when, monotonic."""
        told = (kept for kept in self._kept.values() if kept.is_told)
        return {str(kept.path): (kept.reason, kept.since_s) for kept in itertools.islice(told, TOLD_OF)}

    def work(self) -> None:
        """Hand out what is due."""
        hands = self._context.hands
        if self._context.stopping or hands.is_busy_with(Recover.KEY):
            return
        if self._copies:
            hands.give(ClearCopies(self._copies))
            self._copies = ()
            return
        if self._ground.asides and not self._is_disposing:
            self._recover(self._ground.asides.pop())
            return
        for source in self._context.store.sources.to_dispose(self._context.clock.now()):
            if self._ground.trouble_at(source.path):
                self._dispose_later(source)
            elif source.path.parent not in self._doubted:
                self._dispose(source)
            elif not self._is_disposing:
                self._recover(source.path.parent)
                return

    @property
    def _is_disposing(self) -> bool:
        return any(isinstance(step, Dispose) for step in self._context.hands.in_flight())

    def _recover(self, folder: Path) -> None:
        self._context.hands.give(Recover(folder=folder, within=self._ground.within(folder)))

    def _dispose(self, source: SourceRow) -> None:
        """Dispose of a source once every rule in force has a published job on its bytes."""
        disposal = self._disposal(source)
        if disposal is None:
            self._let_be(source.id)
        else:
            if disposal.to is not None:
                self._context.store.sources.copy_begun(disposal.to.parent, disposal.sha256)
            self._context.hands.give(disposal)

    def _disposal(self, source: SourceRow) -> Dispose | None:
        """Say what the rules in force want with a source; None keeps it, for now or for good."""
        store, realm = self._context.store, self._context.realm
        wanting = rules_for(self._context.config, str(source.path))
        served = Served(
            id=source.id,
            bytes_key=source.bytes_key,
            realm=realm,
            is_ignored=source.bytes_key is not None and store.sources.is_ignored(source.bytes_key),
        )
        wishes = [Wish(folder=folder.name, rule=rule.name, keeps=folder.source == "keep") for folder, rule in wanting]
        jobs = [*store.jobs.on_bytes(source.bytes_key or ""), *store.jobs.of_source(source.id)]
        if not may_dispose(served, wishes, jobs):
            return None
        places = [(_destination(folder, source), folder.access) for folder, _ in wanting]
        to, access = next((place for place in places if place[0] is not None), (None, AS_MADE))
        return Dispose(
            source_id=source.id,
            path=source.path,
            sha256=source.sha256,
            stat=source.stat,
            to=to,
            access=access,
            within=self._ground.within(source.path),
        )

    def recovered(self, step: Recover, restored: tuple[Path, ...] | None, error: Exception | None) -> None:
        """Take what came of looking for what was set aside; until that was done, nothing in the folder goes."""
        if error is None:
            self._doubted.discard(step.folder)
            self._told.discard(step.folder)
            for path in restored or ():
                self._context.log.info("source_brought_back", path=display(path))
            return
        if not isinstance(error, StoppedError) and step.folder not in self._told:
            self._told.add(step.folder)
            self._context.log.warning("sources_not_looked_for", folder=display(step.folder), reason=str(error))
        for source in self._context.store.sources.to_dispose(self._context.clock.now()):
            if source.path.parent == step.folder:
                self._dispose_later(source)

    def cleared(self, over: Sequence[tuple[Path, str]] | None) -> None:
        """Take what came of looking for parts of copies; where it could not be looked, the next start looks again."""
        for folder, sha256 in over or ():
            self._context.store.sources.copy_over(folder, sha256)

    def disposed(self, step: Dispose, error: Exception | None) -> None:
        """Take what came of a disposal; a source that is no longer what was read is looked at anew."""
        store = self._context.store
        source = store.sources.get(step.source_id)
        if error is not None:
            self._doubted.add(step.path.parent)
        match error:
            case None:
                if source.stat == step.stat:  # else another file came meanwhile, and was read
                    self._let_be(step.source_id)
                if step.to is not None:
                    store.sources.copy_over(step.to.parent, step.sha256)
                self._context.log.info(
                    "source_disposed", path=display(step.path), to=display(step.to) if step.to else "deleted"
                )
            case AwayError():
                self._news.folder_away(error)
                self._dispose_later(source)
            case SourceMissingError() if step.source_id not in self._missed:
                self._missed.add(step.source_id)  # it may have been set aside: that is looked for once
                self._dispose_later(source)
            case SourceChangedError():
                self._missed.discard(step.source_id)
                self._let_be(step.source_id)
                if not isinstance(error, SourceMissingError):
                    self._news.source_changed(str(step.path))
            case StoppedError():
                self._dispose_later(source)
            case _:
                self._keep(source, error)

    def _let_be(self, source_id: int) -> None:
        """Nothing is left to be done with a source."""
        self._context.store.sources.disposed(source_id)
        self._kept.pop(source_id, None)

    def _keep(self, source: SourceRow, error: Exception) -> None:
        """Try again ever later; say once why it is kept, and of what may pass by itself only when it does not."""
        now_s, (reason, hint) = self._context.clock.monotonic(), words(error)
        before = self._kept.get(source.id)
        since_s, times = (before.since_s, before.times) if before else (now_s, 0)
        is_told = before is not None and before.is_told and before.reason == reason
        if not is_told and (not isinstance(error, SourceBusyError) or now_s - since_s >= LONG_S):
            is_told = True
            self._context.log.warning("source_kept", path=display(source.path), reason=reason, hint=hint)
        self._kept[source.id] = _Kept(
            path=source.path, reason=reason, since_s=since_s, times=times + 1, is_told=is_told
        )
        self._dispose_later(source, in_s=min(DISPOSE_AGAIN_S * 2.0 ** min(times, 10), DISPOSE_AGAIN_AT_LEAST_S))

    def _dispose_later(self, source: SourceRow, *, in_s: float = DISPOSE_AGAIN_S) -> None:
        self._context.store.sources.want_disposal(source.id, not_before=self._context.clock.now() + in_s)


def _destination(folder: Folder, source: SourceRow) -> Path | None:
    """Say where a folder's sources are moved to, keeping their relative path; None is deleting."""
    if isinstance(folder.source, Path):
        return folder.source / source.path.relative_to(folder.path)
    return None
