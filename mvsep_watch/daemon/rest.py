"""Whether anything is left to do: by itself, for now, before a stop."""

from __future__ import annotations

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.desks import Desks
from mvsep_watch.model import GateName, JobState, SeparationState
from mvsep_watch.steps import asking, publish, submit
from mvsep_watch.steps.base import TELLING, Pool
from mvsep_watch.steps.tidying import Sweep

LONGEST_NAP_S = 1.0
"""A turn at least this often: requests of commands are answered within two seconds."""
SHORTEST_NAP_S = 0.02
MOVING = (JobState.QUEUED, JobState.SUBMITTED, JobState.SEPARATED, JobState.FETCHED)
BACKGROUND = (asking.ReadAccount, asking.ReadCatalogue, publish.CheckRoot, Sweep)
"""Steps that are under way now and then, whether or not there is work that waits for them."""


class Rest:
    """Looks over all the desks, and changes nothing.

    Args:
        only: The one-off that alone is served; empty where all are.
    """

    def __init__(self, context: Context, desks: Desks, *, only: str) -> None:
        self._context = context
        self._desks = desks
        self._only = only

    def nap_s(self) -> float:
        """Say how long nothing will be due, at most `LONGEST_NAP_S`."""
        desks, clock = self._desks, self._context.clock
        due = [due_s for desk in (desks.scans, desks.intake) if (due_s := desk.next_due_s()) is not None]
        left_s = min(due) - clock.monotonic() if due else LONGEST_NAP_S
        polled_s = self._context.config.service.poll.min_s / 2 if self._has_work else LONGEST_NAP_S
        return min(max(min(left_s, polled_s, desks.polling.next_due_s()), SHORTEST_NAP_S), LONGEST_NAP_S)

    def has_come(self, *, gated_for_s: float) -> bool:
        """Say whether nothing more comes of it by itself, short of a new file, a person, or another day.

        Args:
            gated_for_s: How long the service may be away before its gate counts as one that stays closed.
        """
        if self._only and self._is_over(self._only):
            return True
        scans = self._desks.scans
        if not (scans.first_is_done and scans.is_idle and self._desks.intake.is_idle):
            return False
        ignored = () if self._has_work else BACKGROUND
        steps = [step for step in self._context.hands.in_flight() if step.pool not in TELLING]
        if any(not isinstance(step, ignored) for step in steps):
            return False
        return not self._has_due_work() or self._service_is_gone(gated_for_s)

    @property
    def has_released_in_flight(self) -> bool:
        """True while an upload's answer is still awaited: hearing it now saves looking for it later."""
        released = {row.id for row in self._context.store.separations.in_state(SeparationState.RELEASED)}
        steps = self._context.hands.in_flight()
        return any(isinstance(step, submit.Submit) and step.separation_id in released for step in steps)

    @property
    def is_putting_away(self) -> bool:
        """True while something is told, or filed, which would leave half a thing; what hangs there is left behind."""
        return any(step.pool in (*TELLING, Pool.FILING) for step in self._context.hands.in_flight())

    @property
    def _has_work(self) -> bool:
        counts = self._context.store.jobs.counts()
        return any(counts[state] for state in MOVING)

    def _is_over(self, one_off: str) -> bool:
        """Say whether nothing more comes of a one-off by itself, and what it cost was looked for."""
        row = self._context.store.one_offs.get(one_off)
        job = self._context.store.jobs.get(row.job_id) if row and row.job_id else None
        is_over = job is not None and (job.state == JobState.HELD or not job.state.is_live)
        is_settling = self._can_look and self._desks.history.is_settling
        return (is_over or (row is not None and row.is_refused)) and not is_settling

    @property
    def _can_look(self) -> bool:
        """True where the history can be read."""
        is_refused = any(gate.name == GateName.TOKEN for gate in self._context.gates())
        return not (self._desks.history.is_failing or is_refused)

    def _has_due_work(self) -> bool:
        context, desks, counts = self._context, self._desks, self._context.store.jobs.counts()
        service_gates = [gate for gate in context.gates() if gate.name == GateName.SERVICE]
        other_gates = [gate for gate in context.gates() if gate.name != GateName.SERVICE and not gate.scope]
        looking = self._can_look and (desks.unknowns.is_urgent or desks.polling.ending or desks.history.is_settling)
        asking = counts[JobState.SUBMITTED] or looking
        if (
            context.store.sources.to_dispose(context.clock.now())
            or desks.deleting.has_work
            or desks.annotating.has_work
            or (asking and (context.account or not other_gates))
        ):
            return True
        starting = counts[JobState.QUEUED] and self._can_look and (service_gates or not desks.starting.is_waiting)
        return desks.finishing.has_work or (not other_gates and bool(starting))

    def _service_is_gone(self, for_s: float) -> bool:
        now = self._context.clock.now()
        since = [gate.since for gate in self._context.gates() if gate.name == GateName.SERVICE]
        return any(not 0.0 <= now - instant < for_s for instant in since)  # in the future: the clock was set back
