"""From a finished separation to visible outputs: fetched into staging, published by one rename."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable

from mvsep_watch import retry
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.polling import Polling
from mvsep_watch.daemon.queueing import reserve_again
from mvsep_watch.errors import (
    LinkExpiredError,
    MvsepWatchError,
    NotFoundError,
    OutputRootError,
    StoppedError,
)
from mvsep_watch.files.staging import TakenError
from mvsep_watch.model import Folder, GateName, HoldKind, JobState, Provenance, SeparationState
from mvsep_watch.naming import display, escape_path
from mvsep_watch.options import predict_stems, prompt_field
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.fetch import Fetch, Fetched, Sibling
from mvsep_watch.steps.publish import NotStagedError, Publish
from mvsep_watch.store import JobRow, SeparationRow, SourceRow

RESULTS_GONE_TIMES = 4
"""How often in a row the results must be gone before it is believed: a mirror can lag behind."""
LOOKED_THROUGH = 1000
"""How many jobs that wait to be fetched are looked through for one that can be."""
FREED_BY_RESULTS = (HoldKind.PRICE, HoldKind.BATCH, HoldKind.ENDED, HoldKind.OUTPUTS_GONE)


class Finishing:
    """The desk that fetches and publishes."""

    def __init__(self, context: Context, polling: Polling, news: News) -> None:
        self._context = context
        self._polling = polling
        self._news = news

    def separation_ended(self, row: SeparationRow) -> None:
        """Let the jobs of a separation that ended without results try again, and those of its work if it is done."""
        if row.state == SeparationState.DONE:
            self._free_held(row)
            return
        store, now = self._context.store, self._context.clock.now()
        with store.transaction():
            for job in store.jobs.of_separation(row.id):
                store.jobs.set(job.id, separation_id=None)
                store.jobs.move(job, JobState.QUEUED, now=now, reason=f"separation {row.id} ended: {row.state}")

    def _free_held(self, row: SeparationRow) -> None:
        """Let jobs go on that were held for a price, or for want of results: their work is done and costs no more."""
        store, now = self._context.store, self._context.clock.now()
        for job in store.jobs.on_input(row.input_key):
            is_same = (job.realm, job.settings) == (row.realm, row.settings)
            if is_same and job.hold in FREED_BY_RESULTS and (job.attempt_wanted or 1) <= row.attempt:
                store.jobs.set(job.id, separation_id=None)
                store.jobs.move(job, JobState.QUEUED, now=now, reason=f"separation {row.id} did its work")

    def work(self) -> None:
        """Hand out what is due."""
        if self._context.stopping:
            return
        self._each_due(JobState.SEPARATED, Pool.DOWNLOADS, self._fetch)
        self._each_due(JobState.FETCHED, Pool.FILING, self._publish)

    @property
    def has_work(self) -> bool:
        """True while outputs can be fetched or published, now or soon: their service and their disk are there."""
        closed = {gate.scope for gate in self._context.gates() if gate.name == GateName.DISK}
        jobs = self._context.store.jobs
        for state in (JobState.SEPARATED, JobState.FETCHED):
            for job in jobs.due(state, now=float("inf"), limit=LOOKED_THROUGH):
                if job.realm == self._context.realm and escape_path(job.output_root) not in closed:
                    return True
        return False

    def _each_due(self, state: JobState, pool: Pool, give: Callable[[JobRow], None]) -> None:
        free = self._context.hands.free(pool)
        if not free:
            return
        limit = free + len(self._context.hands.in_flight())
        for job in self._context.store.jobs.due(state, now=self._context.clock.now(), limit=limit):
            if not self._context.hands.is_busy_with(("job", job.id)):
                with self._context.guarding(job):
                    give(job)

    def _separation_of(self, job: JobRow) -> SeparationRow:
        return self._context.store.separations.get(job.separation_id or 0)

    # Fetch

    def _fetch(self, job: JobRow) -> None:
        row = self._separation_of(job)
        if row.realm != self._context.realm:
            self._wait_for_realm(job, row)
            return
        rule = self._context.config.rule(job.folder, job.rule)
        self._context.hands.give(
            Fetch(
                job_id=job.id,
                state_id=self._context.store.memory.state_id,
                hash=row.hash or "",
                base_url=self._polling.host_of(row),
                parent=job.final.parent,
                root=job.output_root,
                format_number=row.work.settings.output_format,
                stems=rule.stems if rule else None,
                slugs=self._slugs(row),
                source_duration_s=None if self._speaks(row) else row.duration_s,
                siblings=self._siblings(job, row),
            )
        )

    def _wait_for_realm(self, job: JobRow, row: SeparationRow) -> None:
        reason, hint = self._context.elsewhere(row), "configure that service again; it goes on by itself then"
        not_before = self._context.clock.now() + retry.PROBE_S
        self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before)

    def _slugs(self, row: SeparationRow) -> tuple[tuple[str, str], ...]:
        """Give the model's slugs with their labels: a rule may name stems by either."""
        algorithm = (self._context.catalogue or {}).get(row.work.settings.sep_type)
        return tuple(predict_stems(algorithm, dict(row.work.settings.options)).items()) if algorithm else ()

    def _speaks(self, row: SeparationRow) -> bool:
        """Say whether a model says a text: its outputs are as long as that, and not as its source."""
        algorithm = (self._context.catalogue or {}).get(row.work.settings.sep_type)
        return algorithm is not None and prompt_field(algorithm, ()) is not None

    def _siblings(self, job: JobRow, row: SeparationRow) -> tuple[Sibling, ...]:
        jobs, stems = self._context.store.jobs, Counter(row.server_words.get("stems", ()))
        found = []
        for other in jobs.ever_of_separation(row.id):
            if other.id != job.id and other.state == JobState.PUBLISHED:
                outputs = jobs.outputs(other.id)
                is_whole = bool(stems) and stems == Counter(output.stem for output in outputs)
                found.append(Sibling(folder=other.final, outputs=outputs, is_whole=is_whole))
        return tuple(found)

    def fetched(self, step: Fetch, fetched: Fetched | None, error: Exception | None) -> None:
        """Take what was staged."""
        store, now = self._context.store, self._context.clock.now()
        job = store.jobs.get(step.job_id)
        if job is None or job.state != JobState.SEPARATED:
            return
        if fetched is None:
            self._not_fetched(job, error or StoppedError("nothing came back"))
            return
        with store.transaction():
            store.jobs.set_outputs(job.id, fetched.outputs)
            if fetched.stems:
                self._note_stems(job, fetched)
            store.jobs.move(job, JobState.FETCHED, now=now, fetched_at=now)

    def _note_stems(self, job: JobRow, fetched: Fetched) -> None:
        """Remember which stems there are: who publishes all of them may take them from here."""
        row = self._separation_of(job)
        says = json.dumps({**row.server_words, "stems": fetched.stems})
        self._context.store.separations.set(row.id, algorithm=fetched.algorithm or row.algorithm, server_says=says)

    def _not_fetched(self, job: JobRow, error: Exception) -> None:
        match error:
            case StoppedError():
                return
            case OutputRootError(message=message, hint=hint):
                self._context.close_gate(GateName.DISK, message, hint, scope=escape_path(job.output_root))
                self._wait(job, error, retry.PROBE_S)
            case NotFoundError() if job.failures + 1 >= RESULTS_GONE_TIMES:
                self._outputs_gone(job)
            case NotFoundError() | LinkExpiredError():
                self._wait(job, error, retry.backoff_s(job.failures))
            case _:
                self._news.service_trouble(error)
                self._follow(job, error)

    def _outputs_gone(self, job: JobRow) -> None:
        row = self._separation_of(job)
        reason = f"done on {self._context.date(row.ended_at)}, and its outputs are neither here nor with the service"
        price = row.credits_estimated
        self._context.store.jobs.hold(
            job, HoldKind.OUTPUTS_GONE, now=self._context.clock.now(), reason=reason, price=price,
            hint=f"`redo` pays about {price} credits; `retry` looks once more",
        )  # fmt: skip
        self._context.log.warning("job_held", job=job.id, reason=reason)

    def _follow(self, job: JobRow, error: Exception) -> None:
        reason, hint = retry.words(error)
        match self._context.consequence(error, failures=job.failures):
            case retry.Again(delay_s=delay_s):
                self._wait(job, error, delay_s)
            case retry.CloseGate(gate=gate, delay_s=delay_s):
                self._context.close_gate(gate, reason, hint)
                self._wait(job, error, delay_s)
            case _:
                hint = hint or "`retry` goes on from here; nothing is paid again"
                self._context.store.jobs.hold(
                    job, HoldKind.TROUBLE, now=self._context.clock.now(), reason=reason, hint=hint
                )
                self._context.log.warning("job_held", job=job.id, reason=reason, hint=hint)

    def _wait(self, job: JobRow, error: Exception, delay_s: float) -> None:
        reason, hint = retry.words(error)
        self._context.log.info("job_delayed", job=job.id, reason=reason, again_in_s=round(delay_s, 1))
        not_before = self._context.clock.now() + delay_s
        self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before, failures=job.failures + 1)

    # Publish

    def _publish(self, job: JobRow) -> None:
        self._context.hands.give(
            Publish(
                job_id=job.id,
                state_id=self._context.store.memory.state_id,
                final=job.final,
                provenance=self._provenance(job),
                replaces=job.replaces,
            )
        )

    def _provenance(self, job: JobRow) -> Provenance:
        context, store = self._context, self._context.store
        row, source = self._separation_of(job), store.sources.get(job.source_id)
        folder = context.config.folder(job.folder)
        return Provenance(
            state_id=store.memory.state_id,
            job_id=job.id,
            source_name=_source_name(folder, source),
            source_size_bytes=row.size_bytes,
            source_sha256=job.bytes_key.removeprefix("sha256:"),
            folder=job.folder,
            rule=job.rule,
            realm=row.realm,
            host=row.host,
            account=row.account,
            input_key=row.input_key,
            settings=row.settings,
            attempt=row.attempt,
            algorithm=row.algorithm,
            hash=row.hash or "",
            tag=row.tag,
            queued_at=context.iso(job.queued_at),
            submitted_at=context.iso(row.submitted_at),
            fetched_at=context.iso(job.fetched_at),
            credits_estimated=row.credits_estimated,
            credits_charged=row.credits_charged,
            outputs=store.jobs.outputs(job.id),
        )

    def published(self, step: Publish, error: Exception | None) -> None:
        """Take what came of a rename."""
        store, now = self._context.store, self._context.clock.now()
        job = store.jobs.get(step.job_id)
        if job is None or job.state != JobState.FETCHED:
            return
        match error:
            case None:
                with store.transaction():
                    store.jobs.move(job, JobState.PUBLISHED, now=now)
                    store.sources.want_disposal(job.source_id)
                    self._want_deletion(job)
                self._log_finished(store.jobs.get(job.id) or job)
            case TakenError():
                self._reserve_again(job)
            case NotStagedError():
                store.jobs.move(job, JobState.SEPARATED, now=now, reason=str(error))
            case _:
                self._not_published(job, error)

    def _want_deletion(self, job: JobRow) -> None:
        rule = self._context.config.rule(job.folder, job.rule)
        if rule is not None and rule.delete_remote and job.separation_id:
            self._context.store.separations.set(job.separation_id, delete_pending=1, not_before=0.0)

    def _not_published(self, job: JobRow, error: Exception) -> None:
        if isinstance(error, OutputRootError):
            self._context.close_gate(GateName.DISK, error.message, error.hint, scope=escape_path(job.output_root))
            self._wait(job, error, retry.PROBE_S)
        else:
            self._follow(job, error)

    def _reserve_again(self, job: JobRow) -> None:
        """Somebody else's folder is in the reserved place: take the next number."""
        context = self._context
        final = reserve_again(context.config, context.store, job, doubt=context.doubt_strangers)
        if final is None:
            self._follow(job, MvsepWatchError(f"{display(job.final)} is taken, and the job's rule is gone"))
            return
        store, now = self._context.store, self._context.clock.now()
        self._context.log.info("folder_taken", job=job.id, path=display(job.final), instead=display(final))
        with store.transaction():
            store.jobs.set(job.id, final=os.fsencode(final))
            if final.parent != job.final.parent:
                store.jobs.move(job, JobState.SEPARATED, now=now, reason="reserved again")

    def _log_finished(self, job: JobRow) -> None:
        row, outputs = self._separation_of(job), self._context.store.jobs.outputs(job.id)
        source = self._context.store.sources.get(job.source_id)
        self._context.log.info(
            "job_published",
            job=job.id,
            path=display(source.path),
            rule=job.rule,
            outputs=display(job.final),
            stems=len(outputs),
            size_bytes=sum(output.size_bytes for output in outputs),
            waited_s=_seconds(job.queued_at, row.submitted_at),
            separated_s=_seconds(row.submitted_at, row.ended_at),
            took_s=_seconds(job.queued_at, job.finished_at),
            credits=row.credits_estimated if row.credits_charged is None else row.credits_charged,
            hash=row.hash,
        )


def _source_name(folder: Folder | None, source: SourceRow) -> str:
    if folder is not None and source.path.is_relative_to(folder.path):
        return escape_path(source.path.relative_to(folder.path))
    return escape_path(source.path.name)


def _seconds(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(end - start, 1)
