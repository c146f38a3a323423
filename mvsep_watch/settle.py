"""Decides when a file has stopped changing and may be read.

A candidate is stable once size and times have stayed the same for the quiet period and it is not empty. No event
means "complete", so none is asked about; a writer that pauses is met by making the quiet period longer:

    seen unchanged, then changed        the writer pauses: the quiet period doubles, up to a cap
    a modification time of whole, even seconds    perhaps a clock of two seconds: at least two ticks
    taken before, and has grown since    its writer comes back: rests for twice the time that it stayed away
    held open for writing               waits, however long it lasts
    has holes that nobody has filled    waits, however long it lasts: its size is a promise, and not kept yet
    empty                               waits, however long it lasts

It never gives a file up and never takes one for being late. The surprise: a modification time that wanders by a few
milliseconds while the change time stands still is no change; some cluster file systems answer so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from mvsep_watch.model import FileStat

MAX_QUIET_S = 300.0
"""The longest quiet period that pauses lead to, unless the configuration asks for more."""
MAX_EARNED_S = 3600.0
"""The longest that a file rests which was taken before and has grown since."""
COARSE_TICK_NS = 2_000_000_000
"""The clock of FAT, and of some SMB servers."""
JITTER_NS = 10_000_000
"""Gluster's replicas disagree by milliseconds; a change that matters moves the change time too."""
ROUNDING_S = 0.001
"""A look at exactly the time that was asked for is not too early by a float's last digit."""
MIN_LOOK_S = 0.05
MAX_LOOK_S = 60.0
"""A file that waits for long is looked at no less often than this."""


class WaitReason(StrEnum):
    """Why a candidate is not taken yet."""

    CHANGING = "changing"
    SETTLING = "unchanged for less than the quiet period"
    EMPTY = "empty"
    INCOMPLETE = "incomplete: parts of it were never written"
    HELD_OPEN = "held open for writing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Look again at `until_s`, on the clock that `now_s` came from."""

    until_s: float
    reason: WaitReason


@dataclass(frozen=True, slots=True)
class Stable:
    """The file may be read."""


Decision = Wait | Stable


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is remembered of a file between two looks. Times are seconds on a monotonic clock.

    Args:
        since_s: When the file was first seen as it is now.
        first_seen_s: When it became a candidate; how long it has kept changing is counted from here.
        quiet_s: The quiet period that its writer has earned so far.
        rested_s: The longest that it was seen unchanged.
    """

    stat: FileStat
    since_s: float
    first_seen_s: float
    quiet_s: float
    rested_s: float = 0.0


def observe(
    candidate: Candidate | None,
    stat: FileStat,
    *,
    now_s: float,
    settle_s: float,
    earned_s: float = 0.0,
    held_open: bool = False,
    has_holes: bool = False,
) -> tuple[Candidate, Decision]:
    """Take one look at a file into account, and decide.

    Args:
        candidate: What the last look returned; None at the first.
        stat: The file as it is now.
        now_s: Seconds, monotonic.
        settle_s: The folder's quiet period.
        earned_s: The quiet period that its writer had earned before the first look.
        held_open: Whether somebody is known to have it open for writing.
        has_holes: Whether parts of it are known to have never been written.

    Returns:
        What to remember until the next look, and the decision.
    """
    if candidate is None:
        seen = Candidate(stat=stat, since_s=now_s, first_seen_s=now_s, quiet_s=max(settle_s, earned_s))
    elif _is_unchanged(candidate.stat, stat):
        seen = replace(candidate, rested_s=max(candidate.rested_s, now_s - candidate.since_s))
    else:
        seen = _changed(candidate, stat, now_s=now_s, settle_s=settle_s)
    return seen, _decide(seen, now_s=now_s, held_open=held_open, has_holes=has_holes)


def earned_quiet_s(*, away_s: float, times: int, rested_s: float) -> float:
    """Say how much longer a file rests that was taken before and has grown since; each time may be paid for.

    Args:
        away_s: How long it had rested when its writer came back.
        times: How often it was taken.
        rested_s: How long it has not changed by now, going by its times; what lies in the future says nothing.
    """
    longest_s = min(MAX_QUIET_S * 2.0 ** min(times - 1, 10), MAX_EARNED_S)
    return max(0.0, min(2 * away_s, longest_s) - max(0.0, rested_s))


def _is_unchanged(before: FileStat, now: FileStat) -> bool:
    jittered = abs(now.mtime_ns - before.mtime_ns) <= JITTER_NS
    return before == (now._replace(mtime_ns=before.mtime_ns) if jittered else now)


def _changed(candidate: Candidate, stat: FileStat, *, now_s: float, settle_s: float) -> Candidate:
    paused = candidate.rested_s > 0 and candidate.rested_s + ROUNDING_S >= candidate.quiet_s / 2
    longest_s = max(settle_s, MAX_QUIET_S, candidate.quiet_s)
    return replace(
        candidate,
        stat=stat,
        since_s=now_s,
        quiet_s=min(candidate.quiet_s * 2, longest_s) if paused else candidate.quiet_s,
        rested_s=0.0,
    )


def _decide(seen: Candidate, *, now_s: float, held_open: bool, has_holes: bool) -> Decision:
    rested_s = now_s - seen.since_s
    quiet_s = _quiet_period_s(seen)
    if seen.stat.size_bytes == 0:
        return Wait(until_s=_next_look_s(now_s, rested_s, quiet_s), reason=WaitReason.EMPTY)
    if held_open:
        return Wait(until_s=_next_look_s(now_s, rested_s, quiet_s), reason=WaitReason.HELD_OPEN)
    if rested_s + ROUNDING_S >= quiet_s and has_holes:
        return Wait(until_s=_next_look_s(now_s, rested_s, quiet_s), reason=WaitReason.INCOMPLETE)
    if rested_s + ROUNDING_S >= quiet_s:
        return Stable()
    # Half-way first: a change after a rest is how a pausing writer is told from a steady one.
    until_s = seen.since_s + (quiet_s if rested_s + ROUNDING_S >= quiet_s / 2 else quiet_s / 2)
    return Wait(until_s=until_s, reason=WaitReason.SETTLING if rested_s > 0 else WaitReason.CHANGING)


def _quiet_period_s(seen: Candidate) -> float:
    two_ticks_s = 2 * COARSE_TICK_NS / 1e9
    return max(seen.quiet_s, two_ticks_s) if seen.stat.mtime_ns % COARSE_TICK_NS == 0 else seen.quiet_s


def _next_look_s(now_s: float, rested_s: float, quiet_s: float) -> float:
    """Look ever less often at what has no end in sight."""
    return now_s + min(max(quiet_s / 2, rested_s / 2, MIN_LOOK_S), MAX_LOOK_S)
