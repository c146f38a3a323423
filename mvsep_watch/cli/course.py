"""How far a run is: jobs done of all, bytes up and down and how fast, credits, and how long it will take still.

It is asked every now and then on the engine's own thread, and only reads. What came before the run counts for nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from mvsep_watch.daemon.engine import Engine
from mvsep_watch.model import FINISHED, JobState, SeparationState
from mvsep_watch.planner.polling import work_left_s
from mvsep_watch.store import SeparationRow
from mvsep_watch.store.lately import credits_spent_on

LOOKED_BACK_S = 5.0
"""Over how long a rate is taken: shorter it jumps, longer it lags behind."""
TELLING = 3
"""So many must be done before their pace says anything of the others."""
MOVING = (JobState.QUEUED, JobState.SUBMITTED, JobState.SEPARATED, JobState.FETCHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How far a run is.

    Args:
        done: Jobs that have ended since it began.
        total: Those, and the ones that are under way or wait; without what a person is needed for.
        up_bytes: Sent, files alone; `up_per_s` is how fast just now, and so of what was fetched.
        left_s: How long the rest will take; None where nothing tells.
    """

    done: int
    total: int
    up_bytes: int
    down_bytes: int
    up_per_s: float
    down_per_s: float
    credits: int
    left_s: float | None


class Course:
    """Follows a run from its beginning."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        clock = engine.context.clock
        self._began_at, self._began_s = clock.now(), clock.monotonic()
        self._first_day = engine.context.today()
        self._ended_before = self._ended()
        counts = engine.context.store.jobs.counts()
        self._carried = sum(counts[state] for state in MOVING if state != JobState.QUEUED)
        self._moved: deque[tuple[float, int, int]] = deque([(self._began_s, *engine.moved_bytes)])

    def of_one(self, row: SeparationRow | None) -> Run:
        """Say how far a run is that is about a single job, and its separation: there is nothing to count."""
        return replace(self.look(), done=0, total=0, left_s=self.ends_in_s(row) if row else None)

    def look(self) -> Run:
        """Say how far it is."""
        context, counts = self._engine.context, self._engine.context.store.jobs.counts()
        done, left = max(0, self._ended() - self._ended_before), sum(counts[state] for state in MOVING)
        up_bytes, down_bytes = self._engine.moved_bytes
        up_per_s, down_per_s = self._rates(up_bytes, down_bytes)
        spent = credits_spent_on(context.store.db, realm=context.realm, first_day=self._first_day, since=self._began_at)
        return Run(
            done=done,
            total=done + left,
            up_bytes=up_bytes,
            down_bytes=down_bytes,
            up_per_s=up_per_s,
            down_per_s=down_per_s,
            credits=spent,
            left_s=self._left_s(done, left, waiting=counts[JobState.QUEUED]),
        )

    def _ended(self) -> int:
        counts = self._engine.context.store.jobs.counts()
        return sum(counts[state] for state in FINISHED)

    def _rates(self, up_bytes: int, down_bytes: int) -> tuple[float, float]:
        now_s = self._engine.context.clock.monotonic()
        while len(self._moved) > 1 and self._moved[0][0] < now_s - LOOKED_BACK_S:
            self._moved.popleft()
        since_s, up_before, down_before = self._moved[0]
        self._moved.append((now_s, up_bytes, down_bytes))
        took_s = max(now_s - since_s, 1.0)
        return (up_bytes - up_before) / took_s, (down_bytes - down_before) / took_s

    def _left_s(self, done: int, left: int, *, waiting: int) -> float | None:
        """Say how long the rest will take: by what its like took, where all of it is separated; else by the pace."""
        if not left:
            return None
        if not waiting and (ends := [self.ends_in_s(row) for row in self._unfinished()]) and None not in ends:
            return max(end for end in ends if end is not None)
        took_s, done = self._engine.context.clock.monotonic() - self._began_s, done - self._carried
        return left * took_s / done if done >= TELLING else None

    def _unfinished(self) -> list[SeparationRow]:
        return self._engine.context.store.separations.unfinished()

    def ends_in_s(self, row: SeparationRow) -> float | None:
        """Say when a separation that waits no more will be done, seconds from now; None where nothing tells.

        One whose like has taught something is not asked for early: it counts as worked on until it is seen to wait.
        """
        context = self._engine.context
        has_premium = context.account is not None and context.account.has_premium
        learned = context.store.durations.get(realm=row.realm, settings=row.settings, has_premium=has_premium)
        if row.state != SeparationState.SUBMITTED or row.server_words.get("status") == "waiting":
            return None
        elapsed_s = context.age_s(row.submitted_at or row.intended_at)
        return work_left_s(learned, duration_s=row.duration_s, elapsed_s=elapsed_s)
