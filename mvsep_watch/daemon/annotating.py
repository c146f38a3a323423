"""Notes beside sources, where a folder asks for them: why one is held, failed or refused, since when, and what to do.

What a note says is worked out anew whenever the state marks its source, and handed out only where it differs from what
is written there: one write for each change. What cannot be written is tried again once its folder has been looked
through. Notes are for people alone, and nothing waits for them. The surprise: an outcome clears no mark, since the
trouble may have changed meanwhile; the next turn finds that nothing differs, and does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from mvsep_watch import log
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.holds import APPROVABLE, REDOABLE, RETRIABLE
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import AS_MADE, Folder, HoldKind, JobState
from mvsep_watch.naming import display
from mvsep_watch.steps.annotate import Annotate, LookForSources, Noted, Wanted
from mvsep_watch.store import JobRow, SourceRow

AT_ONCE = 500
"""As many in one commit, and in one step."""


class Annotating:
    """The desk that keeps the notes."""

    def __init__(self, context: Context, scans: Scans, ground: Ground) -> None:
        self._context = context
        self._scans = scans
        self._ground = ground
        self._looked_s: dict[str, float] = {}
        self._later: dict[int, Path] = {}
        self._gone: set[int] = set()
        self._told: set[str] = set()

    def reloaded(self) -> None:
        """At start, and after another configuration: look at every note, and at whatever may want one."""
        self._told.clear()
        self._context.store.notes.want_all([folder.name for folder in self._context.config.folders if folder.notes])

    @property
    def has_work(self) -> bool:
        """True while a note is to be written or removed."""
        return not self._context.only and bool(self._context.store.notes.due(limit=1))

    def work(self) -> None:
        """Hand out what is due."""
        if self._context.stopping or self._context.only:
            return
        for folder in self._context.config.folders:
            looked_s = self._scans.looked_s.get(folder.name)
            if looked_s != self._looked_s.get(folder.name):
                self._looked_s[folder.name] = looked_s or 0.0
                self._after_scan(folder)
        if self._context.hands.is_busy_with(Annotate.KEY) or not self.has_work:
            return
        with self._context.store.transaction():
            notes = tuple(self._wanted())
        if notes:
            self._context.hands.give(Annotate(notes=notes))

    def _after_scan(self, folder: Folder) -> None:
        """Try again what could not be done in a folder; see which of its refused files and noted sources are gone."""
        store = self._context.store
        again = [source_id for source_id, path in self._later.items() if path.is_relative_to(folder.path)]
        for source_id in again:
            del self._later[source_id]
        store.notes.want(again)
        sources = [(row.source_id, row.path) for row in store.notes.there() if row.path is not None]
        here = {each: path for each, path in sources if path.is_relative_to(folder.path)}
        here |= {row.id: row.path for row in store.sources.refused(folder.name, limit=AT_ONCE)}
        if here:
            self._context.hands.give(LookForSources(sources=tuple(here.items())))

    def looked(self, gone: tuple[int, ...] | None) -> None:
        """Take which sources are gone: their notes go too, and refused ones are told of no more."""
        self._gone |= set(gone or ())
        with self._context.store.transaction():
            self._context.store.notes.want(gone or ())
            self._context.store.sources.forget_refused(gone or ())

    def _wanted(self) -> Iterator[Wanted]:
        """Give what is to be done just now."""
        store = self._context.store
        for row in store.notes.due(limit=AT_ONCE):
            source = store.sources.find(row.source_id)
            path, text = (source.path, self._text(source)) if source else (None, "")
            if source is not None and self._ground.trouble_at(source.path):
                self._put_off(source)
            elif not text and row.path is None:
                store.notes.forget(row.source_id)
            elif (path, _hash(text)) == (row.path, row.written) and row.source_id not in self._gone:
                store.notes.done(row.source_id)
            else:
                access = self._context.config.access_of(source.folder) if source else AS_MADE
                yield Wanted(source_id=row.source_id, source=path, before=row.path, text=text, access=access)

    def _put_off(self, source: SourceRow) -> None:
        self._context.store.notes.done(source.id)
        self._later[source.id] = source.path

    def noted(self, step: Annotate, notes: tuple[Noted, ...] | None, error: Exception | None) -> None:
        """Take what came of writing and removing; what ran into a bug is let be."""
        if error is not None:
            self._context.log.error("notes_not_written", exc_info=error)
        for wanted in step.notes if error else ():
            self._context.store.notes.done(wanted.source_id)
        for each in notes or ():
            wanted, source = each.wanted, self._context.store.sources.find(each.wanted.source_id)
            self._gone.discard(wanted.source_id)
            if each.is_gone:
                self._context.store.notes.forget(wanted.source_id)
                continue
            if each.error is None:
                self._context.store.notes.put(wanted.source_id, each.path, _hash(wanted.text) if each.path else "")
            is_written = each.error is None and bool(wanted.text) == (each.path is not None)
            if not is_written:
                self._not_written(wanted, source, each.error)

    def _not_written(self, wanted: Wanted, source: SourceRow | None, error: MvsepWatchError | None) -> None:
        """Say once for a folder that a note cannot be written; one of a source that nobody knows is let be."""
        if source is None:
            self._context.store.notes.done(wanted.source_id)
            return
        self._put_off(source)
        if source.folder not in self._told:
            self._told.add(source.folder)
            reason = str(error or "a file that is no note has its name")
            self._context.log.warning("note_not_written", path=display(source.path), reason=reason)

    # What a note says

    def _text(self, source: SourceRow) -> str:
        """Say what is the matter with a source, for each job that has trouble; empty where nothing is, or is asked."""
        sections = list(self._sections(source))
        return log.redact("\n".join([f"{display(source.path.name)}\n", *sections])) if sections else ""

    def _sections(self, source: SourceRow) -> Iterator[str]:
        if source.state == "ignored":
            return
        if source.state == "refused" and self._asks(source.folder):
            commands = [f"show {shlex.quote(display(source.path))}"]
            yield _section("refused", source.seen_at, source.reason, source.hint, commands)
        for job in self._troubled(source):
            head = f'rule "{job.rule}" of folder "{display(job.folder)}", job {job.id}: {job.state}'
            commands = [f"{command} {job.id}" for command in (*self._freeing(job), "show")]
            yield _section(head, self._context.store.jobs.since(job), job.reason, job.hint, commands)

    def _asks(self, folder_name: str) -> bool:
        folder = self._context.config.folder(folder_name)
        return folder is not None and folder.notes

    def _troubled(self, source: SourceRow) -> list[JobRow]:
        """Give the jobs that are held, or have failed and were not followed by another of their rule."""
        jobs = self._context.store.jobs.of_source(source.id)
        newest = {(job.folder, job.rule): job.id for job in jobs}
        return [
            job
            for job in jobs
            if self._asks(job.folder)
            and (job.state == JobState.HELD or (job.state, job.id) == (JobState.FAILED, newest[job.folder, job.rule]))
        ]

    def _freeing(self, job: JobRow) -> Iterator[str]:
        """Give the commands that free a job."""
        if job.hold in APPROVABLE:
            yield from ("approve", "cancel")
        elif job.hold == HoldKind.SHORT:
            yield from ("approve", "retry")
        elif job.hold in RETRIABLE:
            yield "retry"
        elif job.hold in REDOABLE:
            yield "redo"
        elif job.state == JobState.FAILED:
            row = self._context.store.separations.get(job.separation_id) if job.separation_id else None
            yield "retry" if row is None or row.was_refused else "redo"


def _section(head: str, since: float, reason: str, hint: str, commands: list[str]) -> str:
    when = f"{dt.datetime.fromtimestamp(since).astimezone():%Y-%m-%d %H:%M}"
    lines = [f"{head} since {when}", f"  what happened: {display(reason)}"]
    lines += [f"  what to do:    {display(hint)}"] if hint else []
    lines += [f"  command:       mvsep-watch {command}" for command in commands]
    return "".join(f"{line}\n" for line in lines)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
