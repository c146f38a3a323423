"""The look at the history: when it is due, how far back it goes, and who learns from it.

One complete read serves everybody: what may start, what is unknown, what was just submitted, what is about to be called
ended, and what has ended and was charged for.
"""

from __future__ import annotations

from mvsep_watch import retry
from mvsep_watch.daemon import doubles, settling
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.intents import Intents
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.polling import Polling
from mvsep_watch.daemon.sightings import Sightings
from mvsep_watch.daemon.unknowns import Unknowns
from mvsep_watch.steps.asking import HistoryRead, ReadHistory
from mvsep_watch.store import SeparationRow

FAILED_AGAIN_S = 5.0
FAILING_AFTER = 6
"""Two minutes of failures in a row."""
LONGEST_INTERVAL_S = 60.0
PATIENT_AFTER = 8
"""After so many looks for the same thing, they become rarer: it is held by then, or the history does not list it."""
AT_ONCE = float("-inf")


class History:
    """The desk that reads the history."""

    def __init__(
        self,
        context: Context,
        *,
        sightings: Sightings,
        unknowns: Unknowns,
        polling: Polling,
        intents: Intents,
        news: News,
    ) -> None:
        self._context = context
        self._sightings = sightings
        self._unknowns = unknowns
        self._polling = polling
        self._intents = intents
        self._news = news
        self._due_s = AT_ONCE
        self._settle_due_s = AT_ONCE
        self._failures = 0

    def look_soon(self) -> None:
        """Look at once: something new is to be looked for."""
        self._due_s = AT_ONCE

    def settle_soon(self) -> None:
        """Look at once for the charge of something that has ended."""
        self._settle_due_s = self._due_s = AT_ONCE

    @property
    def is_settling(self) -> bool:
        """True while something has just ended and its charge was not looked for yet."""
        return self._settle_due_s == AT_ONCE and bool(settling.unsettled(self._context))

    @property
    def is_failing(self) -> bool:
        """True once the history could not be read for minutes."""
        return self._failures >= FAILING_AFTER

    def work(self) -> None:
        """Hand a look out if one is due."""
        if self._context.account is None or self._context.stopping:
            return
        self._unknowns.resume()
        now_s = self._context.clock.monotonic()
        may_look = now_s >= self._due_s or not self._failures
        is_due = now_s >= self._due_s and self._is_needed(now_s)
        if may_look and (is_due or self._intents.wants_look):
            known = self._context.store.memory.history_known_id(self._context.realm, self._context.identity)
            watermarks = [row.watermark for row in self._rows_looked_for()]
            self._context.hands.give(ReadHistory(down_to=min([known, *watermarks]), newest_known=known))

    def _is_needed(self, now_s: float) -> bool:
        if self._failures or self._unknowns.searched or self._polling.ending or self._sightings.looked_for:
            return True
        return now_s >= self._settle_due_s and bool(settling.unsettled(self._context))

    def _rows_looked_for(self) -> list[SeparationRow]:
        separations = self._context.store.separations
        ids = {*self._unknowns.searched, *self._sightings.looked_for, *self._polling.ending}
        return [separations.get(row_id) for row_id in ids] + settling.unsettled(self._context)

    def read(self, read: HistoryRead | None, error: Exception | None) -> None:
        """Take a complete read of the history."""
        context, now_s = self._context, self._context.clock.monotonic()
        if read is None:
            self._failed(error, now_s)
            return
        self._due_s = now_s + self._interval_s()
        with context.store.transaction():
            memory, now = context.store.memory, context.clock.now()
            doubles.tell_of(context, memory.history_read(context.realm, context.identity, read.rows, now=now))
            self._sightings.history_read(read)
            self._unknowns.history_read(read)
            self._polling.judge_endings(read)
            settling.settle(context, read)
        self._settle_due_s = now_s + retry.PROBE_S
        self._failures = 0
        self._news.history_read(read.begun_s)

    def _failed(self, error: Exception | None, now_s: float) -> None:
        self._failures += 1
        self._due_s = now_s + min(retry.PROBE_S, max(FAILED_AGAIN_S, retry.backoff_s(self._failures)))
        if error is not None:
            self._news.service_trouble(error)
            self._context.consequence(error, failures=self._failures)
            if self._failures > 1:
                self._news.history_unreadable(error)

    def _interval_s(self) -> float:
        """Look often for what is new, and less and less often where everything was looked for many times."""
        interval_s = self._context.config.service.reconcile.interval_s
        looks = min([*self._sightings.looks, *self._unknowns.reads], default=0)
        steps = max(looks - PATIENT_AFTER, 0)
        return float(min(interval_s * 1.5 ** min(steps, 20), max(LONGEST_INTERVAL_S, interval_s)))
