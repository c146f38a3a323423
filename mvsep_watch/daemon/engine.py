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
from mvsep_watch.daemon.hands import Hands, Threads, stuck
from mvsep_watch.daemon.inbox import Bell, FoundFiles, Heard, Inbox, Message, Outcome, ReleaseQuestion, Trouble
from mvsep_watch.daemon.rest import LONGEST_NAP_S, MOVING, Rest
from mvsep_watch.daemon.space import Space
from mvsep_watch.log import get_logger
from mvsep_watch.model import Account, BatchOrigin, Config, FileStat, Folder, JobState
from mvsep_watch.mvsep import Client
from mvsep_watch.naming import escape_path
from mvsep_watch.planner import BUY_CREDITS, by_name
from mvsep_watch.steps import asking, fetch, publish, reading, scanning, submit
from mvsep_watch.steps.base import TELLING, Denied, Granted, Pool, Step, Tools
from mvsep_watch.store import Store
from mvsep_watch.telling import Teller

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
        self.context.only |= {only} - {""}
        self.desks = Desks(self.context, client)
        self.rest = Rest(self.context, self.desks, only=only)
        self._space = Space(self.context)
        self._was_now = clock.now()

    def begin(self, *, fresh: bool = False) -> None:
        """Take up where the last process was: tidy, look for unknowns, scan everything."""
        context = self.context
        if fresh:
            context.store.memory.set_meta("is_fresh", "1")
            context.store.memory.set_meta("ask_about_new", "1")
            recognising.begin_anew(context.store, now=context.clock.now())
            rebuilding.give_up(context.store)
            context.store.approvals.ask_again(now=context.clock.now())
            self.desks.outputs.take_over()
            self.desks.ground.forget()
        context.store.jobs.wake()
        self._take_folders()
        reloading.accept(context)
        context.store.bring_forward(now=context.clock.now(), latest=context.clock.now() + LONGEST_WAIT_S)
        self.desks.service.begin()
        self.desks.outputs.begin()
        self.desks.annotating.reloaded()
        self.desks.unknowns.resume()
        self.desks.tidying.begin()
        if not context.only:
            self.desks.scans.want_all()
        self.desks.commands.begin()

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
            context.store.jobs.wake_from(BUY_CREDITS)
            self.desks.scans.reloaded()
            self.desks.intake.reloaded()
            self.desks.outputs.reloaded()
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
        self.desks.commands.work()
        self._work(self.desks.in_turn())

    def _take_news(self, paths: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Take the paths that nobody follows yet, which wait for no chunk of a scan; give the others.

        Those others may be on the inbox, just read: what happened to one since is news only after that.
        """
        followed = []
        for folder, path in sorted(paths, key=lambda news: by_name(news[1])):  # what came at once goes by name
            if path in self.desks.candidates:
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
            self.context.account_begun_at = min(self.context.account_begun_at, now)
            self.context.store.bring_forward(now=now, latest=now + retry.LONGEST_DELAY_S)

    def stuck(self) -> Step | None:
        """Give a small step that has been in flight for too long, if another process may do better.

        A disk that does not answer would not answer that one either, and nothing else would go on meanwhile.
        """
        return stuck(self.context.hands, now_s=self.context.clock.monotonic(), of_disks=False)

    @property
    def moved_bytes(self) -> tuple[int, int]:
        """How much this process has sent and fetched, files alone."""
        return self._client.upload_rate.moved_bytes, self._client.download_rate.moved_bytes

    def summary(self) -> str:
        """Say in one line what is going on."""
        counts = self.context.store.jobs.counts()
        shown = ", ".join(f"{counts[state]} {state}" for state in (*MOVING, JobState.HELD) if counts[state])
        gates = ", ".join(sorted({str(gate.name) for gate in self.context.gates()}))
        refused = "; configuration not taken, see `mvsep-watch check`" if self.desks.reloading.is_refused else ""
        return f"{shown or 'nothing to do'}{f'; gates closed: {gates}' if gates else ''}{refused}"

    def is_at_rest(self, *, gated_for_s: float) -> bool:
        """Say whether nothing more comes of it by itself; see `Rest.has_come`."""
        return self._space.is_short or self.rest.has_come(gated_for_s=gated_for_s)

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
            self.desks.identifying.identified(step, None, error)
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
                self.desks.service.check_account()
            case "stop":
                self.context.stopping = True
                self.stopping.set()

    def _close_batches(self) -> None:
        """End the batches of events that have been open for a rescan interval."""
        context, now = self.context, self.context.clock.now()
        before = now - context.config.rescan_s
        context.store.approvals.close_old_batches(BatchOrigin.EVENTS, opened_before=before, now=now)

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
