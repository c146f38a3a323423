"""Applies what commands ask for: retry, approve, cancel, redo, forget. Each request in one transaction with its answer.

A request names the attempt and the highest price that a person confirmed; it is refused if that attempt exists already
or would cost more. The running daemon applies requests; without one, the command itself does, under the lock. Nothing
here speaks to the service: a cancellation is written down and delivered by whoever polls. The surprise: what a hand
has in flight goes on, and is told no when it comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mvsep_watch.daemon.queueing import reserve_again
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.log import get_logger
from mvsep_watch.model import FINISHED, Config, HoldKind, JobState, SeparationState
from mvsep_watch.naming import display
from mvsep_watch.store import JobRow, Request, SeparationRow, Store

Answer = dict[str, Any]
"""`done`: ids of the jobs that were changed; `refused`: `{id, reason}` each; `made`: new jobs; `sources`: forgotten."""
Item = dict[str, Any]
"""One job of a request: `id`; for approve `price` and `attempt`; for redo also `settings`, `asked` and `replace`."""
Doubt = Callable[[Path], None]

HELD_FOR = {
    HoldKind.PRICE: "it waits for `approve`",
    HoldKind.BATCH: "it waits for `approve`",
    HoldKind.UNKNOWN: "it is looked for by itself; `redo` or `cancel` give it up",
    HoldKind.ENDED: "going on would need a payment: `redo`",
    HoldKind.OUTPUTS_GONE: "`retry` looks for its outputs once more, `redo` pays",
    HoldKind.ELSEWHERE: "it waits for its own account and host",
    HoldKind.TROUBLE: "it waits for `retry`",
}
"""What a held job waits for: why another command is refused."""
RETRIABLE = (HoldKind.TROUBLE, HoldKind.ELSEWHERE, HoldKind.OUTPUTS_GONE)
APPROVABLE = (HoldKind.PRICE, HoldKind.BATCH)
WITHOUT_RESULTS = (HoldKind.UNKNOWN, HoldKind.ENDED, HoldKind.OUTPUTS_GONE)
"""Holds of the work: a new attempt serves every job that has one of them."""
NOT_MEANT = "nobody knows here what its rule means now; a new file under that rule makes it known"
BY_A_PERSON = "cancelled by a person"


def apply_open(store: Store, *, config: Config, now: float, doubt: Doubt) -> list[tuple[Request, Answer]]:
    """Apply every request that nobody has answered.

    Args:
        store: The state, for its owner.
        config: Says where a redone job's outputs go.
        now: Seconds since 1970.
        doubt: Is told of what is in the way of a redone job's outputs and reserved by no job.
    """
    return [
        (request, _answer(store, request, config=config, now=now, doubt=doubt)) for request in store.requests.open()
    ]


def _answer(store: Store, request: Request, *, config: Config, now: float, doubt: Doubt) -> Answer:
    """Apply one request; a bug in it is its answer, and does not come again at every turn."""
    try:
        with store.transaction():
            answer = _Applying(store, config=config, now=now, doubt=doubt).apply(request)
            store.requests.answer(request.id, answer, now=now)
    except MvsepWatchError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the daemon at every turn
        get_logger().exception("bug_met", request=request.id, command=request.command)
        answer = {"done": [], "refused": [{"id": None, "reason": f"a bug: {error!r}"}], "made": [], "sources": []}
        store.requests.answer(request.id, answer, now=now)
    return answer


class _Applying:
    """One request on its way. Each command's method changes one job, or gives the reason why it does not."""

    def __init__(self, store: Store, *, config: Config, now: float, doubt: Doubt) -> None:
        self._store = store
        self._config = config
        self._now = now
        self._doubt = doubt
        self._made: list[int] = []
        self._along: set[int] = set()
        self._sources: list[int] = []
        self._batch: int | None = None

    def apply(self, request: Request) -> Answer:
        commands: dict[str, Callable[[JobRow, Item], str]] = {
            "retry": self._retry,
            "approve": self._approve,
            "cancel": self._cancel,
            "redo": self._redo,
            "forget": self._forget,
        }
        command = commands.get(request.command, _unknown_command)
        done, refused = [], []
        for item in request.arguments.get("jobs", []):
            job = self._store.jobs.get(item["id"])
            if reason := command(job, item) if job else "there is no such job":
                refused.append({"id": item["id"], "reason": reason})
            else:
                done.append(item["id"])
        for source_id in request.arguments.get("sources", []) if request.command == "forget" else []:
            self._forget_source(source_id)
        return {"done": done, "refused": refused, "made": self._made, "sources": self._sources}

    def _separation(self, job: JobRow) -> SeparationRow | None:
        return self._store.separations.get(job.separation_id) if job.separation_id else None

    def _approved_batch(self) -> int:
        """Give the request's own batch, which is never asked about again."""
        if self._batch is None:
            self._batch = self._store.jobs.approved_batch(now=self._now)
        return self._batch

    # Retry: resumes what needs no payment

    def _retry(self, job: JobRow, _: Item) -> str:
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            return self._queue_again(job)
        if job.state == JobState.PUBLISHED:
            return "it is published; `redo` does it again, and pays"
        if job.state == JobState.HELD and (job.hold not in RETRIABLE or job.resume is None):
            return HELD_FOR[job.hold or HoldKind.TROUBLE]
        if job.state == JobState.HELD and job.resume:
            self._store.jobs.move(job, job.resume, now=self._now, reason="retried")
        self._store.jobs.set(job.id, not_before=0.0)
        self._ask_now(job)
        return ""

    def _queue_again(self, job: JobRow) -> str:
        """Queue a finished job again, where an attempt goes on, has results, or none was ever paid for."""
        row = self._separation(job)
        if row is not None and not (row.state.is_unfinished or row.state == SeparationState.DONE or _was_refused(row)):
            return HELD_FOR[HoldKind.ENDED]
        if after := self._redone_by(job):
            return f"job {after.id} does it again"
        self._store.jobs.move(job, JobState.QUEUED, now=self._now, reason="retried", finished_at=None)
        self._store.jobs.set(job.id, separation_id=None)
        self._store.sources.remember(job.source_id)
        if row is not None and row.state.is_unfinished:
            self._store.separations.set(row.id, cancel_wanted=0)
        return ""

    def _redone_by(self, job: JobRow) -> JobRow | None:
        jobs = self._store.jobs.of_source(job.source_id)
        return next((other for other in jobs if other.redo_of == job.id and other.state != JobState.CANCELLED), None)

    def _ask_now(self, job: JobRow) -> None:
        row = self._separation(job)
        if row is not None and row.state.is_unfinished:
            self._store.separations.set(row.id, not_before=0.0)

    # Approve: lets go what waits for its price

    def _approve(self, job: JobRow, item: Item) -> str:
        """Free a job, and with it every job of its work that waits for the same price."""
        if job.id in self._along:
            return ""
        if job.state != JobState.HELD or job.hold not in APPROVABLE:
            return HELD_FOR[job.hold] if job.hold else f"it does not wait for `approve`: it is {job.state}"
        if reason := self._why_no_approval(job, item):
            return reason
        if job.settings:
            attempt = self._next_attempt(job, job.settings)
            self._store.jobs.approve(job, attempt=attempt, credits_=item.get("price"), now=self._now)
        for each in [job] if job.hold == HoldKind.BATCH else self._held_for_price(job):
            self._free(each)
        return ""

    def _why_no_approval(self, job: JobRow, item: Item) -> str:
        price, attempt = item.get("price"), item.get("attempt")
        if price is not None and (job.price is None or job.price > price):
            costs = "its price is not known" if job.price is None else f"it costs {job.price} credits"
            return f"{costs} now, and {price} were confirmed"
        if attempt is not None and job.hold == HoldKind.PRICE and job.settings:
            return _wrong_attempt(attempt, self._next_attempt(job, job.settings))
        return ""

    def _held_for_price(self, job: JobRow) -> list[JobRow]:
        work = (job.realm, job.input_key, job.settings)
        held = self._store.jobs.held(HoldKind.PRICE)
        return [other for other in held if (other.realm, other.input_key, other.settings) == work]

    def _free(self, job: JobRow) -> None:
        self._along.add(job.id)
        self._store.jobs.move(job, JobState.QUEUED, now=self._now, reason="approved", batch_id=self._approved_batch())

    def _attempts(self, job: JobRow, settings: str) -> list[SeparationRow]:
        return self._store.separations.of_settings(realm=job.realm, input_key=job.input_key, settings=settings)

    def _next_attempt(self, job: JobRow, settings: str) -> int:
        latest = max((row.attempt for row in self._attempts(job, settings)), default=0)
        return max(latest + 1, job.attempt_wanted or 0)

    # Cancel: ends a job, and its separation only when no other live job needs it

    def _cancel(self, job: JobRow, _: Item) -> str:
        if job.state in FINISHED:
            return f"it is {job.state} already"
        self._store.jobs.move(job, JobState.CANCELLED, now=self._now, reason=BY_A_PERSON)
        row = self._separation(job)
        if row is not None and not self._store.jobs.of_separation(row.id):
            self._cancel_separation(row, is_held=job.hold == HoldKind.UNKNOWN)
        return ""

    def _cancel_separation(self, row: SeparationRow, *, is_held: bool) -> None:
        """Give back what never left; have the server asked about what did; give up what nobody can find."""
        separations = self._store.separations
        match row.state:
            case SeparationState.INTENDED if row.releases == 0:
                separations.remove_intent(row, reason=BY_A_PERSON, now=self._now)
            case SeparationState.INTENDED:
                separations.settle(row, 0, now=self._now)
                separations.move(row, SeparationState.CANCELLED, now=self._now, reason=f"{BY_A_PERSON}; never made")
            case SeparationState.RELEASED if is_held:
                self._give_up(row)
            case SeparationState.RELEASED | SeparationState.SUBMITTED:
                separations.set(row.id, cancel_wanted=1, not_before=0.0)

    def _give_up(self, row: SeparationRow) -> None:
        reason = "given up by a person, its outcome unknown"
        self._store.separations.move(row, SeparationState.LOST, now=self._now, reason=reason)

    # Redo: a new attempt, by a new job that is linked to the old one

    def _redo(self, job: JobRow, item: Item) -> str:
        if job.id in self._along:
            return ""
        if reason := self._why_no_redo(job, item):
            return reason
        replaces = bool(item.get("replace")) and job.state == JobState.PUBLISHED
        stays = replaces or job.state.is_live
        final = job.final if stays else reserve_again(self._config, self._store, job, doubt=self._doubt)
        if final is None:
            return "the configuration has no such folder or rule any more"
        self._end_redone(job, item["settings"])
        made = self._add(job, item, final, replaces=replaces)
        self._made.append(made)
        self._take_along(job, item)
        return ""

    def _why_no_redo(self, job: JobRow, item: Item) -> str:
        """Say why a new attempt may not be made: what a job's state, its source, or another attempt has against it."""
        rows = self._attempts(job, item["settings"])
        return (
            _why_not_in_state(job)
            or self._why_not_from(job)
            or self._why_not_beside(job, rows)
            or ("" if item["settings"] else NOT_MEANT)
            or _wrong_attempt(item["attempt"], max((row.attempt for row in rows), default=0) + 1)
            or self._why_not_again(job, item)
        )

    def _why_not_from(self, job: JobRow) -> str:
        source = self._store.sources.get(job.source_id)
        if source.input_key == job.input_key and os.path.lexists(source.path):
            return ""
        return f"the source {display(source.path)} is gone, or holds other bytes now; a new attempt sends it again"

    def _why_not_beside(self, job: JobRow, rows: list[SeparationRow]) -> str:
        """Refuse while something may still come of an earlier attempt."""
        own = self._separation(job)
        if own is None and not rows:
            return "nothing was sent for it yet; `retry` does not pay twice"
        for row in {row.id: row for row in [*rows, *([own] if own else [])]}.values():
            is_given_up = own is not None and row.id == own.id and job.hold == HoldKind.UNKNOWN
            if row.state.is_unfinished and not (row.state == SeparationState.RELEASED and is_given_up):
                return f"attempt {row.attempt} is {row.state}; `cancel` it first"
        return ""

    def _why_not_again(self, job: JobRow, item: Item) -> str:
        for other in self._store.jobs.on_bytes(job.input_key):
            is_asked_for = other.attempt_wanted is not None and other.attempt_wanted >= item["attempt"]
            is_same = (other.realm, other.settings) == (job.realm, item["settings"])
            if is_same and is_asked_for and other.state.is_live and other.id not in {*self._made, *self._along}:
                return f"job {other.id} is to make attempt {other.attempt_wanted} already"
        return ""

    def _end_redone(self, job: JobRow, settings: str) -> None:
        """End a held job that is done again, and the unknown that nobody waits for any longer."""
        if job.state in FINISHED:
            return
        self._store.jobs.move(job, JobState.CANCELLED, now=self._now, reason="done again by a new attempt")
        row = self._separation(job)
        if row is None or row.state != SeparationState.RELEASED:
            return
        if row.settings == settings or not self._store.jobs.of_separation(row.id):
            self._give_up(row)

    def _add(self, job: JobRow, item: Item, final: Path, *, replaces: bool) -> int:
        jobs = self._store.jobs
        made = jobs.add(
            source_id=job.source_id,
            folder=job.folder,
            rule=job.rule,
            realm=job.realm,
            input_key=job.input_key,
            asked=item.get("asked") or job.asked,
            priority=job.priority,
            output_root=job.output_root,
            final=final,
            batch_id=self._approved_batch(),
            now=self._now,
            redo_of=job.id,
            attempt_wanted=item["attempt"],
            price_allowed=item.get("price"),
            replaces=replaces,
        )
        jobs.set(made, settings=item["settings"])
        row = jobs.get(made)
        assert row is not None
        jobs.approve(row, attempt=item["attempt"], credits_=item.get("price"), now=self._now)
        return made

    def _take_along(self, job: JobRow, item: Item) -> None:
        """Let the new attempt serve every job of its work that was left without results."""
        for other in self._store.jobs.on_bytes(job.input_key):
            is_same = (other.realm, other.settings) == (job.realm, item["settings"])
            if is_same and other.state == JobState.HELD and other.hold in WITHOUT_RESULTS:
                self._along.add(other.id)
                reason = f"goes with job {self._made[-1]}"
                self._store.jobs.move(other, JobState.QUEUED, now=self._now, reason=reason)
                self._store.jobs.set(other.id, separation_id=None, attempt_wanted=item["attempt"])

    # Forget: leaves a note that the file is to be ignored, and ends what is still to be done for it

    def _forget(self, job: JobRow, _: Item) -> str:
        self._forget_source(job.source_id)
        return ""

    def _forget_source(self, source_id: int) -> None:
        if source_id in self._sources:
            return
        self._store.sources.ignore(self._store.sources.get(source_id).id)
        self._sources.append(source_id)
        for job in self._store.jobs.of_source(source_id):
            if job.state.is_live:
                self._cancel(job, {})


def _unknown_command(_: JobRow, __: Item) -> str:
    return "this version of mvsep-watch knows no such request"


def _was_refused(row: SeparationRow) -> bool:
    """Say whether the service did not take it, and nothing was paid."""
    return row.state == SeparationState.FAILED and row.hash is None


def _why_not_in_state(job: JobRow) -> str:
    if job.hold in APPROVABLE:
        return HELD_FOR[job.hold]
    if job.state.is_live and job.state != JobState.HELD:
        return "it is under way; `cancel` it first"
    return ""


def _wrong_attempt(named: int, next_: int) -> str:
    if named < next_:
        return f"attempt {named} exists already"
    return f"the next attempt is {next_}, and {named} was confirmed" if named > next_ else ""
