"""What is under way, for a person who waits: looked at on the engine's own thread, shown by a view.

`look` reads what the engine knows; it never asks the service and changes nothing. A view shows it: `LiveView` redraws
a few lines in a terminal and prints one line for each job that has ended; `LineView` prints a line whenever something
gets a step further, for pipes and logs. The surprise: a live view draws from a thread of its own, so what it is given
are plain values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from mvsep_watch.cli.rendering import count, path, said, size, state
from mvsep_watch.daemon.engine import Engine
from mvsep_watch.model import Gate, JobState, SeparationState
from mvsep_watch.naming import display
from mvsep_watch.steps.base import Step
from mvsep_watch.steps.fetch import Fetch
from mvsep_watch.steps.publish import Publish
from mvsep_watch.steps.reading import Identify
from mvsep_watch.steps.submit import Submit
from mvsep_watch.store import JobRow, SeparationRow

LOOK_EVERY_S = 0.2
"""A look costs a few queries; more often than this nobody reads."""
TASKS_SHOWN = 8
"""As many as fit a small terminal; the counts tell of the rest."""
ENDED = (JobState.PUBLISHED, JobState.FAILED, JobState.HELD, JobState.CANCELLED)


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
    """What a view shows. `ended` has what ended since the look before."""

    counts: Mapping[JobState, int]
    tasks: tuple[Task, ...]
    ended: tuple[Ended, ...]
    gates: tuple[Gate, ...]


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
        self._seen: frozenset[int] = frozenset()
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
        snapshot = look(engine, seen=self._seen)
        under_way = {task.job for task in snapshot.tasks if task.job is not None}
        self._seen = frozenset(under_way | {id_ for id_ in self._seen if _is_going_on(engine, id_)})
        self._view.show(snapshot)


def _is_going_on(engine: Engine, job_id: int) -> bool:
    job = engine.context.store.jobs.get(job_id)
    return job is not None and job.state not in ENDED


def look(engine: Engine, *, seen: frozenset[int] = frozenset()) -> Snapshot:
    """Say what is under way.

    Args:
        engine: On its own thread.
        seen: Jobs that were under way before; those that are so no longer are told of once.
    """
    context = engine.context
    tasks = tuple(_tasks(engine))
    ended = [job for job in context.jobs(sorted(seen)) if job.state in ENDED]
    return Snapshot(
        counts=context.store.jobs.counts(),
        tasks=tasks,
        ended=tuple(_ended(engine, job) for job in ended),
        gates=context.gates(),
    )


def _ended(engine: Engine, job: JobRow) -> Ended:
    return Ended(
        name=name_of(engine, job),
        state=job.state,
        reason=job.reason,
        final=job.final,
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
            doing = _doing(row, is_sending=row.id in uploads)
            yield Task(name=name_of(engine, job), doing=doing, job=job.id, amount=_amount(row, uploads.get(row.id)))
    yield from _reading(steps)


def _reading(steps: tuple[Step, ...]) -> Iterator[Task]:
    for step in steps:
        if isinstance(step, Identify):
            yield Task(name=display(os.path.basename(step.path)), doing="reading")  # noqa: PTH119 - any bytes


def _doing(row: SeparationRow, *, is_sending: bool) -> str:
    match row.state, is_sending:
        case SeparationState.INTENDED, True:
            return "uploading"
        case SeparationState.INTENDED, False:
            return f"waits to be uploaded: {row.reason}" if row.reason else "waits to be uploaded"
        case SeparationState.RELEASED, True:
            return "uploaded, waiting for the answer"
        case SeparationState.RELEASED, False:
            return "without an answer: looking for it in the history"
        case _:
            return said(row.server_says)


def _amount(row: SeparationRow, upload: Submit | None) -> str:
    if upload is None or row.state != SeparationState.INTENDED or not upload.meter.sent_bytes:
        return ""
    return f"{size(upload.meter.sent_bytes)} of {size(row.size_bytes)}"


def _ended_line(ended: Ended) -> Text:
    line = Text.assemble(state(str(ended.state)), "  ", ended.name)
    if ended.state == JobState.PUBLISHED:
        return line.append(f", {count(ended.stems, 'stem')} in {path(ended.final)}")
    return line.append(f": {ended.reason}" if ended.reason else "")


class LineView:
    """Prints a line whenever something gets a step further."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._doing: dict[tuple[int | None, str], str] = {}
        self._gates: frozenset[tuple[str, str]] = frozenset()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, snapshot: Snapshot) -> None:
        """Print what is new."""
        doing = {(task.job, task.name): task.doing for task in snapshot.tasks}
        for (job, name), what in doing.items():
            if self._doing.get((job, name)) != what:
                self._console.print(f"{name}: {what}")
        self._doing = doing
        for ended in snapshot.ended:
            self._console.print(_ended_line(ended))
        gates = {(str(gate.name), gate.scope): gate for gate in snapshot.gates}
        for key in gates.keys() - self._gates:
            self._console.print(_gate_line(gates[key]))
        self._gates = frozenset(gates)


class LiveView:
    """Redraws what is under way in a terminal; what has ended stays, a line each."""

    def __init__(self, console: Console) -> None:
        self._spinner = Spinner("line", text="looking through the folders")
        self._snapshot: Snapshot | None = None
        self._live = Live(
            console=console, get_renderable=self._drawn, refresh_per_second=8, transient=True, redirect_stdout=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Show it from the next redrawing on."""
        for ended in snapshot.ended:
            self._live.console.print(_ended_line(ended), soft_wrap=True)
        self._snapshot = snapshot

    def _drawn(self) -> RenderableType:
        snapshot = self._snapshot
        if snapshot is None:
            return self._spinner
        self._spinner.update(text=_one_line(summary(snapshot)))
        hidden = len(snapshot.tasks) - TASKS_SHOWN
        return Group(
            self._spinner,
            *(_task_line(task) for task in snapshot.tasks[:TASKS_SHOWN]),
            *([_one_line(f"  and {hidden} more")] if hidden > 0 else []),
            *(_gate_line(gate) for gate in snapshot.gates),
        )


def summary(snapshot: Snapshot) -> str:
    """Say in one line how much is done and how much is left."""
    counts = snapshot.counts
    under_way = counts[JobState.SUBMITTED] + counts[JobState.SEPARATED] + counts[JobState.FETCHED]
    parts = (
        (counts[JobState.PUBLISHED], "published"),
        (under_way, "under way"),
        (counts[JobState.QUEUED], "waiting"),
        (counts[JobState.HELD], "held"),
        (counts[JobState.FAILED], "failed"),
    )
    return ", ".join(f"{number} {word}" for number, word in parts if number) or "looking through the folders"


def _task_line(task: Task) -> Text:
    return _one_line(f"  {task.name}: {task.doing}{f', {task.amount}' if task.amount else ''}")


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _gate_line(gate: Gate) -> Text:
    hint = f" ({gate.hint})" if gate.hint else ""
    return Text.assemble((f"gate {gate.name} closed", "yellow"), f": {gate.reason}{hint}")
