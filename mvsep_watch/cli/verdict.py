"""The first line of `status`: whether all is well; else what needs a person, or what is waited for."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from mvsep_watch.cli.overview import Overview
from mvsep_watch.cli.rendering import count, joined
from mvsep_watch.cli.selecting import START
from mvsep_watch.daemon.pausing import EVERYTHING, resuming
from mvsep_watch.model import GateName, JobState
from mvsep_watch.naming import display

MENDED_BY_A_PERSON = frozenset({GateName.TOKEN, GateName.ACCOUNT, GateName.CREDITS, GateName.STATE, GateName.DISK})
"""Gates that nothing opens but what somebody does."""
UNDER_WAY = (JobState.SUBMITTED, JobState.SEPARATED, JobState.FETCHED)


def verdict(overview: Overview) -> Text:
    """Say in one line whether all is well."""
    if needing := list(_needing(overview)):
        words = joined([text for _, text in needing])
        return Text(f"{words} {'needs' if sum(number for number, _ in needing) == 1 else 'need'} you", "bold yellow")
    if stopped := _stopped(overview):
        return Text(stopped, "yellow")
    return Text.assemble(("all is well", "green"), f": {_going_on(overview)}")


def _needing(overview: Overview) -> Iterator[tuple[int, str]]:
    """Give what only a person can mend: how many, and in words."""
    failed = sum(len(group.jobs) for group in overview.needs if group.state == JobState.FAILED)
    if jobs := overview.counts[JobState.HELD] + failed:
        yield jobs, count(jobs, "job")
    for gate in dict.fromkeys(gate.name for gate in overview.gates if gate.name in MENDED_BY_A_PERSON):
        yield 1, f"the gate {gate}"
    if overview.refused:
        yield 1, "the configuration"
    if files := overview.refused_files.count:
        yield files, count(files, "refused file")
    if overview.holder:
        folders = overview.seen.get("folders", {})
        yield from ((1, f"the folder {display(name)}") for name, said in folders.items() if said["trouble"])
        if files := len(overview.seen.get("waiting", ())):
            yield files, count(files, "file")


def _stopped(overview: Overview) -> str:
    """Say what is waited for; empty where things go on."""
    gates = {gate.name for gate in overview.gates}
    paused = [gate.scope for gate in overview.gates if gate.name == GateName.PAUSED]
    if GateName.SERVICE in gates:
        return "the service cannot be used just now; nothing is lost, and it goes on by itself"
    if paused:
        what = "everything is" if EVERYTHING in paused else f"{joined(map(display, paused))} {_is(len(paused))}"
        ends = EVERYTHING if len(paused) > 1 else paused[0]
        return f"{what} paused; nothing is lost, and {resuming(ends)} lets it go on"
    queued = overview.counts[JobState.QUEUED]
    if overview.waiting_hint and not any(overview.counts[state] for state in UNDER_WAY):
        return f"{count(queued, 'job')} {'waits' if queued == 1 else 'wait'}: {display(overview.waiting_hint)}"
    waiting = sum(overview.counts[state] for state in (JobState.QUEUED, *UNDER_WAY))
    if not overview.holder and waiting:
        return (
            f"no daemon is running, and {count(waiting, 'job')} {_is(waiting)} not finished; nothing is lost: {START}"
        )
    return ""


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _going_on(overview: Overview) -> str:
    counts = overview.counts
    under_way = sum(counts[state] for state in UNDER_WAY)
    numbers = ((under_way, "under way"), (counts[JobState.QUEUED], "waiting"))
    if going_on := ", ".join(f"{number} {word}" for number, word in numbers if number):
        return going_on
    done = "everything is done" if any(counts.values()) else "nothing has come yet"
    return done if overview.holder else f"{done}; no daemon is running"
