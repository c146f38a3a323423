"""What came of a run: published, failed, held, waiting, refused; in words, as JSON, and as an exit code.

Reads the store on the engine's own thread, once at the end; decides the exit code and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import rendering
from mvsep_watch.cli.context import Exit
from mvsep_watch.cli.progress import name_of
from mvsep_watch.daemon.engine import Engine
from mvsep_watch.model import Gate, GateName, JobState
from mvsep_watch.naming import display, escape_path
from mvsep_watch.store.lately import credits_spent, jobs_finished, sources_refused

NEEDS_A_PERSON = frozenset({GateName.TOKEN, GateName.ACCOUNT, GateName.STATE, GateName.DISK})
NAMES_SHOWN = 3
"""Of several jobs with one reason; the reason is what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A job, or a file or folder that gave none: `job` is then None, and `state` says why. Paths are escaped."""

    job: int | None
    name: str
    source: str
    state: str
    reason: str
    hint: str
    final: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Args:
        finished: Jobs that ended during the run.
        left: Jobs that are held or wait, whenever they came.
        refused: Files that were refused during the run or cannot be taken yet, and folders that cannot be read.
        spent: Credits that the run took, as far as is known.
        balance: What the account has left when everything is paid; None while unknown.
    """

    finished: tuple[Item, ...]
    left: tuple[Item, ...]
    refused: tuple[Item, ...]
    gates: tuple[Gate, ...]
    spent: int
    balance: int | None
    interrupted: bool

    @property
    def exit_code(self) -> Exit:
        """What the run's exit code is."""
        if self.interrupted:
            return Exit.INTERRUPTED
        if any(gate.name in NEEDS_A_PERSON for gate in self.gates):
            return Exit.PERSON
        has_failed = any(item.state == JobState.FAILED for item in self.finished)
        return Exit.UNFINISHED if has_failed or self.left or self.refused else Exit.OK


def found(engine: Engine, *, since: float, interrupted: bool) -> Outcome:
    """Find what came of a run.

    Args:
        engine: On its own thread, at rest or told to stop.
        since: When the run began, seconds since 1970.
        interrupted: Whether it was told to stop before its end.
    """
    context = engine.context
    store = context.store
    return Outcome(
        finished=_items(engine, jobs_finished(store.db, since=since)),
        left=_items(engine, store.jobs.live()),
        refused=(
            *(
                _no_job(source.path, "refused", reason=source.reason, hint=source.hint)
                for source in sources_refused(store.db, since=since)
            ),
            *_not_taken(engine),
            *_unreadable(engine),
        ),
        gates=store.memory.closed,
        spent=credits_spent(store.db, since=since),
        balance=_balance(engine),
        interrupted=interrupted,
    )


def _no_job(path: Path, state: str, *, reason: str, hint: str = "") -> Item:
    return Item(job=None, name=display(path.name), source=escape_path(path), state=state, reason=reason, hint=hint)


def _not_taken(engine: Engine) -> Iterator[Item]:
    """Give the files that cannot be taken as they are: empty, held open, unreadable."""
    for path, reason in engine.desks.candidates.not_taken.items():
        yield _no_job(Path(path), "not taken", reason=reason)


def _unreadable(engine: Engine) -> Iterator[Item]:
    """Give the watched folders that could not be looked through."""
    for name, trouble in engine.desks.scans.troubled_folders.items():
        folder = engine.context.config.folder(name)
        if folder is not None:
            yield _no_job(folder.path, "unreadable", reason=trouble)


def _items(engine: Engine, jobs: Sequence[Any]) -> tuple[Item, ...]:
    sources = engine.context.store.sources
    return tuple(
        Item(
            job=job.id,
            name=name_of(engine, job),
            source=escape_path(sources.get(job.source_id).path),
            state=str(job.state),
            reason=job.reason,
            hint=job.hint,
            final=escape_path(job.place.folder),
        )
        for job in jobs
    )


def _balance(engine: Engine) -> int | None:
    account = engine.context.account
    if account is None or account.credits is None:
        return None
    mine = (engine.context.realm, account.identity)
    return account.credits - engine.context.store.separations.reserved_against_balance(account=mine)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Give an outcome for programs."""
    return {
        "exit_code": int(outcome.exit_code),
        "interrupted": outcome.interrupted,
        **{
            state: [_item_json(item) for item in outcome.finished if item.state == state]
            for state in ("published", "failed", "cancelled")
        },
        "left": [_item_json(item) for item in outcome.left],
        "refused": [_item_json(item) for item in outcome.refused],
        "gates": [_gate_json(gate) for gate in outcome.gates],
        "credits": {"spent": outcome.spent, "balance": outcome.balance},
    }


def _item_json(item: Item) -> dict[str, Any]:
    return {
        "id": item.job,
        "source": item.source,
        "state": item.state,
        "reason": item.reason,
        "hint": item.hint,
        "folder": item.final or None,
    }


def _gate_json(gate: Gate) -> dict[str, Any]:
    since = rendering.instant(gate.since)
    return {"name": str(gate.name), "reason": gate.reason, "hint": gate.hint, "since": since}


def show(outcome: Outcome, console: Console) -> None:
    """Print an outcome for people: what was done, what was not and why, what it cost."""
    published = [item for item in outcome.finished if item.state == JobState.PUBLISHED]
    console.print(_headline(outcome, len(published)))
    failed = [item for item in outcome.finished if item.state == JobState.FAILED]
    for line in _reasons([*failed, *outcome.left, *outcome.refused]):
        console.print(line)
    for gate in outcome.gates:
        console.print(Text.assemble(("  gate ", "yellow"), (str(gate.name), "yellow"), f" is closed: {gate.reason}"))
        if gate.hint:
            console.print(f"    hint: {gate.hint}")
    if outcome.spent or published:
        left = "" if outcome.balance is None else f", {outcome.balance} left"
        console.print(f"{rendering.credit(outcome.spent)} spent{left}")


def _headline(outcome: Outcome, published: int) -> str:
    states = [item.state for item in (*outcome.finished, *outcome.left, *outcome.refused)]
    others = [f"{states.count(state)} {state}" for state in dict.fromkeys(states) if state != JobState.PUBLISHED]
    if not states:
        return "interrupted" if outcome.interrupted else "nothing to do: everything is done"
    return ("interrupted: " if outcome.interrupted else "") + ", ".join([f"{published} published", *others])


def _reasons(items: Sequence[Item]) -> list[Text | str]:
    """Say why, once for all that have the same reason."""
    groups: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.state, item.reason, item.hint].append(item)
    lines: list[Text | str] = []
    for (state, reason, hint), members in groups.items():
        lines.append(
            Text.assemble("  ", rendering.state(state), f" {_names(members)}", f": {reason}" if reason else "")
        )
        lines += [f"    hint: {hint}"] if hint else []
    return lines


def _names(items: Sequence[Item]) -> str:
    named = [f"{item.name} (job {item.job})" if item.job else item.name for item in items[:NAMES_SHOWN]]
    hidden = len(items) - len(named)
    return rendering.joined([*named, *([f"{hidden} more"] if hidden else [])])
