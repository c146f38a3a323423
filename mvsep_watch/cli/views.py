"""Two ways to show what is under way: lines for a pipe, a few redrawn lines for a terminal.

They are given snapshots and know nothing of the engine. `LiveView` prints one line for each job that has ended, which
stays; `LineView` prints one whenever something gets a step further.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from mvsep_watch.cli.progress import Ended, Snapshot, Task
from mvsep_watch.cli.rendering import count, path, state
from mvsep_watch.model import Gate, JobState

TASKS_SHOWN = 8
"""As many as fit a small terminal; the counts tell of the rest."""


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
    """Redraws what is under way in a terminal; what has ended stays, a line each. `idle` is said where nothing is."""

    def __init__(self, console: Console, *, idle: str = "looking through the folders") -> None:
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
        return Group(
            self._spinner,
            *(_task_line(task) for task in snapshot.tasks[:TASKS_SHOWN]),
            *([_one_line(f"  and {hidden} more")] if hidden > 0 else []),
            *(_gate_line(gate) for gate in snapshot.gates),
        )


def summary(snapshot: Snapshot) -> str:
    """Say in one line how much is done and how much is left; empty where nothing is."""
    counts = snapshot.counts
    under_way = counts[JobState.SUBMITTED] + counts[JobState.SEPARATED] + counts[JobState.FETCHED]
    parts = (
        (counts[JobState.PUBLISHED], "published"),
        (under_way, "under way"),
        (counts[JobState.QUEUED], "waiting"),
        (counts[JobState.HELD], "held"),
        (counts[JobState.FAILED], "failed"),
    )
    return ", ".join(f"{number} {word}" for number, word in parts if number)


def _task_line(task: Task) -> Text:
    return _one_line(f"  {task.name}: {task.doing}{f', {task.amount}' if task.amount else ''}")


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
