"""A one-off on its way: how far it is, whether more comes of it by itself, and how that is shown to who waits.

Everything is read from the state file, beside the daemon or within the process that is the daemon for the moment, so
that both tell the same. Nothing here changes anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from mvsep_watch.cli.course import Course
from mvsep_watch.cli.describing import Describer, Words
from mvsep_watch.cli.progress import LOOK_EVERY_S, Snapshot, Task, View, look
from mvsep_watch.cli.selecting import is_running, opened
from mvsep_watch.daemon.candidate import STALLED_AFTER_S
from mvsep_watch.daemon.engine import Engine
from mvsep_watch.daemon.oneoffs import OneOff
from mvsep_watch.daemon.run import GATED_FOR_S
from mvsep_watch.model import Config, Gate, GateName, JobState, SeparationState
from mvsep_watch.naming import display, escape_path
from mvsep_watch.store import OneOffRow
from mvsep_watch.store.views import JobView, Views

LOOK_AGAIN_S = 0.5
"""How often the state is read beside a daemon."""
PROBED_WITHIN_S = 5.0
"""A gate that was closed when the daemon started is probed by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a one-off is.

    Args:
        row: As it was asked for last.
        view: The job that serves it; None while it has none.
        why: Why it is where it is, and what can be done about it.
        doing: What is done about it, and how far that is.
        gates: The closed gates that keep it there.
    """

    row: OneOffRow
    view: JobView | None
    why: Words
    gates: tuple[Gate, ...]
    doing: Words = ("", "")

    def is_over(self, *, now: float, waited_s: float) -> bool:
        """Say whether nothing more comes of it by itself, short of a person or another day.

        Args:
            now: Seconds since 1970.
            waited_s: For how long it was waited for, seconds.
        """
        if self.view is None:
            return self.row.is_refused or (bool(self.row.reason) and waited_s > STALLED_AFTER_S)
        job = self.view.job
        if not job.state.is_live or job.state == JobState.HELD:
            return True
        is_gated = waited_s > PROBED_WITHIN_S and any(_stays_closed(gate, now) for gate in self.gates)
        is_put_off = job.state == JobState.QUEUED and job.separation_id is None and job.not_before > now
        return is_gated or (is_put_off and bool(job.reason))


def _stays_closed(gate: Gate, now: float) -> bool:
    return gate.name != GateName.SERVICE or now - gate.since > GATED_FOR_S


def standing(views: Views, config: Config, one_off: OneOff, *, running: bool, now: float) -> Standing:
    """Say how far a one-off is; `now` is seconds since 1970."""
    row = views.one_offs.get(one_off.name)
    assert row is not None, "it was asked for"
    jobs = views.by_id([row.job_id] if row.job_id else [])
    view = views.views(jobs)[0] if jobs else None
    if view is None:
        return Standing(row=row, view=None, why=(row.reason, row.hint), gates=())
    describer = Describer(views, config, running=running, now=now)
    gates = _keeping(views.memory.closed, view)
    return Standing(row=row, view=view, why=describer.why(view), gates=gates, doing=describer.doing(view))


def _keeping(closed: tuple[Gate, ...], view: JobView) -> tuple[Gate, ...]:
    """Give the gates that keep a job: all before it is sent, its folder's once there are results."""
    job, row = view.job, view.separation
    here = escape_path(job.output_root)
    match job.state:
        case JobState.QUEUED if row is None or row.state == SeparationState.INTENDED:
            return tuple(gate for gate in closed if gate.scope in ("", here))
        case JobState.SEPARATED | JobState.FETCHED:
            return tuple(gate for gate in closed if gate.name == GateName.DISK and gate.scope == here)
        case _:
            return ()


def follow(config: Config, one_off: OneOff, view: View, *, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Watch a one-off while somebody else has the state.

    Returns:
        True once nothing more comes of it by itself, False as soon as nobody has the state any more.
    """
    began_s = time.monotonic()
    with view:
        while True:
            running, now = is_running(config), time.time()
            with opened(config) as views:
                assert views is not None, "it was written down there"
                found = standing(views, config, one_off, running=running, now=now)
            view.show(_snapshot(found, _told(found, one_off)))
            if found.is_over(now=now, waited_s=time.monotonic() - began_s):
                return True
            if not running:
                return False
            sleep(LOOK_AGAIN_S)


class Watch:
    """Tells a view how far a one-off is: a context manager, to be called at every turn of the process's own engine."""

    def __init__(self, config: Config, one_off: OneOff, view: View) -> None:
        self._config = config
        self._one_off = one_off
        self._view = view
        self._course: Course | None = None
        self._told_s = float("-inf")

    def __enter__(self) -> Self:
        self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._view.__exit__(kind, error, trace)

    def __call__(self, engine: Engine) -> None:
        """Tell the view, unless it was told just now."""
        clock, store = engine.context.clock, engine.context.store
        if clock.monotonic() - self._told_s < LOOK_EVERY_S or store.one_offs.get(self._one_off.name) is None:
            return
        self._told_s = clock.monotonic()
        self._course = self._course or Course(engine)
        found = standing(Views(store.db), self._config, self._one_off, running=True, now=clock.now())
        mine = found.view.job.id if found.view else None
        under_way = tuple(task for task in look(engine).tasks if task.job == mine)
        run = self._course.of_one(found.view.separation if found.view else None)
        self._view.show(replace(_snapshot(found, under_way or _told(found, self._one_off)), run=run))


def _told(found: Standing, one_off: OneOff) -> tuple[Task, ...]:
    """Say what is done about it, as far as the state file tells."""
    name = display(one_off.source.name)
    if found.view is None:
        return (Task(name=name, doing=found.row.reason or "being read"),)
    if found.view.job.state.is_live:
        doing, amount = found.doing
        return (Task(name=name, doing=doing, job=found.view.job.id, amount=amount),)
    return ()


def _snapshot(found: Standing, tasks: tuple[Task, ...]) -> Snapshot:
    counts = dict.fromkeys(JobState, 0)
    if found.view is not None:
        counts[found.view.job.state] = 1
    return Snapshot(counts=counts, tasks=tasks, ended=(), gates=found.gates)
