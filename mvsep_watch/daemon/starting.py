"""Which separations start: from queued jobs to committed intents, and the last word before the last chunk.

For every queued job it finds out which separation serves it; where a new one is needed and the planner agrees, the
intent is committed and the upload handed out. `release` asks the planner once more, in the transaction that commits
`released`. Every job that waits has its reason written down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mvsep_watch.daemon.batches import BatchSums
from mvsep_watch.daemon.context import Context
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import (
    FORMATS,
    Account,
    Created,
    HistoryRow,
    HoldKind,
    JobState,
    Rule,
    SeparationState,
    Settings,
    Work,
    tag_in_hash,
)
from mvsep_watch.naming import escape_path, upload_name
from mvsep_watch.planner import (
    Ask,
    Attempt,
    Begin,
    Ended,
    Join,
    Proposal,
    Situation,
    Start,
    Wait,
    asked_of,
    fair,
    in_force,
    may_start,
    serve,
    settings_of,
)
from mvsep_watch.pricing import price
from mvsep_watch.retry import PROBE_S
from mvsep_watch.steps.base import Denied, Granted, Pool
from mvsep_watch.steps.submit import Submit
from mvsep_watch.store import JobRow, SeparationRow, SourceRow

LOOK_FRESH_S = 60.0
"""How old a look at the history may be when an intent is committed."""
JOBS_AHEAD = 8
"""How many jobs of a folder are considered beyond the free hands in one turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A queued job with what its rule means now."""

    job: JobRow
    source: SourceRow
    rule: Rule
    work: Work


class Starting:
    """The desk that decides, with the planner, what starts."""

    def __init__(
        self,
        context: Context,
        *,
        is_counting: Callable[[str], bool],
        submitted: Callable[[SeparationRow, Created], None],
    ) -> None:
        self._context = context
        self._is_counting = is_counting
        self._submitted = submitted
        self._batches = BatchSums(context, self.price_of)
        self._looked_s = float("-inf")
        self.wants_look = False
        self._is_blocked = False

    def history_was_read(self, begun_s: float) -> None:
        """Take note of a complete look at the history."""
        self._looked_s = begun_s
        self.wants_look = False

    def look_first(self) -> None:
        """Have the history read before anything is sent again: the service refused what it may already have."""
        self._looked_s = float("-inf")

    @property
    def is_waiting(self) -> bool:
        """True where nothing queued can start by itself soon: everything waits for a slot, a limit, or a person."""
        now = self._context.clock.now()
        folders = self._context.store.jobs.folders_waiting()
        is_due = any(self._context.store.jobs.waiting(name, now=now, limit=1) for name in folders)
        has_intents = bool(self._context.store.separations.in_state(SeparationState.INTENDED))
        return not self.wants_look and (self._is_blocked or not (is_due or has_intents))

    def work(self) -> None:
        """Start what may start."""
        if self._context.stopping:
            return
        self._resume_intents()
        if self._context.catalogue is None or self._context.account is None:
            return
        self._is_blocked = False
        for job in self._queued():
            with self._context.guarding(job):
                self._consider(job)

    def situation(self, *, without: SeparationRow | None = None) -> Situation:
        """Say what holds for whatever might start now, leaving one separation's own reservation out."""
        context, separations = self._context, self._context.store.separations
        today = context.today()
        own_price = without.credits_estimated if without else 0
        own_today = without is not None and without.reserved_day == today
        own_month = without is not None and without.reserved_day[:7] == today[:7]
        return Situation(
            gates=context.gates(),
            plan=in_force(context.config.limits, context.account),
            credits=context.config.limits.credits,
            account=context.account,
            slots_taken=separations.slots_taken() - (without is not None and without.keeps_slot),
            sent_today=separations.sent_on(today) - own_today,
            reserved=separations.reserved_against_balance() - own_price,
            spent_today=separations.spent(today, today) - own_price * own_today,
            spent_this_month=separations.spent(f"{today[:7]}-01", f"{today[:7]}-31") - own_price * own_month,
        )

    def price_of(self, settings: Settings, duration_s: float | None) -> int | None:
        """Give what a separation would cost on the account as it is."""
        account = self._context.account
        return price(
            duration_s=duration_s,
            algorithm=(self._context.catalogue or {}).get(settings.sep_type),
            options=dict(settings.options),
            premium=account is not None and account.has_premium,
        )

    def plan(self, job: JobRow) -> Planned | MvsepWatchError:
        """Say what a queued job's rule means now, or why it means nothing."""
        store = self._context.store
        rule = self._context.config.rule(job.folder, job.rule)
        if rule is None:
            return MvsepWatchError(
                f"the configuration has no rule {job.rule} in a folder {job.folder} any more",
                hint="bring it back, or `cancel` the job",
            )
        pinned = self._pinned(job, rule)
        try:
            settings = Settings.from_canonical(pinned) if pinned else settings_of(rule, self._context.catalogue or {})
        except MvsepWatchError as error:
            return error
        algorithm = (self._context.catalogue or {}).get(settings.sep_type)
        if algorithm is not None and not algorithm.takes_audio:
            return MvsepWatchError(f"the model {algorithm.name} takes no audio file", hint="choose another model")
        work = Work(realm=job.realm, input_key=job.input_key, settings=settings)
        return Planned(job=job, source=store.sources.get(job.source_id), rule=rule, work=work)

    def _pinned(self, job: JobRow, rule: Rule) -> str | None:
        """Give settings that are fixed: those a person confirmed, or those the same asking meant before."""
        if job.attempt_wanted is not None:
            return job.settings
        asked, jobs = asked_of(rule), self._context.store.jobs
        if asked != job.asked:
            jobs.set(job.id, asked=asked, settings=None)
        return jobs.settings_planned_before(realm=job.realm, input_key=job.input_key, asked=asked)

    def _queued(self) -> Iterator[JobRow]:
        """Give the queued jobs worth considering: by priority, fair over folders, the oldest first."""
        store = self._context.store
        folders = [name for name in store.jobs.folders_waiting() if not self._is_counting(name)]
        if not folders:
            return iter(())
        limit = self._context.hands.free(Pool.UPLOADS) + JOBS_AHEAD
        now = self._context.clock.now()
        queues = {name: store.jobs.waiting(name, now=now, limit=limit) for name in folders}
        under_way = Counter(
            job.folder for row in store.separations.unfinished() for job in store.jobs.of_separation(row.id)[:1]
        )
        return fair(queues, under_way)

    def _consider(self, job: JobRow) -> None:
        """Find a separation for one queued job, or write down why it waits."""
        if job.realm != self._context.realm:
            self._wait(job, f"it was queued for {job.realm}", "configure that service again, or `cancel` it")
            return
        planned = self.plan(job)
        if isinstance(planned, MvsepWatchError):
            self._wait(job, planned.message, planned.hint)
        elif planned.source.input_key != job.input_key:
            self._drop_changed(planned)
        else:
            if job.settings != planned.work.settings.canonical():
                self._context.store.jobs.set(job.id, settings=planned.work.settings.canonical())
            self._serve(planned)

    def _drop_changed(self, planned: Planned) -> None:
        job = planned.job
        reason = "the source was replaced, or went away, before it was sent"
        self._context.store.jobs.move(
            job, JobState.CANCELLED, now=self._context.clock.now(), reason=reason, resume=JobState.QUEUED
        )

    def _serve(self, planned: Planned) -> None:
        rows = {row.id: row for row in self._context.store.separations.of_work(planned.work)}
        attempts = [
            Attempt(
                id=row.id,
                number=row.attempt,
                state=row.state,
                was_refused=row.state == SeparationState.FAILED and row.hash is None,
            )
            for row in rows.values()
        ]
        allowed = self._context.config.limits.attempts
        match serve(attempts, wanted=planned.job.attempt_wanted, allowed_failures=allowed):
            case Join(separation_id=separation_id):
                self._join(planned.job, rows[separation_id])
            case Ended(separation_id=separation_id):
                hold_ended(self._context, planned.job, rows[separation_id], self._price(planned))
            case Begin(attempt=attempt) if not self._is_blocked:
                self._begin(planned, attempt)

    def _join(self, job: JobRow, row: SeparationRow) -> None:
        store, now = self._context.store, self._context.clock.now()
        with store.transaction():
            store.jobs.set(job.id, separation_id=row.id, reason="", hint="", not_before=0.0)
            if row.cancel_wanted:
                store.separations.set(row.id, cancel_wanted=0)
            joined = store.jobs.get(job.id) or job
            if row.state == SeparationState.DONE:
                store.jobs.move(joined, JobState.SEPARATED, now=now, reason=f"separation {row.id} was done before")
            elif row.state == SeparationState.SUBMITTED:
                store.jobs.move(joined, JobState.SUBMITTED, now=now, reason=f"shares separation {row.id}")

    def _begin(self, planned: Planned, attempt: int) -> None:
        """Commit an intent for a new attempt, unless the history knows one or the planner says no."""
        if self._context.clock.monotonic() - self._looked_s > LOOK_FRESH_S:
            self.wants_look = self._is_blocked = True
            return
        if self._adopt(planned, attempt) or self._batches.holds(planned.job):
            return
        match may_start(self._proposal(planned, attempt), self.situation()):
            case Start(reserves=reserves):
                self._intend(planned, attempt, reserves)
            case Wait(is_shared=True):
                self._is_blocked = True
            case Wait(reason=reason, hint=hint):
                self._wait(planned.job, reason, hint)
            case Ask(reason=reason, hint=hint, price=asked):
                self._ask(planned, reason, hint, asked)

    def _adopt(self, planned: Planned, attempt: int) -> bool:
        """Take over what the history lists under this work's tag; nothing is paid again."""
        work = planned.work
        tags = (work.tag(attempt),) if attempt > 1 else work.tags()
        rows = self._context.store.memory.history_with_tags(work.realm, self._context.identity, tags)
        if not rows:
            return False
        row = rows[0]
        number = next(n for n, tag in enumerate(work.tags(), 1) if tag == tag_in_hash(row.hash))
        separation_id = self._adopt_row(planned, number, row)
        self._context.log.info("separation_adopted", job=planned.job.id, separation=separation_id, hash=row.hash)
        return True

    def _adopt_row(self, planned: Planned, number: int, row: HistoryRow) -> int:
        context, store = self._context, self._context.store
        with store.transaction():
            separation_id = store.separations.adopt(
                planned.work,
                attempt=number,
                hash_=row.hash,
                host=context.host,
                account=context.identity,
                watermark=row.id - 1,
                size_bytes=planned.source.size_bytes,
                duration_s=planned.source.duration_s,
                day=context.today(),
                now=context.clock.now(),
            )
            self._join(planned.job, store.separations.get(separation_id))
        return separation_id

    def _proposal(self, planned: Planned, attempt: int) -> Proposal:
        job, work = planned.job, planned.work
        approved = self._context.store.jobs.approved(
            realm=work.realm, input_key=work.input_key, settings=work.settings, attempt=attempt
        )
        return Proposal(
            price=self._price(planned),
            size_bytes=planned.source.size_bytes,
            duration_s=planned.source.duration_s,
            premium_for=self._premium_for(work.settings),
            root=escape_path(job.output_root),
            approved=approved,
        )

    def _price(self, planned: Planned) -> int | None:
        return self.price_of(planned.work.settings, planned.source.duration_s)

    def _premium_for(self, settings: Settings) -> str:
        algorithm = (self._context.catalogue or {}).get(settings.sep_type)
        if algorithm is not None and algorithm.needs_premium:
            return f"the model {algorithm.name}"
        output_format = FORMATS[settings.output_format]
        return f"the format {output_format.name}" if output_format.needs_premium else ""

    def _intend(self, planned: Planned, attempt: int, reserves: int) -> None:
        """Commit the intent and hand the upload out, if a hand is free."""
        context, store = self._context, self._context.store
        if not context.hands.free(Pool.UPLOADS):
            self._is_blocked = True
            return
        job, source, work = planned.job, planned.source, planned.work
        with store.transaction():
            separation_id = store.separations.intend(
                work,
                attempt=attempt,
                upload_name=upload_name(work.tag(attempt), source.path.name),
                host=context.host,
                account=context.identity,
                watermark=store.memory.history_known_id(work.realm, context.identity),
                size_bytes=source.size_bytes,
                duration_s=source.duration_s,
                price=reserves,
                day=context.today(),
                now=context.clock.now(),
            )
            store.jobs.set(job.id, separation_id=separation_id, reason="", hint="", not_before=0.0)
        context.log.info("separation_intended", job=job.id, separation=separation_id, credits=reserves)
        self._send(store.separations.get(separation_id))

    def _resume_intents(self) -> None:
        """Hand intents out again that are due: after a restart, or after an attempt to send that came to nothing."""
        separations = self._context.store.separations
        for row in separations.in_state(SeparationState.INTENDED, due=self._context.clock.now()):
            if self._context.account is None or not self._context.hands.free(Pool.UPLOADS):
                return
            if self._context.hands.is_busy_with(("submit", row.id)):
                continue
            if row.cancel_wanted or not self._may_still_start(row):
                self.give_up_intent(row, "it may not start now")
            elif self._context.clock.monotonic() - self._looked_s > LOOK_FRESH_S:
                self.wants_look = True
            elif not self._is_in_history(row):
                self._send(row)

    def _is_in_history(self, row: SeparationRow) -> bool:
        """Adopt an intent's own tag from the history: it was made after all."""
        found = self._context.store.memory.history_with_tags(row.realm, row.account, (row.tag,))
        if found:
            self._submitted(row, Created(hash=found[0].hash))
        return bool(found)

    def _may_still_start(self, row: SeparationRow) -> bool:
        """Ask the planner about an intent as if it were new; a closed gate only makes it wait."""
        decision = self._verdict(row)
        return isinstance(decision, Start) or (isinstance(decision, Wait) and decision.is_shared) or row.releases > 0

    def _verdict(self, row: SeparationRow) -> Start | Wait | Ask:
        work = row.work
        jobs = self._context.store.jobs.of_separation(row.id)
        approved = self._context.store.jobs.approved(
            realm=work.realm, input_key=work.input_key, settings=work.settings, attempt=row.attempt
        )
        proposal = Proposal(
            price=self.price_of(work.settings, row.duration_s),
            size_bytes=row.size_bytes,
            duration_s=row.duration_s,
            premium_for=self._premium_for(work.settings),
            root=escape_path(jobs[0].output_root) if jobs else "",
            approved=approved,
        )
        return may_start(proposal, self.situation(without=row))

    def give_up_intent(self, row: SeparationRow, reason: str) -> None:
        """Take an intent back that never left: its jobs are queued again and its reservation is free."""
        if row.releases == 0:
            self._context.store.separations.remove_intent(row, reason=reason, now=self._context.clock.now())

    def _send(self, row: SeparationRow) -> None:
        """Hand an upload out, from any source that still holds the bytes."""
        context, store = self._context, self._context.store
        carriers = [(job, store.sources.get(job.source_id)) for job in store.jobs.of_separation(row.id)]
        carrier = next((pair for pair in carriers if pair[1].input_key == row.input_key), None)
        if carrier is None:
            self.give_up_intent(row, "no source holds these bytes any more")
            return
        job, source = carrier
        context.hands.give(
            Submit(
                separation_id=row.id,
                send=store.separations.begin_send(row.id),
                path=str(source.path),
                sha256=source.sha256,
                stat=source.stat,
                settings=row.work.settings,
                upload_name=row.upload_name,
                is_free=row.credits_estimated == 0,
                root=job.output_root,
                claim=context.claim(),
            )
        )

    def release(self, separation_id: int, send: int, account: Account | None) -> Granted | Denied:
        """Give the last word on a separation: commit `released` if everything still says yes."""
        context, store = self._context, self._context.store
        if account is not None:
            context.account = account
        row = store.separations.find(separation_id)
        if row is None or row.cancel_wanted or row.account != context.identity:
            return Denied("it was cancelled, or the account has changed")
        if not store.jobs.of_separation(row.id):
            return Denied("no job needs it any more")
        with store.transaction():
            decision = self._verdict(row)
            if not isinstance(decision, Start):
                return Denied(decision.reason)
            released = store.separations.release(
                row, send=send, price=decision.reserves, day=context.today(), now=context.clock.now()
            )
            if not released:
                return Denied("another upload of this separation is current")
            return Granted(store.memory.next_generation())

    def _ask(self, planned: Planned, reason: str, hint: str, asked: int | None) -> None:
        """Hold the work for its price: all its queued jobs show it, and one `approve` frees them all."""
        store, now = self._context.store, self._context.clock.now()
        with store.transaction():
            store.jobs.hold(planned.job, HoldKind.PRICE, now=now, reason=reason, hint=hint, price=asked)
        self._context.log.warning("job_held", job=planned.job.id, reason=reason, hint=hint)

    def _wait(self, job: JobRow, reason: str, hint: str) -> None:
        """Let a job wait for a reason of its own; it is looked at again in a minute."""
        if job.reason != reason:
            self._context.log.warning("job_waits", job=job.id, reason=reason, hint=hint)
        not_before = self._context.clock.now() + PROBE_S
        self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before)


def hold_ended(context: Context, job: JobRow, row: SeparationRow, would_pay: int | None) -> None:
    """Hold a job whose work ended without results; only a person may have it tried again."""
    date = context.date(row.ended_at)
    pays = "pays" if would_pay is None else f"pays {would_pay} credits" if would_pay else "costs nothing now"
    reason = f"{row.state} on {date}: {row.reason or 'no results'}"
    context.store.jobs.set(job.id, separation_id=row.id)
    context.store.jobs.hold(
        job, HoldKind.ENDED, now=context.clock.now(), reason=reason, hint=f"`redo` {pays}", price=would_pay
    )
    context.log.warning("job_held", job=job.id, reason=reason, hint=f"`redo` {pays}")
