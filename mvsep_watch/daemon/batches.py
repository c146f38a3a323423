"""What a batch would cost together: held whole where that is more than `approve_batch_above`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mvsep_watch.daemon.context import Context
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import HoldKind, JobState, Settings, Work
from mvsep_watch.pricing import in_words
from mvsep_watch.store import JobRow

PriceOf = Callable[[Settings, float | None], int | None]


@dataclass(slots=True)
class _Sum:
    """A batch's price so far: works are counted once, whatever the number of jobs on them."""

    last_job: int = 0
    credits: int = 0
    has_unknown: bool = False
    works: set[tuple[str, str]] = field(default_factory=set)


class BatchSums:
    """Sums kept up job by job, so that a turn never adds a whole batch up again."""

    def __init__(self, context: Context, price_of: PriceOf) -> None:
        self._context = context
        self._price_of = price_of
        self._sums: dict[int, _Sum] = {}

    def holds(self, job: JobRow) -> bool:
        """Hold a job's whole batch where its sum asks for it; say whether that was so."""
        batch = self._context.store.approvals.batch(job.batch_id)
        limit = self._context.config.limits.credits.approve_batch_above
        if batch["approved_at"] is not None or (limit is None and not batch["must_ask"]):
            return False
        together = self._sum(job.batch_id)
        if not batch["must_ask"] and limit is not None and together.credits <= limit:
            return False
        self._hold(job.batch_id, together, limit, asked_anyway=bool(batch["must_ask"]))
        return True

    def _sum(self, batch_id: int) -> _Sum:
        together = self._sums.setdefault(batch_id, _Sum())
        for job in self._context.store.jobs.of_batch(batch_id, after=together.last_job):
            together.last_job = job.id
            self._add(together, job)
        return together

    def _add(self, together: _Sum, job: JobRow) -> None:
        settings = self._settings(job)
        if settings is None or (job.input_key, settings.canonical()) in together.works:
            return
        together.works.add((job.input_key, settings.canonical()))
        price = 0 if self._is_paid(job, settings) else self._price(job)
        together.credits += price or 0
        together.has_unknown |= price is None

    def _settings(self, job: JobRow) -> Settings | None:
        rule = self._context.config.rule(job.folder, job.rule)
        try:
            return self._context.settings_of(rule) if rule else None
        except MvsepWatchError:
            return None

    def _hold(self, batch_id: int, together: _Sum, limit: int | None, *, asked_anyway: bool) -> None:
        store, now = self._context.store, self._context.clock.now()
        waiting = [
            job for job in store.jobs.of_batch(batch_id) if job.state == JobState.QUEUED and job.separation_id is None
        ]
        more = " or more" if together.has_unknown else ""
        why = "the state was begun anew" if asked_anyway else f"more than limits.credits.approve_batch_above ({limit})"
        reason = f"it came with a batch that would cost {in_words(together.credits)}{more}: {why}"
        hint = "`approve --all` lets the batch go; `approve` with ids, paths or globs lets these go"
        with store.transaction():
            for job in waiting:
                settings = self._settings(job)
                if settings is not None and job.settings is None:
                    store.jobs.set(job.id, settings=settings.canonical())  # what the price is for, and the approval
                store.jobs.hold(job, HoldKind.BATCH, now=now, reason=reason, hint=hint, price=self._price(job))
        self._context.log.warning("batch_held", batch=batch_id, jobs=len(waiting), credits=together.credits, hint=hint)

    def _is_paid(self, job: JobRow, settings: Settings) -> bool:
        """Say whether a work has an attempt already, here or in the history: joining it costs nothing."""
        store, work = self._context.store, Work(realm=job.realm, input_key=job.input_key, settings=settings)
        listed = store.memory.history_with_tags(work.realm, self._context.identity, work.tags())
        return job.attempt_wanted is None and bool(listed or store.separations.of_work(work))

    def _price(self, job: JobRow) -> int | None:
        settings = self._settings(job)
        source = self._context.store.sources.get(job.source_id)
        return self._price_of(settings, source.duration_s) if settings else None
