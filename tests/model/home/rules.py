"""The rules of the local end as the project has them, and wrong ones that the model must be able to tell from them.

What is a pure decision is the project's own code. What is an order of effects is a switch here: True in `Rules()` is
what the daemon, the steps and the files' rooms do.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mvsep_watch import planner
from mvsep_watch.model import JobState, Provenance
from mvsep_watch.planner import Place, RootIs, Served, Wish
from tests.model.home.world import Files, Folder

NOTED = 3
"""The generation that the root's claim counted when it was last seen."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules.

    Args:
        asks_rules_now: Disposal asks the rules in force, and not those of when the file was read.
        sets_aside: A source is renamed aside before it is hashed again.
        hashes_again: What was set aside is hashed before it goes.
        brings_back: What a killed run had set aside comes back.
        looks_first: Nothing pending is settled beside a path where something may be set aside.
        knows_another: A file that was read while its forerunner was disposed of is still to be.
        returns_beside: What comes back replaces nothing.
        clears_staging: A staging of another hash is emptied.
        takes_back: What a killed publication has shown in part is taken back.
        compares_records: What is complete in a staging is compared with what was written.
        verifies_staged: What is staged is compared before it is shown.
        drops_damaged: What turns out damaged in a staging is dropped, to be fetched again.
        renames_new: A first publish never replaces.
        compares_old: Old outputs are compared with their sidecar before they are replaced.
        sees_asides: A scan sees what is set aside, and has it brought back.
        undoes_exchange: What an exchange had set aside comes back when its job has ended.
        keeps_live_stagings: Only stagings without a live job are cleaned at a start.
        waits_for_root: Nothing is called gone while the root's disk is away.
        frees_held: What one job has published frees others of its separation whose results are called gone.
        keeps_by_hash: What the spool has under a job's number is the job's only if it is of its separation.
        removes_by_hash: The spool removes only what is of the job's separation.
    """

    decide_place: Callable[..., Place] = planner.decide_place
    judge_root: Callable[..., RootIs] = planner.judge_root
    may_dispose: Callable[..., bool] = planner.may_dispose
    may_leave_spool: Callable[..., bool] = planner.may_leave_spool
    results_are_gone: Callable[[int], bool] = planner.results_are_gone
    asks_rules_now: bool = True
    sets_aside: bool = True
    hashes_again: bool = True
    brings_back: bool = True
    looks_first: bool = True
    knows_another: bool = True
    returns_beside: bool = True
    clears_staging: bool = True
    takes_back: bool = True
    compares_records: bool = True
    verifies_staged: bool = True
    drops_damaged: bool = True
    renames_new: bool = True
    compares_old: bool = True
    sees_asides: bool = True
    undoes_exchange: bool = True
    keeps_live_stagings: bool = True
    waits_for_root: bool = True
    frees_held: bool = True
    keeps_by_hash: bool = True
    removes_by_hash: bool = True


class Fact(NamedTuple):
    """What disposal is told of a job."""

    source_id: int
    bytes_key: str
    rule: str
    state: JobState
    realm: str = "mvsep"
    folder: str = "drop"


@functools.cache
def provenance(state: int, job: int, hash_: int, bytes_: int, rule: int) -> Provenance:
    """Write a sidecar."""
    return Provenance(
        state_id=str(state), job_id=job, hash=str(hash_), input_key=str(bytes_), folder="drop", rule=str(rule),
        source_name="", source_size_bytes=1, source_sha256=str(bytes_), realm="mvsep", host="", account="",
        settings="", attempt=hash_ % 10, algorithm="", tag="", queued_at="", submitted_at="", fetched_at="",
        credits_estimated=1, credits_charged=1, outputs=(),
    )  # fmt: skip


@functools.cache
def place_for(
    rules: Rules, mine: Folder, there: Folder | None, *, replaces: bool, is_aside: bool, is_flat: bool
) -> Place:
    """Ask the planner what is to be done at a place; where there is no folder, only a sidecar takes it."""
    says = there is not None and there.job > 0 and there.files != Files.PART
    is_taken = says if is_flat else there is not None
    said = provenance(*there[:5]) if says else None
    return rules.decide_place(provenance(*mine[:5]), said, replaces=replaces, is_taken=is_taken, is_aside=is_aside)


@functools.cache
def root_is_itself(rules: Rules, *, is_mounted: bool) -> bool:
    """Ask the planner about the root: while its disk is away there is a bare mount point, with a claim of old."""
    counted = NOTED if is_mounted else 0
    return rules.judge_root(counted=counted, noted=NOTED, has_left=not is_mounted) == RootIs.ITSELF


@functools.cache
def is_served(
    rules: Rules,
    path: int,
    bytes_: int,
    in_force: tuple[int, ...],
    facts: tuple[Fact, ...],
    *,
    ignored: bool,
    keeps: bool,
) -> bool:
    """Ask the planner whether a source may go."""
    source = Served(id=path, bytes_key=str(bytes_) if bytes_ else None, realm="mvsep", is_ignored=ignored)
    wishes = [Wish(folder="drop", rule=str(rule), keeps=keeps) for rule in in_force]
    return rules.may_dispose(source, wishes, facts)


# Wrong ones


def any_rule(source, wishes, jobs):
    """One rule is enough."""
    return any(planner.may_dispose(source, [wish], jobs) for wish in wishes)


def though_live(source, wishes, jobs):
    """Forget that another attempt may be under way."""
    return planner.may_dispose(source, wishes, [job for job in jobs if not job.state.is_live])


def on_any_bytes(source, wishes, jobs):
    """Take what was published of the path, whatever it held."""
    return planner.may_dispose(source, wishes, [job._replace(bytes_key=source.bytes_key) for job in jobs])


def though_forgotten(source, wishes, jobs):
    """Forget that a person had it forgotten."""
    served = Served(id=source.id, bytes_key=source.bytes_key, realm=source.realm)
    return planner.may_dispose(served, wishes, jobs)


def though_fetched(source, wishes, jobs):
    """Take fetched for published."""
    taken = [job._replace(state=JobState.PUBLISHED) if job.state == JobState.FETCHED else job for job in jobs]
    return planner.may_dispose(source, wishes, taken)


def there_by_number(mine, there, *, replaces, is_taken, is_aside):
    """Know a job by its number alone."""
    is_mine = there is not None and there.job_id == mine.job_id
    return (
        Place.DONE
        if is_mine
        else planner.decide_place(mine, there, replaces=replaces, is_taken=is_taken, is_aside=is_aside)
    )


def there_by_hash(mine, there, *, replaces, is_taken, is_aside):
    """Know outputs by their separation alone."""
    is_mine = there is not None and there.hash == mine.hash
    return (
        Place.DONE
        if is_mine
        else planner.decide_place(mine, there, replaces=replaces, is_taken=is_taken, is_aside=is_aside)
    )


def whatever_is_intact(mine, there, *, replaces, is_taken, is_aside):
    """Exchange with whatever has a sidecar."""
    found = planner.decide_place(mine, there, replaces=replaces, is_taken=is_taken, is_aside=is_aside)
    return Place.EXCHANGE if found == Place.ASK and there is not None else found


def by_the_claim_alone(*, counted, noted, has_left):
    """Believe any claim."""
    return RootIs.EMPTIED if counted is None and noted is not None else RootIs.ITSELF


def without_the_others(*, is_live, sharing, kept):
    """Forget who else is on the separation."""
    return not is_live


def at_once(_):
    """Believe the first answer."""
    return True
