"""Everything that the owner does not do: the server, the network, time, crashes, people."""

from collections.abc import Callable

from mvsep_watch.model import HoldKind, JobState
from tests.model.game import INTENDED, LOST, RELEASED, SUBMITTED, Game
from tests.model.looks import end
from tests.model.uploads import give_up, learn, not_made, search_for
from tests.model.world import (
    LAG,
    OLDEST,
    OVER,
    UNFINISHED,
    Hand,
    Job,
    Key,
    Remote,
    Sighting,
    Stage,
    World,
    live_jobs,
    separation,
    spend,
    unexplained,
    with_hand,
    with_job,
    with_remote,
    with_separation,
)


def make(world: World, key: Key, *, doubled: bool = False) -> World:
    made = (Remote(*key), Remote(*key, is_double=True)) if doubled else (Remote(*key),)
    return world._replace(remotes=world.remotes + made)


def arrive(_: Game, world: World, hand: Hand) -> World:
    return with_hand(make(world, hand.key), hand, hand._replace(stage=Stage.MADE, note=len(world.remotes)))


def arrive_doubled(_: Game, world: World, hand: Hand) -> World:
    world = make(spend(world, "doubles"), hand.key, doubled=True)
    return with_hand(world, hand, hand._replace(stage=Stage.MADE, note=len(world.remotes) - 2))


def refuse(stage: Stage) -> Callable[[Game, World, Hand], World]:
    return lambda _, world, hand: with_hand(spend(world, "refusals"), hand, hand._replace(stage=stage))


def arrive_late(_: Game, world: World, key: Key) -> World:
    return make(vanish(_, world, key), key)


def vanish(_: Game, world: World, key: Key) -> World:
    index = world.flying.index(key)
    return world._replace(flying=world.flying[:index] + world.flying[index + 1 :])


def finish(status: str) -> Callable[[Game, World, int], World]:
    def then(_: Game, world: World, place: int) -> World:
        world = spend(world, "failures") if status == "failed" else world
        return with_remote(world, place, status=status)

    return then


def tick(game: Game, world: World, _: None) -> World:
    """Let time pass."""
    memory = world.memory._replace(
        has_looked=False,
        known=(),
        searches=tuple(search._replace(age=min(search.age + 1, OLDEST)) for search in world.memory.searches),
        sightings=tuple(grown(game, sighting) for sighting in world.memory.sightings),
    )
    aged = tuple(remote._replace(age=min(remote.age + 1, game.setting.lag)) for remote in world.remotes)
    return world._replace(memory=memory, remotes=aged)


def grown(game: Game, sighting: Sighting) -> Sighting:
    return sighting if game.rules.lag_from_release else sighting._replace(age=min(sighting.age + 1, LAG))


def crash(game: Game, world: World, _: None) -> World:
    """The process dies and starts again: its hands and all that only it knew are gone."""
    flew = tuple(hand.key for hand in world.hands if hand.stage == Stage.LEFT)
    memory = game.setting.first_memory()
    world = spend(world, "crashes")._replace(memory=memory, hands=(), flying=world.flying + flew)
    for row in world.state.separations:
        if row.state == RELEASED and game.rules.unknown_is_searched:
            world = search_for(game, world, row.key)
        elif row.state == RELEASED:
            world = with_separation(world, row.key, state=INTENDED)
    return look_for_older_hashes(world) if world.memory.searches else world


def look_for_older_hashes(world: World) -> World:
    """Whether they are listed while unfinished tells something about the unknowns, but not how late they were."""
    rows = [row for row in world.state.separations if row.state == SUBMITTED]
    return world._replace(
        memory=world.memory._replace(sightings=tuple(Sighting(row.key, tells_lag=False) for row in rows))
    )


def back_up(_: Game, world: World, __: None) -> World:
    return spend(world, "backups")._replace(backup=world.state)


def restore(game: Game, world: World, _: None) -> World:
    """An older copy of the state takes the place of the newest."""
    return crash(game, world._replace(state=world.backup, backup=None), None)


def may_redo(_: Game, world: World, index: int) -> bool:
    """A person may ask for another attempt of what ended or is unknown, with none under way."""
    job = world.state.jobs[index]
    rows = [row for row in world.state.separations if row.work == job.work]
    is_idle = not any(row.state in (INTENDED, SUBMITTED) for row in rows)
    return bool(world.budget.redos) and job.hold in (HoldKind.ENDED, HoldKind.UNKNOWN) and is_idle


def redo(_: Game, world: World, index: int) -> World:
    job = world.state.jobs[index]
    for row in world.state.separations:
        if row.work == job.work and row.state == RELEASED:
            world = end(world, row.key, LOST)
    number = max(row.number for row in world.state.separations if row.work == job.work) + 1
    world = spend(world, "redos")._replace(words=world.words | {(job.work, number)})
    return with_job(world, index, Job(job.work, wanted=number))


def may_cancel(_: Game, world: World, index: int) -> bool:
    return bool(world.budget.cancels) and world.state.jobs[index].state not in OVER


def cancel(_: Game, world: World, index: int) -> World:
    """A person ends a job; its separation only when no other live job needs it."""
    job = world.state.jobs[index]
    world = with_job(spend(world, "cancels"), index, job._replace(state=JobState.CANCELLED, hold=None))
    row = separation(world, job.key)
    if row is None or row.state not in UNFINISHED or live_jobs(world, row.key):
        return world
    if row.state == INTENDED and row.releases == 0:
        return give_up(world, row)
    if row.state == RELEASED and job.hold == HoldKind.UNKNOWN:
        return end(world, row.key, LOST)._replace(words=world.words | {(job.work, 0)})
    return with_separation(world, row.key, cancel_wanted=True)


def may_recognise(game: Game, world: World, index: int) -> bool:
    """A person may say which row of the history an unknown without a tag is."""
    row = separation(world, world.state.jobs[index].key)
    is_held = world.state.jobs[index].hold == HoldKind.UNKNOWN and row is not None and row.state == RELEASED
    may_say = not game.setting.is_tagged and world.budget.recognitions > 0
    return may_say and is_held and bool(unexplained(game.setting, world))


def recognise(game: Game, world: World, index: int) -> World:
    key = world.state.jobs[index].key
    return learn(game, spend(world, "recognitions"), key, unexplained(game.setting, world)[-1])


def break_off(game: Game, world: World, hand: Hand) -> World:
    return not_made(game, spend(world, "breaks"), hand)
