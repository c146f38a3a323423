"""Decides what is worth telling a person, when, and in which words. Pure; instants are seconds, monotonic.

What needs a person is collected for half a minute after the first of it, and there is one notice in a quarter of an
hour at most, so that five hundred failures are one notice with counts and the first few. What of gates is news is
decided by `flapping`.

The surprise: nothing is queued. What was told of is remembered as a mark in the state's own history, and a notice that
nobody took is written anew with all that has come since.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from mvsep_watch.flapping import BALANCE, GateNews
from mvsep_watch.model import Gate, GateName, JobState, Message, Subject
from mvsep_watch.naming import display

COLLECT_S = 30.0
BETWEEN_S = 900.0
LONGEST_PAUSE_S = 900.0
LOST_AFTER_S = 600.0
"""Far longer than the limits of all addresses together."""
TRIES = 6
"""How often an address is tried that does not take what another has taken."""
GROUPS_SHOWN = 8
JOBS_SHOWN = 3
PUBLISHED_SHOWN = 10
LONGEST_REASON = 300
SILENT_GATES = (GateName.HOURS, GateName.PAUSED, GateName.STOPPING)
"""Somebody wanted these closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told of, as the state remembers it.

    Args:
        jobs: The newest transition that was told of.
        jobs_at: When that was told, seconds since 1970.
        refused_at: When the latest refused file that was told of was refused, seconds since 1970.
        gates: The gates that were told to be closed.
        flapping: The gates that were told to close ever again.
        gates_at: When a gate was told of last, seconds since 1970.
        published: The newest transition that was looked at for what is published; None while nobody asks.
        published_at: When that was told, seconds since 1970.
        summary: The newest transition that a daily summary counted; None before the first.
        summary_day: The local date of the last summary.
    """

    jobs: int = 0
    jobs_at: float = 0.0
    refused_at: float = 0.0
    gates: tuple[str, ...] = ()
    flapping: tuple[str, ...] = ()
    gates_at: float = 0.0
    published: int | None = None
    published_at: float = 0.0
    summary: int | None = None
    summary_day: str = ""

    def as_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))


def told_after(told: Told, news: GateNews) -> Told:
    """Give what was told of once somebody has taken what is news of gates."""
    flapping = {*told.flapping, *(key for key, _ in news.flapping)} - {*news.steady}
    gates = {*told.gates, *news.closed} - {*news.opened, *news.steady}
    return replace(told, gates=tuple(sorted(gates)), flapping=tuple(sorted(flapping)))


def told_from(text: str | None) -> Told:
    """Read what was written down; nothing, where nothing was."""
    said = json.loads(text or "{}")
    return Told(**said | {key: tuple(said.get(key, ())) for key in ("gates", "flapping")})


def is_collected(*, since_s: float, now_s: float, is_last: bool = False) -> bool:
    """Say whether what has come since the first of it is collected; at the end of a process it is."""
    return is_last or now_s - since_s >= COLLECT_S


def is_too_soon(ago_s: float) -> bool:
    """Say whether the last notice of a kind is too short ago; one in the future does not count: the clock was set."""
    return 0 <= ago_s < BETWEEN_S


def pause_s(tries: int) -> float:
    """Give seconds until a notice that was not taken is tried again; they double."""
    return min(LONGEST_PAUSE_S, COLLECT_S * 2.0 ** min(tries - 1, 10))


def gate_key(gate: Gate) -> str:
    """Name a gate and what it is about."""
    return f"{gate.name} {gate.scope}".strip()


def is_worth_telling(gate: Gate) -> bool:
    """Say whether a closed gate is news: nobody wanted it closed."""
    return gate.name not in SILENT_GATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published job: its file's name, and in which folder how many outputs of it are."""

    id: int
    name: str
    stems: int
    folder: str


@dataclass(slots=True)
class Needing:
    """Jobs in one state for one reason: how many, and the first few, by id with the names of their files."""

    state: JobState
    reason: str
    hint: str
    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, job_id: int, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < JOBS_SHOWN:
            self.first.append((job_id, name))


@dataclass(slots=True)
class Digest:
    """Jobs that need a person, gathered by reason, and refused files; whatever their number, a few lines.

    Args:
        refused: How many files were refused, which have no job.
        refusals: The first few of them: each one's name, and why.
    """

    counts: Counter[JobState] = field(default_factory=Counter)
    groups: dict[tuple[JobState, str, str], Needing] = field(default_factory=dict)
    unshown: int = 0
    refused: int = 0
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        """Take a refused file in."""
        self.refused += 1
        if len(self.refusals) < JOBS_SHOWN:
            self.refusals.append((name, reason))

    def add(self, *, job_id: int, name: str, state: JobState, reason: str, hint: str) -> None:
        """Take one more job in."""
        self.counts[state] += 1
        key = (state, reason, hint)
        if key not in self.groups and len(self.groups) >= GROUPS_SHOWN:
            self.unshown += 1
            return
        self.groups.setdefault(key, Needing(*key)).add(job_id, name)


def about_jobs(digest: Digest, *, host: str) -> Message:
    """Write the notice of held and failed jobs, and of refused files."""
    numbers = {**{str(state): number for state, number in sorted(digest.counts.items())}, "refused": digest.refused}
    counts = {word: number for word, number in numbers.items() if number}
    counted = ", ".join(f"{number} {word}" for word, number in counts.items())
    lines = [line for group in digest.groups.values() for line in _lines(group)]
    if digest.unshown:
        lines.append(f"and {_count(digest.unshown, 'job')} for other reasons: `mvsep-watch status` tells them")
    lines += [f"refused: {_cut(reason if name in reason else f'{name}: {reason}')}" for name, reason in digest.refusals]
    if more := digest.refused - len(digest.refusals):
        lines.append(f"refused: {_count(more, 'more file')}")
    groups = [_facts(group) for group in digest.groups.values()]
    refusals = [{"source": name, "reason": _cut(reason)} for name, reason in digest.refusals]
    facts = {"about": "jobs", "counts": counts, "jobs": groups, "unshown": digest.unshown, "refused": refusals}
    return _message(counted, lines, host=host, facts=facts)


def about_published(count: int, first: Sequence[Published], *, host: str) -> Message:
    """Write the notice of outputs that are there."""
    lines = [f"{display(each.name)}: {_count(each.stems, 'stem')} in {display(each.folder)}" for each in first]
    if more := count - len(first):
        lines.append(f"and {more} more")
    facts = {"about": Subject.PUBLISHED, "count": count, "first": [asdict(each) for each in first]}
    return _message(f"{count} published", lines, host=host, facts=facts)


def _lines(group: Needing) -> list[str]:
    named = ", ".join(f"{job_id} ({name})" for job_id, name in group.first)
    rest = group.count - len(group.first)
    noun = "job" if group.count == 1 else f"{group.count} jobs:"
    more = f" and {rest} more" if rest else ""
    return [f"{group.state}: {noun} {named}{more}: {_cut(group.reason)}", *_hint(group.hint)]


def _facts(group: Needing) -> dict[str, object]:
    first = [{"id": job_id, "source": name} for job_id, name in group.first]
    return {
        "state": str(group.state),
        "count": group.count,
        "reason": _cut(group.reason),
        "hint": _cut(group.hint),
        "first": first,
    }


def about_gates(news: GateNews, closed: Mapping[str, Gate], lately: Mapping[str, Gate], *, host: str) -> Message:
    """Write the notice of gates.

    Args:
        news: What is to be told.
        closed: Those that are closed, by key.
        lately: Those that were closed lately, as they were then.
        host: The machine's name.
    """
    lines = [line for key in news.closed for line in _closed_lines(key, closed[key])]
    for key, times in news.flapping:
        now = "closed" if key in closed else "open"
        lines += [f"{_gate(key)} closed {times} times in the last hour, now {now}: {_cut(lately[key].reason)}"]
        lines += _hint(lately[key].hint)
    lines += [_opened_line(key) for key in news.opened]
    lines += [f"{_gate(key)} has been open for an hour" for key in news.steady]
    told = [
        {"gate": key.partition(" ")[0], "about": closed[key].scope, **_why(closed[key])} for key in news.closed
    ]  # fmt: skip
    flapping = [{"gate": key, "times": times, **_why(lately[key])} for key, times in news.flapping]
    facts = {"closed": told, "opened": [*news.opened], "flapping": flapping, "steady": [*news.steady]}
    return _message("; ".join(_parts(news)), lines, host=host, facts={"about": "gates", **facts})


def _parts(news: GateNews) -> Iterator[str]:
    """Say in short what became of which gates, and of the balance."""
    flapping = [key for key, _ in news.flapping]
    if BALANCE in news.closed:
        yield "balance too low"
    for keys, became in (
        (news.closed, "closed"),
        (flapping, "closed again and again"),
        (news.opened, "open again"),
        (news.steady, "steady again"),
    ):
        if names := sorted({key.partition(" ")[0] for key in keys if key != BALANCE}):
            yield f"{', '.join(names)} {became}"
    if BALANCE in news.opened:
        yield "nothing waits for credits"


def _closed_lines(key: str, gate: Gate) -> list[str]:
    said = "the balance is too low" if key == BALANCE else f"{_gate(key)} is closed"
    return [f"{said}: {_cut(gate.reason)}", *_hint(gate.hint)]


def _opened_line(key: str) -> str:
    return "nothing waits for credits any more" if key == BALANCE else f"{_gate(key)} is open again"


def _gate(key: str) -> str:
    name, _, scope = key.partition(" ")
    return f"gate {name} ({display(scope)})" if scope else f"gate {name}"


def _why(gate: Gate) -> dict[str, str]:
    return {"reason": _cut(gate.reason), "hint": _cut(gate.hint)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a daily summary tells; credits left are None where they are not known.

    Args:
        unseen: The folders that cannot be seen, by name, with what is the matter.
        gates: The names of the closed gates.
    """

    published: int
    failed: int
    held: int
    waiting: int
    spent_yesterday: int
    spent_today: int
    left: int | None
    unseen: Mapping[str, str]
    gates: tuple[str, ...]


def about_day(day: Day, *, host: str) -> Message:
    """Write the daily summary."""
    left = "an unknown number" if day.left is None else day.left
    lines = [
        f"since the last summary: {day.published} published, {day.failed} failed",
        f"now: {day.held} held, {day.waiting} waiting or under way",
        f"credits: {day.spent_yesterday} spent yesterday, {day.spent_today} today, {left} left",
        *(f"cannot be seen: {display(name)}: {_cut(trouble)}" for name, trouble in day.unseen.items()),
        *([f"closed gates: {', '.join(day.gates)}"] if day.gates else []),
        *(["`mvsep-watch status` tells who waits for you"] if day.held else []),
    ]
    facts = {"about": Subject.SUMMARY, **asdict(day)}
    return _message(f"{day.published} published, {day.held} held, {left} credits left", lines, host=host, facts=facts)


def about_nothing(*, host: str) -> Message:
    """Write the notice that only tries whether notices arrive."""
    return _message("a test", ["Notices arrive here."], host=host, facts={"about": "test"})


def _message(what: str, lines: Sequence[str], *, host: str, facts: Mapping[str, object]) -> Message:
    title = f"mvsep-watch on {host}: {what}"
    return Message(title=title, text="\n".join(lines), facts=json.dumps({"host": host, "title": title, **facts}))


def _hint(hint: str) -> list[str]:
    return [f"  hint: {_cut(hint)}"] if hint else []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cut(text: str) -> str:
    """Keep a text on one line of a bounded length: the service's words may be part of it."""
    shown = display(text)
    return shown if len(shown) <= LONGEST_REASON else f"{shown[: LONGEST_REASON - 1]}…"
