"""The desk that tells people what needs them: by `bundling` what and when, by the hands of the pool `telling` how.

What was told of is written down when the first destination has taken the notice, so that a restart tells nothing twice
and forgets nothing. A destination that does not take what another has taken is tried a few times more. Nothing here
keeps any work waiting, and without the section `notify` nothing here does anything.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from mvsep_watch import bundling, log
from mvsep_watch.bundling import Told
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.identifying import Identifying
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.flapping import BALANCE, Gates, Known
from mvsep_watch.model import Destination, Gate, GateName, JobState, Message, Notify, Subject
from mvsep_watch.naming import display, escape_path
from mvsep_watch.planner import BUY_CREDITS
from mvsep_watch.retry import words
from mvsep_watch.steps.telling import Tell
from mvsep_watch.store import JobRow, SourceRow, StateFullError, Transitions

KEY = "told"
STATES = {Subject.HELD: JobState.HELD, Subject.FAILED: JobState.FAILED}
JOBS, GATES, PUBLISHED, SUMMARY = "jobs", "gates", "published", "summary"


@dataclass(slots=True, kw_only=True)
class Notice:
    """A notice that is being sent.

    Args:
        told: What is to be remembered once somebody has taken it.
        left: The destinations that have not.
        due_s: When they are tried next, monotonic.
        away: Those that are being tried, by name.
    """

    message: Message
    told: Told
    left: tuple[Destination, ...]
    due_s: float
    away: set[str] = field(default_factory=set)
    tries: int = 0
    is_taken: bool = False


@dataclass(slots=True)
class Lookout:
    """Notices when the first job has come to one of some states, beyond a row of the history."""

    looked: int
    since_s: float | None = None

    def look(self, transitions: Transitions, states: Iterable[JobState], *, now_s: float) -> None:
        """Look at what is new."""
        newest = transitions.newest
        if newest > self.looked:
            if self.since_s is None and transitions.counts(after=self.looked).keys() & set(states):
                self.since_s = now_s
            self.looked = newest


class Telling:
    """The desk of notices."""

    def __init__(self, context: Context, scans: Scans, identifying: Identifying) -> None:
        self._context = context
        self._scans = scans
        self._identifying = identifying
        self._told = bundling.told_from(context.store.memory.meta(KEY))
        self._gates = Gates()
        self._lately: dict[str, Gate] = {}
        self._look_anew()
        self._notices: dict[str, Notice] = {}
        self._failures: dict[str, int] = {}
        self._not_before_s: dict[str, float] = {}
        self._is_last = False
        self._notify = context.config.notify
        self._writers: dict[str, Callable[[Notify, float], tuple[Message, Told] | None]] = {
            JOBS: self._about_jobs,
            GATES: self._about_gates,
            PUBLISHED: self._about_published,
            SUMMARY: self._about_day,
        }

    def work(self) -> None:
        """Hand out what is worth telling."""
        notify = self._context.config.notify
        if notify is None or self._context.only or self._context.stopping:
            return
        if notify != self._notify:
            self._notify = notify
            self._begin_anew()
        now_s = self._context.clock.monotonic()
        for kind, write in self._writers.items():
            is_free = kind not in self._notices and now_s >= self._not_before_s.get(kind, now_s)
            if is_free and (said := write(notify, now_s)):
                message, told = _redacted(said[0]), said[1]
                self._notices[kind] = Notice(message=message, told=told, left=notify.destinations, due_s=now_s)
            self._send(kind, now_s)

    def _begin_anew(self) -> None:
        """Leave what is on its way to the destinations of before; what nobody has taken is told to those of now."""
        self._notices.clear()
        self._not_before_s.clear()
        self._look_anew()

    def _look_anew(self) -> None:
        """Look at everything that was not told of yet."""
        self._needing, self._looked_refused = Lookout(self._told.jobs), -1.0
        self._published = Lookout(self._told.published or 0)

    def finish(self) -> bool:
        """Tell the rest before the process ends, without collecting any longer; say whether something is still sent."""
        self._is_last = True
        self.work()
        return any(notice.away for notice in self._notices.values())

    def _send(self, kind: str, now_s: float) -> None:
        notice = self._notices.get(kind)
        if notice is None or now_s < notice.due_s:
            return
        if notice.away:
            self._lose(kind, notice, now_s)
            return
        steps = [Tell(kind=kind, destination=destination, message=notice.message) for destination in notice.left]
        notice.away = {step.destination.name for step in steps if self._context.hands.give(step)}
        if not notice.away:
            self._is_back(kind, notice)

    def _lose(self, kind: str, notice: Notice, now_s: float) -> None:
        """Go on without those of whom nothing was heard for far too long: not even the limit ended what hangs there."""
        if now_s - notice.due_s >= bundling.LOST_AFTER_S:
            self._context.log.warning(
                "notice_not_sent", about=kind, to=sorted(notice.away), reason="it hangs, and cannot be ended",
                hint="look at the disk that its program is on",
            )  # fmt: skip
            notice.away.clear()
            self._is_back(kind, notice)

    def told(self, step: Tell, error: Exception | None) -> None:
        """Take what came of a notice at one destination."""
        notice = self._notices.get(step.kind)
        if notice is None or notice.message != step.message:
            return
        notice.away.discard(step.destination.name)
        if error is None:
            notice.left = tuple(each for each in notice.left if each.name != step.destination.name)
            self._context.log.info("notice_sent", about=step.kind, to=step.destination.name)
            self._remember(step.kind, notice)
        else:
            reason, hint = words(error)
            self._context.log.warning(
                "notice_not_sent", about=step.kind, to=step.destination.name, reason=reason, hint=hint
            )
        if not notice.away:
            self._is_back(step.kind, notice)

    def _is_back(self, kind: str, notice: Notice) -> None:
        """Go on after a try: done, again later to those that are left, or written anew where nobody took it."""
        now_s = self._context.clock.monotonic()
        notice.tries += 1
        if notice.left and notice.is_taken and notice.tries < bundling.TRIES and not self._is_last:
            notice.due_s = now_s + bundling.pause_s(notice.tries)
            return
        del self._notices[kind]
        self._failures[kind] = 0 if notice.is_taken else self._failures.get(kind, 0) + 1
        if not notice.is_taken:
            self._not_before_s[kind] = now_s + bundling.pause_s(self._failures[kind])
            self._look_anew()
        elif notice.left:
            self._context.log.error("notice_given_up", about=kind, to=[each.name for each in notice.left])

    def _remember(self, kind: str, notice: Notice) -> None:
        """Write down that a notice was taken, once; other kinds may have been told of meanwhile."""
        if notice.is_taken:
            return
        notice.is_taken = True
        told, now = notice.told, self._context.clock.now()
        match kind:
            case "jobs":
                self._told = replace(self._told, jobs=told.jobs, jobs_at=now, refused_at=told.refused_at)
            case "gates":
                self._told = replace(self._told, gates=told.gates, flapping=told.flapping, gates_at=now)
            case "published":
                self._told = replace(self._told, published=told.published, published_at=now)
            case _:
                self._told = replace(self._told, summary=told.summary, summary_day=told.summary_day)
        self._write_down()

    def _write_down(self) -> None:
        with contextlib.suppress(StateFullError):  # that the disk is full is told as well; it is written down next time
            self._context.store.memory.set_meta(KEY, self._told.as_json())

    # What there is to tell

    def _about_jobs(self, notify: Notify, now_s: float) -> tuple[Message, Told] | None:
        states = [state for subject, state in STATES.items() if subject in notify.about]
        store, newest, needing = self._context.store, self._context.store.transitions.newest, self._needing
        needing.look(store.transitions, states, now_s=now_s)
        if Subject.FAILED in notify.about and self._identifying.refused_at > self._looked_refused:
            self._looked_refused = self._identifying.refused_at
            if needing.since_s is None and self._refused():
                needing.since_s = now_s
        if not self._is_due(needing, now_s, told_at=self._told.jobs_at):
            return None
        needing.since_s = None
        digest = bundling.Digest()
        for job in store.transitions.arrived(states, after=self._told.jobs):
            digest.add(job_id=job.id, name=job.path.name, state=job.state, reason=job.reason, hint=job.hint)
        refused = self._refused() if Subject.FAILED in notify.about else []
        for row in refused:
            digest.refuse(row.path.name, row.reason)
        if not (digest.counts or refused):
            return None
        refused_at = max([self._told.refused_at, *(row.seen_at for row in refused)])
        message = bundling.about_jobs(digest, host=platform.node())
        return message, replace(self._told, jobs=newest, refused_at=refused_at)

    def _is_due(self, lookout: Lookout, now_s: float, *, told_at: float) -> bool:
        """Say whether what was noticed is collected, and the last notice of the kind is long enough ago."""
        since_s = lookout.since_s
        if since_s is None or not bundling.is_collected(since_s=since_s, now_s=now_s, is_last=self._is_last):
            return False
        return not bundling.is_too_soon(self._context.clock.now() - told_at)

    def _refused(self) -> list[SourceRow]:
        """Give the files that were refused since that was told of last."""
        names = [folder.name for folder in self._context.config.folders]
        refused_since = self._context.store.sources.refused_since
        return [row for name in names for row in refused_since(self._told.refused_at, name)]

    def _about_gates(self, notify: Notify, now_s: float) -> tuple[Message, Told] | None:
        if Subject.GATE not in notify.about:
            return None
        shut = {bundling.gate_key(gate): gate for gate in self._context.gates() if bundling.is_worth_telling(gate)}
        shut |= self._shortage()
        self._lately |= shut
        known = Known(closed=frozenset(self._told.gates), flapping=frozenset(self._told.flapping))
        self._gates.see(shut, known, now_s=now_s)
        news = self._gates.news(known, now_s=now_s, is_last=self._is_last)
        if not news or bundling.is_too_soon(self._context.clock.now() - self._told.gates_at):
            return None
        message = bundling.about_gates(news, shut, self._lately, host=platform.node())
        return message, bundling.told_after(self._told, news)

    def _shortage(self) -> dict[str, Gate]:
        """Give what stands among the gates while a job waits because the balance is too low for it."""
        store = self._context.store
        job = store.jobs.waiting_with(BUY_CREDITS)
        if job is None:
            return {}
        name = store.sources.get(job.source_id).path.name
        reason = f"job {job.id} ({name}) waits: {job.reason}"
        return {BALANCE: Gate(name=GateName.CREDITS, reason=reason, hint=job.hint)}

    def _about_published(self, notify: Notify, now_s: float) -> tuple[Message, Told] | None:
        store, after, newest = self._context.store, self._told.published, self._context.store.transitions.newest
        if (after is not None) != (Subject.PUBLISHED in notify.about):
            self._told = replace(self._told, published=newest if after is None else None)
            self._published = Lookout(newest)
            self._write_down()
        if after is None or self._told.published is None:
            return None
        self._published.look(store.transitions, [JobState.PUBLISHED], now_s=now_s)
        if not self._is_due(self._published, now_s, told_at=self._told.published_at):
            return None
        self._published.since_s = None
        ids = [job.id for job in store.transitions.arrived([JobState.PUBLISHED], after=after)]
        first = [self._published_job(job) for job in self._context.jobs(ids[: bundling.PUBLISHED_SHOWN])]
        if not first:
            return None
        message = bundling.about_published(len(ids), first, host=platform.node())
        return message, replace(self._told, published=newest)

    def _published_job(self, job: JobRow) -> bundling.Published:
        store = self._context.store
        name, stems = store.sources.get(job.source_id).path.name, len(store.jobs.outputs(job.id))
        return bundling.Published(id=job.id, name=escape_path(name), stems=stems, folder=display(job.place.folder))

    def _about_day(self, notify: Notify, _: float) -> tuple[Message, Told] | None:
        if Subject.SUMMARY not in notify.about:
            return None
        day = self._day(notify.summary_minute)
        if day <= self._told.summary_day:
            return None
        store = self._context.store
        told = replace(self._told, summary=store.transitions.newest, summary_day=day)
        if self._told.summary is None:
            self._told = told
            store.memory.set_meta(KEY, told.as_json())
            return None
        return bundling.about_day(self._summary(self._told.summary), host=platform.node()), told

    def _day(self, minute: int) -> str:
        """Give the local date whose summary was due last."""
        local = dt.datetime.fromtimestamp(self._context.clock.now()).astimezone()
        is_later = local.hour * 60 + local.minute >= minute
        return str(local.date() if is_later else local.date() - dt.timedelta(days=1))

    def _summary(self, after: int) -> bundling.Day:
        context, store = self._context, self._context.store
        came, counts, today = store.transitions.counts(after=after), store.jobs.counts(), context.today()
        yesterday = str(dt.date.fromisoformat(today) - dt.timedelta(days=1))
        return bundling.Day(
            published=came.get(JobState.PUBLISHED, 0),
            failed=came.get(JobState.FAILED, 0),
            held=counts[JobState.HELD],
            waiting=sum(number for state, number in counts.items() if state.is_live and state != JobState.HELD),
            spent_yesterday=store.separations.spent(context.realm, yesterday, yesterday),
            spent_today=store.separations.spent(context.realm, today, today),
            left=context.account.credits if context.account else None,
            unseen=self._scans.troubled_folders,
            gates=tuple(sorted({str(gate.name) for gate in context.gates()})),
        )


def _redacted(message: Message) -> Message:
    """Take the secrets out: a reason may hold words of others."""
    return Message(title=log.redact(message.title), text=log.redact(message.text), facts=log.redact(message.facts))
