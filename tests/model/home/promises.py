"""What must hold in every state of the local end, and wherever it comes to rest."""

from itertools import zip_longest

from mvsep_watch.model import HoldKind
from tests.model.home.game import (
    CALLED_GONE,
    LEFT,
    LEFT_IN_THE_SPOOL,
    NOT_SAID_WHY,
    SHOWN_IN_PART,
    STAYS,
    STAYS_ASIDE,
    Game,
)
from tests.model.home.owner import begin, is_forgotten, may_go, says_why
from tests.model.home.world import Files, World, at, can_be_had, job, numbers

SAID = ("rules", "keeps", "cancels", "ignores", "retries", "redos", "backups", "rebuilds")
"""What a person may change besides, after which a source may stay."""


def broken_promise(_: Game, world: World) -> str | None:
    """Name a promise that was broken."""
    return world.harm


def broken_at_rest(game: Game, world: World) -> str | None:
    """Name a promise that does not hold where nothing more happens by itself."""
    return (
        _stuck(world)
        or _in_part(game, world)
        or _called_gone(world)
        or _aside(world)
        or _left(game, world)
        or _left_in_the_spool(world)
        or _stays(game, world)
    )


def _stuck(world: World) -> str | None:
    is_said = all(says_why(world, own) for own in world.state.jobs if own.state.is_live)
    return None if is_said else NOT_SAID_WHY


def _in_part(game: Game, world: World) -> str | None:
    """What is shown without a folder is whole, or is taken back by the next process."""
    after = begin(game, world)
    for there in after.places if world.is_mounted else ():
        own = job(after, there.job) if there else None
        if there is not None and there.files == Files.PART and not (own and own.state.is_live):
            return SHOWN_IN_PART
    return None


def _called_gone(world: World) -> str | None:
    for number in numbers(world):
        if job(world, number).hold == HoldKind.OUTPUTS_GONE and can_be_had(world, number):
            return CALLED_GONE
    return None


def _aside(world: World) -> str | None:
    return STAYS_ASIDE if world.is_ground_there and any(world.aside) else None


def _left(game: Game, world: World) -> str | None:
    """What has no live job is gone after the next start."""
    after = begin(game, world)
    for number, there in enumerate(zip_longest(after.staged, after.old), 1):
        own = job(after, number)
        if any(there) and not (own and own.state.is_live) and world.is_mounted:
            return LEFT
    return None


def _left_in_the_spool(world: World) -> str | None:
    """Only what is of another separation than the job with its number may stay."""
    for number in numbers(world):
        there, own = at(world.spool, number - 1), job(world, number)
        is_needed = any(each.hash == own.hash and each.state.is_live for each in world.state.jobs)
        if there is not None and there.hash == own.hash and not is_needed:
            return LEFT_IN_THE_SPOOL
    return None


def _stays(game: Game, world: World) -> str | None:
    """A source that every rule in force has published is gone, where it may be; only a publication has it looked at."""
    budget = game.setting.budget
    if any(getattr(world.budget, what) < getattr(budget, what) for what in SAID):
        return None
    for path, row in enumerate(world.state.sources):
        is_there = world.is_ground_there and world.files[path] == row.bytes != 0
        if is_there and not is_forgotten(world, row.bytes) and may_go(game, world, path, world.rules):
            return STAYS
    return None
