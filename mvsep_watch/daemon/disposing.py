"""Sources that have served: kept, deleted or moved, once every rule in force has a published job on their bytes."""

from __future__ import annotations

import os
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.queueing import rules_for
from mvsep_watch.errors import SourceBusyError, SourceChangedError, StoppedError
from mvsep_watch.model import Folder, JobState
from mvsep_watch.naming import display
from mvsep_watch.steps.publish import Dispose, Tidy
from mvsep_watch.store import SourceRow

DISPOSE_AGAIN_S = 60.0


class Disposing:
    """The desk that lets sources go."""

    def __init__(self, context: Context, ground: Ground, news: News) -> None:
        self._context = context
        self._ground = ground
        self._news = news

    def work(self) -> None:
        """Hand out what is due; nothing before what a killed run had set aside is back in its place."""
        if self._context.stopping or self._context.hands.is_busy_with(Tidy.KEY):
            return
        for source in self._context.store.sources.to_dispose(self._context.clock.now()):
            self._dispose(source)

    def _dispose(self, source: SourceRow) -> None:
        """Dispose of a source once every rule in force has a published job on its bytes."""
        disposal = self._disposal(source)
        if disposal is None:
            self._context.store.sources.disposed(source.id)
        elif self._ground.trouble_at(source.path):
            self._dispose_later(source)
        else:
            self._context.hands.give(disposal)

    def _disposal(self, source: SourceRow) -> Dispose | None:
        """Say what the rules in force want with a source; None keeps it, for now or for good."""
        jobs = self._context.store.jobs
        published = {
            (job.folder, job.rule)
            for job in jobs.on_bytes(source.bytes_key or "")
            if job.state == JobState.PUBLISHED and job.realm == self._context.realm
        }
        wanting = rules_for(self._context.config, str(source.path))
        is_served = all((folder.name, rule.name) in published for folder, rule in wanting)
        is_live = any(job.state.is_live for job in jobs.of_source(source.id))
        is_kept = any(folder.source == "keep" for folder, _ in wanting)
        if not wanting or is_kept or is_live or not is_served:
            return None
        places = [_destination(folder, source) for folder, _ in wanting]
        to = next((place for place in places if place is not None), None)
        return Dispose(source_id=source.id, path=source.path, sha256=source.sha256, stat=source.stat, to=to)

    def disposed(self, step: Dispose, error: Exception | None) -> None:
        """Take what came of a disposal; a source that is no longer what was read is looked at anew."""
        store = self._context.store
        source = store.sources.get(step.source_id)
        match error:
            case None:
                store.sources.disposed(step.source_id)
                self._context.log.info(
                    "source_disposed", path=display(step.path), to=display(step.to) if step.to else "deleted"
                )
            case SourceChangedError() if self._ground.look_at(step.path):
                self._dispose_later(source)
            case SourceChangedError():
                store.sources.disposed(step.source_id)
                if os.path.lexists(step.path):
                    self._news.source_changed(str(step.path))
            case StoppedError() | SourceBusyError():
                self._dispose_later(source)
            case _:
                self._context.log.warning("source_kept", path=display(step.path), reason=str(error))
                self._dispose_later(source)

    def _dispose_later(self, source: SourceRow) -> None:
        self._context.store.sources.want_disposal(source.id, not_before=self._context.clock.now() + DISPOSE_AGAIN_S)


def _destination(folder: Folder, source: SourceRow) -> Path | None:
    """Say where a folder's sources are moved to, keeping their relative path; None is deleting."""
    if isinstance(folder.source, Path):
        return folder.source / source.path.relative_to(folder.path)
    return None
