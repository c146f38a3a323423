"""The loop that owns the state: take what is on the inbox, let the desks deal with it, hand out what is due.

One thread. A turn takes every message that has come, each outcome to the desk that handed the step out, and then asks
each desk for what is due now. Everything that matters is committed before anything acts on it, so the process may be
killed between any two instructions.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from mvsep_watch import __version__, retry
from mvsep_watch.daemon import oneoffs, rebuilding, recognising, reloading
from mvsep_watch.daemon.context import Clock, Context, RealClock
from mvsep_watch.daemon.desks import Desk, Desks
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.hands import Hands, Threads, stuck
from mvsep_watch.daemon.inbox import Bell, FoundFiles, Heard, Inbox, Message, Outcome, ReleaseQuestion, Trouble
from mvsep_watch.daemon.requesting import apply_open
from mvsep_watch.daemon.space import Space
from mvsep_watch.log import get_logger
from mvsep_watch.model import Account, BatchOrigin, Config, FileStat, Folder, GateName, JobState, SeparationState
from mvsep_watch.mvsep import Client
from mvsep_watch.naming import escape_path
from mvsep_watch.steps import asking, fetch, publish, reading, scanning, submit
from mvsep_watch.steps.base import TELLING, Denied, Granted, Pool, Step, Tools
from mvsep_watch.steps.looking import Question
from mvsep_watch.store import EXPLAIN, Store
from mvsep_watch.telling import Teller

LONGEST_NAP_S = 1.0
"""A turn at least this often: requests of commands are answered within two seconds."""
SHORTEST_NAP_S = 0.02
MOVING = (JobState.QUEUED, JobState.SUBMITTED, JobState.SEPARATED, JobState.FETCHED)
BACKGROUND = (asking.ReadAccount, asking.ReadCatalogue, publish.CheckRoot)
"""Steps that are under way now and then, whether or not there is work that waits for them."""
LONGEST_WAIT_S = 2 * 3600.0
"""Nothing waits for so long by itself; what is due later was written by a clock that has been set back since."""
CHUNKS_AHEAD = 1
"""How many chunks of a scan may lie on the inbox: what bounds a scan's memory, and how long it keeps a turn busy."""


class Engine:
    """The daemon's heart, without signals, bells and events: those only put messages on `inbox`.

    Args:
        only: The one-off that alone is served: nothing is scanned, and nothing begun for others; empty serves all.
        make_hands: Gives the hands for an inbox and tools; threads unless a test says otherwise.
        caches: The folder of caches; None keeps none.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        client: Client,
        *,
        only: str = "",
        clock: Clock | None = None,
        make_hands: Callable[[Inbox, Tools], Hands] | None = None,
        caches: Path | None = None,
    ) -> None:
        self.inbox = Inbox()
        self._client = client
        self.stopping = threading.Event()
        self._chunks = threading.Semaphore(CHUNKS_AHEAD)
        clock = clock or RealClock()
        tools = Tools(
            client=client,
            ask_release=self._ask_release,
            found=self._found,
            stopping=self.stopping,
            now=clock.now,
            monotonic=clock.monotonic,
            version=__version__,
            teller=Teller(config.secrets),
        )
        hands = (make_hands or _threads_for(config))(self.inbox, tools)
        known = oneoffs.with_one_offs(config, store)
        self.context = Context(config=known, store=store, hands=hands, clock=clock, log=get_logger(), caches=caches)
        self._only = only
        self.context.only |= {only} - {""}
        self.desks = Desks(self.context, client)
        self._space = Space(self.context)
        self._foreign_writes = -1
        self._seen: dict[Question, object] = {}
        self._asked: set[Question] = set()
        self._was_now = clock.now()

    def begin(self, *, fresh: bool = False) -> None:
        """Take up where the last process was: tidy, look for unknowns, scan everything."""
        context = self.context
        if fresh:
            context.store.memory.set_meta("is_fresh", "1")
            context.store.memory.set_meta("ask_about_new", "1")
            recognising.begin_anew(context.store, now=context.clock.now())
            rebuilding.give_up(context.store)
            context.store.jobs.ask_again(now=context.clock.now())
            self.desks.machine.take_over_roots()
            self.desks.ground.forget()
        context.store.jobs.wake()
        self._take_folders()
        reloading.accept(context)
        context.store.bring_forward(now=context.clock.now(), latest=context.clock.now() + LONGEST_WAIT_S)
        self.desks.machine.forget_old_gates()
        self.desks.annotating.reloaded()
        self.desks.unknowns.resume()
        self.desks.tidying.begin()
        if not context.only:
            self.desks.scans.want_all()
        for name in filter(context.serves, oneoffs.waiting(context.store)):
            self._take_up(name)

    def _take_up(self, name: str) -> None:
        """Have a one-off read; whoever asks for one while only another is served is served as well."""
        context = self.context
        context.config, source = oneoffs.with_one_off(context.config, context.store, name)
        if context.only:
            context.only.add(name)
        self.desks.intake.look_again(source, name)

    def reload(self, config: Config) -> None:
        """Take another configuration of the same service, whole, between two turns.

        What is under way goes on with the settings that were recorded for it; whatever waits is considered anew, and
        every folder is looked through.
        """
        context = self.context
        context.config = replace(config, one_offs=context.config.one_offs)
        context.hands.resize(_hands_for(config))
        self._client.upload_rate.bytes_per_s = config.limits.upload_bytes_per_s
        self._client.download_rate.bytes_per_s = config.limits.download_bytes_per_s
        with context.store.transaction():
            self._take_folders()
            context.store.jobs.wake()
            self.desks.scans.reloaded()
            self.desks.intake.reloaded()
            self.desks.machine.reloaded()
            self.desks.annotating.reloaded()
        self.desks.scans.want_all()
        context.log.info("configuration_taken", folders=len(config.folders))

    def _take_folders(self) -> None:
        """Let the jobs that wait have their rules' priorities; a name that moved to another folder sees it first."""
        store = self.context.store
        for folder in self.context.config.folders:
            self._notice_move(folder)
            for rule in folder.rules:
                store.jobs.set_priority(folder.name, rule.name, rule.priority)

    def _notice_move(self, folder: Folder) -> None:
        memory, key, path = self.context.store.memory, f"folder {folder.name}", escape_path(folder.path)
        before = memory.meta(key)
        if before != path:
            memory.set_meta(key, path)
        if before not in (None, path):
            self.context.store.sources.not_scanned(folder.name)

    def turn(self, *, longest_nap_s: float = LONGEST_NAP_S) -> None:
        """Take what has come, waiting at most so long for it, and hand out what is due."""
        messages, paths = self.inbox.take(longest_nap_s)
        if self._lacks_space(messages):
            return
        messages = [*self._space.kept(), *messages]
        self._mind_the_clock()
        self.desks.hours.work()
        followed = self._take_news(paths)
        self._receive_all([message for message in messages if not isinstance(message, ReleaseQuestion)])
        for message in messages:
            if isinstance(message, ReleaseQuestion):
                self._answer(message)
        for folder, path in followed:
            self.desks.intake.touched(folder, path)
        self._apply_requests()
        self._work(self.desks.in_turn())

    def _take_news(self, paths: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Take the paths that nobody follows yet, which wait for no chunk of a scan; give the others.

        Those others may be on the inbox, just read: what happened to one since is news only after that.
        """
        followed = []
        for folder, path in paths:
            if path in self.desks.intake.candidates:
                followed.append((folder, path))
            else:
                self.desks.intake.touched(folder, path)
        return followed

    def _lacks_space(self, messages: list[Message]) -> bool:
        """Say whether the state file has no room to grow; then a stop is heard and others are told."""
        if self._space.look():
            self._bell(Bell("rescan"))
        if not self._space.is_short:
            return False
        heard = [message for message in messages if message == Bell("stop") or _is_of_telling(message)]
        self._space.keep(message for message in messages if message not in heard)
        for message in heard:
            self._receive(message)
        self._work(self.desks.telling_others())
        return True

    def _work(self, desks: Iterable[Desk]) -> None:
        """Have each desk hand out what is due."""
        for desk in desks:
            with self.context.surviving(desk=type(desk).__name__):
                desk.work()

    def _mind_the_clock(self) -> None:
        """Let nothing wait for an instant that a clock which was set back will reach only much later."""
        now, before = self.context.clock.now(), self._was_now
        self._was_now = now
        if now < before - 1.0:
            self.context.store.bring_forward(now=now, latest=now + retry.LONGEST_DELAY_S)

    @property
    def has_released_in_flight(self) -> bool:
        """True while an upload's answer is still awaited: hearing it now saves looking for it later."""
        released = {row.id for row in self.context.store.separations.in_state(SeparationState.RELEASED)}
        steps = self.context.hands.in_flight()
        return any(isinstance(step, submit.Submit) and step.separation_id in released for step in steps)

    @property
    def is_telling(self) -> bool:
        """True while something is told; what hangs there is left behind."""
        return any(step.pool in TELLING for step in self.context.hands.in_flight())

    def stuck(self) -> Step | None:
        """Give a small step that has been in flight for too long; uploads, downloads and telling may take long."""
        return stuck(self.context.hands, now_s=self.context.clock.monotonic())

    @property
    def moved_bytes(self) -> tuple[int, int]:
        """How much this process has sent and fetched, files alone."""
        return self._client.upload_rate.moved_bytes, self._client.download_rate.moved_bytes

    def summary(self) -> str:
        """Say in one line what is going on."""
        counts = self.context.store.jobs.counts()
        shown = ", ".join(f"{counts[state]} {state}" for state in (*MOVING, JobState.HELD) if counts[state])
        gates = ", ".join(sorted({str(gate.name) for gate in self.context.gates()}))
        return f"{shown or 'nothing to do'}{f'; gates closed: {gates}' if gates else ''}"

    def is_at_rest(self, *, gated_for_s: float) -> bool:
        """Say whether nothing more comes of it by itself, short of a new file, a person, or another day.

        Args:
            gated_for_s: How long the service may be away before its gate counts as one that stays closed.
        """
        if self._space.is_short or (self._only and self._is_over(self._only)):
            return True
        scans = self.desks.scans
        if not (scans.first_is_done and scans.is_idle and self.desks.intake.is_idle):
            return False
        ignored = () if self._has_work else BACKGROUND
        steps = [step for step in self.context.hands.in_flight() if step.pool not in TELLING]
        if any(not isinstance(step, ignored) for step in steps):
            return False
        return not self._has_due_work() or self._service_is_gone(gated_for_s)

    def _is_over(self, one_off: str) -> bool:
        """Say whether nothing more comes of a one-off by itself, and what it cost was looked for."""
        row = self.context.store.one_offs.get(one_off)
        job = self.context.store.jobs.get(row.job_id) if row and row.job_id else None
        is_over = job is not None and (job.state == JobState.HELD or not job.state.is_live)
        can_look = not (self.desks.history.is_failing or self._is_closed(GateName.TOKEN))
        return (is_over or (row is not None and row.is_refused)) and not (can_look and self.desks.history.is_settling)

    def _is_closed(self, name: GateName) -> bool:
        return any(gate.name == name for gate in self.context.gates())

    def _has_due_work(self) -> bool:
        context, desks, counts = self.context, self.desks, self.context.store.jobs.counts()
        service_gates = [gate for gate in context.gates() if gate.name == GateName.SERVICE]
        other_gates = [gate for gate in context.gates() if gate.name != GateName.SERVICE and not gate.scope]
        can_look = not (desks.history.is_failing or self._is_closed(GateName.TOKEN))
        looking = can_look and (desks.unknowns.is_urgent or desks.polling.ending or desks.history.is_settling)
        asking = counts[JobState.SUBMITTED] or looking
        if (
            context.store.sources.to_dispose(context.clock.now())
            or desks.deleting.has_work
            or desks.annotating.has_work
            or (asking and (context.account or not other_gates))
        ):
            return True
        starting = counts[JobState.QUEUED] and can_look and (service_gates or not desks.starting.is_waiting)
        return desks.finishing.has_work or (not other_gates and bool(starting))

    def _service_is_gone(self, for_s: float) -> bool:
        now = self.context.clock.now()
        since = [gate.since for gate in self.context.gates() if gate.name == GateName.SERVICE]
        return any(not 0.0 <= now - instant < for_s for instant in since)  # in the future: the clock was set back

    def nap_s(self) -> float:
        """Say how long nothing will be due, at most `LONGEST_NAP_S`."""
        due = [due_s for desk in (self.desks.scans, self.desks.intake) if (due_s := desk.next_due_s()) is not None]
        left_s = min(due) - self.context.clock.monotonic() if due else LONGEST_NAP_S
        polled_s = self.context.config.service.poll.min_s / 2 if self._has_work else LONGEST_NAP_S
        return min(max(min(left_s, polled_s, self.desks.polling.next_due_s()), SHORTEST_NAP_S), LONGEST_NAP_S)

    @property
    def _has_work(self) -> bool:
        counts = self.context.store.jobs.counts()
        return any(counts[state] for state in MOVING)

    def _receive_all(self, messages: list[Message]) -> None:
        """Deal with messages in one commit; a bug in one of them loses neither the loop nor the others."""
        if not messages:
            return
        with self.context.store.transaction():
            for message in messages:
                calm = functools.partial(self._calm, message)
                with (
                    self.context.surviving(then=calm, message=type(message).__name__),
                    self.context.store.transaction(),
                ):
                    self._receive(message)

    def _calm(self, message: Message, error: Exception) -> None:
        """Keep what ran into a bug from running into it again at once: held, or asked for much later."""
        if not isinstance(message, Outcome):
            return
        store, now, step = self.context.store, self.context.clock.now(), message.step
        if isinstance(step, reading.Identify):
            self.desks.intake.identified(step, None, error)
        elif isinstance(step, fetch.Fetch | publish.Publish) and (job := store.jobs.get(step.job_id)):
            self.context.hold_for(error, job)
        elif isinstance(step, submit.Submit):
            store.separations.set(step.separation_id, not_before=now + retry.LONGEST_DELAY_S)
        elif isinstance(step, asking.AboutSeparation):
            self.desks.polling.met_bug(store.separations.get(step.separation_id), error)
        elif isinstance(step, asking.Compare | asking.ReadHistory | reading.LookAt | scanning.Scan):
            self.desks.take(step, None, error)

    def _answer(self, question: ReleaseQuestion) -> None:
        """Give a hand the last word, which is committed by then; any doubt is a no."""
        answer: Granted | Denied = Denied("the daemon met a bug; see its log")
        try:
            with self.context.surviving(separation=question.separation_id):
                answer = self.desks.intents.release(question.separation_id, question.send, question.account)
        finally:
            question.reply(answer)

    def _receive(self, message: Message) -> None:
        match message:
            case Outcome(step=step, result=result, error=error):
                self.context.hands.finished(step)
                self.desks.take(step, result, error)
            case FoundFiles(folder=folder, files=files):
                self._chunks.release()
                self.desks.intake.found(folder, files)
            case Trouble(folder=folder, reason=reason, hint=hint):
                self.context.log.warning("events_lost", folder=folder, reason=reason, hint=hint)
                self.desks.sight.deaf(message)
                self.desks.scans.want_scan(folder)
            case Heard():
                self.desks.sight.heard(message)
            case Bell():
                self._bell(message)
            case ReleaseQuestion():
                pass

    def _bell(self, bell: Bell) -> None:
        match bell.name:
            case "rescan":
                self._close_batches()
                self.desks.scans.want_all()
            case "scan":
                self.desks.scans.want_scan(bell.folder)
            case "account":
                self.desks.machine.check_account()
            case "stop":
                self.context.stopping = True
                self.stopping.set()

    def _close_batches(self) -> None:
        """End the batches of events that have been open for a rescan interval."""
        jobs, now = self.context.store.jobs, self.context.clock.now()
        for batch in jobs.batches_open(BatchOrigin.EVENTS, opened_before=now - self.context.config.rescan_s):
            jobs.close_batch(batch, now=now)

    def _apply_requests(self) -> None:
        """Apply what commands ask for; looking costs nothing while no other process has written."""
        store = self.context.store
        if (writes := store.foreign_writes()) == self._foreign_writes:
            return
        self._foreign_writes = writes
        eyes = Eyes(known=self._seen)
        applied = apply_open(
            store,
            config=self.context.config,
            now=self.context.clock.now(),
            doubt=functools.partial(self.context.doubts, eyes=eyes),
            eyes=eyes,
            unseen=self._look_for_requests,
            waits=self.desks.intake.waits_of,
        )
        self.context.tell(eyes)
        if not self._asked:
            self._seen.clear()
        for request, answer in applied:
            if request.command == EXPLAIN:
                continue
            told = {key: value for key, value in answer.items() if value}
            self.context.log.info("request_applied", command=request.command, **told)
            for source_id in answer.get("sources", []):
                self.desks.intake.forget_path(store.sources.get(source_id).path)
            if one_off := answer.get("folder"):
                self._take_up(one_off)

    def _look_for_requests(self, question: Question) -> None:
        """Have something looked up that a request needs; it is applied once that is known."""
        if question in self._asked:
            return

        def then(answer: object) -> None:
            self._seen[question] = answer
            self._asked.discard(question)
            self._foreign_writes = -1

        self._asked.add(question)
        self.desks.looking.want(question, then)

    # What hands call from their threads

    def _ask_release(self, separation_id: int, send: int, account: Account | None) -> Granted | Denied:
        question = ReleaseQuestion(separation_id=separation_id, send=send, account=account)
        self.inbox.put(question)
        while not question.answered.wait(timeout=0.5):
            if self.stopping.is_set():
                break
        return question.answer if question.answered.is_set() else Denied("the daemon is stopping")

    def _found(self, folder: str, files: tuple[tuple[str, FileStat], ...]) -> None:
        while not self._chunks.acquire(timeout=0.5):
            if self.stopping.is_set():
                return
        self.inbox.put(FoundFiles(folder=folder, files=files))


def _is_of_telling(message: Message) -> bool:
    """Say whether it is what came of telling others."""
    return isinstance(message, Outcome) and message.step.pool in TELLING


def _threads_for(config: Config) -> Callable[[Inbox, Tools], Hands]:
    return lambda inbox, tools: Threads(inbox, tools, _hands_for(config))


def _hands_for(config: Config) -> dict[Pool, int]:
    return {
        Pool.UPLOADS: config.limits.uploads,
        Pool.DOWNLOADS: config.limits.downloads,
        Pool.ASKING: 4,
        Pool.LOOKING: 2,
        Pool.READING: 2,
        Pool.SCANNING: min(4, max(1, len(config.folders))),
        Pool.FILING: 2,
        Pool.EYES: 8,
        **dict.fromkeys(TELLING, 1),
    }
