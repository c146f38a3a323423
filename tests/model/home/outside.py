"""Everything that the owner does not do: crashes, disks, strangers, people."""

from collections.abc import Callable
from typing import Any

from mvsep_watch.model import HoldKind, JobState
from tests.model.home.game import Game
from tests.model.home.owner import begin, reserve
from tests.model.home.world import (
    STRANGER,
    B,
    Files,
    Job,
    Source,
    State,
    World,
    at,
    changed,
    job,
    put,
    spend,
    with_file,
    with_job,
    with_source,
)

When = Callable[[Game, World, Any], bool]
Then = Callable[[Game, World, Any], World]


def left(what: str, when: When = lambda *_: True) -> When:
    """Say that there is still some of a kind of trouble, and what else it needs."""
    return lambda game, world, thing: getattr(world.budget, what) > 0 and when(game, world, thing)


def spent(what: str, then: Then) -> Then:
    return lambda game, world, thing: then(game, spend(world, what), thing)


def crash(game: Game, world: World, _: None) -> World:
    return begin(game, world)


# Files


def is_file(_: Game, world: World, path: int) -> bool:
    return world.is_ground_there and world.files[path] > 0


def replace(_: Game, world: World, path: int) -> World:
    return with_file(world, path, 3 - world.files[path])


def remove(_: Game, world: World, path: int) -> World:
    return with_file(world, path, 0)


def may_copy(_: Game, world: World, path: int) -> bool:
    return world.is_ground_there and not world.files[path] and any(world.files)


def copy(_: Game, world: World, path: int) -> World:
    return with_file(world, path, max(world.files))


def toggle(name: str) -> Then:
    """A disk goes or comes back, a rule is added or taken away, sources are to be kept or not."""

    def then(_: Game, world: World, __: None) -> World:
        before = getattr(world, name)
        return world._replace(**{name: before ^ B if name == "rules" else not before})

    return then


# Folders of outputs


def may_take(game: Game, world: World, place: int) -> bool:
    """A stranger may take a name that is reserved and free."""
    if game.setting.is_flat and any(world.old):
        return False  # not modelled
    is_reserved = any(each.place == place and each.state.is_live for each in world.state.jobs)
    return world.is_mounted and world.places[place] is None and is_reserved


def take(_: Game, world: World, place: int) -> World:
    return world._replace(places=changed(world.places, place, STRANGER))


def is_ours(_: Game, world: World, place: int) -> bool:
    there = world.places[place]
    return world.is_mounted and there is not None and there.job > 0 and there.files == Files.WHOLE


def edit(_: Game, world: World, place: int) -> World:
    there = world.places[place]
    return world._replace(places=changed(world.places, place, there._replace(files=Files.CHANGED)))


def take_away(_: Game, world: World, place: int) -> World:
    return world._replace(places=changed(world.places, place, None))


def may_rename(game: Game, world: World, pair: tuple[int, int]) -> bool:
    one, other = pair
    is_reserved = any(each.place == other for each in world.state.jobs)
    return is_reserved and is_ours(game, world, one) and world.places[other] is None


def rename(_: Game, world: World, pair: tuple[int, int]) -> World:
    one, other = pair
    places = changed(world.places, other, world.places[one])
    return world._replace(places=changed(places, one, None))


def may_damage(_: Game, world: World, number: int) -> bool:
    there = at(world.staged, number - 1)
    is_staged = there is not None and there.files == Files.WHOLE and there.job == number
    is_compared = any((hand.kind, hand.of) == ("publish", number) and hand.stage != "look" for hand in world.hands)
    return is_staged and world.is_mounted and not is_compared


def damage(_: Game, world: World, number: int) -> World:
    there = at(world.staged, number - 1)
    return world._replace(staged=put(world.staged, number - 1, there._replace(files=Files.CHANGED)))


# The service


def forget(_: Game, world: World, hash_: int) -> World:
    return world._replace(ready=world.ready - {hash_})


# People


def may_redo(_: Game, world: World, number: int) -> bool:
    own = job(world, number)
    is_idle = own.state in (JobState.PUBLISHED, JobState.CANCELLED) or own.hold == HoldKind.OUTPUTS_GONE
    under_way = any(each.wanted and each.state.is_live and each.bytes == own.bytes for each in world.state.jobs)
    is_there = world.is_ground_there and world.files[own.path] == own.bytes == world.state.sources[own.path].bytes
    return is_idle and is_there and not under_way and own.hash > 0


def redo(_: Game, world: World, number: int, *, replaces: bool = False) -> World:
    """Ask for a new attempt, beside the old outputs or instead of them."""
    own = job(world, number)
    known = [hash_ % 10 for hash_ in world.state.separations if hash_ // 10 == own.bytes]
    new = Job(own.path, own.bytes, own.rule, own.place, wanted=max(known) + 1, replaces=replaces)
    if own.state == JobState.HELD:
        world = with_job(world, number, state=JobState.CANCELLED, hold=None)
    elif not replaces:
        world, place = reserve(world)
        new = new._replace(place=place)
    world = with_source(world, own.path, is_ignored=False)
    return world._replace(state=world.state._replace(jobs=(*world.state.jobs, new)))


def may_replace(game: Game, world: World, number: int) -> bool:
    return may_redo(game, world, number) and job(world, number).state == JobState.PUBLISHED


def redo_replacing(game: Game, world: World, number: int) -> World:
    return redo(game, world, number, replaces=True)


def is_live(_: Game, world: World, number: int) -> bool:
    return job(world, number).state.is_live


def cancel(_: Game, world: World, number: int) -> World:
    return with_job(world, number, state=JobState.CANCELLED, hold=None)


def ignore(game: Game, world: World, path: int) -> World:
    """Have a file forgotten, and its jobs ended."""
    world = with_source(world, path, is_ignored=True)
    for number, own in enumerate(world.state.jobs, 1):
        if own.path == path and own.state.is_live:
            world = cancel(game, world, number)
    return world


def may_retry(_: Game, world: World, number: int) -> bool:
    own = job(world, number)
    is_away = own.state == JobState.PUBLISHED and world.is_mounted and world.places[own.place] is None
    is_redone = any(each.wanted and each.state != JobState.CANCELLED for each in world.state.jobs)
    return own.state == JobState.HELD or is_away or (own.state == JobState.CANCELLED and not is_redone)


def retry(_: Game, world: World, number: int) -> World:
    own = job(world, number)
    after = {JobState.HELD: own.resume, JobState.PUBLISHED: JobState.SEPARATED, JobState.CANCELLED: JobState.QUEUED}
    hash_ = 0 if own.state == JobState.CANCELLED else own.hash
    world = with_job(world, number, state=after[own.state], hold=None, hash=hash_, failures=0)
    return with_source(world, own.path, is_ignored=False)


# Memory lost


def back_up(_: Game, world: World, __: None) -> World:
    return world._replace(backup=world.state)


def may_restore(_: Game, world: World, __: None) -> bool:
    return world.backup is not None


def restore(game: Game, world: World, _: None) -> World:
    """An older copy takes the place of the state; the claims have counted further, if anything was sent since."""
    is_doubtful = world.is_doubtful or world.backup.separations != world.state.separations
    world = world._replace(state=world.backup, backup=None, is_doubtful=is_doubtful)
    return begin(game, unread(world))


def unread(world: World) -> World:
    """After a loss of memory: what is not as the state has it is news."""
    other = {path for path, row in enumerate(world.state.sources) if world.files[path] not in (0, row.bytes)}
    return world._replace(fresh=world.fresh | other)


def rebuild(game: Game, world: World, _: None) -> World:
    """The state is lost, and made anew from the sidecars, with another id; stagings of the old one are nobody's."""
    found = [(place, there) for place, there in enumerate(world.places) if there is not None and there.job]
    jobs = tuple(
        Job(0, there.bytes, there.rule, place, JobState.PUBLISHED, there.hash, Files.WHOLE) for place, there in found
    )
    state = State(
        id=world.state.id + 1,
        sources=tuple(Source() for _ in world.files),
        jobs=jobs,
        separations=tuple(sorted({there.hash for _, there in found})),
    )
    kept = frozenset(each for each in world.spool if each)
    world = world._replace(state=state, staged=(), old=(), spool=(), strays=world.strays | kept, is_doubtful=False)
    return begin(game, unread(world))
