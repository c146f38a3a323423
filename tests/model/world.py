"""The world of the model: what the state file holds, what the process knows, what is under way, what the server has.

Everything is a value that can be hashed. A separation is named by its key, (work, attempt); a job on the server by its
place in `remotes`. Time is counted in ticks, as ages, which stop growing where nothing depends on them any more: so the
world has finitely many states.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mvsep_watch.model import HoldKind, JobState, SeparationState

Key = tuple[int, int]
WINDOW = 1
"""Ticks that absence needs at least; a history that lags has a longer lag."""
LAG = 2
OLDEST = 3 * LAG


class Stage(StrEnum):
    """How far a hand has come with an upload."""

    UPLOADING = "uploading"
    GRANTED = "granted"
    CLAIMED = "claimed"
    LEFT = "left"
    """The last chunk has left; the server may have it or not."""
    MADE = "made"
    BUSY = "busy"
    """The server said "not now"."""
    REFUSED = "refused"
    """The server said "never"."""


BEFORE_LAST_CHUNK = (Stage.UPLOADING, Stage.GRANTED, Stage.CLAIMED)
ANSWERED = (Stage.MADE, Stage.BUSY, Stage.REFUSED)


class Separation(NamedTuple):
    work: int
    number: int
    state: SeparationState = SeparationState.INTENDED
    releases: int = 0
    remote: int | None = None
    keeps_slot: bool = True
    cancel_wanted: bool = False
    was_refused: bool = False
    is_charged: bool = False
    balance_read: bool = False

    @property
    def key(self) -> Key:
        return (self.work, self.number)


class Job(NamedTuple):
    work: int = 0
    state: JobState = JobState.QUEUED
    hold: HoldKind | None = None
    key: Key | None = None
    wanted: int | None = None


class State(NamedTuple):
    """The state file."""

    separations: tuple[Separation, ...] = ()
    jobs: tuple[Job, ...] = ()
    generation: int = 0
    order: tuple[Key, ...] = ()
    """In which order they were released last."""
    seen: int = 0
    was_late: bool = False
    lag: int = 0


class Search(NamedTuple):
    key: Key
    age: int = 0
    reads: int = 0
    last_begun: int = -1
    younger: tuple[Key, ...] = ()
    """Which separations count as younger."""
    younger_was_listed: bool = False


class Sighting(NamedTuple):
    key: Key
    age: int = 0
    looks: int = 0
    lag: int | None = None
    """How late it was listed; None while it is not."""
    tells_lag: bool = True
    """False where an earlier process learned the hash."""


class Memory(NamedTuple):
    """What only the process knows; a crash takes it."""

    has_looked: bool = False
    known: tuple[int, ...] = ()
    """The rows that the history listed."""
    searches: tuple[Search, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    endings: tuple[Key, ...] = ()
    balance: int | None = None


class Hand(NamedTuple):
    key: Key
    stage: Stage = Stage.UPLOADING
    is_current: bool = True
    """Whether its send number is the newest of the separation."""
    note: int = 0
    """The generation to claim, later what the server made."""


class Remote(NamedTuple):
    work: int
    number: int
    status: str = "waiting"
    age: int = 0
    is_double: bool = False
    """Made by the service itself out of one upload, and its own to pay for."""

    @property
    def key(self) -> Key:
        return (self.work, self.number)


class Budget(NamedTuple):
    """How often each kind of trouble, and each command, may still come."""

    crashes: int = 0
    drops: int = 0
    breaks: int = 0
    refusals: int = 0
    failures: int = 0
    doubles: int = 0
    backups: int = 0
    redos: int = 0
    cancels: int = 0
    recognitions: int = 0


NO_TROUBLE = Budget()


class World(NamedTuple):
    state: State
    budget: Budget
    memory: Memory = Memory()
    hands: tuple[Hand, ...] = ()
    flying: tuple[Key, ...] = ()
    """Last chunks on their way from connections that are closed."""
    remotes: tuple[Remote, ...] = ()
    claim: int = 0
    backup: State | None = None
    words: frozenset[Key] = frozenset()
    """The attempts that a person asked for, and (work, 0) where a person gave an unknown up."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What holds for a whole run.

    Args:
        lag: Ticks until the history lists a job.
        lists_unfinished: Whether it ever lists a job that has not ended.
        is_tagged: Whether a job on the server shows whose it is; links, texts and pairs do not.
        counts_releases: Whether claims matter; else a hand goes straight to its last chunk.
        counts_money: Whether balance and reservations matter; else the balance is known and enough.
        under_way: A world to begin with, in the middle of things.
        hung_hands: Whether a second hand may be sent out while the first one hangs.
    """

    jobs: tuple[int, ...] = (0,)
    lag: int = 0
    lists_unfinished: bool = True
    seen: int = 0
    was_late: bool = False
    longest_lag: int = 0
    slots: int = 2
    balance: int = 9
    counts_money: bool = False
    counts_releases: bool = True
    attempts: int = 1
    hung_hands: bool = False
    is_tagged: bool = True
    made_before: tuple[Remote, ...] = ()
    under_way: World | None = None
    budget: Budget = NO_TROUBLE

    def first_memory(self) -> Memory:
        return Memory(balance=None if self.counts_money else self.balance)

    def first_world(self) -> World:
        if self.under_way is not None:
            return self.under_way._replace(budget=self.budget, memory=self.first_memory())
        return World(
            state=State(
                jobs=tuple(Job(work) for work in self.jobs),
                seen=self.seen,
                was_late=self.was_late,
                lag=self.longest_lag,
            ),
            budget=self.budget,
            memory=self.first_memory(),
            remotes=self.made_before,
        )


UNFINISHED = (SeparationState.INTENDED, SeparationState.RELEASED, SeparationState.SUBMITTED)
OVER = (JobState.PUBLISHED, JobState.FAILED, JobState.CANCELLED)


def separation(world: World, key: Key | None) -> Separation | None:
    return next((row for row in world.state.separations if row.key == key), None)


def with_separation(world: World, key: Key, **changes) -> World:
    rows = tuple(row._replace(**changes) if row.key == key else row for row in world.state.separations)
    return world._replace(state=world.state._replace(separations=rows))


def with_jobs(world: World, change, *, key: Key) -> World:
    """Change the live jobs that a separation serves."""
    jobs = tuple(change(job) if job.key == key and job.state not in OVER else job for job in world.state.jobs)
    return world._replace(state=world.state._replace(jobs=jobs))


def with_job(world: World, index: int, job: Job) -> World:
    jobs = (*world.state.jobs[:index], job, *world.state.jobs[index + 1 :])
    return world._replace(state=world.state._replace(jobs=jobs))


def without_search(world: World, key: Key) -> World:
    memory = world.memory
    return world._replace(memory=memory._replace(searches=tuple(item for item in memory.searches if item.key != key)))


def with_remote(world: World, place: int, **changes) -> World:
    changed = world.remotes[place]._replace(**changes)
    return world._replace(remotes=(*world.remotes[:place], changed, *world.remotes[place + 1 :]))


def with_hand(world: World, hand: Hand, changed: Hand | None) -> World:
    """Change one hand, or let it go."""
    index = world.hands.index(hand)
    return world._replace(hands=world.hands[:index] + ((changed,) if changed else ()) + world.hands[index + 1 :])


def spend(world: World, what: str) -> World:
    return world._replace(budget=world.budget._replace(**{what: getattr(world.budget, what) - 1}))


def live_jobs(world: World, key: Key) -> list[Job]:
    return [job for job in world.state.jobs if job.key == key and job.state not in OVER]


def served_by(world: World, hand: Hand) -> Separation | None:
    """Give the separation that a hand is current for."""
    return separation(world, hand.key) if hand.is_current else None


def unfinished_remotes(world: World) -> int:
    return sum(remote.status == "waiting" and not remote.is_double for remote in world.remotes)


def server_balance(setting: Setting, world: World) -> int:
    paid = sum(remote.status in ("waiting", "done") and not remote.is_double for remote in world.remotes)
    return setting.balance - paid


def known_as(setting: Setting, world: World, *keys: Key) -> list[int]:
    """Give the rows of the last look that carry one of these tags."""
    return [place for place in world.memory.known if setting.is_tagged and world.remotes[place].key in keys]


def unexplained(setting: Setting, world: World) -> list[int]:
    """Give what the history lists and no separation is known as."""
    explained = {row.remote for row in world.state.separations}
    return [
        place
        for place, remote in enumerate(world.remotes)
        if is_listed(setting, remote) and place not in explained and not remote.is_double
    ]


def is_listed(setting: Setting, remote: Remote) -> bool:
    return remote.age >= setting.lag and (setting.lists_unfinished or remote.status != "waiting")
