"""What is under way, for a person who waits: looked at on the engine's own thread, shown by a view.

`look` reads what the engine knows; it never asks the service and changes nothing. `Progress` is what the process calls
at every turn: it tells a view, one of those in `views`, every now and then. The surprise: a view may draw from a thread
of its own, so what it is given are plain values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mvsep_watch.cli.course import Course, Run
from mvsep_watch.cli.rendering import said_in_parts, size
from mvsep_watch.daemon.engine import Engine
from mvsep_watch.model import FINISHED, Gate, JobState, SeparationState
from mvsep_watch.naming import display
from mvsep_watch.steps.base import Step
from mvsep_watch.steps.fetch import Fetch
from mvsep_watch.steps.publish import Publish
from mvsep_watch.steps.reading import Identify
from mvsep_watch.steps.submit import Submit
from mvsep_watch.store import JobRow, SeparationRow, transitions

LOOK_EVERY_S = 0.2
"""A look costs a few queries; more often than this nobody reads."""
ENDED = (*FINISHED, JobState.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing under way.

    Args:
        job: None while it is no job yet.
        amount: How much of it is done, where that changes all the time; empty where nobody knows.
    """

    name: str
    doing: str
    job: int | None = None
    amount: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job that is under way no longer. `final` is its folder."""

    name: str
    state: JobState
    reason: str
    final: Path
    stems: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a view shows. `ended` has what ended since the look before; `run` is None where one file is all."""

    counts: Mapping[JobState, int]
    tasks: tuple[Task, ...]
    ended: tuple[Ended, ...]
    gates: tuple[Gate, ...]
    run: Run | None = None


class View(Protocol):
    """Something that shows a snapshot; entered before the first, left after the last."""

    def show(self, snapshot: Snapshot) -> None:
        """Show what is under way now."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        ...


class Progress:
    """Tells a view what an engine does: a context manager, to be called at every turn.

    Args:
        view: Is entered and left with it.
        every_s: How often the view is told at most.
    """

    def __init__(self, view: View, *, every_s: float = LOOK_EVERY_S) -> None:
        self._view = view
        self._every_s = every_s
        self._engine: Engine | None = None
        self._course: Course | None = None
        self._told_of = 0
        self._told_s = float("-inf")

    def __enter__(self) -> Self:
        self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._engine is not None and error is None:
            self._tell(self._engine)
        self._view.__exit__(kind, error, trace)

    def __call__(self, engine: Engine) -> None:
        """Tell the view, unless it was told just now."""
        self._engine = engine
        now_s = engine.context.clock.monotonic()
        if now_s - self._told_s >= self._every_s:
            self._told_s = now_s
            self._tell(engine)

    def _tell(self, engine: Engine) -> None:
        if self._course is None:
            self._course, self._told_of = Course(engine), transitions.latest(engine.context.store.db)
        moved, self._told_of = _moved(engine, self._told_of)
        self._view.show(replace(look(engine), ended=moved, run=self._course.look()))


def _moved(engine: Engine, told_of: int) -> tuple[tuple[Ended, ...], int]:
    """Give the jobs that have ended since a transition, and the latest transition."""
    db = engine.context.store.db
    latest = transitions.latest(db)
    jobs = engine.context.jobs(transitions.jobs_moved(db, after=told_of)) if latest > told_of else []
    return tuple(_ended(engine, job) for job in jobs if job.state in ENDED), latest


def look(engine: Engine) -> Snapshot:
    """Say what is under way; `engine` is on its own thread."""
    store = engine.context.store
    return Snapshot(counts=store.jobs.counts(), tasks=tuple(_tasks(engine)), ended=(), gates=store.memory.closed)


def _ended(engine: Engine, job: JobRow) -> Ended:
    return Ended(
        name=name_of(engine, job),
        state=job.state,
        reason=job.reason,
        final=job.place.folder,
        stems=len(engine.context.store.jobs.outputs(job.id)),
    )


def name_of(engine: Engine, job: JobRow) -> str:
    """Name a job for a person: its source, and its rule where the folder has several."""
    folder = engine.context.config.folder(job.folder)
    source = engine.context.store.sources.get(job.source_id).path
    inside = folder is not None and source.is_relative_to(folder.path)
    name = display(source.relative_to(folder.path) if folder is not None and inside else source)
    return f"{name} [{job.rule}]" if folder is None or len(folder.rules) > 1 else name


def _tasks(engine: Engine) -> Iterator[Task]:
    """Give what is under way, the furthest first."""
    steps = engine.context.hands.in_flight()
    for step in steps:
        if isinstance(step, Fetch | Publish) and (job := engine.context.store.jobs.get(step.job_id)):
            doing = "fetching the stems" if isinstance(step, Fetch) else "publishing"
            yield Task(name=name_of(engine, job), doing=doing, job=job.id)
    uploads = {step.separation_id: step for step in steps if isinstance(step, Submit)}
    for row in engine.context.store.separations.unfinished():
        for job in engine.context.store.jobs.of_separation(row.id)[:1]:
            doing, amount = _doing(row, uploads.get(row.id))
            yield Task(name=name_of(engine, job), doing=doing, job=job.id, amount=amount)
    yield from _reading(steps)


def _reading(steps: tuple[Step, ...]) -> Iterator[Task]:
    for step in steps:
        if isinstance(step, Identify):
            more = f"and {len(step.files) - 1} more" if len(step.files) > 1 else ""
            name = display(os.path.basename(step.files[0].path))  # noqa: PTH119 - any bytes
            yield Task(name=name, doing="reading", amount=more)


def _doing(row: SeparationRow, upload: Submit | None) -> tuple[str, str]:
    """Say what is done about a separation, and how far that is."""
    match row.state, upload:
        case SeparationState.INTENDED, None:
            return f"waits to be uploaded: {row.reason}" if row.reason else "waits to be uploaded", ""
        case SeparationState.INTENDED, Submit(meter=meter):
            sent = f"{size(meter.sent_bytes)} of {size(row.size_bytes)}" if meter.sent_bytes else ""
            return "uploading", sent
        case SeparationState.RELEASED, None:
            return "without an answer: looking for it in the history", ""
        case SeparationState.RELEASED, _:
            return "uploaded, waiting for the answer", ""
        case _:
            return said_in_parts(row.server_words)
