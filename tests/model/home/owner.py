"""The owner: makes jobs, hands steps out, keeps and lets go; and what a process does when it starts."""

from mvsep_watch.model import JobState, SeparationState
from mvsep_watch.planner import Attempt, Begin, Join, serve
from tests.model.home.game import DISPOSED_THOUGH_KEPT, DROPPED, Game
from tests.model.home.hands import bring_back, live_on, not_found, take_back
from tests.model.home.rules import Fact, is_served
from tests.model.home.world import (
    PLACES,
    A,
    B,
    Folder,
    Hand,
    Job,
    World,
    at,
    can_be_had,
    changed,
    copies,
    give,
    harmed,
    is_busy,
    job,
    put,
    with_job,
    with_source,
)

RELEASED = (JobState.FAILED, JobState.CANCELLED)
"""Jobs whose reserved place is free again."""


def in_force(rules: int) -> tuple[int, ...]:
    return tuple(rule for rule in (A, B) if rules & rule)


# Jobs


def is_news(_: Game, world: World, path: int) -> bool:
    return world.is_ground_there and path in world.fresh


def identify(_: Game, world: World, path: int) -> World:
    """Make the jobs of a file, one for each rule that has none on its bytes."""
    content, before = world.files[path], world.state.sources[path]
    is_ignored = before.is_ignored or is_forgotten(world, content)
    world = with_source(world, path, bytes=content, is_ignored=is_ignored)._replace(fresh=world.fresh - {path})
    for rule in () if is_ignored else in_force(world.rules):
        known = next((each for each in world.state.jobs if makes_needless(each, path, content, rule)), None)
        if known is None:
            world = queue(world, Job(path, content, rule, place=0))
        elif known.state == JobState.PUBLISHED:
            world = with_source(world, path, pending=True)
    return world


def is_forgotten(world: World, content: int) -> bool:
    return any(row.is_ignored and row.bytes == content for row in world.state.sources)


def makes_needless(other: Job, path: int, content: int, rule: int) -> bool:
    is_same = (other.bytes, other.rule) == (content, rule)
    return is_same and (other.path == path or other.state == JobState.PUBLISHED)


def queue(world: World, new: Job) -> World:
    """Queue a job, its place reserved."""
    world, place = reserve(world)
    return world._replace(state=world.state._replace(jobs=(*world.state.jobs, new._replace(place=place))))


def reserve(world: World) -> tuple[World, int]:
    """Name a free place; outputs that the state does not know keep the name, and close the `state` gate."""
    reserved = {each.place for each in world.state.jobs if each.state not in RELEASED}
    for place, there in enumerate(world.places):
        if place in reserved:
            continue
        if there is None or not world.is_mounted:
            return world, place
        if is_strange(world, there):
            return world._replace(is_doubtful=True), place
    raise AssertionError("the model has too few places")


def is_strange(world: World, there: Folder) -> bool:
    return there.job > 0 and (there.state != world.state.id or job(world, there.job) is None)


def is_queued(_: Game, world: World, number: int) -> bool:
    return job(world, number).state == JobState.QUEUED


def serve_job(_: Game, world: World, number: int) -> World:
    """Find a separation for a queued job; the service does at once what it is sent."""
    own = job(world, number)
    known = [hash_ for hash_ in world.state.separations if hash_ // 10 == own.bytes]
    attempts = [Attempt(id=hash_, number=hash_ % 10, state=SeparationState.DONE) for hash_ in known]
    match serve(attempts, wanted=own.wanted, allowed_failures=1):
        case Join(separation_id=hash_):
            return with_job(world, number, state=JobState.SEPARATED, hash=hash_)
        case Begin(attempt=attempt):
            return separate(world, number, own.bytes * 10 + attempt)
    return world


def separate(world: World, number: int, hash_: int) -> World:
    """Send a source, or take over what the history has of it already."""
    own = job(world, number)
    is_there = world.is_ground_there and world.files[own.path] == own.bytes
    if hash_ not in world.ready and (world.is_doubtful or not is_there):
        return world
    state = world.state._replace(separations=(*world.state.separations, hash_))
    world = world._replace(state=state, ready=world.ready | {hash_})
    return with_job(world, number, state=JobState.SEPARATED, hash=hash_)


# Steps


def may_fetch(_: Game, world: World, number: int) -> bool:
    return job(world, number).state == JobState.SEPARATED and not is_busy(world, "fetch", number)


def fetch(_: Game, world: World, number: int) -> World:
    return give(world, Hand("fetch", number, "open", hash=job(world, number).hash))


def may_publish(_: Game, world: World, number: int) -> bool:
    return job(world, number).state == JobState.FETCHED and not is_busy(world, "publish", number)


def publish(_: Game, world: World, number: int) -> World:
    own = job(world, number)
    return give(world, Hand("publish", number, "look", hash=own.hash, place=own.place, replaces=own.replaces))


def is_left_aside(game: Game, world: World, path: int) -> bool:
    is_seen = world.is_ground_there and world.aside[path] > 0 and game.rules.sees_asides
    return is_seen and not is_busy(world, "dispose", path)


def is_to_settle(_: Game, world: World, path: int) -> bool:
    return world.state.sources[path].pending and not is_busy(world, "dispose", path)


def settle(game: Game, world: World, path: int) -> World:
    """Dispose of a source, or take note that it stays; what is set aside beside it comes back before."""
    if path in world.unsure:
        if not world.is_ground_there:
            return world
        world = bring_back(game, world, path) if game.rules.brings_back else world
        return world._replace(unsure=world.unsure - {path})
    row, rules = world.state.sources[path], asked_rules(game, world)
    if not may_go(game, world, path, rules):
        return with_source(world, path, pending=False)
    is_wanted = any(each.path == path and each.state.is_live for each in world.state.jobs)
    if world.keeps or is_wanted or is_forgotten(world, row.bytes):
        world = harmed(world, DISPOSED_THOUGH_KEPT)
    return give(world, Hand("dispose", path, "aside", hash=row.bytes, rules=world.rules))


def asked_rules(game: Game, world: World) -> int:
    return world.rules if game.rules.asks_rules_now else game.setting.rules


def may_go(game: Game, world: World, path: int, rules: int) -> bool:
    row = world.state.sources[path]
    facts = tuple(Fact(each.path, str(each.bytes), str(each.rule), each.state) for each in world.state.jobs)
    ignored = is_forgotten(world, row.bytes)
    return is_served(game.rules, path, row.bytes, in_force(rules), facts, ignored=ignored, keeps=world.keeps)


# Spool


def may_keep(game: Game, world: World, number: int) -> bool:
    own, there = job(world, number), at(world.spool, number - 1)
    is_due = own.state in (JobState.SEPARATED, JobState.FETCHED) and not world.is_mounted
    room = game.setting.room - len(world.strays) - sum(each is not None for each in world.spool)
    is_free = not is_busy(world, "fetch", number) and room > 0
    return is_due and is_free and (there is None or there.hash != own.hash)


def keep(game: Game, world: World, number: int) -> World:
    """Keep a job's outputs in the spool; what another separation has there under its number makes room."""
    own, there = job(world, number), at(world.spool, number - 1)
    if not copies(world, own.hash, number) and own.hash not in world.ready:
        return world if game.rules.waits_for_root else not_found(game, world, number)
    if there is not None:
        world = world._replace(strays=world.strays | {there})
    kept = Folder(world.state.id, number, own.hash, own.bytes, own.rule)
    return world._replace(spool=put(world.spool, number - 1, kept))


def has_kept(world: World, number: int) -> bool:
    """Say whether the spool has a job's own outputs, and not others under its number."""
    there = at(world.spool, number - 1)
    return there is not None and there.hash == job(world, number).hash


def may_let_go(game: Game, world: World, number: int) -> bool:
    there, own = at(world.spool, number - 1), job(world, number)
    if there is None or (game.rules.removes_by_hash and there.hash != own.hash):
        return False
    sharing = [each for each in live_on(world, own.hash) if each != number]
    kept = {each for each in sharing if not game.rules.keeps_by_hash and at(world.spool, each - 1)}
    kept |= {each for each in sharing if has_kept(world, each)}
    return game.rules.may_leave_spool(is_live=own.state.is_live, sharing=sharing, kept=kept)


def let_go(_: Game, world: World, number: int) -> World:
    """Remove what is kept under a job's number; the work of another is nobody's to remove."""
    gone = at(world.spool, number - 1)
    if gone.hash != job(world, number).hash:
        world = harmed(world, DROPPED)
    return dropped(world, world._replace(spool=put(world.spool, number - 1, None)), gone.hash)


def dropped(before: World, after: World, hash_: int) -> World:
    """Look whether a job that needed what went can still have it."""
    needing = [number for number in live_on(before, hash_) if can_be_had(before, number)]
    return after if all(can_be_had(after, number) for number in needing) else harmed(after, DROPPED)


# Start


def begin(game: Game, world: World) -> World:
    """Start a process: clean what has no live job, and doubt every place where something may be set aside."""
    pending = {path for path, row in enumerate(world.state.sources) if row.pending}
    world = world._replace(hands=(), missed=frozenset(), unsure=frozenset(pending))
    world = tidy(game, world) if world.is_mounted else world
    if game.rules.looks_first and game.rules.brings_back:
        return world
    for path in pending if game.rules.brings_back and world.is_ground_there else ():
        world = bring_back(game, world, path)
    return world._replace(unsure=frozenset())


def tidy(game: Game, world: World) -> World:
    for index in range(max(len(world.staged), len(world.old))):
        own, old = job(world, index + 1), at(world.old, index)
        if not (own and own.state.is_live):
            world = take_back(game, world, index, place_of(world, index, old))
    for index, there in enumerate(world.staged):
        own = job(world, index + 1)
        is_live = own is not None and own.state.is_live and game.rules.keeps_live_stagings
        if there is not None and not is_live:
            world = dropped(world, world._replace(staged=put(world.staged, index, None)), there.hash)
    for index, there in enumerate(world.old):
        own = job(world, index + 1)
        if there is not None and not (own and own.state.is_live) and game.rules.undoes_exchange:
            world = undo_exchange(world, index, there)
    return world


def place_of(world: World, index: int, old: Folder | None) -> int:
    """Give the place that a staging was to be shown in: what was begun, or set aside, tells."""
    begun = [place for place, there in enumerate(world.places) if there and there.job == index + 1]
    return job(world, old.job).place if old else (begun or [0])[0]


def undo_exchange(world: World, index: int, old: Folder) -> World:
    """Bring back what was to be replaced, unless it was; where a stranger has its name by now, beside it."""
    place = place_of(world, index, old)
    there = world.places[place]
    world = world._replace(old=put(world.old, index, None))
    if there is not None and there.job == index + 1:
        return world
    free = next(each for each in (place, *range(PLACES)) if world.places[each] is None)
    return world._replace(places=changed(world.places, free, old))


def says_why(world: World, own: Job) -> bool:
    """A job at rest is held, or waits for its disk, its source, or a doubt to be cleared."""
    if own.state == JobState.HELD:
        return own.hold is not None
    if own.state in (JobState.SEPARATED, JobState.FETCHED):
        return not world.is_mounted
    is_there = world.is_ground_there and world.files[own.path] == own.bytes
    return world.is_doubtful or not is_there
