"""From a finished separation to visible outputs: fetched into staging, and published from there."""

from __future__ import annotations

import collections
import json
import os
from collections.abc import Callable, Mapping
from functools import partial

from mvsep_watch import retry
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.fetches import Fetches
from mvsep_watch.daemon.holds import APPROVABLE
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.queueing import reserve_beside
from mvsep_watch.daemon.roots import Roots
from mvsep_watch.daemon.spooling import Spooling
from mvsep_watch.errors import (
    LinkExpiredError,
    NotFoundError,
    OutputRootError,
    OutputShortError,
    StoppedError,
)
from mvsep_watch.files.roots import RootNote
from mvsep_watch.files.staging import TakenError
from mvsep_watch.files.trouble import NameRefusedError
from mvsep_watch.model import FileStat, GateName, HoldKind, JobState, SeparationState
from mvsep_watch.naming import display, escape_path
from mvsep_watch.planner import results_are_gone
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.fetch import Fetch, Fetched, Spool
from mvsep_watch.steps.publish import NotStagedError, Publish
from mvsep_watch.store import JobRow, SeparationRow

LOOKED_THROUGH = 1000
"""How many jobs that wait to be fetched are looked through for one that can be."""
STRANGE_IN_PLACE = "outputs that this state does not know are in its place: see the gate `state`"
FREED_BY_RESULTS = (*APPROVABLE, HoldKind.ENDED, HoldKind.OUTPUTS_GONE)


class Finishing:
    """The desk that fetches and publishes."""

    def __init__(
        self, context: Context, fetches: Fetches, spooling: Spooling, roots: Roots, *, looking: Looking, news: News
    ) -> None:
        self._context = context
        self._looking = looking
        self._fetches = fetches
        self._spooling = spooling
        self._roots = roots
        self._news = news
        self._looks: dict[int, Mapping[str, FileStat]] = {}
        self._misses: collections.Counter[int] = collections.Counter()

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
        """True while outputs can be fetched, published or kept, now or soon: their service and a disk are there."""
        if self._spooling.has_work:
            return True
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
                    if not self._waits_for_root(job):
                        give(job)

    def _waits_for_root(self, job: JobRow) -> bool:
        """Have a job wait where its root's gate is closed and is probed without it; say whether it does."""
        if self._roots.hangs(job.output_root):
            reason, hint = (
                f"{display(job.output_root)} does not answer",
                "look after its disk or share; it goes on by itself",
            )
            not_before = self._context.clock.now() + retry.PROBE_S
            self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before)
            return True
        gate = self._roots.gate_of(job.output_root)
        if gate is None or not self._roots.is_probed(job.output_root):
            return False
        reason, hint = self._spooling.says(job, gate)
        not_before = self._context.clock.now() + retry.PROBE_S
        self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before)
        return True

    # Fetch

    def _fetch(self, job: JobRow) -> None:
        row = self._fetches.separation_of(job)
        if row.realm != self._context.realm:
            self._wait_for_realm(job, row)
            return
        self._context.hands.give(self._fetches.fetch(job))

    def _wait_for_realm(self, job: JobRow, row: SeparationRow) -> None:
        reason, hint = self._context.elsewhere(row), "configure that service again; it goes on by itself then"
        not_before = self._context.clock.now() + retry.PROBE_S
        self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before)

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
            self._looks[job.id] = fetched.looks
            self._roots.written(job.output_root)
            store.jobs.set_outputs(job.id, fetched.outputs)
            if fetched.stems:
                self._note_stems(job, fetched)
            if fetched.is_spooled:
                self._spooling.adopted(job)
            store.jobs.move(job, JobState.FETCHED, now=now, fetched_at=now)
        self._tell_untagged(job, fetched)

    def _tell_untagged(self, job: JobRow, fetched: Fetched) -> None:
        if fetched.untagged:
            self._context.log.warning("outputs_not_tagged", job=job.id, reason=fetched.untagged)

    def _note_stems(self, job: JobRow, fetched: Fetched) -> None:
        """Remember which stems there are: who publishes all of them may take them from here."""
        row = self._fetches.separation_of(job)
        says = json.dumps({**row.server_words, "stems": fetched.stems})
        self._context.store.separations.set(row.id, algorithm=fetched.algorithm or row.algorithm, server_says=says)

    def _not_fetched(self, job: JobRow, error: Exception) -> None:
        misses = self._misses.pop(job.id, 0)
        match error:
            case StoppedError():
                return
            case OutputRootError():
                self._root_failed(job, error)
            case NotFoundError() if results_are_gone(misses):
                self._outputs_gone(job)
            case NotFoundError():
                self._misses[job.id] = misses + 1
                self._wait(job, error, retry.backoff_s(misses))
            case LinkExpiredError():
                self._wait(job, error, retry.backoff_s(job.failures))
            case OutputShortError():
                self._hold_short(job, error)
            case _:
                self._news.service_trouble(error)
                self._follow(job, error)

    def _root_failed(self, job: JobRow, error: OutputRootError) -> None:
        """Close the gate of a job's root, and have the job wait: what happened is no failure of its own."""
        self._roots.closed(job.output_root, error)
        if not self._waits_for_root(job):
            not_before = self._context.clock.now() + retry.PROBE_S
            self._context.store.jobs.wait(job, reason=error.message, hint=error.hint, not_before=not_before)

    def spooled(self, step: Spool, fetched: Fetched | None, error: Exception | None) -> None:
        """Take what came of keeping outputs in the spool; the job stays where it is on its way."""
        job = self._context.store.jobs.get(step.job_id)
        if job is None or job.state not in (JobState.SEPARATED, JobState.FETCHED):
            return
        if fetched is not None:
            if fetched.stems:
                self._note_stems(job, fetched)
            self._spooling.kept(job)
            self._tell_untagged(job, fetched)
        else:
            self._not_spooled(job, error or StoppedError("nothing came back"))
        current = self._context.store.jobs.get(job.id)
        if current is not None and current.state == job.state:
            self._waits_for_root(current)

    def _not_spooled(self, job: JobRow, error: Exception) -> None:
        """Try again later; results are not called gone while their folder is away: it may hold them."""
        self._spooling.not_kept(job, error)
        if not isinstance(error, NotFoundError):
            self._news.service_trouble(error)

    def _outputs_gone(self, job: JobRow) -> None:
        row = self._fetches.separation_of(job)
        deleted = f"was told to delete them on {self._context.date(row.deleted_at)} (`delete_remote`)"
        why = "keeps them for 72 hours" if row.deleted_at is None else deleted
        done_on = self._context.date(row.ended_at)
        reason = f"done on {done_on}, and its outputs are neither all here nor with the service, which {why}"
        price = row.credits_estimated
        self._context.store.jobs.hold(
            job, HoldKind.OUTPUTS_GONE, now=self._context.clock.now(), reason=reason, price=price,
            hint=f"`redo` pays about {price} credits; `retry` looks once more",
        )  # fmt: skip
        self._context.warn(job, "job_held", reason=reason)

    def _hold_short(self, job: JobRow, error: OutputShortError) -> None:
        """Let a person say whether what came is right; either way nothing is paid."""
        hint = f"{error.hint}; `approve` takes it as it is, `retry` fetches it once more; neither pays"
        now = self._context.clock.now()
        self._context.store.jobs.hold(job, HoldKind.SHORT, now=now, reason=error.message, hint=hint)
        self._context.warn(job, "job_held", reason=error.message, hint=hint)

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
                self._context.warn(job, "job_held", reason=reason, hint=hint)

    def _wait(self, job: JobRow, error: Exception, delay_s: float) -> None:
        reason, hint = retry.words(error)
        self._context.log.info("job_delayed", job=job.id, reason=reason, again_in_s=round(delay_s, 1))
        not_before = self._context.clock.now() + delay_s
        self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before, failures=job.failures + 1)

    # Publish

    def _publish(self, job: JobRow) -> None:
        self._context.hands.give(self._fetches.publish(job, looks=self._looks.pop(job.id, {})))

    def published(self, step: Publish, note: RootNote | None, error: Exception | None) -> None:
        """Take what came of a publication."""
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
                    self._free_sharing(job)
                    self._roots.written(job.output_root, note)
                self._spooling.job_ended()
                self._log_finished(store.jobs.get(job.id) or job)
            case TakenError():
                self._reserve_again(job, reason="somebody else's is in its place")
            case NameRefusedError():
                self._reserve_again(job, reason=str(error), is_portable=True)
            case NotStagedError():
                store.jobs.move(job, JobState.SEPARATED, now=now, reason=str(error))
            case _:
                self._not_published(job, error)

    def _free_sharing(self, job: JobRow) -> None:
        """Let jobs go on whose results are called gone: another job of their separation has them."""
        store, now = self._context.store, self._context.clock.now()
        for other in store.jobs.of_separation(job.separation_id or 0):
            if other.hold == HoldKind.OUTPUTS_GONE:
                store.jobs.move(other, JobState.SEPARATED, now=now, reason=f"job {job.id} has the results")

    def _want_deletion(self, job: JobRow) -> None:
        rule = self._context.config.rule(job.folder, job.rule)
        if rule is not None and rule.delete_remote and job.separation_id:
            self._context.store.separations.set(job.separation_id, delete_pending=1, not_before=0.0)

    def _not_published(self, job: JobRow, error: Exception) -> None:
        if isinstance(error, OutputRootError):
            self._root_failed(job, error)
        else:
            self._follow(job, error)

    def _reserve_again(self, job: JobRow, *, reason: str, is_portable: bool = False) -> None:
        """The reserved place is somebody else's, or its name is refused: take the next number, or a plain name."""
        not_before = self._context.clock.now() + retry.PROBE_S
        self._context.store.jobs.wait(job, reason=reason, hint="", not_before=not_before)
        self._looking.attempt(
            lambda eyes: self._take_place(job.id, eyes, is_portable=is_portable),
            failed=lambda error: self._context.hold_for(error, job),
        )

    def _take_place(self, job_id: int, eyes: Eyes, *, is_portable: bool) -> None:
        """Give a job another place, if it still waits for one; outputs of a lost state never make it take another."""
        context, job = self._context, self._context.store.jobs.get(job_id)
        if job is None or job.state != JobState.FETCHED:
            return
        doubt = partial(context.doubts, eyes=eyes)
        if not is_portable and doubt(job.place):
            context.store.jobs.wait(job, reason=STRANGE_IN_PLACE, hint="", not_before=job.not_before)
            return
        place = reserve_beside(context.config, context.store, job, eyes=eyes, doubt=doubt, is_portable=is_portable)
        eyes.tell("folder_taken", job=job.id, path=display(job.final), instead=display(place.base))
        context.store.jobs.set(job.id, final=os.fsencode(place.base), reason="", not_before=0.0)

    def _log_finished(self, job: JobRow) -> None:
        """Tell all of a job in one line; what several share is paid for by the one that began it."""
        row, outputs = self._fetches.separation_of(job), self._context.store.jobs.outputs(job.id)
        source = self._context.store.sources.get(job.source_id)
        self._context.log.info(
            "job_published",
            job=job.id,
            path=display(source.path),
            folder=job.folder,
            rule=job.rule,
            outputs=display(job.place.mark),
            stems=len(outputs),
            source_bytes=source.size_bytes,
            output_bytes=sum(output.size_bytes for output in outputs),
            waited_s=_seconds(job.queued_at, row.intended_at),
            uploaded_s=_seconds(row.intended_at, row.submitted_at),
            separated_s=_seconds(row.submitted_at, row.ended_at),
            fetched_s=_seconds(max(job.queued_at, row.ended_at or 0.0), job.finished_at),
            took_s=_seconds(job.queued_at, job.finished_at),
            hash=row.hash,
            **_cost(job, row),
        )


def _seconds(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, round(end - start, 1))


def _cost(job: JobRow, row: SeparationRow) -> dict[str, int]:
    if row.began_for not in (None, job.id):
        return {"credits": 0, "paid_by_job": row.began_for}
    return {"credits": row.credits_estimated if row.credits_charged is None else row.credits_charged}
