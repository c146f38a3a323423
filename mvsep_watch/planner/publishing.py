"""Where finished outputs go, and what of them may be let go: the reserved place, the output root, the spool.

Nothing that stands in a reserved place is ever taken for a job's own, or replaced, unless it says so itself. Results
that were paid for stay until no job needs them any more.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from mvsep_watch.model import Provenance

RESULTS_GONE_TIMES = 4
"""How often in a row the results must be gone before it is believed: a mirror can lag behind."""


class Place(StrEnum):
    """What is to be done at the place that is reserved for a job's outputs."""

    DONE = "done"
    """They are there already, by this job and from this separation."""
    SHOW = "show"
    """They get the name, which must be free: what stands there otherwise is never replaced."""
    EXCHANGE = "exchange"
    """They take the place of what was published there, if that is unchanged."""
    ASK = "ask"
    """They were to replace something, and something else stands there."""


def decide_place(
    mine: Provenance, there: Provenance | None, *, replaces: bool, is_taken: bool, is_aside: bool = False
) -> Place:
    """Decide what is to be done at a reserved place.

    Args:
        mine: What is to be published.
        there: What the folder in the place says of itself; None where it says nothing.
        replaces: Whether a person asked for the old outputs to be replaced.
        is_taken: Whether anything stands in the place.
        is_aside: Whether an exchange that was broken off had set the old outputs aside.
    """
    if there is not None and there.is_of(mine):
        return Place.DONE
    if not replaces or not (is_taken or is_aside):
        return Place.SHOW
    if is_taken and (there is None or not _asks_the_same(mine, there)):
        return Place.ASK
    return Place.EXCHANGE


def _asks_the_same(mine: Provenance, there: Provenance) -> bool:
    """Say whether both are of one rule on one input: whose place it was is not known otherwise after a rebuild."""
    return (there.input_key, there.folder, there.rule) == (mine.input_key, mine.folder, mine.rule)


class RootIs(StrEnum):
    """What the folder at an output root's path is, compared with what was noted of the root."""

    ITSELF = "itself"
    AWAY = "away"
    """Its disk is away: what is there is the bare mount point, or a claim from before the disk was first mounted."""
    EMPTIED = "emptied"
    """Its claim is gone."""


def judge_root(*, counted: int | None, noted: int | None, has_left: bool) -> RootIs:
    """Judge what is at an output root's path.

    Args:
        counted: The generation in the claim that is there; None without one.
        noted: The generation when the root was last seen to be itself; None where no claim is expected.
        has_left: Whether it lies on another mount than it did, namely on what that one's mount point lies on.
    """
    if has_left and (counted is None or counted < (noted or 0)):
        return RootIs.AWAY
    if counted is None and noted is not None:
        return RootIs.EMPTIED
    return RootIs.ITSELF


def results_are_gone(failures: int) -> bool:
    """Say whether it is believed that the service has results no longer, after so many answers and one more."""
    return failures + 1 >= RESULTS_GONE_TIMES


def may_leave_spool(*, is_live: bool, sharing: Collection[int], kept: Collection[int]) -> bool:
    """Say whether nobody needs any longer what the spool keeps for a job.

    Args:
        is_live: Whether the job is not finished.
        sharing: The live jobs on the same separation, which may have to take their outputs from here.
        kept: The jobs that the spool keeps outputs for.
    """
    return not is_live and all(job_id in kept for job_id in sharing)
