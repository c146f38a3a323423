"""When a separation is asked for again: from what its like took before, its place in the queue, and its chunks.

How long a separation works is learned per minute of audio, apart from the time that it waits in the service's queue.
The first question comes shortly before the soonest end that was learned; around the end each next one comes a small
share of the elapsed time later, so that an end is noticed within that share of it; late ones are asked for ever more
rarely. Where nothing was learned the wait grows with every question.
"""

from __future__ import annotations

from dataclasses import dataclass

GROWTH = 1.3
"""Twelve polls reach a minute from 3 s; the first minute of a separation is asked for eight times."""
LEAST_STEP, MOST_STEP = 0.013, 0.047
"""Of the elapsed time, between polls around the end: a finished one is noticed within 5 % of its length."""
STEPS = 5
"""How many polls cover the time in which nearly all of them end; where that is short they lie closer together."""
LATE_GROWTH = 4
"""The power of how late it is: at one and a half times the latest end learned, polls are five times as rare."""
WEIGHT = 0.1
"""Of the latest separation in what is learned: after a change of the service, twenty of them teach the new times."""
BELIEVED = 2.0
"""No separation counts as more than so many times slower or faster than its like: one that got stuck teaches little."""
FIRST_SPREAD = 0.15
SPREADS = 2.5
"""So many mean deviations around the typical length hold nearly all lengths."""
LEAST_MARGIN, MOST_MARGIN = 0.04, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What separations of one kind took.

    Args:
        seconds_per_minute: How long they work per minute of audio.
        spread: The mean deviation from it, as a share.
        count: How many taught it.
    """

    seconds_per_minute: float
    spread: float = FIRST_SPREAD
    count: int = 1

    @property
    def margin(self) -> float:
        """How much sooner or later than is typical one may end, as a share."""
        return min(max(SPREADS * self.spread, LEAST_MARGIN), MOST_MARGIN)

    @property
    def step(self) -> float:
        """How much later, as a share of the elapsed time, the next poll around the end is."""
        return min(max(2 * self.margin / STEPS, LEAST_STEP), MOST_STEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a separation is.

    Args:
        minutes: Of audio, as `minutes_of` counts them.
        elapsed_s: Since it was sent, or since it was last seen waiting in the queue.
        is_waiting: Whether it waits in the queue.
        wait_left_s: How long it will wait there still, as far as that is known.
        share: How much of it is done, where the service says so.
    """

    minutes: float
    elapsed_s: float
    is_waiting: bool = False
    wait_left_s: float = 0.0
    share: float = 0.0


def minutes_of(duration_s: float) -> float:
    """Give the minutes that count: at least one, for what is shorter takes hardly less."""
    return max(duration_s / 60, 1.0)


def poll_delay_s(polls: int, *, least_s: float, most_s: float) -> float:
    """Give seconds until the next poll where nothing was learned: growing, from the least to the most."""
    return float(min(most_s, least_s * GROWTH ** min(polls, 60)))


def learned_delay_s(progress: Progress, learned: Learned, *, least_s: float, most_s: float) -> float:
    """Give seconds until the next poll, from the least to the most."""
    return min(most_s, max(least_s, _delay_s(progress, learned)))


def _delay_s(progress: Progress, learned: Learned) -> float:
    typical_s = learned.seconds_per_minute * progress.minutes
    soonest_s, latest_s = typical_s * (1 - learned.margin), typical_s * (1 + learned.margin)
    if progress.is_waiting:
        return progress.wait_left_s + soonest_s
    lateness = max(1.0, progress.elapsed_s / latest_s)
    step_s = learned.step * progress.elapsed_s * lateness**LATE_GROWTH
    if progress.share:
        return max(step_s, typical_s * (1 - progress.share - learned.margin))
    return max(step_s, soonest_s - progress.elapsed_s)


def work_left_s(learned: Learned | None, *, duration_s: float | None, elapsed_s: float) -> float | None:
    """Say how long a separation that waits no more will work still, as is typical of its like; None is unknown."""
    if learned is None or duration_s is None:
        return None
    return max(0.0, learned.seconds_per_minute * minutes_of(duration_s) - max(0.0, elapsed_s))


def wait_left_s(place: int | None, *, was: int | None, since_s: float) -> float:
    """Say how long a place in the queue lasts, from how fast it has moved; 0 where that is not known."""
    if place is None or was is None or place >= was:
        return 0.0
    return place * since_s / (was - place)


def learn(before: Learned | None, *, took_s: float, minutes: float) -> Learned:
    """Take in how long a separation worked, the latest more than those long ago."""
    seconds = took_s / minutes
    if before is None:
        return Learned(seconds_per_minute=seconds)
    typical = before.seconds_per_minute
    believed = min(max(seconds, typical / BELIEVED), typical * BELIEVED)
    weight = max(WEIGHT, 1 / (before.count + 1))
    return Learned(
        seconds_per_minute=typical + weight * (believed - typical),
        spread=before.spread + weight * (abs(believed / typical - 1) - before.spread),
        count=before.count + 1,
    )
