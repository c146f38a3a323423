"""Separations whose outcome is unknown: looked for in the history before anything else, adopted, sent again or held.

The window of a search starts when the connection is known to be closed, on the monotonic clock, and anew with every
process. What is held is looked for on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mvsep_watch import retry
from mvsep_watch.daemon import doubles
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.polling import KEPT_BY_SERVER_S, Polling
from mvsep_watch.daemon.recognising import TAKES_ONE, might_be, named
from mvsep_watch.daemon.sightings import with_tag
from mvsep_watch.model import Created, HistoryRow, HoldKind, JobState, SeparationState
from mvsep_watch.planner import Absent, Doubtful, LookAgain, Promptness, Search, best_row, verdict
from mvsep_watch.steps.asking import CancelOther, Compare, HistoryRead
from mvsep_watch.store import SeparationRow

HINT_UNTAGGED = f"{TAKES_ONE}; `redo` sends it again and may pay twice; `cancel` gives it up"


class Unknowns:
    """The desk that finds out."""

    def __init__(self, context: Context, polling: Polling, news: News) -> None:
        self._context = context
        self._polling = polling
        self._news = news
        self._searches: dict[int, Search] = {}
        self._older: dict[int, frozenset[int]] = {}
        self._doubted: set[int] = set()

    def resume(self) -> None:
        """Begin to look for every release without an answer that no hand awaits.

        At start that is whatever was under way when the last process died; later, what a bug has lost sight of.
        """
        for row in self._context.store.separations.in_state(SeparationState.RELEASED):
            if row.id not in self._searches and not self._context.hands.is_busy_with(("submit", row.id)):
                self.begin(row)

    def begin(self, row: SeparationRow) -> None:
        """Begin the search: the connection is known to be closed now."""
        self._searches[row.id] = Search(since_s=self._context.clock.monotonic())
        unfinished = self._context.store.separations.unfinished()
        self._older[row.id] = frozenset(other.id for other in unfinished if other.state != SeparationState.INTENDED)

    def answered(self, row: SeparationRow) -> None:
        """End the search: the outcome is known."""
        self._searches.pop(row.id, None)
        self._older.pop(row.id, None)
        self._doubted.discard(row.id)

    @property
    def searched(self) -> tuple[int, ...]:
        """The separations that are looked for."""
        return tuple(self._searches)

    @property
    def is_urgent(self) -> bool:
        """True while a search has not come to a doubt yet: something will come of it soon."""
        return bool(self._searches.keys() - self._doubted)

    @property
    def reads(self) -> tuple[int, ...]:
        """How often each was looked for."""
        return tuple(search.reads for search in self._searches.values())

    def younger_was_listed(self, younger: SeparationRow) -> None:
        """Note for older unknowns that a younger separation was listed while unfinished.

        Younger is what was released after the unknown's connection was known to be closed: before that, its last chunk
        may still have been on its way.
        """
        for row_id, search in self._searches.items():
            row = self._context.store.separations.get(row_id)
            is_same = (row.realm, row.account, row.host) == (younger.realm, younger.account, younger.host)
            if is_same and younger.id not in self._older[row_id]:
                self._searches[row_id] = replace(search, younger_was_listed=True)

    def history_read(self, read: HistoryRead) -> None:
        """Judge every unknown by a complete read of the history."""
        for row_id, search in list(self._searches.items()):
            row = self._context.store.separations.get(row_id)
            if row.state != SeparationState.RELEASED:
                self.answered(row)
            elif elsewhere := self._context.elsewhere(row):
                self._hold_elsewhere(row, elsewhere)
            elif found := with_tag(read.rows, row.tag):
                self._found(row, found)
            elif read.begun_s >= search.since_s:
                seen = replace(search, reads=search.reads + 1, last_begun_s=read.begun_s)
                self._searches[row_id] = seen
                self._judge(row, seen)

    def _hold_elsewhere(self, row: SeparationRow, reason: str) -> None:
        """Hold what this account's history, or this host's, says nothing about."""
        self._doubted.add(row.id)
        if self._is_out_of_time(row):
            self._polling.end(row, SeparationState.LOST, f"{reason}; its outcome was never known")
        else:
            self._context.hold_elsewhere(row, reason, resume=JobState.QUEUED)

    def _is_out_of_time(self, row: SeparationRow) -> bool:
        return self._context.age_s(row.released_at or row.intended_at) > KEPT_BY_SERVER_S

    def _judge(self, row: SeparationRow, search: Search) -> None:
        sightings = self._context.store.memory.sightings(row.realm, row.account, row.host)
        promptness = Promptness(seen=sightings.seen, was_late=sightings.was_late, longest_lag_s=sightings.longest_lag_s)
        window_s = self._context.config.service.reconcile.window_s
        decision = verdict(search, promptness, window_s=window_s, releases=row.releases, is_tagged=row.kind.is_tagged)
        match decision:
            case LookAgain():
                pass
            case Absent():
                self._absent(row)
            case Doubtful(reason=reason) if row.cancel_wanted:
                self._polling.end(row, SeparationState.LOST, f"cancelled by a person, its outcome unknown: {reason}")
            case Doubtful() if self._is_out_of_time(row):
                self._polling.end(row, SeparationState.LOST, "its outcome was never known, and 72 hours have passed")
            case Doubtful(reason=reason):
                self._doubted.add(row.id)
                self._hold_unknown(row, reason)

    def _found(self, row: SeparationRow, found: Sequence[HistoryRow]) -> None:
        """Adopt what the history lists; several rows are compared first."""
        if len(found) == 1:
            self._adopt(row, found[0])
        else:
            self._context.hands.give(
                Compare(separation_id=row.id, rows=tuple(found), base_url=self._polling.host_of(row))
            )

    def _adopt(self, row: SeparationRow, found: HistoryRow) -> None:
        self._context.log.info("outcome_found", separation=row.id, hash=found.hash)
        self._news.submitted(row, Created(hash=found.hash))

    def compared(
        self, step: Compare, statuses: Sequence[tuple[HistoryRow, str]] | None, error: Exception | None
    ) -> None:
        """Adopt the best of several rows; of the rest, only what still waits and this state sent is cancelled."""
        row = self._context.store.separations.get(step.separation_id)
        if row.state != SeparationState.RELEASED:
            return
        if not statuses:
            if error is not None:
                self._not_compared(row, error)
            return
        best = best_row(statuses)
        self._adopt(row, best)
        for other, status in statuses:
            if other.hash != best.hash:
                doubles.tell(self._context, self._context.store.separations.get(row.id), other)
                if status == "waiting" and row.releases > 1:
                    self._context.hands.give(CancelOther(hash=other.hash, base_url=step.base_url))

    def _not_compared(self, row: SeparationRow, error: Exception) -> None:
        """Compare again after the next look; where that cannot help, a person is told."""
        self._news.service_trouble(error)
        if isinstance(self._context.consequence(error, failures=0), retry.Hold | retry.GiveUp):
            self._doubted.add(row.id)
            self._hold_unknown(row, f"it is listed more than once, and that ran into {retry.words(error)[0]}")

    def _absent(self, row: SeparationRow) -> None:
        """Certainly not made: back to `intended`, to be sent once more under the same tag."""
        self.answered(row)
        store, now = self._context.store, self._context.clock.now()
        self._context.log.info("outcome_absent", separation=row.id)
        with store.transaction():
            if row.cancel_wanted:
                store.separations.settle(row, 0, now=now)
                self._polling.end(row, SeparationState.CANCELLED, "cancelled by a person; it was never made")
                return
            store.separations.move(row, SeparationState.INTENDED, now=now, reason="certainly not made", keeps_slot=1)
            for job in store.jobs.of_separation(row.id):
                if job.hold in (HoldKind.UNKNOWN, HoldKind.ELSEWHERE):
                    store.jobs.move(job, JobState.QUEUED, now=now)

    def _hold_unknown(self, row: SeparationRow, reason: str) -> None:
        store, now = self._context.store, self._context.clock.now()
        reason = f"it is not known whether the service has it: {reason}"
        hint = "it is looked for on, and goes on by itself when it is found; `redo` sends it again and may pay twice"
        if not row.kind.is_tagged:
            reason, hint = reason + self._perhaps(row), HINT_UNTAGGED
        for job in store.jobs.of_separation(row.id):
            is_news = job.state == JobState.QUEUED or job.hold == HoldKind.ELSEWHERE
            if is_news or (job.hold == HoldKind.UNKNOWN and job.reason != reason):
                store.jobs.hold(
                    job, HoldKind.UNKNOWN, now=now, hint=hint, price=row.credits_estimated, reason=reason,
                    resume=JobState.QUEUED,
                )  # fmt: skip
                self._context.warn(job, "job_held", reason=reason, hint=hint)
                if is_news:
                    self._news.unknown_held()

    def _perhaps(self, row: SeparationRow) -> str:
        """Name the rows of the history that might be a separation without a tag."""
        rows = might_be(self._context.store, row)
        return f"; it might be {named(rows)}" if rows else "; none of its rows is unexplained"

    def give_slots_back(self) -> None:
        """The current queue was seen empty: held unknowns keep no slot any longer."""
        for row_id, search in self._searches.items():
            row = self._context.store.separations.get(row_id)
            is_held = any(job.hold == HoldKind.UNKNOWN for job in self._context.store.jobs.of_separation(row_id))
            if is_held and row.keeps_slot and search.reads:
                self._context.store.separations.set(row_id, keeps_slot=0)
                self._context.log.info("slot_returned", separation=row_id)
