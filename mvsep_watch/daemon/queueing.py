"""From an identified source to its jobs: one per matching rule, all in one transaction, each with its place reserved.

A source is a real path, whichever folders reach it. Bytes that a rule has already done are known; a file that was
renamed keeps its jobs. A one-off's rule applies to its file whatever the folders say, and besides what they say.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.roots import root_key
from mvsep_watch.files.mounts import takes_any_name
from mvsep_watch.files.roots import RootNote
from mvsep_watch.model import FINISHED, BatchOrigin, Config, FileStat, Folder, Identity, JobState, Rule, file_key
from mvsep_watch.naming import OutputPlace, display, first_free, job_folder, portable
from mvsep_watch.planner import asked_of, in_line
from mvsep_watch.steps.looking import IsThere, Question, TakesAnyName, WhichAreGone
from mvsep_watch.store import JobRow, SourceRow, Store
from mvsep_watch.store.rows import path_blob
from mvsep_watch.wanted import wanted


class Queueing:
    """Makes jobs."""

    def __init__(self, context: Context, ground: Ground) -> None:
        self._context = context
        self._ground = ground

    def take(
        self,
        path: str,
        folder: Folder,
        identity: Identity,
        *,
        origin: BatchOrigin,
        read_at: float,
        eyes: Eyes,
        one_offs: Collection[str] = (),
    ) -> None:
        """Make one job per matching rule, all in the caller's one transaction.

        Args:
            path: The source's.
            folder: The watched folder, or the one-off, that it came with.
            identity: What it holds.
            origin: What brought it.
            read_at: When it was read.
            eyes: What is seen of the disks that it comes from and that its outputs go to.
            one_offs: The one-offs that it is the file of, by name.
        """
        store, now = self._context.store, self._context.clock.now()
        bytes_key = file_key(identity.sha256)
        wanting = self.wanting(path, identity.stat, one_offs)
        state, reason = self._seen_as(path, bytes_key, identity.stat, one_offs)
        is_renamed = self._follow_rename(path, folder, identity, read_at, eyes)
        source_id = store.sources.see(
            path,
            folder=folder.name,
            stat=identity.stat,
            state=state,
            now=now,
            bytes_key=bytes_key,
            xxh3=identity.xxh3,
            duration_s=identity.duration_s,
            reason=reason,
        )
        source = store.sources.get(source_id)
        if source.state == "ignored":
            wanting = [(folder, rule) for folder, rule in wanting if folder.name in one_offs]
        if is_renamed:
            self._rehouse(source, identity, wanting, eyes)
        self._queue_jobs(source, identity, wanting, origin, eyes)

    def wanting(self, path: str, stat: FileStat, one_offs: Collection[str] = ()) -> list[tuple[Folder, Rule]]:
        """Give the rules that apply to a file: the folders', where it is news, and those of its one-offs.

        Args:
            path: The file's.
            stat: What it looks like; one that the state knows so has got its folders' rules already.
            one_offs: The one-offs that it is the file of, by name.
        """
        config, sources = self._context.config, self._context.store.sources
        own = [(folder, rule) for name in one_offs if (folder := config.folder(name)) for rule in folder.rules]
        if own and not sources.changed([(path, stat)]):
            return own
        watched = [
            (folder, rule)
            for folder, rule in rules_for(config, path)
            if not (own and folder.existing == "skip" and sources.first_scan_of(folder.name))
        ]
        return [*watched, *own]

    def _seen_as(self, path: str, bytes_key: str, stat: FileStat, one_offs: Collection[str]) -> tuple[str, str]:
        """Say in which state a source is from now on, and why: a one-off changes nothing about what is left alone."""
        sources = self._context.store.sources
        if sources.is_ignored(bytes_key):
            return "ignored", "forgotten"
        before = sources.at(path)
        is_skipped = before is not None and before.state == "skipped" and before.stat == stat
        return (before.state, before.reason) if before and is_skipped and one_offs else ("known", "")

    def _queue_jobs(
        self,
        source: SourceRow,
        identity: Identity,
        wanting: Sequence[tuple[Folder, Rule]],
        origin: BatchOrigin,
        eyes: Eyes,
    ) -> None:
        """Queue a job for every rule that has none on this input."""
        for folder, rule in wanting:
            input_key = identity.keys[rule.asking]
            if not input_key:
                continue
            self._drop_outdated(source, folder, rule, input_key)
            if known := self._known(source, folder, rule, input_key):
                self._say_known(source, known, eyes)
            else:
                self._queue(source, folder, rule, input_key, origin=origin, eyes=eyes)
            if folder.name in self._context.config.one_offs:
                self._serve(folder, input_key)

    def _serve(self, one_off: Folder, input_key: str) -> None:
        """Write down which job serves a one-off: the newest that may have results."""
        store = self._context.store
        jobs = [job for job in store.jobs.on_input(input_key) if job.folder == one_off.name]
        best = max(jobs, key=lambda job: (job.state == JobState.PUBLISHED or job.state not in FINISHED, job.id))
        store.one_offs.serve(one_off.name, best.id)

    def _known(self, source: SourceRow, folder: Folder, rule: Rule, input_key: str) -> JobRow | None:
        """Find the job that makes another on this input needless: this source's own, or one that is published."""
        for job in self._context.store.jobs.on_input(input_key):
            is_same = (job.realm, job.folder, job.rule) == (self._context.realm, folder.name, rule.name)
            if is_same and (job.source_id == source.id or job.state == JobState.PUBLISHED):
                return job
        return None

    def _drop_outdated(self, source: SourceRow, folder: Folder, rule: Rule, input_key: str) -> None:
        """End jobs on these bytes that were to be sent otherwise: the rule's reference was replaced."""
        for job in self._context.store.jobs.of_source(source.id):
            is_same = (job.folder, job.rule, job.bytes_key) == (folder.name, rule.name, source.bytes_key)
            if is_same and job.state == JobState.QUEUED and job.input_key != input_key and job.separation_id is None:
                reason = "the rule's reference was replaced before it was sent"
                self._context.store.jobs.move(job, JobState.CANCELLED, now=self._context.clock.now(), reason=reason)

    def _say_known(self, source: SourceRow, job: JobRow, eyes: Eyes) -> None:
        if job.state == JobState.CANCELLED and job.resume == JobState.QUEUED:
            now = self._context.clock.now()
            self._context.store.jobs.move(job, JobState.QUEUED, now=now, reason="its bytes are back", finished_at=None)
        if job.state == JobState.PUBLISHED:
            outputs = display(job.place.mark)
            eyes.tell("source_known", path=display(source.path), job=job.id, rule=job.rule, outputs=outputs)
            self._context.store.sources.want_disposal(source.id)

    def _queue(
        self, source: SourceRow, folder: Folder, rule: Rule, input_key: str, *, origin: BatchOrigin, eyes: Eyes
    ) -> None:
        context, now = self._context, self._context.clock.now()
        place = reserve(context.store, source, folder, rule, eyes=eyes, doubt=partial(context.doubts, eyes=eyes))
        must_ask = context.store.memory.meta("ask_about_new") == "1"
        batch_id = context.store.approvals.open_batch(folder.name, origin, now=now, must_ask=must_ask)
        name = relative_to(folder, str(source.path)) if origin == BatchOrigin.SCAN else ""
        job_id = context.store.jobs.add(
            source_id=source.id,
            bytes_key=source.bytes_key or "",
            folder=folder.name,
            rule=rule.name,
            realm=context.realm,
            input_key=input_key,
            asked=asked_of(rule),
            priority=rule.priority,
            output_root=folder.output,
            final=place.base,
            is_flat=place.is_flat,
            batch_id=batch_id,
            line=in_line(batch_id, name),
            now=now,
        )
        eyes.tell("job_queued", job=job_id, path=display(source.path), folder=folder.name, rule=rule.name)

    def _rehouse(
        self, source: SourceRow, identity: Identity, wanting: Sequence[tuple[Folder, Rule]], eyes: Eyes
    ) -> None:
        """Give the jobs of a file that was moved to the rules that take it there; end those that none of them takes.

        A job that is with the service already goes on, whether a rule takes it over or not: it may be paid for.
        """
        jobs = self._context.store.jobs
        homes = {(folder.name, rule.name) for folder, rule in wanting} | {
            (one_off, rule.name) for one_off, folder in self._context.config.one_offs.items() for rule in folder.rules
        }
        own = [job for job in jobs.of_source(source.id) if job.bytes_key == source.bytes_key and job.redo_of is None]
        served = {(job.folder, job.rule) for job in own}
        free = [(folder, rule) for folder, rule in wanting if (folder.name, rule.name) not in served]
        for job in own:
            if (job.folder, job.rule) in homes or _moved_state(job) not in (JobState.QUEUED, JobState.SUBMITTED):
                continue
            home = next((each for each in free if _asks_for(each[1], job, identity)), None)
            if home is not None:
                free.remove(home)
                self._move_in(job, source, *home, eyes=eyes)
            elif _moved_state(job) == JobState.QUEUED and job.separation_id is None:
                reason = "its file was moved to where other rules take it"
                jobs.move(job, JobState.CANCELLED, now=self._context.clock.now(), reason=reason, resume=JobState.QUEUED)

    def _move_in(self, job: JobRow, source: SourceRow, folder: Folder, rule: Rule, *, eyes: Eyes) -> None:
        """Make a job that of another rule, which asks for the same; its outputs go where that rule's go."""
        context = self._context
        place = reserve(context.store, source, folder, rule, eyes=eyes, doubt=partial(context.doubts, eyes=eyes))
        context.store.jobs.set(
            job.id,
            folder=folder.name,
            rule=rule.name,
            priority=rule.priority,
            output_root=path_blob(folder.output),
            final=path_blob(place.base),
            is_flat=int(place.is_flat),
        )
        eyes.tell("job_moved", job=job.id, folder=folder.name, rule=rule.name, outputs=display(place.base))

    def _follow_rename(self, path: str, folder: Folder, identity: Identity, read_at: float, eyes: Eyes) -> bool:
        """Let the jobs of a file that was renamed follow it: same bytes, the old path is gone; say whether it was."""
        store = self._context.store
        known = self._known_before(path, identity, read_at)
        gone = eyes.gone_of(tuple(old.path for old in known))
        for old in known:
            if old.path in gone and not self._ground.look_at(old.path, eyes):
                store.sources.move(old.id, path, folder=folder.name, stat=identity.stat, now=self._context.clock.now())
                eyes.tell("source_renamed", before=display(old.path), path=display(path))
                return True
        return False

    def _known_before(self, path: str, identity: Identity, read_at: float) -> list[SourceRow]:
        """Give the sources that a file may be under another name: those with its bytes, seen before it was read."""
        sources = self._context.store.sources
        if sources.at(path) is not None:
            return []
        same = sources.same_bytes(file_key(identity.sha256))
        return [old for old in same if old.state == "known" and old.seen_at < read_at]

    def questions(
        self, path: str, identity: Identity, *, read_at: float, one_offs: Collection[str] = ()
    ) -> list[Question]:
        """Say what is going to be asked of disks when a file is taken, as far as that can be told before."""
        store, known = self._context.store, self._known_before(path, identity, read_at)
        relative_paths = (
            (folder, rule, PurePosixPath(relative_to(folder, path)))
            for folder, rule in self.wanting(path, identity.stat, one_offs)
        )
        wanting = [(*each, _is_noted_portable(store, each[0].output)) for each in relative_paths]
        places = (
            _named(folder, rule, relative, identity.sha256, taken=store.jobs.is_reserved, is_portable=bool(is_portable))
            for folder, rule, relative, is_portable in wanting
        )
        gone = [WhichAreGone(tuple(old.path for old in known))] if known else []
        unnoted = {folder.output for folder, _, _, is_portable in wanting if is_portable is None}
        return [*gone, *map(TakesAnyName, unnoted), *(IsThere(place.mark) for place in places)]


def _named(
    folder: Folder,
    rule: Rule,
    relative: PurePosixPath,
    sha256: str,
    *,
    taken: Callable[[Path], bool],
    is_portable: bool,
) -> OutputPlace:
    """Name the first place of a job that is not taken, going by its path."""
    named = job_folder(
        folder.layout, relative=relative, rule=rule, folder=folder, sha256=sha256,
        taken=lambda name: taken(folder.output / name), is_portable=is_portable,
    )  # fmt: skip
    return OutputPlace(folder.output / named, is_flat=folder.publish == "flat")


def reserve(
    store: Store,
    source: SourceRow,
    folder: Folder,
    rule: Rule,
    *,
    eyes: Eyes,
    doubt: Callable[[OutputPlace], bool],
    names: Collection[str] = (),
) -> OutputPlace:
    """Name a job's place: taken by another job or on the disk → the next number.

    Args:
        store: Knows which places are reserved.
        source: The job's.
        folder: The job's.
        rule: The job's.
        eyes: What is seen of the disk.
        doubt: Is asked about what is in the way and reserved by no job. Outputs of a lost state never make a job take
            the next number: it keeps the name, and nothing starts until the doubt is gone.
        names: The job's outputs, where they are known: none of their files may be there.
    """
    is_flat = folder.publish == "flat"

    def is_taken(relative: PurePosixPath) -> bool:
        place = OutputPlace(folder.output / relative, is_flat=is_flat)
        if store.jobs.is_reserved(place.base):
            return True
        return _is_in_the_way(place, names, eyes) and not doubt(place)

    relative = PurePosixPath(relative_to(folder, str(source.path)))
    is_portable = _is_noted_portable(store, folder.output)
    named = job_folder(
        folder.layout, relative=relative, rule=rule, folder=folder, sha256=source.sha256, taken=is_taken,
        is_portable=not eyes.takes_any_name(folder.output) if is_portable is None else is_portable,
    )  # fmt: skip
    return OutputPlace(folder.output / named, is_flat=is_flat)


def _is_noted_portable(store: Store, root: Path) -> bool | None:
    """Say whether an output root takes plain names only, going by what it was when it was last seen; None if never."""
    note = RootNote.of(store.memory.meta(root_key(root)) or "")
    return None if note is None else not takes_any_name(note.fs_type)


def reserve_beside(
    config: Config,
    store: Store,
    job: JobRow,
    *,
    eyes: Eyes,
    doubt: Callable[[OutputPlace], bool],
    is_portable: bool = False,
) -> OutputPlace:
    """Name a new place for a job whose own is taken, in the same folder: its outputs are staged there.

    It stays with a folder of its own, or without, as it was queued. With `is_portable` the place is not taken, but its
    name is refused: it gets a plain one.
    """
    folder, rule = config.folder(job.folder), config.rule(job.folder, job.rule)
    names = [output.name for output in store.jobs.outputs(job.id)]
    if folder is not None and rule is not None and not is_portable:
        folder = replace(folder, publish="flat" if job.is_flat else "folder")
        place = reserve(store, store.sources.get(job.source_id), folder, rule, eyes=eyes, doubt=doubt, names=names)
        if place.base.parent == job.final.parent:
            return place

    def at(name: PurePosixPath) -> OutputPlace:
        return OutputPlace(job.final.with_name(name.name), is_flat=job.is_flat)

    def is_taken(name: PurePosixPath) -> bool:
        return store.jobs.is_reserved(at(name).base) or _is_in_the_way(at(name), names, eyes)

    name = portable(job.final.name) if is_portable else job.final.name
    return at(first_free(PurePosixPath(name), is_taken))


def _is_in_the_way(place: OutputPlace, names: Collection[str], eyes: Eyes) -> bool:
    """Say whether anything lies where outputs would."""
    return any(eyes.is_there(path) for path in (place.mark, *(place.file(name) for name in names)))


def rules_for(config: Config, path: str) -> list[tuple[Folder, Rule]]:
    """Give the rules that apply to a path, with their folders: all of them that reach it."""
    return [
        (folder, rule)
        for folder in config.folders
        if path.startswith(_root(folder))
        for rule in wanted(folder, relative_to(folder, path))
    ]


def _moved_state(job: JobRow) -> JobState | None:
    """Say how far a job is; a held one is as far as where it goes on."""
    return job.resume if job.state == JobState.HELD else job.state


def _asks_for(rule: Rule, job: JobRow, identity: Identity) -> bool:
    """Say whether a rule asks for just what a job does."""
    return (asked_of(rule), identity.keys[rule.asking]) == (job.asked, job.input_key)


def relative_to(folder: Folder, path: str) -> str:
    """Give a path below its watched folder; what a person named may lie elsewhere."""
    root = _root(folder)
    return path[len(root) :] if path.startswith(root) else os.path.relpath(path, folder.path)


def _root(folder: Folder) -> str:
    """Give what the paths of all files in a watched folder begin with."""
    return os.path.join(folder.path, "")  # noqa: PTH118 - one more for every root but "/"
