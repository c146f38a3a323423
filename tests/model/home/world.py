"""The local end as values: the state file, what the process knows, the folders, the spool, and what the service keeps.

Bytes are numbers: 1 is the song, 2 another one. A separation's hash is ten times the bytes, and the attempt. A job's
number is its place in `jobs`, from 1. Reserved places are numbers as well: a name, that name with (2), and so on. Every
rule asks for the same separation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from mvsep_watch.model import HoldKind, JobState

PLACES = 5
"""Names that the model reckons with; one more than any setting fills."""
A, B = 1, 2
"""Rules, as bits of what is in force."""
LIVE = tuple(state for state in JobState if state.is_live)


class Files(StrEnum):
    """In which state the files of a folder of outputs are."""

    PART = "part"
    WHOLE = "whole"
    CHANGED = "changed"
    """Somebody has changed them since they were fetched."""


class Folder(NamedTuple):
    """A folder of outputs, wherever it is; `job` 0 is a stranger's."""

    state: int
    job: int
    hash: int
    bytes: int
    rule: int
    files: Files = Files.WHOLE


STRANGER = Folder(0, 0, 0, 0, 0)


class Source(NamedTuple):
    """What the state knows of a path. `bytes`: as last read there, 0 for never."""

    bytes: int = 0
    pending: bool = False
    is_ignored: bool = False


class Job(NamedTuple):
    path: int
    bytes: int
    rule: int
    place: int
    state: JobState = JobState.QUEUED
    hash: int = 0
    outputs: Files | None = None
    """What the fetched files were when they were hashed."""
    hold: HoldKind | None = None
    resume: JobState = JobState.QUEUED
    wanted: int | None = None
    replaces: bool = False
    failures: int = 0


class State(NamedTuple):
    """The state file."""

    id: int = 1
    sources: tuple[Source, ...] = ()
    jobs: tuple[Job, ...] = ()
    separations: tuple[int, ...] = ()
    """The hashes of what is done."""


class Hand(NamedTuple):
    """A step under way: what it was told when it was handed out, and how far it is."""

    kind: str
    of: int
    stage: str
    hash: int = 0
    place: int = 0
    replaces: bool = False
    rules: int = 0
    files: Files = Files.WHOLE
    """What the files were that were fetched."""


class Budget(NamedTuple):
    """How often each kind of trouble, and each command, may still come."""

    crashes: int = 0
    replaced: int = 0
    removed: int = 0
    copied: int = 0
    rules: int = 0
    keeps: int = 0
    strangers: int = 0
    edits: int = 0
    taken: int = 0
    renamed: int = 0
    damaged: int = 0
    mounts: int = 0
    grounds: int = 0
    forgets: int = 0
    shorts: int = 0
    lags: int = 0
    redos: int = 0
    replaces: int = 0
    cancels: int = 0
    ignores: int = 0
    retries: int = 0
    backups: int = 0
    rebuilds: int = 0


NO_TROUBLE = Budget()


class World(NamedTuple):
    """Everything.

    Args:
        files: What each watched path holds, 0 for nothing.
        fresh: The paths whose file does not look as it did when it was read.
        aside: What is set aside beside each path.
        places: What stands in each reserved place.
        staged: Each job's staging.
        old: What an exchange in several steps has set aside for each job.
        spool: What the spool keeps for each number of a job.
        strays: What the spool keeps besides, of other separations.
        ready: The hashes whose results the service has.
        unsure: The paths beside which something may be set aside.
        missed: The paths that were not there when they were to be disposed of.
        is_doubtful: The `state` gate is closed.
        shown: The rules and bytes whose outputs were shown, whole.
        harm: The first thing that must not happen and did.
    """

    state: State
    files: tuple[int, ...]
    aside: tuple[int, ...]
    budget: Budget
    fresh: frozenset[int] = frozenset()
    rules: int = A
    keeps: bool = False
    places: tuple[Folder | None, ...] = (None,) * PLACES
    staged: tuple[Folder | None, ...] = ()
    old: tuple[Folder | None, ...] = ()
    spool: tuple[Folder | None, ...] = ()
    strays: frozenset[Folder] = frozenset()
    ready: frozenset[int] = frozenset()
    is_mounted: bool = True
    is_ground_there: bool = True
    hands: tuple[Hand, ...] = ()
    unsure: frozenset[int] = frozenset()
    missed: frozenset[int] = frozenset()
    is_doubtful: bool = False
    backup: State | None = None
    shown: frozenset[tuple[int, int]] = frozenset()
    harm: str | None = None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What holds for a whole run.

    Args:
        files: What the watched paths hold at the beginning.
        rules: Which rules are in force then.
        keeps: Whether sources are kept then.
        room: How many jobs the spool has room for.
        swaps: Whether the file system exchanges two names in one step.
        is_flat: Whether outputs lie side by side: shown file by file, the sidecar last.
        under_way: A world to begin with, in the middle of things.
    """

    files: tuple[int, ...] = (1,)
    rules: int = A
    keeps: bool = False
    room: int = 0
    swaps: bool = True
    is_flat: bool = False
    under_way: World | None = None
    budget: Budget = NO_TROUBLE

    def first_world(self) -> World:
        paths = len(self.files)
        if self.under_way is not None:
            return self.under_way._replace(budget=self.budget, rules=self.rules, keeps=self.keeps)
        return World(
            state=State(sources=(Source(),) * paths),
            files=self.files,
            fresh=frozenset(path for path, content in enumerate(self.files) if content),
            aside=(0,) * paths,
            budget=self.budget,
            rules=self.rules,
            keeps=self.keeps,
        )


def changed(items: tuple, index: int, item: Any) -> tuple:
    return (*items[:index], item, *items[index + 1 :])


def at(items: tuple, index: int) -> Any:
    """Give an item of what grows with the jobs."""
    return items[index] if index < len(items) else None


def put(items: tuple, index: int, item: Any) -> tuple:
    """Change an item of what grows with the jobs; what is empty at the end is no part of the world."""
    items = changed(items + (None,) * (index + 1 - len(items)), index, item)
    while items and items[-1] is None:
        items = items[:-1]
    return items


def with_job(world: World, number: int, **changes: Any) -> World:
    jobs = changed(world.state.jobs, number - 1, world.state.jobs[number - 1]._replace(**changes))
    return world._replace(state=world.state._replace(jobs=jobs))


def with_source(world: World, path: int, **changes: Any) -> World:
    sources = changed(world.state.sources, path, world.state.sources[path]._replace(**changes))
    return world._replace(state=world.state._replace(sources=sources))


def with_hand(world: World, hand: Hand, after: Hand | None) -> World:
    index = world.hands.index(hand)
    return world._replace(hands=world.hands[:index] + ((after,) if after else ()) + world.hands[index + 1 :])


def with_file(world: World, path: int, content: int) -> World:
    """Let a path hold other bytes, or none; a file that comes is not the one that was read, whatever it holds."""
    fresh = world.fresh | {path} if content else world.fresh - {path}
    return world._replace(files=changed(world.files, path, content), fresh=fresh)


def give(world: World, hand: Hand) -> World:
    return world._replace(hands=tuple(sorted((*world.hands, hand))))


def is_busy(world: World, kind: str, of: int) -> bool:
    """One step of a job at a time, and one disposal of a source."""
    is_disposal = kind == "dispose"
    return any(hand.of == of and (hand.kind == "dispose") == is_disposal for hand in world.hands)


def job(world: World, number: int) -> Job | None:
    return at(world.state.jobs, number - 1)


def numbers(world: World) -> range:
    return range(1, len(world.state.jobs) + 1)


def spend(world: World, what: str) -> World:
    return world._replace(budget=world.budget._replace(**{what: getattr(world.budget, what) - 1}))


def harmed(world: World, harm: str) -> World:
    return world if world.harm else world._replace(harm=harm)


def copies(world: World, hash_: int, but_for: int) -> list[Folder]:
    """Give the whole outputs of a separation that other jobs published, or that the spool keeps, and that are there."""
    kept = [*world.spool, *world.strays]
    if world.is_mounted:
        for number in numbers(world):
            other = job(world, number)
            if number != but_for and other.state == JobState.PUBLISHED and other.hash == hash_:
                kept.append(world.places[other.place])
    return [folder for folder in kept if folder and folder.hash == hash_ and folder.files == Files.WHOLE]


def can_be_had(world: World, number: int) -> bool:
    """Say whether a job's outputs are anywhere, or with the service."""
    hash_, state = job(world, number).hash, job(world, number).state
    staged = at(world.staged, number - 1) if state == JobState.FETCHED else None
    is_staged = staged is not None and staged.hash == hash_ and staged.files == Files.WHOLE
    return is_staged or hash_ in world.ready or bool(copies(world._replace(is_mounted=True), hash_, number))


Change = Callable[[Any, World, Any], World]
