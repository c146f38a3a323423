"""What is to be paid for, before it is: jobs that wait, and files that a scan of the folders would find new.

Reads the state, the folders and the headers of new files; hashes nothing, and changes nothing. The surprise: whether
new files hold the same bytes, or bytes that are known under another name, only their hashes tell, so what new files
cost is "at most". A price comes from a catalogue whose prices are believed, or it is not known.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from mvsep_watch import audio
from mvsep_watch.daemon.holds import PRICED
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import (
    Catalogue,
    Config,
    Folder,
    InputKind,
    JobState,
    Rule,
    Settings,
    Work,
    realm_of,
)
from mvsep_watch.naming import display
from mvsep_watch.planner import Begin, asked_of, serve, settings_of
from mvsep_watch.pricing import price
from mvsep_watch.store import JobRow
from mvsep_watch.store.views import Views
from mvsep_watch.wanted import wanted
from mvsep_watch.watcher import Found, Unreadable, scan

COMPARED_AT_ONCE = 500
WITH_A_LENGTH = frozenset({InputKind.FILE, InputKind.PAIR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file under one rule.

    Args:
        source: The file, as the state or the scan has it.
        is_new: Whether a scan finds it, and no job is on it yet.
        is_held: Whether it waits for `approve` already.
        is_approved: Whether it came with a batch that was let go.
        seconds: Of audio; None where they are not known.
        settings: What would be sent; None where the rule means nothing by the catalogue.
        is_shared: Whether another item pays for the same work, or it is paid already.
        credits: What it would cost; None where that is not known.
    """

    folder: Folder
    rule: Rule
    source: Path
    is_new: bool
    size_bytes: int
    seconds: float | None
    settings: Settings | None
    is_shared: bool = False
    credits: int | None = None
    is_held: bool = False
    is_approved: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        return display(self.source.name)


@dataclass(slots=True)
class Estimate:
    """What was found.

    Args:
        refused: New files that would be refused, with the reason; nothing is paid for them.
        left_alone: New files that are skipped, since the folder was never looked through and `existing` is `skip`.
        troubles: What could not be looked at.
        held: How many jobs a person must act on for another reason than their price.
    """

    items: list[Item] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)
    left_alone: int = 0
    troubles: list[str] = field(default_factory=list)
    held: int = 0


class Estimating:
    """Looks.

    Args:
        config: The configuration.
        views: The state; None where there is none.
        catalogue: The models, unpriced where their prices are not believed.
        premium: Whether the account pays.
    """

    def __init__(self, config: Config, views: Views | None, catalogue: Catalogue, *, premium: bool) -> None:
        self._config = config
        self._views = views
        self._catalogue = catalogue
        self._premium = premium
        self._realm = realm_of(config.service.base_url)
        self._seen: set[tuple[str, str]] = set()
        self._changed: set[str] = set()
        self.found = Estimate()

    def look(self, folders: Iterable[Folder]) -> Estimate:
        """Look at what waits in folders, and at what is new in them."""
        folders = list(folders)
        new = [(folder, found) for folder in folders for found in self._new(folder)]
        self._changed = {found.path for _, found in new}
        names = {folder.name: folder for folder in folders}
        for job in self._waiting():
            if job.folder in names and job.realm == self._realm:
                self._add_job(job, names[job.folder])
        for folder, found in new:
            self._add_file(folder, found)
        return self.found

    # What waits

    def _waiting(self) -> Iterator[JobRow]:
        """Give the jobs that nothing was sent for, and that nothing keeps but their turn and their price."""
        if self._views is None:
            return
        for state in (JobState.QUEUED, JobState.HELD):
            for job in self._views.in_state(state):
                if job.hold is not None and job.hold not in PRICED:
                    self.found.held += 1
                elif job.separation_id is None:
                    yield job

    def _add_job(self, job: JobRow, folder: Folder) -> None:
        assert self._views is not None, "it has the job"
        rule = self._config.rule(job.folder, job.rule)
        source = self._views.sources.get(job.source_id)
        if rule is None or os.fspath(source.path) in self._changed:
            return
        settings = self._settings_of_job(job, rule)
        item = Item(
            folder=folder,
            rule=rule,
            source=source.path,
            is_new=False,
            is_held=job.state == JobState.HELD,
            is_approved=self._views.approvals.batch(job.batch_id)["approved_at"] is not None,
            size_bytes=source.size_bytes,
            seconds=source.duration_s,
            settings=settings,
            is_shared=settings is not None and self._is_paid(job, settings),
        )
        self._add(item, f"{job.input_key} {job.attempt_wanted or ''}")

    def _settings_of_job(self, job: JobRow, rule: Rule) -> Settings | None:
        """Give what would be sent for a job: what was recorded while its rule is the same, else what the rule means."""
        if job.settings and (job.attempt_wanted is not None or job.asked == asked_of(rule)):
            return Settings.from_canonical(job.settings)
        return self._meaning(rule)

    def _is_paid(self, job: JobRow, settings: Settings) -> bool:
        """Say whether a job takes an attempt that is there, or waits for a person after one: neither pays by itself."""
        assert self._views is not None, "it has the job"
        work = Work(realm=job.realm, input_key=job.input_key, settings=settings)
        attempts = [row.as_attempt for row in self._views.separations.of_work(work)]
        allowed = self._config.limits.attempts
        return not isinstance(serve(attempts, wanted=job.attempt_wanted, allowed_failures=allowed), Begin)

    # What is new

    def _new(self, folder: Folder) -> Iterator[Found]:
        """Give the files of a folder that the state does not know as they are."""
        skips = folder.existing == "skip" and (self._views is None or self._views.sources.first_scan_of(folder.name))
        files = self._scanned(folder)
        while chunk := list(islice(files, COMPARED_AT_ONCE)):
            stats = [(found.path, found.stat) for found in chunk]
            changed = {path for path, _ in stats} if self._views is None else set(self._views.sources.changed(stats))
            news = [found for found in chunk if found.path in changed]
            if skips:
                self.found.left_alone += len(news)
            else:
                yield from news

    def _scanned(self, folder: Folder) -> Iterator[Found]:
        outputs = [other.output for other in self._config.folders]
        try:
            for seen in scan(folder, stopping=lambda: False, skip_dirs=outputs):
                if isinstance(seen, Found):
                    yield seen
                elif isinstance(seen, Unreadable):
                    self.found.troubles.append(seen.error.message)
        except MvsepWatchError as error:
            self.found.troubles.append(error.message)

    def _add_file(self, folder: Folder, found: Found) -> None:
        path = Path(found.path)
        rules = wanted(folder, found.relative)
        try:
            seconds = audio.probe(path) if any(rule.input in WITH_A_LENGTH for rule in rules) else None
        except MvsepWatchError as error:
            self.found.refused.append((path, error.message))
            return
        for rule in rules:
            item = Item(
                folder=folder,
                rule=rule,
                source=path,
                is_new=True,
                size_bytes=found.status.st_size,
                seconds=seconds if rule.input in WITH_A_LENGTH else None,
                settings=self._meaning(rule),
            )
            self._add(item, f"{found.path} {rule.asking}")

    # Both

    def _meaning(self, rule: Rule) -> Settings | None:
        """Give what a rule sends; None where it means nothing by the catalogue, which is told once."""
        try:
            return settings_of(rule, self._catalogue)
        except MvsepWatchError as error:
            trouble = f"rule {display(rule.name)}: {error.message}"
            if trouble not in self.found.troubles:
                self.found.troubles.append(trouble)
            return None

    def _add(self, item: Item, input_key: str) -> None:
        """Price an item, unless it is paid, or another one on the same input with the same settings is."""
        work = (input_key, item.settings.canonical() if item.settings else item.rule.name)
        is_shared = item.is_shared or work in self._seen
        self._seen.add(work)
        self.found.items.append(replace(item, is_shared=is_shared, credits=0 if is_shared else self._price(item)))

    def _price(self, item: Item) -> int | None:
        if item.settings is None:
            return None
        return price(
            duration_s=item.seconds,
            algorithm=self._catalogue.get(item.settings.sep_type),
            options=dict(item.settings.options),
            premium=self._premium,
        )
