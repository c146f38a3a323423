"""How `show` tells a dossier to people: what becomes of a file, and each of its jobs with its whole past."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mvsep_watch.cli import rendering
from mvsep_watch.cli.describing import in_words
from mvsep_watch.cli.dossier import Dossier, Past
from mvsep_watch.cli.rendering import local_time
from mvsep_watch.model import JobState
from mvsep_watch.naming import display
from mvsep_watch.store import SeparationRow


def show(dossier: Dossier, console: Console) -> None:
    """Print it for people."""
    console.print(Text(rendering.path(dossier.path), style="bold"))
    for want in dossier.wants:
        rules = rendering.joined(want.rules)
        console.print(f"folder {want.folder}: " + (f"wanted by {rules}" if rules else want.why_not))
    if dossier.verdict:
        console.print(dossier.verdict)
    if waits := dossier.waits:
        console.print(f"It waits since {local_time(waits['since'])}: {display(waits['reason'])}")
        if waits["hint"]:
            console.print(f"  hint: {display(waits['hint'])}")
    for past in dossier.jobs:
        console.print()
        _show_past(past, console)


def _show_past(past: Past, console: Console) -> None:
    view, said = past.view, past.as_listed
    state, reason = str(view.job.state), display(said["reason"])
    line = Text.assemble(f"job {view.job.id}  ", rendering.state(state))
    console.print(line.append(f"  {reason}" if reason not in ("", state) else ""))
    grid = Table.grid(padding=(0, 2))
    others = ((f"attempt {row.attempt}", ", ".join(_attempt(row))) for row in past.others)
    for label, text in [*_facts(past), *_separation_facts(view.separation), *others]:
        grid.add_row(Text(f"  {label}", style="dim"), Text(text))
    console.print(grid)
    for step in past.transitions:
        reason = f": {display(step.reason)}" if step.reason else ""
        console.print(f"  {local_time(step.at)}  {step.subject} {step.subject_id} {step.to_state}{reason}")


def _facts(past: Past) -> Iterator[tuple[str, str]]:
    view, said = past.view, past.as_listed
    job = view.job
    if said["hint"]:
        yield "hint", said["hint"]
    yield "source", rendering.path(view.source)
    yield "rule", f"{job.rule} of folder {job.folder}"
    if job.redo_of:
        yield "redo of", f"job {job.redo_of}"
    if job.settings:
        yield "settings", in_words(job.settings)
    yield ("outputs" if view.outputs else "outputs go to"), rendering.path(job.place.folder)
    for output in view.outputs:
        yield "", f"{display(job.place.file(output.name).name)}, {rendering.size(output.size_bytes)}"
    if view.outputs:
        yield "sidecar", rendering.path(job.place.sidecar)
    if job.price is not None and job.state == JobState.HELD:
        yield "would cost", rendering.credit(job.price)


def _separation_facts(row: SeparationRow | None) -> Iterator[tuple[str, str]]:
    if row is None:
        return
    yield "separation", f"{row.id}, attempt {row.attempt}, {row.state}"
    if row.algorithm:
        yield "model", row.algorithm
    if row.hash:
        yield "hash", row.hash
    yield "tag", row.tag
    yield "sent to", f"{row.host} as {row.account}"
    yield "uploads", f"{row.releases}, asked for {rendering.count(row.asked, 'time')}"
    if times := ", ".join(_times(row)):
        yield "took", times
    yield "credits", _credits(row)


def _credits(row: SeparationRow) -> str:
    charged = "not known yet" if row.credits_charged is None else str(row.credits_charged)
    return f"estimated {row.credits_estimated}, charged {charged}"


def _attempt(row: SeparationRow) -> Iterator[str]:
    """Say in short what came of another attempt."""
    yield f"separation {row.id}: {row.state}{f' ({display(row.reason)})' if row.reason else ''}"
    yield f"credits {_credits(row)}"


def _times(row: SeparationRow) -> Iterator[str]:
    """Say how long each part of a separation took, as far as it is over."""
    parts = (("uploaded", row.intended_at, row.submitted_at), ("separated", row.submitted_at, row.ended_at))
    for word, began, ended in parts:
        if began is not None and ended is not None:
            yield f"{rendering.duration(max(0.0, ended - began))} until it was {word}"
