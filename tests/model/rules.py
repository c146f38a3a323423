"""The rules as the project has them, and a few wrong ones that the model must be able to tell from them.

What is a pure decision is the project's own code. What is an order of steps is a switch here: True in `Rules()` is
what the daemon, the steps and the store do.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mvsep_watch import planner
from mvsep_watch.model import Account, CreditLimits, Gate, GateName
from mvsep_watch.planner import Absent, Ended, LookAgain, PlanLimits, Promptness, Proposal, Situation, Wait

SONG = Proposal(price=1, size_bytes=1, duration_s=60.0)
LINK = replace(SONG, is_tagged=False)
NO_LIMITS = CreditLimits(approve_batch_above=None)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The protocol.

    Args:
        looks_first: An intent, and every sending, needs a look at the history.
        releases_first: `released` is committed before the last chunk leaves.
        counts_sends: A hand whose send number is not current is told no, and its failure means nothing.
        claims_first: The generation is in the claim before the last chunk leaves.
        searches_after_close: The window starts when the connection is known to be closed.
        unknown_is_searched: After a restart, `released` without an answer is looked for.
        keeps_slot: An unknown keeps its slot until the server's queue is seen empty.
        asks_at_release: Gates, slots and money are asked about again for the last chunk.
        reserves_at_intent: An intent counts, in the transaction that commits it.
        counts_until_balance: A reservation counts until a balance was read after the end, whatever the history says.
        lag_from_release: A lag is counted from the release, not from when its hash was learned.
        younger_than_close: Younger than an unknown is what was released after its connection was closed.
        asks_before_failed: The history is asked for another row before `failed` is recorded.
        doubts_unexplained: What carries no tag is not sent again while the history lists what may be it.
        joining_keeps: A job that joins a separation takes the wish to cancel it back.
        cancels_with_server: `cancelled` is committed when the server has agreed.
    """

    serve: Callable[..., Any] = planner.serve
    verdict: Callable[..., Any] = planner.verdict
    may_start: Callable[..., Any] = planner.may_start
    best_row: Callable[..., Any] = planner.best_row
    looks_first: bool = True
    releases_first: bool = True
    counts_sends: bool = True
    claims_first: bool = True
    searches_after_close: bool = True
    unknown_is_searched: bool = True
    keeps_slot: bool = True
    asks_at_release: bool = True
    reserves_at_intent: bool = True
    counts_until_balance: bool = True
    lag_from_release: bool = True
    younger_than_close: bool = True
    asks_before_failed: bool = True
    cancels_with_server: bool = True
    joining_keeps: bool = True
    doubts_unexplained: bool = True


@functools.cache
def start(
    rules: Rules,
    *,
    is_doubtful: bool,
    slots: int,
    taken: int,
    balance: int | None,
    reserved: int,
    is_tagged: bool,
    is_one_unknown: bool,
) -> Any:
    """Ask the planner whether a separation may start; a claim newer than the state closes the `state` gate."""
    gate = Gate(name=GateName.STATE, reason="an old backup was restored")
    situation = Situation(
        gates=(gate,) if is_doubtful else (),
        plan=PlanLimits(separations=slots, per_day_jobs=None, max_size_bytes=None, max_duration_s=None),
        credits=NO_LIMITS,
        account=None if balance is None else Account(identity="me", credits=balance, premium_enabled=True),
        slots_taken=taken,
        reserved=reserved,
        is_untagged_unknown=is_one_unknown and not is_tagged,
    )
    return rules.may_start(SONG if is_tagged else LINK, situation)


@functools.cache
def judge(
    rules: Rules,
    *,
    age: int,
    reads: int,
    younger: bool,
    seen: int,
    late: bool,
    lag: int,
    releases: int,
    is_tagged: bool,
) -> Any:
    """Ask the planner what an unknown that was not found is."""
    search = planner.Search(since_s=0.0, reads=reads, last_begun_s=float(age), younger_was_listed=younger)
    promptness = Promptness(seen=seen, was_late=late, longest_lag_s=float(lag))
    return rules.verdict(search, promptness, window_s=1.0, releases=releases, is_tagged=is_tagged)


# Wrong ones


def after_one_read(search, promptness, *, window_s, releases, is_tagged):
    """Believe the first read."""
    found = planner.verdict(search, promptness, window_s=window_s, releases=releases, is_tagged=is_tagged)
    return Absent() if isinstance(found, LookAgain) else found


def without_sighting(search, promptness, *, window_s, releases, is_tagged):
    """Believe any history."""
    seen = Promptness(seen=1, was_late=False, longest_lag_s=promptness.longest_lag_s)
    return planner.verdict(search, seen, window_s=window_s, releases=releases, is_tagged=is_tagged)


def without_lag(search, promptness, *, window_s, releases, is_tagged):
    """Wait for the window, whatever the lag."""
    seen = Promptness(seen=promptness.seen, was_late=promptness.was_late, longest_lag_s=0.0)
    return planner.verdict(search, seen, window_s=window_s, releases=releases, is_tagged=is_tagged)


def absent_without_a_tag(search, promptness, *, window_s, releases, is_tagged):
    """Look for a tag that was never sent."""
    return planner.verdict(search, promptness, window_s=window_s, releases=releases)


def several_without_a_tag(proposal, situation):
    """Send the next link while it is not known what became of the last."""
    return planner.may_start(proposal, replace(situation, is_untagged_unknown=False))


def again_without_a_word(attempts, *, wanted, allowed_failures):
    """Begin anew what ended without results."""
    found = planner.serve(attempts, wanted=wanted, allowed_failures=allowed_failures)
    return planner.Begin(max(each.number for each in attempts) + 1) if isinstance(found, Ended) else found


def slots_only(proposal, situation):
    """Forget the money."""
    found = planner.may_start(proposal, situation)
    has_room = situation.slots_taken < situation.plan.separations
    return planner.Start(1) if isinstance(found, Wait) and not situation.gates and has_room else found


def oldest_row(rows):
    """Adopt the first row, whatever became of it."""
    return min((row for row, _ in rows), key=lambda row: row.id)
