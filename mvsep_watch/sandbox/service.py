"""The sandbox's rules: who may have what separated, at which price, in which order.

Decides with an injected clock and keeps everything in memory; it never opens a socket or touches audio. A job advances
only in `advance`, which the dispatcher calls; what a job's status is *called* follows from its stage and the clock, so
that moving the clock is enough to make time pass. Safe to call from several threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mvsep_watch.sandbox import jobs as nouns
from mvsep_watch.sandbox import orders
from mvsep_watch.sandbox.catalogue import Catalogue, load_catalogue
from mvsep_watch.sandbox.jobs import Account, Job, Plan, Result, Stage, Status
from mvsep_watch.sandbox.orders import Order, RefusalError, Wish

QUEUE_S = 4.0
"""How long a job waits at least at speed 1, so that `waiting` is seen even on an idle queue."""
CHUNK_S = 300.0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a poll shows of a job that is not over. Places and chunks are None where the status has none."""

    status: Status
    queue_count: int | None = None
    current_order: int | None = None
    finished_chunks: int | None = None
    all_chunks: int | None = None


class Service:
    """The whole of MVSEP but HTTP and audio.

    Args:
        accounts: Who may come, by their tokens.
        slots: How many jobs are processed at once.
        unfinished: How many unfinished jobs a premium account may have; None is no limit, as the service has it.
        speed: Waiting and processing times are divided by it.
        clock: Seconds since the epoch; `move_clock` adds to it.
    """

    def __init__(
        self,
        accounts: list[Account],
        *,
        slots: int = 4,
        unfinished: int | None = None,
        speed: float = 1.0,
        clock: Callable[[], float] = time.time,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.catalogue = catalogue or load_catalogue()
        self.jobs: list[Job] = []
        self._accounts = {account.token: account for account in accounts}
        self._slots = slots
        self._premium = replace(nouns.PREMIUM, unfinished=unfinished)
        self._speed = speed
        self._clock = clock
        self._moved_s = 0.0
        self._next_id = int(clock() * 1000)
        self._lock = threading.RLock()

    def now(self) -> float:
        """Give the sandbox's time, seconds since the epoch."""
        return self._clock() + self._moved_s

    def move_clock(self, seconds: float) -> None:
        """Let time pass at once."""
        self._moved_s += seconds

    @property
    def first_account(self) -> Account:
        """The account that the sandbox was started for."""
        return next(iter(self._accounts.values()))

    def account(self, token: str | None) -> Account | None:
        """Find whose token this is."""
        return self._accounts.get(token or "")

    def plan(self, account: Account, *, cost: int = 1) -> Plan:
        """Say under which plan something that costs so much is done."""
        return self._premium if account.premium_enabled and account.credits >= cost else nouns.FREE

    def create(self, order: Order, *, fails_with: str | None = None) -> Job:
        """Accept an order and charge for it.

        Args:
            order: What was received.
            fails_with: The reason with which the job is going to fail, if it is.

        Raises:
            RefusalError: With the service's words, where they are known.
        """
        account = self.account(order.token)
        if account is None:
            raise RefusalError(orders.BAD_TOKEN, http_status=401)
        wish = orders.understand(order, self.catalogue)
        with self._lock:
            plan = self.plan(account, cost=wish.cost)
            orders.check_plan(plan, wish)
            self._check_counts(plan, account)
            charged = 0 if plan is nouns.FREE else wish.cost
            account.credits -= charged
            return self._add(account, wish, charged=charged, fails_with=fails_with)

    def find(self, hash_: str) -> Job | None:
        """Find a job that still exists: neither cancelled, deleted nor expired."""
        job = next((job for job in reversed(self.jobs) if job.hash == hash_), None)
        return job if job and job.stage is not Stage.REMOVED and not self.is_expired(job) else None

    def is_expired(self, job: Job) -> bool:
        """Say whether the time is over for which results are kept."""
        return self.now() - job.created_at >= nouns.RETENTION_S

    def progress(self, job: Job) -> Progress:
        """Say how far a job is."""
        with self._lock:
            match job.stage:
                case Stage.WAITING:
                    return Progress(Status.WAITING, *self._place(job))
                case Stage.STARTED:
                    return self._progress_of_started(job)
                case Stage.DONE:
                    return Progress(Status.DONE)
                case Stage.FAILED:
                    return Progress(Status.FAILED)
                case Stage.REMOVED:
                    return Progress(Status.NOT_FOUND)

    def cancel(self, token: str | None, hash_: str) -> None:
        """Cancel a job that waits and give its credits back.

        Raises:
            RefusalError: It has begun, is over, is somebody else's, or the token is unknown.
        """
        with self._lock:
            job = self._own(token, hash_)
            if job.stage is not Stage.WAITING:
                raise RefusalError("Job can not be cancelled: it is already being processed")
            self._refund(job)
            job.stage = Stage.REMOVED

    def delete(self, token: str | None, hash_: str) -> Job:
        """Remove a job that is over, with its results.

        Raises:
            RefusalError: It is not over, is somebody else's, or the token is unknown.
        """
        with self._lock:
            job = self._own(token, hash_)
            if job.stage.is_unfinished:
                raise RefusalError("Job can not be deleted: it is not finished")
            job.stage = Stage.REMOVED
            return job

    def history(self, account: Account) -> list[Job]:
        """Give the account's jobs, newest first, the ones that are gone included."""
        return [job for job in reversed(self.jobs) if job.account is account]

    def unfinished(self, account: Account | None = None) -> list[Job]:
        """Give the jobs that wait or are being processed, oldest first: the account's, or everybody's."""
        return [job for job in self.jobs if job.stage.is_unfinished and account in {None, job.account}]

    def advance(self) -> list[Job]:
        """Let every job go on as far as the clock allows.

        Returns:
            The jobs that have just been started: their audio is to be worked on.
        """
        with self._lock:
            self.advance_done()
            now = self.now()
            free = self._slots - len(self._in(Stage.STARTED))
            due = [job for job in self._in(Stage.WAITING) if self._starts_at(job) <= now]
            started = due[: max(0, free)]
            for job in started:
                job.stage, job.started_at = Stage.STARTED, now
                job.processing_s = (20.0 + job.duration_s / 10) / self._speed
            return started

    def advance_done(self) -> None:
        """End every job whose work and time are over."""
        with self._lock:
            for job in self._in(Stage.STARTED):
                if job.is_worked_off and job.ends_at <= self.now():
                    job.stage = Stage.DONE

    def seconds_to_next(self) -> float | None:
        """Say when `advance` should be called again at the latest; None while only something new can change things."""
        with self._lock:
            times = [job.ends_at for job in self._in(Stage.STARTED) if job.is_worked_off]
            if len(self._in(Stage.STARTED)) < self._slots:
                times += [self._starts_at(job) for job in self._in(Stage.WAITING)]
            return max(0.0, min(times) - self.now()) if times else None

    def finish(self, job: Job, results: tuple[Result, ...], transcription: Mapping[str, str] | None = None) -> None:
        """Take the results of a job; it is done once its time has passed as well."""
        with self._lock:
            job.results, job.transcription, job.is_worked_off = results, dict(transcription or {}), True

    def fail(self, job: Job, message: str) -> None:
        """End a job without results and give its credits back."""
        with self._lock:
            if job.stage is Stage.STARTED:
                job.stage, job.message = Stage.FAILED, message
                self._refund(job)

    def stamp(self, at: float) -> str:
        """Give a time as the service writes it: UTC, no zone."""
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")

    def _check_counts(self, plan: Plan, account: Account) -> None:
        if plan.unfinished is not None and len(self.unfinished(account)) >= plan.unfinished:
            raise RefusalError(orders.BUSY)
        if plan.per_day is not None and self._made_today(account) >= plan.per_day:
            raise RefusalError(f"You have reached the daily limit of {plan.per_day} separations")

    def _made_today(self, account: Account) -> int:
        today = self.stamp(self.now())[:10]
        return sum(self.stamp(job.created_at)[:10] == today for job in self.history(account))

    def _add(self, account: Account, wish: Wish, *, charged: int, fails_with: str | None) -> Job:
        now = self.now()
        job = Job(
            id=self._next_id,
            hash=self._free_hash(wish.name, now),
            account=account,
            input_kind=wish.input_kind,
            inputs=wish.inputs,
            model=wish.model,
            options=wish.options,
            output_format=wish.output_format,
            charged=charged,
            created_at=now,
            long_filenames=account.long_filenames_enabled,
            is_demo=wish.is_demo,
            fails_with=fails_with,
        )
        self._next_id += 1
        self.jobs.append(job)
        return job

    def _free_hash(self, name: str, now: float) -> str:
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d%H%M%S")
        taken = {job.hash for job in self.jobs}
        salt = 0
        while (hash_ := nouns.make_hash(stamp=stamp, name=name, salt=salt)) in taken:
            salt += 1
        return hash_

    def _place(self, job: Job) -> tuple[int, int]:
        waiting = self._in(Stage.WAITING)
        return len(waiting), 1 + next((i for i, other in enumerate(waiting) if other is job), 0)

    def _progress_of_started(self, job: Job) -> Progress:
        """Show long audio as handed out for four fifths of its time, then as being merged."""
        if not job.is_split:
            return Progress(Status.PROCESSING)
        share = (self.now() - job.started_at) / (job.processing_s * 0.8)
        if share >= 1:
            return Progress(Status.MERGING)
        chunks = -int(-job.duration_s // CHUNK_S)
        return Progress(Status.DISTRIBUTING, len(self._in(Stage.WAITING)) + 1, 1, int(share * chunks), chunks)

    def _starts_at(self, job: Job) -> float:
        return job.created_at + QUEUE_S / self._speed

    def _in(self, stage: Stage) -> list[Job]:
        return [job for job in self.jobs if job.stage is stage]

    def _own(self, token: str | None, hash_: str) -> Job:
        account = self.account(token)
        if account is None:
            raise RefusalError(orders.BAD_TOKEN)
        job = self.find(hash_)
        if job is None or job.account is not account:
            raise RefusalError(orders.NOT_FOUND)
        return job

    def _refund(self, job: Job) -> None:
        job.account.credits += job.charged
        job.charged = 0
