"""A new attempt that a person asked and will pay for: what stands against it, and the new job that makes it.

The attempt belongs to the work: it serves every job of it that was left without results, and jobs of one work that are
redone together share it. An unknown outcome is given up only here and by `cancel`, and only once it is held.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.holds import APPROVABLE, WAITS_FOR, WITHOUT_RESULTS
from mvsep_watch.daemon.queueing import reserve
from mvsep_watch.model import FINISHED, Config, HoldKind, JobState, SeparationState
from mvsep_watch.naming import OutputPlace, display
from mvsep_watch.planner import in_line
from mvsep_watch.store import JobRow, SeparationRow, Store

Item = dict[str, Any]
"""One job of a request: `id`; for approve `price` and `attempt`; for redo also `settings`, `asked` and `replace`."""
Doubt = Callable[[OutputPlace], bool]

NOT_MEANT = "nobody knows here what its rule means now; a new file under that rule makes it known"


class Redoing:
    """The redos of one request. `made`: the ids of the new jobs."""

    def __init__(self, store: Store, *, config: Config, now: float, eyes: Eyes, doubt: Doubt) -> None:
        self._store = store
        self._config = config
        self._now = now
        self._eyes = eyes
        self._doubt = doubt
        self._along: set[int] = set()
        self.made: list[int] = []

    def redo(self, job: JobRow, item: Item) -> str:
        """Make a new attempt for a job, or give the reason why not."""
        if job.id in self._along:
            return ""
        if reason := self._why_no_redo(job, item):
            return reason
        replaces = bool(item.get("replace")) and job.state == JobState.PUBLISHED
        place = (job.output_root, job.place) if replaces or job.state.is_live else self._place_for(job)
        if place is None:
            return "the configuration has no such folder or rule any more"
        self._store.sources.remember(job.source_id)
        self._end_redone(job, item["settings"])
        made = self._add(job, item, place, replaces=replaces)
        self.made.append(made)
        self._take_along(job, item)
        return ""

    def _place_for(self, job: JobRow) -> tuple[Path, OutputPlace] | None:
        """Reserve a place where the job's rule publishes now, and give it after its root."""
        folder, rule = self._config.folder(job.folder), self._config.rule(job.folder, job.rule)
        if folder is None or rule is None:
            return None
        source = self._store.sources.get(job.source_id)
        return folder.output, reserve(self._store, source, folder, rule, eyes=self._eyes, doubt=self._doubt)

    def _why_no_redo(self, job: JobRow, item: Item) -> str:
        """Say why a new attempt may not be made: what a job's state, its source, or another attempt has against it."""
        rows = attempts_of(self._store, job, item["settings"])
        return (
            _why_not_in_state(job)
            or self._why_not_from(job)
            or self._why_not_beside(job, rows)
            or ("" if item["settings"] else NOT_MEANT)
            or wrong_attempt(item["attempt"], max((row.attempt for row in rows), default=0) + 1)
            or self._why_not_again(job, item)
        )

    def _why_not_from(self, job: JobRow) -> str:
        source = self._store.sources.get(job.source_id)
        if source.bytes_key == job.bytes_key and self._eyes.is_there(source.path):
            return ""
        return f"the source {display(source.path)} is gone, or holds other bytes now; a new attempt sends it again"

    def _why_not_beside(self, job: JobRow, rows: list[SeparationRow]) -> str:
        """Refuse while something may still come of an earlier attempt."""
        own = separation_of(self._store, job)
        if own is None and not rows:
            return "nothing was sent for it yet; `retry` does not pay twice"
        for row in {row.id: row for row in [*rows, *([own] if own else [])]}.values():
            is_given_up = own is not None and row.id == own.id and job.hold == HoldKind.UNKNOWN
            if row.state.is_unfinished and not (row.state == SeparationState.RELEASED and is_given_up):
                return f"attempt {row.attempt} is {row.state}; `cancel` it first"
        return ""

    def _why_not_again(self, job: JobRow, item: Item) -> str:
        for other in self._store.jobs.on_input(job.input_key):
            is_asked_for = other.attempt_wanted is not None and other.attempt_wanted >= item["attempt"]
            is_same = (other.realm, other.settings) == (job.realm, item["settings"])
            if is_same and is_asked_for and other.state.is_live and other.id not in {*self.made, *self._along}:
                return f"job {other.id} is to make attempt {other.attempt_wanted} already"
        return ""

    def _end_redone(self, job: JobRow, settings: str) -> None:
        """End a held job that is done again, and the unknown that nobody waits for any longer."""
        if job.state in FINISHED:
            return
        self._store.jobs.move(job, JobState.CANCELLED, now=self._now, reason="done again by a new attempt")
        row = separation_of(self._store, job)
        if row is None or row.state != SeparationState.RELEASED:
            return
        if row.settings == settings or not self._store.jobs.of_separation(row.id):
            give_up(self._store, row, now=self._now)

    def _add(self, job: JobRow, item: Item, reserved: tuple[Path, OutputPlace], *, replaces: bool) -> int:
        jobs, (root, place) = self._store.jobs, reserved
        batch_id = self._store.approvals.approved_batch(now=self._now)
        made = jobs.add(
            source_id=job.source_id,
            bytes_key=job.bytes_key,
            folder=job.folder,
            rule=job.rule,
            realm=job.realm,
            input_key=job.input_key,
            asked=item.get("asked") or job.asked,
            priority=job.priority,
            output_root=root,
            final=place.base,
            is_flat=place.is_flat,
            batch_id=batch_id,
            line=in_line(batch_id),
            now=self._now,
            redo_of=job.id,
            attempt_wanted=item["attempt"],
            replaces=replaces,
        )
        jobs.set(made, settings=item["settings"])
        row = jobs.get(made)
        assert row is not None
        self._store.approvals.approve(row, attempt=item["attempt"], credits_=item.get("price"), now=self._now)
        return made

    def _take_along(self, job: JobRow, item: Item) -> None:
        """Let the new attempt serve every job of its work that was left without results."""
        for other in self._store.jobs.on_input(job.input_key):
            is_same = (other.realm, other.settings) == (job.realm, item["settings"])
            if is_same and other.state == JobState.HELD and other.hold in WITHOUT_RESULTS:
                self._along.add(other.id)
                reason = f"goes with job {self.made[-1]}"
                self._store.jobs.move(other, JobState.QUEUED, now=self._now, reason=reason)
                self._store.jobs.set(other.id, separation_id=None, attempt_wanted=item["attempt"])


def separation_of(store: Store, job: JobRow) -> SeparationRow | None:
    """Give the separation that serves a job, if one does."""
    return store.separations.get(job.separation_id) if job.separation_id else None


def attempts_of(store: Store, job: JobRow, settings: str) -> list[SeparationRow]:
    """Give every attempt of a job's input with these settings."""
    return store.separations.of_settings(realm=job.realm, input_key=job.input_key, settings=settings)


def give_up(store: Store, row: SeparationRow, *, now: float) -> None:
    """End an unknown that a person waits for no longer; what had only just joined it is queued again."""
    store.separations.move(row, SeparationState.LOST, now=now, reason="given up by a person, its outcome unknown")
    for job in store.jobs.of_separation(row.id):
        if job.state == JobState.QUEUED:
            store.jobs.set(job.id, separation_id=None)


def _why_not_in_state(job: JobRow) -> str:
    if job.hold in APPROVABLE:
        return WAITS_FOR[job.hold]
    if job.state.is_live and job.state != JobState.HELD:
        return "it is under way; `cancel` it first"
    return ""


def wrong_attempt(named: int, next_: int) -> str:
    """Say why an attempt that was confirmed cannot be the next one; empty where it is."""
    if named < next_:
        return f"attempt {named} exists already"
    return f"the next attempt is {next_}, and {named} was confirmed" if named > next_ else ""
