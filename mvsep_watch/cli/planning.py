"""Adds up what an estimate found, and holds it against the limits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mvsep_watch.cli.estimating import Item
from mvsep_watch.cli.rendering import count, joined, size
from mvsep_watch.planner import Situation, any_limit
from mvsep_watch.pricing import SECONDS_A_MINUTE, in_words

SECONDS_PER_MINUTE = 30.0
"""How long a separation is taken to work per minute of audio, at least one; a rough guess, and told as one."""
NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is to be done by one rule of one folder, or in all.

    Args:
        waiting: Files that have a job.
        new: Files that a scan finds new.
        minutes: Of audio, as far as they are known, to a tenth.
        credits: At most, without those whose price is not known.
        unknown: Files whose price is not known.
        shared: Files that nothing more is paid for: another one of them pays, or it is paid already.
    """

    waiting: int = 0
    new: int = 0
    minutes: float = 0.0
    credits: int = 0
    unknown: int = 0
    shared: int = 0

    @classmethod
    def of(cls, items: Sequence[Item]) -> Line:
        """Add items up."""
        return cls(
            waiting=sum(not item.is_new for item in items),
            new=sum(item.is_new for item in items),
            minutes=round(sum(item.seconds or 0.0 for item in items) / SECONDS_A_MINUTE, 1),
            credits=sum(item.credits or 0 for item in items),
            unknown=sum(item.credits is None for item in items),
            shared=sum(item.is_shared for item in items),
        )

    def __add__(self, other: Line) -> Line:
        """Add two up, so that what is shown adds up."""
        return Line(
            waiting=self.waiting + other.waiting,
            new=self.new + other.new,
            minutes=round(self.minutes + other.minutes, 1),
            credits=self.credits + other.credits,
            unknown=self.unknown + other.unknown,
            shared=self.shared + other.shared,
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit on what may be sent, or spent, today: how much of it is left, and in words."""

    left: int
    words: str


def credit_bounds(situation: Situation) -> list[Bound]:
    """Give every limit on credits that is known, for an account that pays."""
    limits, account = situation.credits, situation.account
    bounds = []
    if account is not None and account.credits is not None:
        free = max(account.credits - situation.reserved - limits.reserve, 0)
        kept = f"balance {account.credits}, {situation.reserved} in use, {limits.reserve} kept back"
        bounds.append(Bound(free, f"{in_words(free)} of the account: {kept}"))
    for name, limit, spent in (
        ("day", limits.per_day, situation.spent_today),
        ("month", limits.per_month, situation.spent_this_month),
    ):
        if limit is not None:
            left = max(limit - spent, 0)
            bounds.append(Bound(left, f"{left} of {in_words(limit)} for this {name} (limits.credits.per_{name})"))
    return bounds


def job_bounds(situation: Situation) -> list[Bound]:
    """Give the limit on separations a day, if there is one."""
    limit = situation.plan.per_day_jobs
    if limit is None:
        return []
    left = max(limit - situation.sent_today, 0)
    return [Bound(left, f"{left} of {count(limit, 'separation')} for today (limits.per_day_jobs)")]


def left(bounds: Iterable[Bound]) -> int | None:
    """Give what the tightest of some limits leaves; None where there is none."""
    return min((bound.left for bound in bounds), default=None)


def asks(items: Sequence[Item], situation: Situation, *, must_ask: bool) -> Iterator[str]:
    """Say what would wait for `approve`, a sentence each.

    Args:
        items: What is to be done.
        situation: With the limits.
        must_ask: Whether everything new is asked about, whatever it costs.
    """
    limits = situation.credits
    if held := [item for item in items if item.is_held]:
        yield f"{_files(held)} held for {_sum(held)} already"
    open_ = [item for item in items if not (item.is_held or item.is_approved or item.is_shared)]
    for folder in dict.fromkeys(item.folder.name for item in open_):
        batch = [item for item in open_ if item.is_new and item.folder.name == folder]
        together, most = sum(item.credits or 0 for item in batch), limits.approve_batch_above
        if batch and must_ask:
            yield f"{folder}: all that is new, for {_sum(batch)}: the state was begun anew"
        elif most is not None and together > most:
            yield f"{folder}: a batch for {_sum(batch)}: more than limits.credits.approve_batch_above ({most})"
    most = limits.approve_job_above
    if dear := [item for item in open_ if most is not None and (item.credits or 0) > most]:
        yield f"{_files(dear)} for {_sum(dear)}: each more than limits.credits.approve_job_above ({most})"
    if unknown := [item for item in open_ if item.credits is None and any_limit(limits)]:
        yield f"{_files(unknown)}: the price is not known, and credits are limited"


def waits(items: Sequence[Item], situation: Situation) -> Iterator[str]:
    """Say what the plan's limits on single files keep back, a sentence each."""
    plan = situation.plan
    largest, longest = plan.max_size_bytes, plan.max_duration_s
    if large := [item for item in items if largest is not None and item.size_bytes > largest]:
        yield f"{_files(large)}: larger than limits.max_size allows ({size(largest or 0)})"
    if long := [item for item in items if longest is not None and (item.seconds or 0) > longest]:
        yield f"{_files(long)}: longer than limits.max_duration allows ({(longest or 0) / SECONDS_A_MINUTE:g} min)"


def takes_s(items: Sequence[Item], *, slots: int) -> float:
    """Guess how long the service works on all of it, seconds, so many at once.

    Args:
        items: What is to be done; those without a length count as a minute.
        slots: Separations at once.
    """
    minutes = [max((item.seconds or 0.0) / SECONDS_A_MINUTE, 1.0) for item in items if not item.is_shared]
    return max(sum(minutes) / max(slots, 1), max(minutes, default=0.0)) * SECONDS_PER_MINUTE


def _sum(items: Sequence[Item]) -> str:
    more = " or more" if any(item.credits is None for item in items) else ""
    return f"{in_words(sum(item.credits or 0 for item in items))}{more}"


def _files(items: Sequence[Item]) -> str:
    names = list(dict.fromkeys(item.name for item in items))
    more = [f"{len(names) - NAMES_SHOWN} more"] if len(names) > NAMES_SHOWN else []
    return joined([*names[:NAMES_SHOWN], *more])
