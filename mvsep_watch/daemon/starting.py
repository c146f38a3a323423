"""Which separation serves a queued job: one that exists, one that the history knows, or a new one if it may start.

Every job that waits has its reason written down, and every job that needs a person is held with what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from mvsep_watch.daemon import recognising
from mvsep_watch.daemon.adopting import Adopting
from mvsep_watch.daemon.batches import BatchSums
from mvsep_watch.daemon.budget import Budget
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.fitting import Fitting, Planned
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.intents import Intents
from mvsep_watch.errors import MvsepWatchError, RequestRefusedError
from mvsep_watch.model import (
    GateName,
    HoldKind,
    JobState,
    SeparationState,
    kind_of,
)
from mvsep_watch.naming import escape_path
from mvsep_watch.planner import (
    Ask,
    Begin,
    Ended,
    Join,
    Misfit,
    Start,
    Wait,
    fair,
    serve,
)
from mvsep_watch.pricing import in_words
from mvsep_watch.retry import PROBE_S
from mvsep_watch.steps.base import Pool
from mvsep_watch.store import JobRow, SeparationRow

JOBS_AHEAD = 8
"""How many jobs of a folder are considered beyond the free hands in one turn."""
LOOKED_AT_FARTHER = 100
"""How many jobs behind those are looked at in one turn while nothing may start: some need nothing to be started."""
TOLD_AGAIN_S = 3600.0
"""How often the log is told that jobs wait for one and the same limit on credits."""


class Starting:
    """The desk that decides, with the planner, what starts."""

    def __init__(
        self, context: Context, budget: Budget, intents: Intents, ground: Ground, *, is_counting: Callable[[str], bool]
    ) -> None:
        self._context = context
        self._budget = budget
        self._intents = intents
        self._ground = ground
        self._is_counting = is_counting
        self._fitting = Fitting(context)
        self._adopting = Adopting(context, intents)
        self._batches = BatchSums(context, budget.price_of)
        self._is_blocked = False
        self._told_s: dict[str, float] = {}
        self._shared_up_to = 0

    @property
    def is_waiting(self) -> bool:
        """True where nothing queued can start by itself soon: everything waits for a slot, a limit, or a person."""
        now = self._context.clock.now()
        folders = filter(self._context.serves, self._context.store.jobs.folders_waiting())
        is_due = any(self._context.store.jobs.waiting(name, now=now, limit=1) for name in folders)
        intents = self._context.store.separations.in_state(SeparationState.INTENDED)
        has_intents = any(self._intents.serves(row) for row in intents)
        is_blocked = self._is_blocked or self._intents.is_blocked
        return not self._intents.wants_look and (is_blocked or not (is_due or has_intents))

    def work(self) -> None:
        """Start what may start."""
        if self._context.stopping:
            return
        self._intents.work()
        if self._context.catalogue is None or self._context.account is None:
            return
        self._is_blocked = False
        if self._fitting.is_old:
            self._fitting.free()
            self._batches = BatchSums(self._context, self._budget.price_of)  # what it summed up were other prices
        for job in self._queued():
            with self._context.guarding(job):
                self._consider(job)
        if self._is_blocked:
            self._share_farther()

    def _share_farther(self) -> None:
        """Let jobs behind those that cannot start share a separation that there is already: that costs nothing."""
        jobs, self._shared_up_to = self._context.store.jobs.with_a_separation_to_share(
            now=self._context.clock.now(), after=self._shared_up_to, looked_at=LOOKED_AT_FARTHER
        )
        for job in jobs:
            if self._context.serves(job.folder) and not self._is_counting(job.folder):
                with self._context.guarding(job):
                    self._consider(job)

    def _queued(self) -> Iterator[JobRow]:
        """Give the queued jobs worth considering: by priority, fair over folders, the oldest first."""
        store = self._context.store
        served = filter(self._context.serves, store.jobs.folders_waiting())
        folders = [name for name in served if not self._is_counting(name)]
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
        planned = self._fitting.plan(job)
        if isinstance(planned, Planned) and planned.is_taken_otherwise:
            self._drop(planned, "its rule takes the file otherwise by now")
            self._intents.look_anew(planned.source)
        elif isinstance(planned, RequestRefusedError):
            self._fitting.hold(job, planned.message, planned.hint)
        elif isinstance(planned, MvsepWatchError):
            self._wait(job, planned.message, planned.hint)
        elif planned.source.bytes_key != job.bytes_key:
            self._drop(planned, "the source was replaced, or went away, before it was sent")
        else:
            if job.settings != planned.work.settings.canonical():
                self._context.store.jobs.set(job.id, settings=planned.work.settings.canonical())
            self._serve(planned)

    def _drop(self, planned: Planned, reason: str) -> None:
        """End a job on what is not to be sent any more; it goes on should that come back."""
        now = self._context.clock.now()
        self._context.store.jobs.move(planned.job, JobState.CANCELLED, now=now, reason=reason, resume=JobState.QUEUED)

    def _serve(self, planned: Planned) -> None:
        rows = {row.id: row for row in self._context.store.separations.of_work(planned.work)}
        attempts = [row.as_attempt for row in rows.values()]
        allowed = self._context.config.limits.attempts
        match serve(attempts, wanted=planned.job.attempt_wanted, allowed_failures=allowed):
            case Join(separation_id=separation_id):
                self._join(planned.job, rows[separation_id])
            case Ended(separation_id=separation_id):
                if self._is_in_doubt() or not self._adopting.adopt(planned, list(rows.values())):
                    hold_ended(self._context, planned.job, rows[separation_id], self._price(planned))
            case Begin(attempt=attempt) if not self._is_blocked:
                self._begin(planned, attempt, list(rows.values()))

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

    def _begin(self, planned: Planned, attempt: int, known: Sequence[SeparationRow]) -> None:
        """Have a new attempt begun, unless the history knows one or the planner says no."""
        if self._is_in_doubt() or not self._intents.has_looked():
            self._is_blocked = True
            return
        if not self._has_ground(planned):
            return
        if not kind_of(planned.job.input_key).is_tagged and self._intents.is_sending_untagged():
            return
        if self._adopting.adopt(planned, known) or self._batches.holds(planned.job):
            return
        self._follow(planned, attempt, self._decide(planned, attempt))

    def _decide(self, planned: Planned, attempt: int) -> Start | Wait | Ask:
        source = planned.source
        return self._budget.decide(
            planned.work,
            attempt=attempt,
            size_bytes=source.size_bytes,
            duration_s=source.duration_s,
            root=escape_path(planned.job.output_root),
            folder=planned.job.folder,
        )

    def _follow(self, planned: Planned, attempt: int, decision: Start | Wait | Ask) -> None:
        match decision:
            case Start() if self._may_be_sent_before(planned, attempt):
                pass
            case Start(reserves=reserves) if self._context.hands.free(Pool.UPLOADS):
                self._intents.intend(planned.job, planned.source, planned.work, attempt=attempt, reserves=reserves)
            case Start() | Wait(is_shared=True):
                self._is_blocked = True
            case Misfit(reason=reason, hint=hint):
                self._fitting.hold(planned.job, reason, hint)
            case Wait(reason=reason, hint=hint, is_budget=is_budget):
                self._wait(planned.job, reason, hint, is_told=is_budget and self._is_told(hint))
            case Ask(reason=reason, hint=hint, price=asked):
                self._ask(planned, reason, hint, asked)

    def _may_be_sent_before(self, planned: Planned, attempt: int) -> bool:
        """Hold what carries no tag and may have been sent before the state was begun anew; say whether it waits."""
        store, now, work = self._context.store, self._context.clock.now(), planned.work
        if kind_of(work.input_key).is_tagged or not recognising.has_forgotten(store, now=now):
            return False
        job, account = store.jobs.get(planned.job.id) or planned.job, self._context.identity
        rows = recognising.might_be_sent(store, work.settings.canonical(), realm=work.realm, account=account, now=now)
        if not rows or store.approvals.approved_with_rows(job, attempt=attempt):
            return False
        if not recognising.being_linked(store, realm=work.realm, account=account):  # its own hash will explain a row
            reason = f"it may have been sent before the state was begun anew: it might be {recognising.named(rows)}"
            hint = f"{recognising.TAKES_ONE}; `approve` with its id sends it again"
            price = self._price(planned)
            store.jobs.hold(job, HoldKind.SENT_BEFORE, now=now, reason=reason, hint=hint, price=price)
            self._context.warn(job, "job_held", reason=reason, hint=hint)
        return True

    def _is_in_doubt(self) -> bool:
        """Say whether these outputs may belong to another state: then nothing new is begun, paid or adopted."""
        return any(gate.name == GateName.STATE for gate in self._context.gates())

    def _price(self, planned: Planned) -> int | None:
        return self._budget.price_of(planned.work.settings, planned.source.duration_s)

    def _ask(self, planned: Planned, reason: str, hint: str, asked: int | None) -> None:
        """Hold the work for its price: all its queued jobs show it, and one `approve` frees them all."""
        store, now = self._context.store, self._context.clock.now()
        with store.transaction():
            store.jobs.hold(planned.job, HoldKind.PRICE, now=now, reason=reason, hint=hint, price=asked)
        self._context.warn(planned.job, "job_held", reason=reason, hint=hint)

    def _has_ground(self, planned: Planned) -> bool:
        """Say whether its output root was looked at, and its source's folder is there; else write down why not."""
        if trouble := self._ground.trouble_at(planned.source.path):
            self._wait(planned.job, trouble.message, trouble.hint)
            return False
        return self._context.knows_root(planned.job.output_root)

    def _is_told(self, hint: str) -> bool:
        """Say whether the log was told lately that work waits for this limit: a line for each job would hide others."""
        now_s = self._context.clock.monotonic()
        is_told = now_s - self._told_s.get(hint, float("-inf")) < TOLD_AGAIN_S
        if not is_told:
            self._told_s[hint] = now_s
        return is_told

    def _wait(self, job: JobRow, reason: str, hint: str, *, is_told: bool = False) -> None:
        """Let a job wait for a reason of its own; it is looked at again in a minute."""
        if job.reason != reason and not is_told:
            self._context.warn(job, "job_waits", reason=reason, hint=hint)
        not_before = self._context.clock.now() + PROBE_S
        self._context.store.jobs.wait(job, reason=reason, hint=hint, not_before=not_before)


def hold_ended(context: Context, job: JobRow, row: SeparationRow, would_pay: int | None) -> None:
    """Hold a job whose work ended without results; only a person may have it tried again."""
    date = context.date(row.ended_at)
    pays = "pays" if would_pay is None else f"pays {in_words(would_pay)}" if would_pay else "costs nothing now"
    reason = f"{row.state} on {date}: {row.reason or 'no results'}"
    context.store.jobs.set(job.id, separation_id=row.id)
    context.store.jobs.hold(
        job, HoldKind.ENDED, now=context.clock.now(), reason=reason, hint=f"`redo` {pays}", price=would_pay
    )
    context.warn(job, "job_held", reason=reason, hint=f"`redo` {pays}")
