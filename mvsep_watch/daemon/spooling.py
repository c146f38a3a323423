"""Results whose output root is away, kept in the spool before the service forgets them.

One job at a time, the soonest expiring first, once the root's gate has been closed for a while. That a job is kept is a
fact of the disk alone: its folder in the spool appears whole or not at all, and is found again at the next start. A job
that is kept stays where it is on its way; when the root is back, the outputs are copied from the spool.
"""

from __future__ import annotations

import collections

from mvsep_watch import retry
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.fetches import Fetches
from mvsep_watch.daemon.polling import KEPT_BY_SERVER_S
from mvsep_watch.errors import NotFoundError, StoppedError
from mvsep_watch.files.spool import Spooled
from mvsep_watch.model import Gate, GateName
from mvsep_watch.naming import escape_path
from mvsep_watch.planner import may_leave_spool, results_are_gone
from mvsep_watch.steps.fetch import LookAtSpool, Spool, SpoolFullError, Unspool
from mvsep_watch.store import JobRow

AWAY_FOR_S = 600.0
"""How long a root is away before its results are fetched elsewhere: a server that restarts is back by then, and
everything fetched here is written twice."""
AGAIN_S = 600.0
"""How soon it is tried again for a job that found no room, or met trouble: of 72 hours a small part."""
LOOK_EVERY_S = 10.0
LOOKED_THROUGH = 1000
"""How many jobs that have results are looked through for one that is to be kept."""


class Spooling:
    """The desk that keeps results while their folder is away."""

    def __init__(self, context: Context, fetches: Fetches) -> None:
        self._context = context
        self._fetches = fetches
        self._kept: dict[int, str] | None = None
        self._begun: set[int] = set()
        self._not_before_s: dict[int, float] = {}
        self._why_not: dict[int, str] = {}
        self._let_go_s: dict[int, float] = {}
        self._look_due_s = float("-inf")
        self._misses: collections.Counter[int] = collections.Counter()

    def work(self) -> None:
        """Hand out what is due."""
        now_s = self._context.clock.monotonic()
        if self._context.stopping or now_s < self._look_due_s:
            return
        self._look_due_s = now_s + LOOK_EVERY_S
        if self._kept is None:
            place, state_id = self._fetches.place, self._context.store.memory.state_id
            self._context.hands.give(LookAtSpool(place=place, state_id=state_id))
            return
        self._let_ended_go()
        if job := self._next():
            self._begun.add(job.id)
            self._not_before_s[job.id] = now_s + AGAIN_S
            self._context.hands.give(self._fetches.spool(job))

    @property
    def has_work(self) -> bool:
        """True while there are results that are to be kept and are not yet."""
        return (self._kept is None and self._is_wanted) or self._next() is not None

    def looked(self, found: Spooled | None, error: Exception | None) -> None:
        """Take what the spool holds."""
        if error is not None:
            self._context.log.warning("spool_unreadable", reason=str(error))
        self._kept = dict(found.kept) if found else {}
        self._begun |= found.begun if found else set()
        self._look_due_s = float("-inf")

    def says(self, job: JobRow, gate: Gate) -> tuple[str, str]:
        """Give the reason and the hint of a job whose root is away."""
        row = self._fetches.separation_of(job)
        if self._has(job):
            return "kept in the spool until its folder is back", gate.hint
        why_not = self._why_not.get(job.id)
        reason = f"{gate.reason} It is not in the spool: {why_not}." if why_not else gate.reason
        until = self._context.date((row.ended_at or self._context.clock.now()) + KEPT_BY_SERVER_S)
        return reason, f"{gate.hint} The service keeps the results until {until}.".lstrip()

    def job_ended(self) -> None:
        """Have what is kept for a job looked through: one needs it no longer."""
        self._look_due_s = float("-inf")

    def let_gone(self, step: Unspool, error: Exception | None) -> None:
        """Take what came of a removal; what failed is tried again."""
        if error is not None:
            self._context.log.warning("spool_not_cleared", job=step.job_id, reason=retry.words(error)[0])
            self._let_go_s[step.job_id] = self._context.clock.monotonic() + AGAIN_S
            return
        self._begun.discard(step.job_id)
        (self._kept or {}).pop(step.job_id, None)
        self._not_before_s.clear()  # there is room again

    def kept(self, job: JobRow) -> None:
        """Take note that a job's outputs are in the spool."""
        self._context.log.info("job_spooled", job=job.id, separation=job.separation_id)
        self._begun.discard(job.id)
        self._why_not.pop(job.id, None)
        self._kept = (self._kept or {}) | {job.id: self._fetches.separation_of(job).hash or ""}
        self._look_due_s = float("-inf")

    def adopted(self, job: JobRow) -> None:
        """Take note that the spool has what a state before this one kept of a job's outputs: it goes with the job."""
        self._begun.add(job.id)

    def not_kept(self, job: JobRow, error: Exception) -> None:
        """Take note of why a job's outputs are not in the spool; it is tried again later."""
        now_s, reason = self._context.clock.monotonic(), retry.words(error)[0]
        self._not_before_s[job.id] = now_s + AGAIN_S
        self._why_not[job.id] = reason
        self._look_due_s = float("-inf")
        if isinstance(error, SpoolFullError):
            self._begun.discard(job.id)
        if isinstance(error, NotFoundError):
            self._misses[job.id] += 1
            if results_are_gone(self._misses[job.id]):
                self._not_before_s[job.id] = float("inf")
        if not isinstance(error, StoppedError):
            self._context.warn(job, "job_not_spooled", reason=reason)

    def _has(self, job: JobRow) -> bool:
        """Say whether what is kept under a job's number is the job's: a restored state gives numbers again."""
        return self._kept is not None and self._kept.get(job.id) == self._fetches.separation_of(job).hash

    @property
    def _is_wanted(self) -> bool:
        return bool(self._context.config.limits.spool_bytes and self._away())

    def _away(self) -> set[str]:
        """Give the scopes of the roots that have been away for long enough."""
        gates = (gate for gate in self._context.store.memory.closed if gate.name == GateName.DISK and gate.scope)
        return {gate.scope for gate in gates if self._context.age_s(gate.since) >= AWAY_FOR_S}

    def _next(self) -> JobRow | None:
        """Give the job whose results are to be kept next, unless one is under way."""
        if not self._is_wanted or self._kept is None:
            return None
        if any(isinstance(step, Spool) for step in self._context.hands.in_flight()):
            return None
        away, now_s = self._away(), self._context.clock.monotonic()
        for job in self._context.store.jobs.with_results(limit=LOOKED_THROUGH + len(self._kept)):
            is_due = not self._has(job) and self._not_before_s.get(job.id, now_s) <= now_s
            is_free = job.realm == self._context.realm and not self._context.hands.is_busy_with(("job", job.id))
            if is_due and is_free and escape_path(job.output_root) in away:
                return job
        return None

    def _let_ended_go(self) -> None:
        there, state_id = self._kept or {}, self._context.store.memory.state_id
        now_s = self._context.clock.monotonic()
        tried_lately = {job_id for job_id, due_s in self._let_go_s.items() if now_s < due_s}
        for job_id in (there.keys() | self._begun) - tried_lately:
            job = self._context.store.jobs.get(job_id)
            row = self._fetches.separation_of(job) if job and job.separation_id else None
            others = self._context.store.jobs.of_separation(row.id) if row else []
            sharing, kept = [other.id for other in others], {other.id for other in others if self._has(other)}
            if may_leave_spool(is_live=job is not None and job.state.is_live, sharing=sharing, kept=kept):
                self._not_before_s.pop(job_id, None)
                self._why_not.pop(job_id, None)
                hash_ = (row.hash if row else None) or ""
                self._context.hands.give(
                    Unspool(place=self._fetches.place, state_id=state_id, job_id=job_id, hash=hash_)
                )
