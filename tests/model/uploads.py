"""The owner and its hands: what starts, what is let go, and what the answers mean."""

from mvsep_watch.model import HoldKind, JobState
from mvsep_watch.planner import Attempt, Begin, Ended, Join, Start
from tests.model.game import DONE, FAILED, INTENDED, RELEASED, SUBMITTED, Game, decision
from tests.model.world import (
    BEFORE_LAST_CHUNK,
    Hand,
    Key,
    Search,
    Separation,
    Sighting,
    Stage,
    World,
    known_as,
    separation,
    served_by,
    spend,
    unexplained,
    with_hand,
    with_job,
    with_jobs,
    with_separation,
    without_search,
)


def serve_job(game: Game, world: World, index: int) -> World:
    """Find a separation for a queued job."""
    job = world.state.jobs[index]
    rows = [row for row in world.state.separations if row.work == job.work]
    attempts = [Attempt(id=row.number, number=row.number, state=row.state, was_refused=row.was_refused) for row in rows]
    match game.rules.serve(attempts, wanted=job.wanted, allowed_failures=game.setting.attempts):
        case Join(separation_id=number):
            return join(game, world, index, (job.work, number))
        case Ended():
            return with_job(world, index, job._replace(state=JobState.HELD, hold=HoldKind.ENDED))
        case Begin(attempt=number):
            return begin(game, world, index, number)


def join(game: Game, world: World, index: int, key: Key) -> World:
    row = separation(world, key)
    state = {DONE: JobState.PUBLISHED, SUBMITTED: JobState.SUBMITTED}.get(row.state, JobState.QUEUED)
    if game.rules.joining_keeps:
        world = with_separation(world, key, cancel_wanted=False)
    return with_job(world, index, world.state.jobs[index]._replace(key=key, state=state))


def begin(game: Game, world: World, index: int, number: int) -> World:
    """Adopt what the history lists, else commit an intent if the planner agrees."""
    work = world.state.jobs[index].work
    tags = [(work, number)] if number > 1 else [(work, each) for each in range(1, 9)]
    known = known_as(game.setting, world, *tags)
    if known:
        remote = world.remotes[known[-1]]
        row = Separation(work, remote.number, SUBMITTED, remote=known[-1], balance_read=True)
    elif isinstance(decision(game, world), Start):
        row = Separation(work, number)
    else:
        return world
    rows = (*world.state.separations, row)
    return join(game, world._replace(state=world.state._replace(separations=rows)), index, row.key)


def may_serve(game: Game, world: World, index: int) -> bool:
    """The oldest is first."""
    oldest = next((n for n, job in enumerate(world.state.jobs) if job.state == JobState.QUEUED and job.key is None), -1)
    return index == oldest and (world.memory.has_looked or not game.rules.looks_first)


def may_send(game: Game, world: World, row: Separation) -> bool:
    under_way = sum(hand.key == row.key for hand in world.hands)
    has_looked = world.memory.has_looked or not game.rules.looks_first
    return row.state == INTENDED and has_looked and under_way <= game.setting.hung_hands


def send(game: Game, world: World, row: Separation) -> World:
    """Send a hand out with an intent, unless it is found, may not start, or is not wanted any more."""
    listed = known_as(game.setting, world, row.key)
    may_be_listed = row.releases and not game.setting.is_tagged and unexplained(game.setting, world)
    if may_be_listed and game.rules.doubts_unexplained:
        return search_for(game, with_separation(world, row.key, state=RELEASED), row.key)
    if listed and game.rules.looks_first:
        return learn(game, world, row.key, listed[-1])
    if row.cancel_wanted or not isinstance(decision(game, world, own=row), Start):
        return give_up(world, row) if row.releases == 0 else world
    older = tuple(hand._replace(is_current=False) if hand.key == row.key else hand for hand in world.hands)
    return world._replace(hands=(*older, Hand(row.key)))


def give_up(world: World, row: Separation) -> World:
    """Take an intent back that never left."""
    world = with_jobs(world, lambda job: job._replace(key=None), key=row.key)
    rows = tuple(each for each in world.state.separations if each.key != row.key)
    left = tuple(hand._replace(is_current=False) if hand.key == row.key else hand for hand in world.hands)
    return world._replace(state=world.state._replace(separations=rows), hands=left)


def ask_release(game: Game, world: World, hand: Hand) -> World:
    """Commit `released` if everything still says yes; else the hand drops its connection."""
    row = separation(world, hand.key)
    is_current = hand.is_current or not game.rules.counts_sends
    says_yes = not game.rules.asks_at_release or (row and isinstance(decision(game, world, own=row), Start))
    if row is None or row.state != INTENDED or row.cancel_wanted or not is_current or not says_yes:
        return not_made(game, world, hand)
    stage = Stage.GRANTED if game.setting.counts_releases else Stage.CLAIMED
    world = with_hand(world, hand, hand._replace(stage=stage, note=world.state.generation + 1))
    return release(game, world, row) if game.rules.releases_first else world


def release(game: Game, world: World, row: Separation) -> World:
    world = with_separation(world, row.key, state=RELEASED, releases=min(row.releases + 1, 3))
    others = tuple(key for key in world.state.order if key != row.key)
    order = () if game.rules.younger_than_close else (*others, row.key)
    state = world.state._replace(generation=world.state.generation + game.setting.counts_releases, order=order)
    searches = tuple(search._replace(younger=(*search.younger, row.key)) for search in world.memory.searches)
    world = world._replace(state=state, memory=world.memory._replace(searches=searches))
    return world if game.rules.searches_after_close else search_for(game, world, row.key)


def claim(_: Game, world: World, hand: Hand) -> World:
    world = world._replace(claim=max(world.claim, hand.note))
    return with_hand(world, hand, hand._replace(stage=Stage.CLAIMED))


def may_leave(game: Game, _: World, hand: Hand) -> bool:
    return hand.stage == Stage.CLAIMED or (hand.stage == Stage.GRANTED and not game.rules.claims_first)


def leave(_: Game, world: World, hand: Hand) -> World:
    return with_hand(world, hand, hand._replace(stage=Stage.LEFT, note=0))


def commits_late(game: Game, world: World, hand: Hand) -> bool:
    row = separation(world, hand.key)
    after = hand.stage not in BEFORE_LAST_CHUNK
    return not game.rules.releases_first and after and row is not None and row.state == INTENDED


def release_late(game: Game, world: World, hand: Hand) -> World:
    return release(game, world, separation(world, hand.key))


def not_made(game: Game, world: World, hand: Hand) -> World:
    """Take note that nothing was made: a hand that is not current has nothing to say."""
    row = separation(world, hand.key) if not game.rules.counts_sends else served_by(world, hand)
    world = with_hand(world, hand, None)
    if row is None or row.state not in (INTENDED, RELEASED):
        return world
    world = with_separation(world, row.key, state=INTENDED)
    return give_up(world, row) if row.releases == 0 or row.cancel_wanted else world


def answer(game: Game, world: World, hand: Hand) -> World:
    """Take the server's answer."""
    if hand.stage == Stage.MADE:
        return learn(game, with_hand(world, hand, None), hand.key, hand.note)
    if hand.stage == Stage.BUSY or not hand.is_current:
        return not_made(game, world, hand)._replace(memory=world.memory._replace(has_looked=False))
    world = with_separation(with_hand(world, hand, None), hand.key, state=FAILED, was_refused=True)
    return with_jobs(world, lambda job: job._replace(state=JobState.FAILED), key=hand.key)


def learn(game: Game, world: World, key: Key, remote: int) -> World:
    """Record a hash, and look for it in the history at once; one that shows no tag teaches nothing there."""
    row = separation(world, key)
    if row is None or row.state == DONE:
        return world
    world = without_search(with_separation(world, key, state=SUBMITTED, remote=remote, keeps_slot=True), key)
    world = with_jobs(world, lambda job: job._replace(state=JobState.SUBMITTED, hold=None), key=key)
    others = tuple(sighting for sighting in world.memory.sightings if sighting.key != key)
    if not game.setting.is_tagged:
        return world
    return world._replace(memory=world.memory._replace(sightings=(*others, Sighting(key))))


def drop(game: Game, world: World, hand: Hand) -> World:
    """A connection breaks after the last chunk left: from here the outcome is unknown."""
    row = served_by(world, hand)
    world = spend(with_hand(world, hand, None), "drops")
    if hand.stage == Stage.LEFT:
        world = world._replace(flying=(*world.flying, hand.key))
    return search_for(game, world, hand.key) if row is not None and row.state == RELEASED else world


def search_for(game: Game, world: World, key: Key) -> World:
    """Begin the search for an unknown."""
    world = without_search(world, key)
    order = world.state.order
    younger = () if game.rules.younger_than_close else order[order.index(key) + 1 :]
    if not game.rules.keeps_slot:
        world = with_separation(world, key, keeps_slot=False)
    return world._replace(memory=world.memory._replace(searches=(*world.memory.searches, Search(key, younger=younger))))
