"""Two ways to show what is under way: lines for a pipe, a few redrawn lines for a terminal.

They are given snapshots and know nothing of the engine. `LiveView` prints one line for each job that has ended, which
stays; `LineView` prints one whenever something gets a step further, or only what is published.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from mvsep_watch.cli.course import Run
from mvsep_watch.cli.progress import Ended, Snapshot, Task, View
from mvsep_watch.cli.rendering import about_left, count, credit, path, size, state
from mvsep_watch.model import Gate, JobState

TASKS_SHOWN = 8
"""As many as fit a small terminal; the counts tell of the rest."""
SHORTEST_NAME = 10
INDENT = "  "
LOOKING = "looking through the folders"


def view_on(console: Console, *, idle: str = LOOKING, steps: bool = True) -> View:
    """Give the view that a console can show.

    Args:
        console: A terminal that can be drawn on, or anything else.
        idle: What is said on a terminal where nothing is under way.
        steps: Whether each step is a line elsewhere; else only what is published is.
    """
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console, idle=idle)
    return LineView(console, steps=steps)


class LineView:
    """Prints a line for each fact; what a summary tells of the end is not told here where steps are not."""

    def __init__(self, console: Console, *, steps: bool = True) -> None:
        self._console = console
        self._steps = steps
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
        if self._steps:
            self._show_steps(snapshot)
        for ended in snapshot.ended:
            if self._steps or ended.state == JobState.PUBLISHED:
                self._console.print(_ended_line(ended))
        gates = {(str(gate.name), gate.scope): gate for gate in snapshot.gates}
        for key in gates.keys() - self._gates:
            self._console.print(_gate_line(gates[key]))
        self._gates = frozenset(gates)

    def _show_steps(self, snapshot: Snapshot) -> None:
        doing = {(task.job, task.name): task.doing for task in snapshot.tasks}
        for (job, name), what in doing.items():
            if self._doing.get((job, name)) != what:
                self._console.print(f"{name}: {what}")
        self._doing = doing


class LiveView:
    """Redraws what is under way in a terminal; what has ended stays, a line each. `idle` is said where nothing is."""

    def __init__(self, console: Console, *, idle: str = LOOKING) -> None:
        self._idle = idle
        self._spinner = Spinner("line", text=idle)
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
        self._spinner.update(text=_one_line(summary(snapshot) or self._idle))
        hidden = len(snapshot.tasks) - TASKS_SHOWN
        flow = "; ".join(_flow(snapshot.run)) if snapshot.run else ""
        return Group(
            self._spinner,
            *([_one_line(f"  {flow}")] if flow else []),
            *(_task_line(task, self._live.console.width) for task in snapshot.tasks[:TASKS_SHOWN]),
            *([_one_line(f"  and {hidden} more")] if hidden > 0 else []),
            *(_gate_line(gate) for gate in snapshot.gates),
        )


def summary(snapshot: Snapshot) -> str:
    """Say in one line how much is done and how much is left; empty where nothing is."""
    counts, run = snapshot.counts, snapshot.run
    under_way = counts[JobState.SUBMITTED] + counts[JobState.SEPARATED] + counts[JobState.FETCHED]
    parts = (
        *(() if run else ((counts[JobState.PUBLISHED], "published"),)),
        (under_way, "under way"),
        (counts[JobState.QUEUED], "waiting"),
        (counts[JobState.HELD], "held"),
        *(() if run else ((counts[JobState.FAILED], "failed"),)),
    )
    told = [f"{run.done} of {run.total} done"] if run and run.total else []
    return ", ".join([*told, *(f"{number} {word}" for number, word in parts if number)])


def _flow(run: Run) -> Iterator[str]:
    """Say what goes up and down, what it costs, and how long it takes."""
    for word, moved, per_s in (("up", run.up_bytes, run.up_per_s), ("down", run.down_bytes, run.down_per_s)):
        if moved:
            yield f"{word} {size(moved)}" + (f" at {size(per_s)}/s" if per_s >= 1 else "")
    if run.credits:
        yield credit(run.credits)
    if run.left_s is not None:
        yield about_left(run.left_s)


def _task_line(task: Task, columns: int) -> Text:
    """Say what is done about a task; its name gives way, since what is done is what is new."""
    doing = f": {task.doing}{f', {task.amount}' if task.amount else ''}"
    room = max(columns - cell_len(doing) - len(INDENT), SHORTEST_NAME)
    name = task.name if cell_len(task.name) <= room else f"{set_cell_size(task.name, room - 1).rstrip()}…"
    return _one_line(f"{INDENT}{name}{doing}")


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _gate_line(gate: Gate) -> Text:
    hint = f" ({gate.hint})" if gate.hint else ""
    return Text.assemble((f"gate {gate.name} closed", "yellow"), f": {gate.reason}{hint}")


def _ended_line(ended: Ended) -> Text:
    line = Text.assemble(state(str(ended.state)), "  ", ended.name)
    if ended.state == JobState.PUBLISHED:
        return line.append(f", {count(ended.stems, 'stem')} in {path(ended.final)}")
    return line.append(f": {ended.reason}" if ended.reason else "")
