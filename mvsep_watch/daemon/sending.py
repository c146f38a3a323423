"""What came of a submission: an answer, a harmless failure, or an unknown outcome."""

from __future__ import annotations

from dataclasses import replace

from mvsep_watch import retry
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.news import News
from mvsep_watch.errors import (
    OutputRootError,
    PremiumRequiredError,
    ServiceError,
    SourceBusyError,
    SourceChangedError,
    StoppedError,
    TooManyUnfinishedError,
    TransportError,
)
from mvsep_watch.model import (
    Created,
    GateName,
    HoldKind,
    InputKind,
    JobState,
    SeparationState,
    is_link_hash,
    tag_in_hash,
)
from mvsep_watch.naming import escape_path
from mvsep_watch.steps.standing import AwayError
from mvsep_watch.steps.submit import DeniedError, Sent, Submit, is_harmless
from mvsep_watch.store import SeparationRow


class Sending:
    """The desk where submissions come back."""

    def __init__(self, context: Context, news: News) -> None:
        self._context = context
        self._news = news

    def sent(self, step: Submit, sent: Sent) -> None:
        """Take what came of a submission."""
        row = self._context.store.separations.find(step.separation_id)
        if row is not None and sent.created is not None and self._is_no_answer(row, sent):
            sent = replace(sent, created=None, error=ServiceError("the service answered with a hash of something else"))
        if row is None or (row.send != step.send and sent.created is None):
            return
        if sent.created is not None:
            self.submitted(row, sent.created)
        elif row.state == SeparationState.RELEASED and not is_harmless(sent):
            self._unknown(row, sent.error)
        elif row.state in (SeparationState.INTENDED, SeparationState.RELEASED):
            self._not_made(step, row, sent.error or StoppedError("nothing came back"))

    def _is_no_answer(self, row: SeparationRow, sent: Sent) -> bool:
        """Say whether a hash that came back is of other work, or came before there was anything to be made.

        The results would pass for this one's. What is told by a tag has it in its hash, or no tag at all; of two links
        to one file the hash may be one.
        """
        hash_ = sent.created.hash if sent.created else ""
        if (tag := tag_in_hash(hash_)) is not None:
            return tag not in row.work.tags()
        others = self._context.store.separations.of_hash(hash_) if row.kind.is_tagged else ()
        return not sent.may_have_left or any(other.work != row.work for other in others)

    def submitted(self, row: SeparationRow, created: Created) -> None:
        """Record the hash: from here the separation can be asked for."""
        context, store = self._context, self._context.store
        if row.hash == created.hash:
            return
        with store.transaction():
            now = context.clock.now()
            store.separations.unsettle(row, now=now)
            store.separations.move(
                row,
                SeparationState.SUBMITTED,
                now=now,
                hash=created.hash,
                link_hash=created.hash if row.kind == InputKind.LINK and is_link_hash(created.hash) else None,
                submitted_at=now,
                ended_at=None,
                keeps_slot=1,
                not_before=now + context.config.service.poll.min_s,
            )
            for job in store.jobs.of_separation(row.id):
                if job.state == JobState.QUEUED or job.hold in (HoldKind.UNKNOWN, HoldKind.ELSEWHERE):
                    store.jobs.move(job, JobState.SUBMITTED, now=now)
                    context.log.info("separation_submitted", job=job.id, separation=row.id, hash=created.hash)
        self._news.hash_learned(store.separations.get(row.id))

    def _unknown(self, row: SeparationRow, error: Exception | None) -> None:
        """Leave the separation at `released`: the history is asked before anything else."""
        reason, _ = retry.words(error) if error else ("", "")
        self._context.log.warning("outcome_unknown", separation=row.id, reason=reason)
        self._context.store.separations.set(row.id, reason=f"its outcome is not known: {reason}")
        self._news.outcome_unknown(self._context.store.separations.get(row.id))
        if error is not None:
            self._news.service_trouble(error)

    def _not_made(self, step: Submit, row: SeparationRow, error: Exception) -> None:
        """Go back to `intended`, or end the attempt unpaid."""
        store, now = self._context.store, self._context.clock.now()
        if row.state == SeparationState.RELEASED:
            store.separations.move(row, SeparationState.INTENDED, now=now, reason=str(error), failures=row.failures)
            row = store.separations.get(row.id)
        match error:
            case StoppedError():
                pass
            case DeniedError():
                self._again(row, error, 1.0)
                if not row.releases:  # what was sent before keeps its tag, and waits until it may be sent again
                    self._news.intent_fell_through(row, str(error))
            case AwayError():
                self._news.intent_fell_through(row, str(error))
                self._news.folder_away(error)
            case SourceChangedError() | SourceBusyError():
                self._news.intent_fell_through(row, str(error))
                self._news.source_changed(step.path)
            case TooManyUnfinishedError():
                self._again(row, error, 0.0)
                store.separations.set(row.id, is_doubted=1)
                self._news.slots_refused(error.message)
            case OutputRootError(message=message, hint=hint):
                self._context.close_gate(GateName.DISK, message, hint, scope=escape_path(step.root))
                self._again(row, error, retry.PROBE_S)
            case _:
                self._follow(row, error)

    def _follow(self, row: SeparationRow, error: Exception) -> None:
        match self._context.consequence(error, failures=row.failures):
            case retry.Again(delay_s=delay_s):
                self._again(row, error, delay_s)
                if isinstance(error, TransportError | ServiceError):
                    self._news.service_trouble(error)
            case retry.CloseGate(gate=gate, delay_s=delay_s):
                reason, hint = retry.words(error)
                self._context.close_gate(gate, reason, hint)
                self._news.gate_met()
                self._again(row, error, delay_s)
            case retry.GiveUp():
                self._refused(row, error, held=False)
            case retry.Hold():
                self._refused(row, error, held=True)

    def _again(self, row: SeparationRow, error: Exception, delay_s: float) -> None:
        reason, _ = retry.words(error)
        self._context.log.info("upload_failed", separation=row.id, reason=reason, again_in_s=round(delay_s, 1))
        self._context.store.separations.set(
            row.id, reason=reason, failures=row.failures + 1, not_before=self._context.clock.now() + delay_s
        )

    def _refused(self, row: SeparationRow, error: Exception, *, held: bool) -> None:
        """End the attempt unpaid: the service refuses this work, or a person must mend something first."""
        store, now = self._context.store, self._context.clock.now()
        reason, hint = retry.words(error)
        with store.transaction():
            store.separations.settle(row, 0, now=now)
            store.separations.move(row, SeparationState.FAILED, now=now, reason=reason, credits_charged=0)
            for job in store.jobs.of_separation(row.id):
                if held:
                    store.jobs.set(job.id, separation_id=None)
                    kind = HoldKind.MISFIT if isinstance(error, PremiumRequiredError) else HoldKind.TROUBLE
                    store.jobs.hold(
                        job, kind, now=now, reason=reason, hint=hint or "`retry` tries again",
                        resume=JobState.QUEUED,
                    )  # fmt: skip
                else:
                    store.jobs.move(
                        job, JobState.FAILED, now=now, reason=reason,
                        hint=hint or "correct the rule, then `retry`: nothing was paid",
                    )  # fmt: skip
                self._context.warn(job, "job_refused", reason=reason, hint=hint)
        self._news.work_refused()
