"""The sandbox's rules: who may have what separated, and at which price.

Decides on accounts, plans, credits and links; the jobs' way through time is the line's, which this builds on. The
surprise: what is behind a link is priced and judged when it has been fetched, so `create_link` charges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from mvsep_watch.sandbox import jobs as nouns
from mvsep_watch.sandbox import orders, refusals
from mvsep_watch.sandbox.accounts import Accounts
from mvsep_watch.sandbox.catalogue import Catalogue, load_catalogue
from mvsep_watch.sandbox.faults import FaultKind, Faults
from mvsep_watch.sandbox.jobs import Account, Job, Plan, Stage, Upload
from mvsep_watch.sandbox.line import Line
from mvsep_watch.sandbox.links import Link, Links
from mvsep_watch.sandbox.orders import Order, Wish
from mvsep_watch.sandbox.refusals import BadTokenError, Envelope, RefusalError


class Service(Line):
    """The whole of MVSEP but HTTP and audio.

    Args:
        accounts: Who may come from the start.
        slots: How many jobs are processed at once.
        unfinished: How many unfinished jobs a premium account may have; None is no limit, as the service has it.
        speed: Waiting and processing times are divided by it.
        clock: Seconds since the epoch; `move_clock` adds to it.
        faults: Asked how long results are kept, how slow links are, and what is split.
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
        faults: Faults | None = None,
    ) -> None:
        super().__init__(slots=slots, speed=speed, clock=clock, faults=faults)
        self.catalogue = catalogue or load_catalogue()
        self.accounts = Accounts(accounts, self.now)
        self.links = Links(self)
        self._premium = replace(nouns.PREMIUM, unfinished=unfinished)
        self._next_id = int(clock() * 1000)

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
        account = self._customer(order.token)
        wish = orders.understand(order, self.catalogue)
        with self._lock:
            plan = self.plan(account, cost=wish.cost)
            orders.check_plan(plan, wish)
            self._check_counts(plan, account)
            return self._add(account, wish, plan=plan, fails_with=fails_with)

    def create_link(self, order: Order, *, fails_with: str | None = None) -> Link:
        """Accept an order whose file is behind a link: somebody is to fetch it and to tell `fetched`, or to give it up.

        Args:
            order: What was received.
            fails_with: The reason with which the job is going to fail, if it is.

        Raises:
            RefusalError: With the service's words, where they are known.
        """
        account = self._customer(order.token)
        with self._lock:
            plan = self.plan(account)
            orders.check_link(order, self.catalogue, plan)
            self._check_counts(plan, account)
            return self.links.add(account, order.fields, max_bytes=plan.size_bytes, fails_with=fails_with)

    def fetched(self, link: Link, upload: Upload) -> None:
        """Take the file that is behind a link.

        Raises:
            RefusalError: It does not do; the link is to be given up.
        """
        order = Order(token=link.account.token, fields=link.fields, uploads={"audiofile": upload}, is_fetched=True)
        wish = orders.understand(order, self.catalogue)
        orders.check_plan(self.plan(link.account, cost=wish.cost), wish)
        self.links.hold(link, wish)

    def cancel(self, token: str | None, hash_: str) -> None:
        """Cancel a job that waits and give its credits back.

        Raises:
            RefusalError: It has begun, is over, is somebody else's, or the token is unknown.
        """
        with self._lock:
            job = self._own(token, hash_)
            if job.stage is not Stage.WAITING:
                raise RefusalError("Job can not be cancelled: it is already being processed", envelope=Envelope.DATA)
            self.refund(job)
            job.stage = Stage.REMOVED

    def delete(self, token: str | None, hash_: str) -> Job:
        """Remove a job that is over, with its results.

        Raises:
            RefusalError: It is not over, is somebody else's, or the token is unknown.
        """
        with self._lock:
            job = self._own(token, hash_)
            if job.stage.is_unfinished:
                raise RefusalError("Job can not be deleted: it is not finished", envelope=Envelope.DATA)
            job.stage = Stage.REMOVED
            return job

    def charge(self, account: Account, cost: int) -> bool:
        """Take credits, and say whether there were any to take."""
        with self._lock:
            if self.plan(account, cost=cost) is nouns.FREE:
                return False
            account.credits -= cost
            return True

    def history(self, account: Account) -> list[Job]:
        """Give the account's jobs, newest first, the ones that are gone included."""
        return [job for job in reversed(self.jobs) if job.account is account]

    def advance(self) -> list[Job]:
        """Take in what was fetched, and let every job go on as far as the clock allows.

        Returns:
            The jobs that have just been started: their audio is to be worked on.
        """
        self.take_links()
        return super().advance()

    def take_links(self) -> None:
        """Make jobs of the links that were fetched and have waited."""
        with self._lock:
            for link, wish in self.links.due():
                plan = self.plan(link.account, cost=wish.cost)
                self.links.take(link, self._add(link.account, wish, plan=plan, fails_with=link.fails_with))

    def seconds_to_next(self) -> float | None:
        """Say when `advance` should be called again at the latest; None while only something new can change things."""
        times = [each for each in (super().seconds_to_next(), self.links.seconds_to_next()) if each is not None]
        return min(times, default=None)

    def _customer(self, token: str) -> Account:
        account = self.accounts.find(token)
        if account is None:
            raise BadTokenError(refusals.BAD_TOKEN, http_status=401, envelope=Envelope.ERRORS)
        return account

    def _check_counts(self, plan: Plan, account: Account) -> None:
        fetched = self.links.unfinished(account)
        if plan.unfinished is not None and len(self.unfinished(account)) + fetched >= plan.unfinished:
            raise RefusalError(refusals.BUSY)
        if plan.per_day is not None and self._made_today(account) + fetched >= plan.per_day:
            raise RefusalError(f"You have reached the daily limit of {plan.per_day} separations")

    def _made_today(self, account: Account) -> int:
        today = self.stamp(self.now())[:10]
        return sum(self.stamp(job.created_at)[:10] == today for job in self.history(account))

    def _add(self, account: Account, wish: Wish, *, plan: Plan, fails_with: str | None) -> Job:
        charged = 0 if plan is nouns.FREE else wish.cost
        account.credits -= charged
        job = Job(
            id=self._next_id,
            hash=self.free_hash(wish.name),
            account=account,
            input_kind=wish.input_kind,
            inputs=wish.inputs,
            model=wish.model,
            options=wish.options,
            output_format=wish.output_format,
            charged=charged,
            created_at=self.now(),
            plan=plan.name,
            long_filenames=account.long_filenames_enabled,
            is_demo=wish.is_demo,
            split_from_s=float(self.faults.value(FaultKind.SPLIT_FROM, nouns.SPLIT_FROM_S)),
            fails_with=fails_with,
        )
        self._next_id += 1
        self.jobs.append(job)
        return job

    def _own(self, token: str | None, hash_: str) -> Job:
        account = self.accounts.known(token)
        job = self.find(hash_)
        if job is None or job.account is not account:
            raise RefusalError(refusals.NOT_FOUND, envelope=Envelope.DATA)
        return job
