"""The owner's questions: the history, its separations one by one, the account."""

from mvsep_watch.model import HistoryRow, HoldKind, JobState, SeparationState
from mvsep_watch.planner import Absent, Doubtful
from tests.model.game import CANCELLED, DONE, FAILED, INTENDED, RELEASED, SUBMITTED, Game
from tests.model.rules import judge
from tests.model.uploads import learn
from tests.model.world import (
    UNFINISHED,
    Key,
    Remote,
    Search,
    Separation,
    Sighting,
    World,
    is_listed,
    known_as,
    live_jobs,
    separation,
    server_balance,
    unfinished_remotes,
    with_jobs,
    with_remote,
    with_separation,
    without_search,
)


def look(game: Game, world: World, _: None) -> World:
    """Read the history back to its last known row; one look serves everybody."""
    known = tuple(place for place, remote in enumerate(world.remotes) if is_listed(game.setting, remote))
    world = world._replace(memory=world.memory._replace(has_looked=True, known=known))
    for sighting in world.memory.sightings:
        world = look_for_hash(game, world, sighting)
    for search in world.memory.searches:
        world = look_for_unknown(game, world, search)
    for key in world.memory.endings:
        world = look_for_other(game, world, key)
    for row in world.state.separations:
        if row.state not in UNFINISHED and row.remote in known and game.setting.counts_money:
            world = with_separation(world, row.key, is_charged=True)
    return world


def look_for_hash(game: Game, world: World, sighting: Sighting) -> World:
    place = separation(world, sighting.key).remote
    if sighting.lag is not None:
        return world
    changed = sighting._replace(looks=min(sighting.looks + 1, 2))
    if place in world.memory.known:
        changed = changed._replace(lag=world.remotes[place].age if game.rules.lag_from_release else sighting.age)
    return with_sighting(world, sighting, changed)


def with_sighting(world: World, sighting: Sighting, changed: Sighting | None) -> World:
    others = tuple(each for each in world.memory.sightings if each is not sighting)
    return world._replace(memory=world.memory._replace(sightings=others + ((changed,) if changed else ())))


def look_for_unknown(game: Game, world: World, search: Search) -> World:
    row = separation(world, search.key)
    if row is None or row.state != RELEASED:
        return without_search(world, search.key)
    found = known_as(game.setting, world, row.key)
    if found:
        return learn(game, world, row.key, best(game, world, found))
    read = search._replace(reads=min(search.reads + 1, 3), last_begun=search.age)
    others = tuple(each for each in world.memory.searches if each.key != row.key)
    world = world._replace(memory=world.memory._replace(searches=(*others, read)))
    return conclude(game, world, row, read)


def best(game: Game, world: World, places: list[int]) -> int:
    rows = [(HistoryRow(id=place, hash=str(place)), world.remotes[place].status) for place in places]
    return game.rules.best_row(rows).id


def conclude(game: Game, world: World, row: Separation, search: Search) -> World:
    found = judge(
        game.rules,
        age=search.last_begun,
        reads=search.reads,
        younger=search.younger_was_listed,
        seen=world.state.seen,
        late=world.state.was_late,
        lag=world.state.lag,
        releases=row.releases,
        is_tagged=game.setting.is_tagged,
    )
    match found:
        case Absent() if row.cancel_wanted:
            return end(world, row.key, CANCELLED)
        case Absent():
            world = without_search(with_separation(world, row.key, state=INTENDED, keeps_slot=True), row.key)
            return with_jobs(world, lambda job: job._replace(state=JobState.QUEUED, hold=None), key=row.key)
        case Doubtful():
            return with_jobs(world, lambda job: job._replace(state=JobState.HELD, hold=HoldKind.UNKNOWN), key=row.key)
    return world


def look_for_other(game: Game, world: World, key: Key) -> World:
    """Record `failed` only if the history has no other row with the tag."""
    memory = world.memory
    world = world._replace(memory=memory._replace(endings=tuple(each for each in memory.endings if each != key)))
    row = separation(world, key)
    others = [place for place in known_as(game.setting, world, key) if place != row.remote]
    useful = [place for place in others if world.remotes[place].status in ("waiting", "done")]
    return with_separation(world, key, remote=useful[0]) if useful else end(world, key, FAILED)


def end(world: World, key: Key, state: SeparationState) -> World:
    """Record an end without results; its jobs look for another separation."""
    world = without_search(with_separation(world, key, state=state), key)
    return with_jobs(world, lambda job: job._replace(state=JobState.QUEUED, hold=None, key=None), key=key)


def may_poll(_: Game, world: World, row: Separation) -> bool:
    return row.state == SUBMITTED and not row.cancel_wanted and row.key not in world.memory.endings


def may_cancel(_: Game, __: World, row: Separation) -> bool:
    return row.state == SUBMITTED and row.cancel_wanted


def poll(game: Game, world: World, row: Separation) -> World:
    """Ask for one separation."""
    remote = world.remotes[row.remote]
    world = count_sighting(world, row, remote)
    match remote.status:
        case "done":
            world = with_separation(world, row.key, state=DONE)
            return with_jobs(world, lambda job: job._replace(state=JobState.PUBLISHED), key=row.key)
        case "failed" if game.rules.asks_before_failed:
            return world._replace(memory=world.memory._replace(endings=(*world.memory.endings, row.key)))
        case "failed":
            return end(world, row.key, FAILED)
        case "cancelled":
            return end(world, row.key, CANCELLED)
    return world


def count_sighting(world: World, row: Separation, remote: Remote) -> World:
    """Count a hash that was listed: while unfinished, late, how late."""
    sighting = next((each for each in world.memory.sightings if each.key == row.key), None)
    if sighting is None or sighting.lag is None:
        return world
    is_unfinished, state = remote.status == "waiting", world.state
    if sighting.tells_lag:
        late, lag = state.was_late or sighting.looks > 1, max(state.lag, sighting.lag)
        state = state._replace(seen=max(state.seen, is_unfinished), was_late=late, lag=lag)
    world = with_sighting(world, sighting, None)._replace(state=state)
    searches = tuple(
        search._replace(younger_was_listed=True) if is_unfinished and row.key in search.younger else search
        for search in world.memory.searches
    )
    return world._replace(memory=world.memory._replace(searches=searches))


def cancel_remote(game: Game, world: World, row: Separation) -> World:
    """Ask the server to cancel; it agrees only while the job waits."""
    if world.remotes[row.remote].status == "waiting":
        return end(with_remote(world, row.remote, status="cancelled"), row.key, CANCELLED)
    if not game.rules.cancels_with_server:
        return end(world, row.key, CANCELLED)
    return with_separation(world, row.key, cancel_wanted=False)


def read_account(game: Game, world: World, _: None) -> World:
    """Read balance and queue; a held unknown gives its slot back when the queue is empty."""
    for row in world.state.separations:
        if row.state not in UNFINISHED and game.setting.counts_money:
            world = with_separation(world, row.key, balance_read=True)
    if not unfinished_remotes(world):
        for search in world.memory.searches:
            if search.reads and any(job.hold == HoldKind.UNKNOWN for job in live_jobs(world, search.key)):
                world = with_separation(world, search.key, keeps_slot=False)
    balance = server_balance(game.setting, world) if game.setting.counts_money else game.setting.balance
    return world._replace(memory=world.memory._replace(balance=balance))
