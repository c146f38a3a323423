"""When a separation is expected to end: follows each one from its sending, and learns from how long it took.

Only what this process has followed from the start teaches anything; what the state remembers from others serves as
well. The end lies between the last answer that said unfinished and the first that says done; its middle is learned.
"""

from __future__ import annotations

from dataclasses import dataclass

from mvsep_watch.daemon.context import Context
from mvsep_watch.model import Remote
from mvsep_watch.planner.polling import Learned, Progress, learn, learned_delay_s, minutes_of, poll_delay_s, wait_left_s
from mvsep_watch.store import SeparationRow

FOLLOWED_WITHIN_S = 15.0
"""One whose first poll was due longer ago than this is not followed from its start."""
WAITING = "waiting"


@dataclass(slots=True, kw_only=True)
class Followed:
    """A separation as this process has seen it; ages are seconds since it was sent.

    Args:
        is_from_its_start: Whether nothing of its way was missed.
        waited_s: Its age when it was last seen waiting in the queue.
        unfinished_s: Its age when it was last seen unfinished.
        place: Its place in the queue when that was first seen, and its age then.
    """

    is_from_its_start: bool
    waited_s: float = 0.0
    unfinished_s: float | None = None
    place: tuple[int, float] | None = None


class Expecting:
    """What is expected of the separations under way."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._followed: dict[int, Followed] = {}

    def first_delay_s(self, row: SeparationRow) -> float:
        """Give seconds until one that was sent just now need be asked for; 0 where nothing was learned of its like."""
        followed, learned = self._follow(row), self._learned(row)
        if learned is None or row.duration_s is None or not followed.is_from_its_start:
            return 0.0
        progress = Progress(minutes=minutes_of(row.duration_s), elapsed_s=self._age_s(row))
        return self._within(progress, learned)

    def delay_s(self, row: SeparationRow, remote: Remote, *, polls: int) -> float:
        """Take note of an answer that it is unfinished, and give seconds until the next poll."""
        followed, age_s = self._follow(row), self._age_s(row)
        if remote.is_unfinished:
            followed.unfinished_s = age_s
        if remote.status == WAITING:
            followed.waited_s = age_s
        learned = self._learned(row)
        if learned is None or row.duration_s is None or not remote.is_unfinished:
            poll = self._context.config.service.poll
            return poll_delay_s(polls, least_s=poll.min_s, most_s=poll.max_s)
        progress = Progress(
            minutes=minutes_of(row.duration_s),
            elapsed_s=age_s - followed.waited_s,
            is_waiting=remote.status == WAITING,
            wait_left_s=_wait_left_s(followed, remote, age_s),
            share=_share(remote),
        )
        return self._within(progress, learned)

    def ended(self, row: SeparationRow) -> None:
        """Learn from one that is done how long it took."""
        followed = self._followed.get(row.id)
        if followed is None or not followed.is_from_its_start or row.duration_s is None:
            return
        age_s = self._age_s(row)
        end_s = age_s if followed.unfinished_s is None else (age_s + followed.unfinished_s) / 2
        took_s = end_s - followed.waited_s
        if took_s <= 0:
            return
        learned = learn(self._learned(row), took_s=took_s, minutes=minutes_of(row.duration_s))
        self._context.store.durations.put(
            learned,
            realm=row.realm,
            settings=row.settings,
            has_premium=self._has_premium,
            now=self._context.clock.now(),
        )

    def forget(self, separation_id: int) -> None:
        """Follow one no longer."""
        self._followed.pop(separation_id, None)

    def _follow(self, row: SeparationRow) -> Followed:
        if row.id not in self._followed:
            latest_s = self._context.config.service.poll.min_s + FOLLOWED_WITHIN_S
            self._followed[row.id] = Followed(is_from_its_start=self._age_s(row) <= latest_s)
        return self._followed[row.id]

    def _within(self, progress: Progress, learned: Learned) -> float:
        poll = self._context.config.service.poll
        return learned_delay_s(progress, learned, least_s=poll.min_s, most_s=poll.max_s)

    def _learned(self, row: SeparationRow) -> Learned | None:
        store = self._context.store
        return store.durations.get(realm=row.realm, settings=row.settings, has_premium=self._has_premium)

    @property
    def _has_premium(self) -> bool:
        return self._context.account is not None and self._context.account.has_premium

    def _age_s(self, row: SeparationRow) -> float:
        return max(0.0, self._context.age_s(row.released_at or row.intended_at))


def _wait_left_s(followed: Followed, remote: Remote, age_s: float) -> float:
    if remote.current_order is None:
        return 0.0
    if followed.place is None:
        followed.place = (remote.current_order, age_s)
    was, since_s = followed.place
    return wait_left_s(remote.current_order, was=was, since_s=age_s - since_s)


def _share(remote: Remote) -> float:
    return min(1.0, (remote.finished_chunks or 0) / remote.all_chunks) if remote.all_chunks else 0.0
