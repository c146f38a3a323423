"""Applies what commands ask for: retry, approve, cancel, redo, forget, separate, pause, resume; each in a transaction.

`explain` alone changes nothing: it asks whoever has the state why a file waits to be taken.

A request names the attempt and the highest price that a person confirmed; it is refused if that attempt exists already
or would cost more. The running daemon applies requests; without one, the command itself does, under the lock. Nothing
here speaks to the service: a cancellation is written down and delivered by whoever polls. The surprise: what a hand
has in flight goes on, and is told no when it comes back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from mvsep_watch.daemon import oneoffs, pausing
from mvsep_watch.daemon.eyes import Eyes, OpenEyes, UnseenError
from mvsep_watch.daemon.holds import APPROVABLE, RETRIABLE, WAITS_FOR
from mvsep_watch.daemon.recognising import being_linked, might_be, might_be_sent
from mvsep_watch.daemon.redoing import (
    Doubt,
    Item,
    Redoing,
    attempts_of,
    give_up,
    separation_of,
    wrong_attempt,
)
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.log import get_logger
from mvsep_watch.model import (
    FINISHED,
    Config,
    HistoryRow,
    HoldKind,
    JobState,
    SeparationState,
    Settings,
    Work,
    day_in_hash,
)
from mvsep_watch.naming import display
from mvsep_watch.retry import words
from mvsep_watch.steps.looking import Question
from mvsep_watch.store import EXPLAIN, JobRow, Request, SeparationRow, Store

Answer = dict[str, Any]
"""`done`: ids of the jobs that were changed; `refused`: `{id, reason}` each; `made`: new jobs; `sources`: forgotten.
That to `separate` has `folder` as well where it is not refused: the one-off's name. Those to `pause` and `resume` have
`folders`: the names of those that it made a difference to, empty for everything."""

Waits = Callable[[str], dict[str, Any] | None]
"""Path, escaped → why it waits: `reason`, `hint`, `since` (seconds since 1970), or None where it does not."""

BY_A_PERSON = "cancelled by a person"
RECOGNISED = "recognised by a person"


def _nobody_looks(_: Question) -> None:
    """Leave it: who looks for himself has no such question."""


def apply_open(
    store: Store,
    *,
    config: Config,
    now: float,
    doubt: Doubt,
    eyes: Eyes | None = None,
    unseen: Callable[[Question], None] = _nobody_looks,
    waits: Waits = lambda _: None,
) -> list[tuple[Request, Answer]]:
    """Apply every request that nobody has answered; what has to be looked up first stays open.

    Args:
        store: The state, for its owner.
        config: Says where a redone job's outputs go.
        now: Seconds since 1970.
        doubt: Is told of what is in the way of a redone job's outputs and reserved by no job.
        eyes: What is seen of disks; None looks there.
        unseen: Is told what has to be looked up.
        waits: Says why a path waits to be taken, which only a daemon knows.
    """
    applied = []
    for request in store.requests.open():
        applying = _Applying(store, config=config, now=now, eyes=eyes or OpenEyes(), doubt=doubt)
        try:
            applied.append((request, _answer(store, request, applying, now=now, waits=waits)))
        except UnseenError as error:
            unseen(error.question)
    return applied


def _answer(store: Store, request: Request, applying: _Applying, *, now: float, waits: Waits) -> Answer:
    """Apply one request; a bug in it is its answer, and does not come again at every turn."""
    try:
        with store.transaction():
            if request.command == EXPLAIN:
                answer: Answer = {"waits": waits(request.arguments["path"])}
            else:
                answer = applying.apply(request)
            store.requests.answer(request.id, answer, now=now)
    except (MvsepWatchError, UnseenError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the daemon at every turn
        get_logger().exception("bug_met", request=request.id, command=request.command)
        answer = {"done": [], "refused": [{"id": None, "reason": words(error)[0]}], "made": [], "sources": []}
        store.requests.answer(request.id, answer, now=now)
    return answer


class _Applying:
    """One request on its way. Each command's method changes one job, or gives the reason why it does not."""

    def __init__(self, store: Store, *, config: Config, now: float, eyes: Eyes, doubt: Doubt) -> None:
        self._store = store
        self._config = config
        self._now = now
        self._eyes = eyes
        self._redoing = Redoing(store, config=config, now=now, eyes=eyes, doubt=doubt)
        self._freed: set[int] = set()
        self._sources: list[int] = []
        self._batch: int | None = None

    def apply(self, request: Request) -> Answer:
        if request.command == "separate":
            return self._separate(request.arguments)
        if request.command in ("pause", "resume"):
            return self._pause(request)
        commands: dict[str, Callable[[JobRow, Item], str]] = {
            "retry": self._retry,
            "approve": self._approve,
            "cancel": self._cancel,
            "redo": self._redoing.redo,
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
        return {"done": done, "refused": refused, "made": self._redoing.made, "sources": self._sources}

    def _separate(self, arguments: dict[str, Any]) -> Answer:
        """Write a one-off down; whoever has the state reads it next."""
        answer: Answer = {"done": [], "refused": [], "made": [], "sources": []}
        one_off = oneoffs.OneOff.from_json(arguments)
        try:
            oneoffs.ask(one_off, self._store, self._config, now=self._now, eyes=self._eyes)
        except MvsepWatchError as error:
            return answer | {"refused": [oneoffs.refusal(error)]}
        return answer | {"folder": one_off.name}

    def _pause(self, request: Request) -> Answer:
        """Let no uploads begin any more, or again; of folders, or of everything."""
        said = request.arguments
        if request.command == "resume":
            changed = pausing.resume(self._store, said["folders"])
        else:
            by, reason = said.get("by", ""), said.get("reason", "")
            changed = pausing.pause(self._store, said["folders"], by=by, reason=reason, now=self._now)
        return {"done": [], "refused": [], "made": [], "sources": [], "folders": changed}

    def _approved_batch(self) -> int:
        """Give the request's own batch, which is never asked about again."""
        if self._batch is None:
            self._batch = self._store.approvals.approved_batch(now=self._now)
        return self._batch

    # Retry: resumes what needs no payment

    def _retry(self, job: JobRow, item: Item) -> str:
        if hash_ := item.get("hash"):
            return self._take_for_it(job, hash_)
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            return self._queue_again(job)
        if job.state == JobState.PUBLISHED:
            return self._take_back(job)
        if job.state == JobState.HELD and (job.hold not in RETRIABLE or job.resume is None):
            return WAITS_FOR[job.hold or HoldKind.TROUBLE]
        if job.state == JobState.HELD and job.resume:
            self._store.jobs.move(job, job.resume, now=self._now, reason="retried")
        self._store.jobs.set(job.id, not_before=0.0)
        self._ask_now(job)
        return ""

    def _take_for_it(self, job: JobRow, hash_: str) -> str:
        """Take a row of the history for what carries no tag, on a person's word; nothing is paid again."""
        row = separation_of(self._store, job)
        if job.hold == HoldKind.UNKNOWN and row is not None and row.state == SeparationState.RELEASED:
            if reason := self._why_not_this(hash_, might_be(self._store, row), realm=row.realm, account=row.account):
                return reason
            self._store.separations.move(
                row, SeparationState.SUBMITTED, now=self._now, reason=RECOGNISED, hash=hash_,
                submitted_at=row.released_at, keeps_slot=1,
            )  # fmt: skip
            self._go_on_with(row.id)
            return ""
        if job.hold == HoldKind.SENT_BEFORE:
            return self._take_as_sent_before(job, hash_)
        return "what the service has of it is not in question"

    def _take_as_sent_before(self, job: JobRow, hash_: str) -> str:
        """Take over what a state before this one has sent for a job, and for all that wait as it does."""
        account, source = self._store.memory.last_account(job.realm), self._store.sources.get(job.source_id)
        settings = job.settings or ""
        rows = might_be_sent(self._store, settings, realm=job.realm, account=account, now=self._now)
        if reason := self._why_not_this(hash_, rows, realm=job.realm, account=account):
            return reason
        separation_id = self._store.separations.adopt(
            Work(realm=job.realm, input_key=job.input_key, settings=Settings.from_canonical(settings)),
            attempt=self._next_attempt(job, settings),
            hash_=hash_,
            host=self._config.service.base_url,
            account=account,
            watermark=next(found.id for found in rows if found.hash == hash_) - 1,
            size_bytes=source.size_bytes,
            duration_s=source.duration_s,
            day=day_in_hash(hash_) or dt.datetime.fromtimestamp(self._now).astimezone().date().isoformat(),
            now=self._now,
            began_for=job.id,
            reason=RECOGNISED,
        )
        for other in self._held_alike(job):
            self._store.jobs.set(other.id, separation_id=separation_id)
        self._go_on_with(separation_id)
        return ""

    def _why_not_this(self, hash_: str, rows: Sequence[HistoryRow], *, realm: str, account: str) -> str:
        """Say why a row of the history cannot be taken for something; empty where it can."""
        for known in self._store.separations.of_hash(hash_):
            if jobs := self._store.jobs.ever_of_separation(known.id):
                return f"{hash_} is what the service has of job {jobs[0].id}"
        if hash_ not in {row.hash for row in rows}:
            return f"{hash_} is none of the rows of the history that it might be"
        if linked := being_linked(self._store, realm=realm, account=account):
            jobs = self._store.jobs.ever_of_separation(linked.id)
            whose = f"that of job {jobs[0].id}" if jobs else "one"
            return f"the service still fetches another link, {whose}, and {hash_} may be that; try again once it has"
        return ""

    def _go_on_with(self, separation_id: int) -> None:
        for job in self._store.jobs.of_separation(separation_id):
            if job.hold in (HoldKind.UNKNOWN, HoldKind.SENT_BEFORE) or job.state == JobState.QUEUED:
                self._store.jobs.move(job, JobState.SUBMITTED, now=self._now, reason=RECOGNISED)

    def _take_back(self, job: JobRow) -> str:
        """Remember a published job's file again, or fetch outputs again that are gone, while the server has them."""
        was_forgotten = self._store.sources.get(job.source_id).state == "ignored"
        self._store.sources.remember(job.source_id)
        if gone := self._gone_of(job):
            self._store.jobs.move(job, JobState.SEPARATED, now=self._now, reason=gone, finished_at=None)
        elif not was_forgotten:
            return "it is published, and all its outputs are there; `redo` does it again, and pays"
        return ""

    def _gone_of(self, job: JobRow) -> str:
        """Say which of a published job's outputs are gone; empty where none is."""
        if not self._eyes.is_there(job.place.mark):
            return "its outputs are gone"
        if self._is_replaced(job):
            return ""
        gone = self._eyes.gone_of(tuple(job.place.file(output.name) for output in self._store.jobs.outputs(job.id)))
        return f"outputs gone: {', '.join(sorted(display(path.name) for path in gone))}" if gone else ""

    def _is_replaced(self, job: JobRow) -> bool:
        jobs = self._store.jobs.of_source(job.source_id)
        return any(other.redo_of == job.id and other.replaces and other.state == JobState.PUBLISHED for other in jobs)

    def _queue_again(self, job: JobRow) -> str:
        """Queue a finished job again, where an attempt goes on, has results, or none was ever paid for.

        A further attempt that was cancelled before it was sent is no such job: its price is asked about again.
        """
        row = separation_of(self._store, job)
        is_free = row is None or row.state.is_unfinished or row.state == SeparationState.DONE or row.was_refused
        if not is_free or (row is None and job.attempt_wanted is not None):
            return WAITS_FOR[HoldKind.ENDED]
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
        row = separation_of(self._store, job)
        if row is not None and row.state.is_unfinished:
            self._store.separations.set(row.id, not_before=0.0)

    # Approve: lets go what waits for its price

    def _approve(self, job: JobRow, item: Item) -> str:
        """Free a job, and with it every job of its work that waits for the same price."""
        if job.id in self._freed:
            return ""
        if job.hold == HoldKind.SHORT:
            return self._take_short(job)
        if job.state != JobState.HELD or job.hold not in APPROVABLE:
            return WAITS_FOR[job.hold] if job.hold else f"it does not wait for `approve`: it is {job.state}"
        if reason := self._why_no_approval(job, item):
            return reason
        if job.settings:
            attempt = self._next_attempt(job, job.settings)
            self._store.approvals.approve(
                job, attempt=attempt, credits_=item.get("price"), now=self._now,
                saw_rows=job.hold == HoldKind.SENT_BEFORE,
            )  # fmt: skip
        if job.hold == HoldKind.BATCH:
            self._store.memory.set_meta("ask_about_new", "0")
        for each in [job] if job.hold == HoldKind.BATCH else self._held_alike(job):
            self._free(each)
        return ""

    def _take_short(self, job: JobRow) -> str:
        """Take results that are shorter than their source, for every job of the work that waits for that."""
        for each in self._held_alike(job):
            self._freed.add(each.id)
            self._store.jobs.set(each.id, takes_short=1)
            self._store.jobs.move(each, JobState.SEPARATED, now=self._now, reason="taken as it is")
        return ""

    def _why_no_approval(self, job: JobRow, item: Item) -> str:
        price, attempt = item.get("price"), item.get("attempt")
        if price is not None and (job.price is None or job.price > price):
            costs = "its price is not known" if job.price is None else f"it costs {job.price} credits"
            return f"{costs} now, and {price} were confirmed"
        if attempt is not None and job.hold != HoldKind.BATCH and job.settings:
            return wrong_attempt(attempt, self._next_attempt(job, job.settings))
        return ""

    def _held_alike(self, job: JobRow) -> list[JobRow]:
        """Give the jobs of a job's work that wait for the same as it."""
        return [
            other
            for other in self._store.jobs.on_input(job.input_key)
            if other.hold == job.hold and (other.realm, other.settings) == (job.realm, job.settings)
        ]

    def _free(self, job: JobRow) -> None:
        self._freed.add(job.id)
        self._store.jobs.move(job, JobState.QUEUED, now=self._now, reason="approved", batch_id=self._approved_batch())

    def _next_attempt(self, job: JobRow, settings: str) -> int:
        latest = max((row.attempt for row in attempts_of(self._store, job, settings)), default=0)
        return max(latest + 1, job.attempt_wanted or 0)

    # Cancel: ends a job, and its separation only when no other live job needs it

    def _cancel(self, job: JobRow, _: Item) -> str:
        if job.state in FINISHED:
            return f"it is {job.state} already"
        self._store.jobs.move(job, JobState.CANCELLED, now=self._now, reason=BY_A_PERSON)
        row = separation_of(self._store, job)
        if row is not None and not self._store.jobs.of_separation(row.id):
            self._cancel_separation(row, is_held=job.hold == HoldKind.UNKNOWN)
        return ""

    def _cancel_separation(self, row: SeparationRow, *, is_held: bool) -> None:
        """Give back what never left; have the server asked about what did; give up what nobody can find."""
        separations = self._store.separations
        match row.state:
            case SeparationState.INTENDED if row.releases == 0:
                separations.remove_intent(row, reason=BY_A_PERSON, now=self._now)
            case SeparationState.RELEASED if is_held:
                give_up(self._store, row, now=self._now)
            case SeparationState.INTENDED | SeparationState.RELEASED | SeparationState.SUBMITTED:
                separations.set(row.id, cancel_wanted=1, not_before=0.0)

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
