"""What `status` shows: what needs a person first, then what is under way, what waits, counts and credits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import rendering, seeing, spooled
from mvsep_watch.cli.describing import Describer, Words, gate_json
from mvsep_watch.cli.rendering import count, instant, joined, local_time
from mvsep_watch.cli.selecting import NOTHING_YET, START
from mvsep_watch.daemon import told
from mvsep_watch.errors import ConfigError
from mvsep_watch.files.lock import Holder, holder_of
from mvsep_watch.files.spool import Orphan
from mvsep_watch.model import Config, Gate, GateName, JobState
from mvsep_watch.naming import display, escape_path
from mvsep_watch.planner import in_force
from mvsep_watch.store import SeparationRow, SourceRow
from mvsep_watch.store.views import Group, JobView, Views

LOOKED_THROUGH = 1000
"""Held and failed jobs, each, that are gathered by reason; the counts tell of the rest."""
IDS_SHOWN = 5
UNDER_WAY_SHOWN = 20
REFUSED_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """An unfinished separation, with the live jobs that it serves."""

    view: JobView | None
    jobs: tuple[int, ...]
    row: SeparationRow
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """Credits; None is unknown. `read_at`: when the balance was read, seconds since 1970."""

    balance: int | None = None
    reserved: int = 0
    spent_today: int = 0
    spent_this_month: int = 0
    read_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """How many separations may be unfinished at once: as allowed, and as the service was seen to take them."""

    allowed: int = 0
    in_force: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFiles:
    """Files that cannot be sent as they are: how many, and the latest of them first."""

    count: int = 0
    latest: tuple[SourceRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is going on.

    Args:
        has_run: False for a configuration without a state file.
        needs: Held and failed jobs, by reason.
        names: Those of the sources of the jobs that are shown of `needs`.
        waiting: Why the oldest queued job does not start; empty where none is queued.
        waiting_hint: What a person could do about it, where the reason is that job's own.
        gates: What a person paused first, then the oldest.
        seen: How the folders are seen, as the daemon wrote it down.
        refused: The configuration as it is written now, where the running daemon cannot take it.
        orphans: What the spool keeps for jobs that the state does not have.
    """

    config: Config
    has_run: bool
    holder: Holder | None
    counts: dict[JobState, int]
    gates: tuple[Gate, ...] = ()
    needs: tuple[Group, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    in_flight: tuple[InFlight, ...] = ()
    waiting: str = ""
    waiting_hint: str = ""
    credits: Credits = Credits()
    slots: Slots = Slots()
    seen: seeing.Seen = field(default_factory=dict)
    refused: told.Refused | None = None
    refused_files: RefusedFiles = RefusedFiles()
    orphans: tuple[Orphan, ...] = ()


def found(views: Views | None, config: Config, *, now: float, trouble: ConfigError | None = None) -> Overview:
    """Find what is going on.

    Args:
        views: The state; None where nothing has run yet.
        config: The configuration, or what can be told of one that cannot be used.
        now: Seconds since 1970.
        trouble: Why it cannot be used.
    """
    holder = holder_of(config.state)
    if views is None:
        return Overview(
            config=config,
            has_run=False,
            holder=holder,
            counts=dict.fromkeys(JobState, 0),
            refused=_as_refused(trouble, now),
        )
    describer = Describer(views, config, running=holder is not None, now=now)
    waiting, waiting_hint = _waiting(views, describer)
    needs = tuple(
        group for state in (JobState.HELD, JobState.FAILED) for group in views.groups(state, of_latest=LOOKED_THROUGH)
    )
    return Overview(
        config=config,
        has_run=True,
        holder=holder,
        counts=views.jobs.counts(),
        gates=tuple(sorted(views.memory.closed, key=lambda gate: gate.name != GateName.PAUSED)),
        needs=needs,
        names=_names(views, needs),
        in_flight=tuple(_in_flight(views, describer)),
        waiting=waiting,
        waiting_hint=waiting_hint,
        credits=_credits(describer),
        slots=_slots(describer, config),
        seen=told.sight(views.memory),
        refused=(told.refused(views.memory) if holder else None) or _as_refused(trouble, now),
        refused_files=_refused_files(views, config),
        orphans=spooled.orphans(config, views.memory, views.jobs),
    )


def _as_refused(trouble: ConfigError | None, now: float) -> told.Refused | None:
    if trouble is None:
        return None
    return told.Refused(since=now, reason=trouble.message, hint=trouble.hint, problems=trouble.problems)


def _refused_files(views: Views, config: Config) -> RefusedFiles:
    names = [folder.name for folder in config.folders]
    latest = [row for name in names for row in views.sources.refused(name, limit=REFUSED_SHOWN)]
    return RefusedFiles(
        count=sum(map(views.sources.count_refused, names)),
        latest=tuple(sorted(latest, key=lambda row: -row.seen_at)[:REFUSED_SHOWN]),
    )


def _names(views: Views, needs: Iterable[Group]) -> dict[int, str]:
    shown = [job for group in needs for job in group.jobs[-IDS_SHOWN:]]
    return {view.job.id: rendering.path(view.source.name) for view in views.views(views.by_id(shown))}


def _in_flight(views: Views, describer: Describer) -> Iterator[InFlight]:
    for row in views.separations.unfinished():
        jobs = views.jobs.of_separation(row.id)
        first = views.views(jobs[:1] or views.jobs.ever_of_separation(row.id)[:1])
        says = describer.of_separation(row)
        yield InFlight(view=first[0] if first else None, jobs=tuple(job.id for job in jobs), row=row, says=says)


def _waiting(views: Views, describer: Describer) -> Words:
    for folder in views.jobs.folders_waiting():
        for view in views.views(views.jobs.waiting(folder, now=float("inf"), limit=1)):
            reason, hint = describer.why(view)
            return reason, hint if view.job.hint == hint else ""
    return "", ""


def _credits(describer: Describer) -> Credits:
    situation, account = describer.situation, describer.account
    return Credits(
        balance=account.credits if account else None,
        reserved=situation.reserved,
        spent_today=situation.spent_today,
        spent_this_month=situation.spent_this_month,
        read_at=describer.account_read_at,
    )


def _slots(describer: Describer, config: Config) -> Slots:
    allowed = in_force(config.limits, describer.account).separations
    return Slots(allowed=allowed, in_force=describer.situation.plan.separations)


def as_json(overview: Overview) -> dict[str, Any]:
    """Give it for programs."""
    holder, money = overview.holder, overview.credits
    return {
        "running": holder is not None,
        "process": {"pid": holder.pid, "command": holder.command, "since": holder.started_at} if holder else None,
        "config": escape_path(overview.config.path),
        "state_file": escape_path(overview.config.state),
        "configuration": _refused_json(overview.refused) if overview.refused else None,
        "counts": {str(state): number for state, number in overview.counts.items()},
        "needs_you": [_group_json(group) for group in overview.needs],
        "gates": [gate_json(gate) for gate in overview.gates],
        "refused_files": _refused_files_json(overview.refused_files),
        "in_flight": [_in_flight_json(each) for each in overview.in_flight],
        "waiting": overview.waiting,
        "waiting_hint": overview.waiting_hint,
        "slots": {"allowed": overview.slots.allowed, "in_force": overview.slots.in_force},
        "spool_left": spooled.as_json(overview.orphans),
        "sight": seeing.as_json(overview.seen),
        "credits": {
            "balance": money.balance,
            "reserved": money.reserved,
            "spent_today": money.spent_today,
            "spent_this_month": money.spent_this_month,
            "read_at": instant(money.read_at),
        },
    }


def _refused_json(found: told.Refused) -> dict[str, Any]:
    return {
        "since": instant(found.since),
        "reason": found.reason,
        "hint": found.hint,
        "problems": list(found.problems),
    }


def _refused_files_json(files: RefusedFiles) -> dict[str, Any]:
    latest = [
        {"path": escape_path(row.path), "since": instant(row.seen_at), "reason": row.reason, "hint": row.hint}
        for row in files.latest
    ]
    return {"count": files.count, "latest": latest}


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "state": str(group.state),
        "hold": None if group.hold is None else str(group.hold),
        "reason": group.reason,
        "hint": group.hint,
        "jobs": list(group.jobs),
        "credits": group.price,
    }


def _in_flight_json(each: InFlight) -> dict[str, Any]:
    row = each.row
    return {
        "separation": row.id,
        "jobs": list(each.jobs),
        "source": escape_path(each.view.source) if each.view else None,
        "state": str(row.state),
        "says": each.says,
        "hash": row.hash,
        "attempt": row.attempt,
        "credits_estimated": row.credits_estimated,
        "since": instant(_since(row)),
    }


def _since(row: SeparationRow) -> float:
    return row.submitted_at or row.released_at or row.intended_at


def show(overview: Overview, console: Console) -> None:
    """Print it for people."""
    if not overview.has_run:
        for line in _refusal(overview):
            console.print(line)
        console.print(f"{NOTHING_YET} with {rendering.path(overview.config.path)}")
        console.print(f"{START}")
        return
    paused = [gate for gate in overview.gates if gate.name == GateName.PAUSED]
    others = overview.gates[len(paused) :]
    holder = overview.holder
    unseen = seeing.troubles(overview.seen) if holder else ()
    for line in (
        *_gates(paused),
        *_refusal(overview),
        *_needs(overview),
        *_refused_lines(overview.refused_files),
        *_gates(others),
        *unseen,
    ):
        console.print(line)
    console.print(f"running: {holder}" if holder else f"not running: {START}")
    _show_in_flight(overview, console)
    if overview.waiting:
        queued = count(overview.counts[JobState.QUEUED], "job")
        console.print(f"queue: {queued}; the next waits because: {display(overview.waiting)}")
    if overview.waiting_hint:
        console.print(f"  hint: {display(overview.waiting_hint)}")
    if overview.slots.in_force < overview.slots.allowed:
        taken, allowed = overview.slots.in_force, overview.slots.allowed
        console.print(f"slots: the service took {taken} at once; limits.separations {allowed}")
    if holder and (ways := seeing.ways(overview.seen)):
        console.print(f"folders: {ways}")
    for line in _spool(overview.orphans):
        console.print(line)
    console.print(f"jobs: {_counts(overview)}")
    console.print(f"credits: {_money(overview.credits)}")


def _refusal(overview: Overview) -> Iterator[Text | str]:
    """Say what is wrong with a configuration that is not taken."""
    if found := overview.refused:
        reason = display(found.reason)
        before = "; the one before it stays in force" if overview.holder else ""
        yield Text.assemble(("configuration", "yellow"), f" not taken: {reason}{before}")
        yield from (f"  {display(problem)}" for problem in found.problems)
        yield f"  hint: {display(found.hint)}"


def _needs(overview: Overview) -> Iterator[Text | str]:
    for group in overview.needs:
        named = joined([f"{job} ({overview.names[job]})" for job in group.jobs[-IDS_SHOWN:]])
        more = f" and {len(group.jobs) - IDS_SHOWN} older" if len(group.jobs) > IDS_SHOWN else ""
        noun = "job" if len(group.jobs) == 1 else "jobs"
        yield Text.assemble(rendering.state(str(group.state)), f"  {noun} {named}{more}: {display(group.reason)}")
        if group.hint:
            yield f"  hint: {display(group.hint)}"


def _refused_lines(files: RefusedFiles) -> Iterator[Text | str]:
    """Name the latest files that were refused, and say how many more there are."""
    for row in files.latest:
        name = "" if str(row.path) in row.reason else f"{rendering.path(row.path)}: "
        yield Text.assemble(("refused", "red"), f"  {name}{display(row.reason)}")
    if more := files.count - len(files.latest):
        yield f"  … and {count(more, 'more file')}; `source_refused` in the log names each"
    if files.latest:
        yield "  hint: nothing was sent; put whole files in their place, delete them, or `forget` them"


def _spool(orphans: Sequence[Orphan]) -> Iterator[Text | str]:
    """Name what the spool keeps for nobody."""
    if orphans:
        yield Text.assemble(("spool", "yellow"), f": {spooled.total(orphans)} of no job here")
        yield from (f"  {spooled.line(orphan)}" for orphan in orphans[:IDS_SHOWN])
        yield f"  hint: {spooled.HINT}; `doctor` names all"


def _gates(gates: Iterable[Gate]) -> Iterator[Text | str]:
    for gate in gates:
        since = f"since {local_time(gate.since)}"
        yield Text.assemble((f"gate {gate.name}", "yellow"), f" is closed {since}: {gate.reason}")
        if gate.hint:
            yield f"  hint: {gate.hint}"


def _show_in_flight(overview: Overview, console: Console) -> None:
    if not overview.in_flight:
        return
    table = rendering.table("jobs", "source", "", "since")
    for each in overview.in_flight[:UNDER_WAY_SHOWN]:
        name = rendering.path(each.view.source.name) if each.view else each.row.upload_name
        jobs = ", ".join(map(str, each.jobs)) or "-"
        table.add_row(Text(jobs), Text(name), Text(each.says), Text(local_time(_since(each.row))))
    console.print(table)
    if (hidden := len(overview.in_flight) - UNDER_WAY_SHOWN) > 0:
        console.print(f"… and {hidden} more")


def _counts(overview: Overview) -> str:
    shown = [f"{number} {state}" for state, number in overview.counts.items() if number]
    return ", ".join(shown) or "none yet"


def _money(money: Credits) -> str:
    balance = "balance unknown" if money.balance is None else f"{money.balance} left"
    spent = f"{money.spent_today} spent today, {money.spent_this_month} this month"
    return f"{balance}, {money.reserved} of them reserved; {spent}" if money.reserved else f"{balance}; {spent}"
