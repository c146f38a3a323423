"""The hands' steps, one effect at a time: between any two of them the process may die, and anybody may do anything."""

from mvsep_watch.model import HoldKind, JobState
from mvsep_watch.planner import Place
from tests.model.home.game import (
    BROUGHT_BACK_OVER,
    DISPOSED_EARLY,
    DISPOSED_OF_A_STRANGERS,
    PUBLISHED_WRONG,
    REPLACED,
    SHOWN_ELSEWHERE,
    Game,
)
from tests.model.home.rules import place_for, root_is_itself
from tests.model.home.world import (
    Files,
    Folder,
    Hand,
    World,
    at,
    changed,
    copies,
    harmed,
    job,
    numbers,
    put,
    with_file,
    with_hand,
    with_job,
    with_source,
)


def go_on(game: Game, world: World, hand: Hand) -> World:
    """Do the next effect of a step."""
    return STAGES[hand.kind, hand.stage](game, world, hand)


def has_root(game: Game, world: World) -> bool:
    return root_is_itself(game.rules, is_mounted=world.is_mounted)


def staging(game: Game, world: World, hand: Hand) -> World:
    """Open a staging: what it has shown in part is taken back, and one of another hash is emptied."""
    world = take_back(game, world, hand.of - 1, hand.place) if hand.kind == "publish" else world
    there = at(world.staged, hand.of - 1)
    if there is not None and there.hash != hand.hash and game.rules.clears_staging:
        return world._replace(staged=put(world.staged, hand.of - 1, None))
    return world


# Fetch


def open_staging(game: Game, world: World, hand: Hand) -> World:
    if not has_root(game, world):
        return with_hand(world, hand, None)
    return staging(game, with_hand(world, hand, hand._replace(stage="stage")), hand)


def stage(game: Game, world: World, hand: Hand) -> World:
    """Bring the outputs, from where they are whole, else from the service: it says which there are.

    What is complete in the staging already is not downloaded again.
    """
    if not has_root(game, world):
        return with_hand(world, hand, None)
    there, are_here = at(world.staged, hand.of - 1), copies(world, hand.hash, hand.of)
    if not are_here and hand.hash not in world.ready:
        return missed(game, world, hand)
    is_whole = there is not None and there.files != Files.PART
    if are_here or not is_whole or (there.files == Files.CHANGED and game.rules.compares_records):
        there = outputs_of(world, hand)
    world = world._replace(staged=put(world.staged, hand.of - 1, there))
    return with_hand(world, hand, hand._replace(stage="commit", files=there.files))


def take_back(game: Game, world: World, index: int, place: int) -> World:
    """Undo what a publication without a folder has shown in part, and bring back what it was to replace."""
    there, old = world.places[place], at(world.old, index)
    is_part = there is not None and (there.job, there.files) == (index + 1, Files.PART)
    if not game.setting.is_flat or not game.rules.takes_back or not (is_part or (old and there is None)):
        return world
    return world._replace(places=changed(world.places, place, old), old=put(world.old, index, None))


def outputs_of(world: World, hand: Hand) -> Folder:
    own = job(world, hand.of)
    return Folder(world.state.id, hand.of, hand.hash, own.bytes, own.rule)


def missed(game: Game, world: World, hand: Hand) -> World:
    """Take note that the service has the results no longer, as it says."""
    return not_found(game, with_hand(world, hand, None), hand.of)


def not_found(game: Game, world: World, number: int) -> World:
    own = job(world, number)
    if own.state != JobState.SEPARATED:
        return world
    if game.rules.results_are_gone(own.failures):
        return hold(world, number, HoldKind.OUTPUTS_GONE)
    return with_job(world, number, failures=own.failures + 1)


def hold(world: World, number: int, kind: HoldKind) -> World:
    resume = job(world, number).state
    return with_job(world, number, state=JobState.HELD, hold=kind, resume=resume, failures=0)


def cut_short(_: Game, world: World, hand: Hand) -> World:
    """The download ends too soon; what arrived stays."""
    part = outputs_of(world, hand)._replace(files=Files.PART)
    return with_hand(world._replace(staged=put(world.staged, hand.of - 1, part)), hand, None)


def is_downloading(_: Game, world: World, hand: Hand) -> bool:
    if (hand.kind, hand.stage) != ("fetch", "stage") or not world.is_mounted or hand.hash not in world.ready:
        return False
    return at(world.staged, hand.of - 1) is None and not copies(world, hand.hash, hand.of)


def commit_fetched(_: Game, world: World, hand: Hand) -> World:
    world = with_hand(world, hand, None)
    if job(world, hand.of).state != JobState.SEPARATED:
        return world
    return with_job(world, hand.of, state=JobState.FETCHED, outputs=hand.files, failures=0)


# Publish


def look(game: Game, world: World, hand: Hand) -> World:
    """Look what stands in the place."""
    if not has_root(game, world):
        return with_hand(world, hand, None)
    found, there = decide(game, world, hand), seen(world, hand.place)
    match found:
        case Place.ASK:
            return asked(world, hand)
        case Place.DONE:
            mine = outputs_of(world, hand)
            world = world if there[:5] == mine[:5] else harmed(world, PUBLISHED_WRONG)
            return with_hand(world, hand, hand._replace(stage="discard"))
    return with_hand(world, hand, hand._replace(stage="show" if found == Place.SHOW else "compare"))


def seen(world: World, place: int) -> Folder | None:
    return world.places[place] if world.is_mounted else None


def decide(game: Game, world: World, hand: Hand) -> Place:
    return place_for(
        game.rules,
        outputs_of(world, hand),
        seen(world, hand.place),
        replaces=hand.replaces,
        is_aside=at(world.old, hand.of - 1) is not None,
        is_flat=game.setting.is_flat,
    )


def asked(world: World, hand: Hand) -> World:
    """Hold a job that was to replace what is no longer what it was."""
    world = with_hand(world, hand, None)
    return hold(world, hand.of, HoldKind.TROUBLE) if job(world, hand.of).state == JobState.FETCHED else world


def verify(then: str):
    """Compare what is staged, and write the sidecar."""

    def step(game: Game, world: World, hand: Hand) -> World:
        if not has_root(game, world):
            return with_hand(world, hand, None)
        world = staging(game, world, hand)
        there, own = at(world.staged, hand.of - 1), job(world, hand.of)
        is_damaged = there is not None and there.files != own.outputs and game.rules.verifies_staged
        if there is not None and not is_damaged:
            return with_hand(world, hand, hand._replace(stage=then))
        if is_damaged and game.rules.drops_damaged:
            world = world._replace(staged=put(world.staged, hand.of - 1, None))
        world = with_hand(world, hand, None)
        return with_job(world, hand.of, state=JobState.SEPARATED) if own.state == JobState.FETCHED else world

    return step


def rename(game: Game, world: World, hand: Hand) -> World:
    """Show the staging under the reserved name."""
    staged, there = at(world.staged, hand.of - 1), seen(world, hand.place)
    if not has_root(game, world) or staged is None:
        return with_hand(world, hand, None)
    if there is not None and game.rules.renames_new:
        return taken(with_hand(world, hand, None), hand)
    if there is not None:
        world = harmed(world, REPLACED)
    if game.setting.is_flat:
        return show_part(world, hand)
    return with_hand(shown(world, hand, staged), hand, hand._replace(stage="commit"))


def show_part(world: World, hand: Hand) -> World:
    """Give the first files their names."""
    part = outputs_of(world, hand)._replace(files=Files.PART)
    return with_hand(
        world._replace(places=changed(world.places, hand.place, part)), hand, hand._replace(stage="sidecar")
    )


def show_sidecar(game: Game, world: World, hand: Hand) -> World:
    """Show the rest, and the sidecar last; the staging goes after that."""
    staged = at(world.staged, hand.of - 1)
    if not has_root(game, world) or staged is None:
        return with_hand(world, hand, None)
    world = shown(world, hand, staged)
    world = world._replace(staged=put(world.staged, hand.of - 1, staged))
    return with_hand(world, hand, hand._replace(stage="discard"))


def taken(world: World, hand: Hand) -> World:
    """Take the next name beside a place that is taken."""
    if job(world, hand.of).state != JobState.FETCHED:
        return world
    reserved = {each.place for each in world.state.jobs if each.state not in (JobState.FAILED, JobState.CANCELLED)}
    free = next(place for place, there in enumerate(world.places) if there is None and place not in reserved)
    return with_job(world, hand.of, place=free)


def shown(world: World, hand: Hand, staged: Folder) -> World:
    """Let a staging stand in its place, and look whether it is what it says."""
    mine = outputs_of(world, hand)
    if not world.is_mounted:
        return harmed(world, SHOWN_ELSEWHERE)
    if (staged.hash, staged.files) != (mine.hash, Files.WHOLE) or mine.hash // 10 != mine.bytes:
        world = harmed(world, PUBLISHED_WRONG)
    return world._replace(
        places=changed(world.places, hand.place, mine._replace(files=staged.files)),
        staged=put(world.staged, hand.of - 1, None),
        shown=world.shown | {(mine.rule, mine.bytes)},
    )


def exchange(game: Game, world: World, hand: Hand) -> World:
    """Exchange with what stands there, if that is what it was."""
    staged, there = at(world.staged, hand.of - 1), seen(world, hand.place)
    if not has_root(game, world) or staged is None:
        return with_hand(world, hand, None)
    if there is None and at(world.old, hand.of - 1) is not None:
        return with_hand(world, hand, hand._replace(stage="second"))
    if there is None:
        return with_hand(world, hand, None)
    if decide(game, world, hand) != Place.EXCHANGE or (there.files != Files.WHOLE and game.rules.compares_old):
        return asked(world, hand)
    if game.setting.swaps and not game.setting.is_flat:
        world = shown(world, hand, staged)
        world = world._replace(staged=put(world.staged, hand.of - 1, there))
        return with_hand(world, hand, hand._replace(stage="discard"))
    world = world._replace(places=changed(world.places, hand.place, None), old=put(world.old, hand.of - 1, there))
    return with_hand(world, hand, hand._replace(stage="second"))


def exchange_second(game: Game, world: World, hand: Hand) -> World:
    """Without a swap: the old folder is aside, and the new one takes its place."""
    staged = at(world.staged, hand.of - 1)
    if not has_root(game, world) or staged is None or seen(world, hand.place) is not None:
        return with_hand(world, hand, None)
    if game.setting.is_flat:
        return show_part(world, hand)
    return with_hand(shown(world, hand, staged), hand, hand._replace(stage="discard"))


def discard(game: Game, world: World, hand: Hand) -> World:
    """Remove what was replaced."""
    if not has_root(game, world):
        return with_hand(world, hand, None)
    own = job(world, hand.of)
    for gone in (at(world.staged, hand.of - 1), at(world.old, hand.of - 1)):
        is_meant = gone and (gone.bytes, gone.rule, gone.files) == (own.bytes, own.rule, Files.WHOLE)
        if gone and gone.job != hand.of and not (is_meant and hand.replaces):
            world = harmed(world, REPLACED)
    world = world._replace(staged=put(world.staged, hand.of - 1, None), old=put(world.old, hand.of - 1, None))
    return with_hand(world, hand, hand._replace(stage="commit"))


def commit_published(game: Game, world: World, hand: Hand) -> World:
    world = with_hand(world, hand, None)
    own = job(world, hand.of)
    if own.state != JobState.FETCHED:
        return world
    world = with_source(with_job(world, hand.of, state=JobState.PUBLISHED), own.path, pending=True)
    return free_held(world, own.hash) if game.rules.frees_held else world


def free_held(world: World, hash_: int) -> World:
    """Let jobs go on whose results are called gone: they are here."""
    for number in live_on(world, hash_):
        if job(world, number).hold == HoldKind.OUTPUTS_GONE:
            world = with_job(world, number, state=JobState.SEPARATED, hold=None)
    return world


# Dispose


def set_aside(game: Game, world: World, hand: Hand) -> World:
    path = hand.of
    if not world.is_ground_there or not world.files[path] or world.aside[path]:
        return went_wrong(game, world, hand)
    if game.rules.sets_aside:
        aside = changed(world.aside, path, world.files[path])
        world = with_file(world, path, 0)._replace(aside=aside)
    return with_hand(world, hand, hand._replace(stage="hash"))


def content(world: World, hand: Hand) -> int:
    return world.aside[hand.of] or world.files[hand.of]


def hash_again(game: Game, world: World, hand: Hand) -> World:
    if not world.is_ground_there:
        return went_wrong(game, world, hand)
    if content(world, hand) != hand.hash and game.rules.hashes_again:
        return went_wrong(game, bring_back(game, world, hand.of), hand)
    return with_hand(world, hand, hand._replace(stage="unlink"))


def unlink(game: Game, world: World, hand: Hand) -> World:
    """Let the source go, and look whether it might."""
    if not world.is_ground_there:
        return went_wrong(game, world, hand)
    gone, path = content(world, hand), hand.of
    if gone not in (0, hand.hash):
        world = harmed(world, DISPOSED_OF_A_STRANGERS)
    if any(hand.rules & rule and (rule, gone) not in world.shown for rule in (1, 2)):
        world = harmed(world, DISPOSED_EARLY)
    is_aside = world.aside[path] > 0
    world = world._replace(aside=changed(world.aside, path, 0)) if is_aside else with_file(world, path, 0)
    return with_hand(world, hand, hand._replace(stage="commit"))


def commit_disposed(game: Game, world: World, hand: Hand) -> World:
    """Take note that a source is gone; a file that came meanwhile, and was read, is another."""
    path, world = hand.of, with_hand(world, hand, None)
    is_another = world.files[path] > 0 and path not in world.fresh and game.rules.knows_another
    return world if is_another else with_source(world, path, pending=False)


def went_wrong(game: Game, world: World, hand: Hand) -> World:
    """Take note of a disposal that did not come about."""
    path, world = hand.of, with_hand(world, hand, None)
    if game.rules.looks_first:
        world = world._replace(unsure=world.unsure | {path})
    if not world.is_ground_there:
        return world
    if not world.files[path] and path not in world.missed and game.rules.looks_first:
        return world._replace(missed=world.missed | {path})
    world = with_source(world._replace(missed=world.missed - {path}), path, pending=False)
    return with_source(world, path, bytes=0) if world.files[path] else world


def bring_back(game: Game, world: World, path: int) -> World:
    """Put back what is set aside; where another file has the name by now, beside it."""
    back = world.aside[path]
    if not back:
        return world
    world = world._replace(aside=changed(world.aside, path, 0))
    if world.files[path]:
        return world if game.rules.returns_beside else harmed(world, BROUGHT_BACK_OVER)
    return with_file(world, path, back)


STAGES = {
    ("fetch", "open"): open_staging,
    ("fetch", "stage"): stage,
    ("fetch", "commit"): commit_fetched,
    ("publish", "look"): look,
    ("publish", "show"): verify("rename"),
    ("publish", "rename"): rename,
    ("publish", "sidecar"): show_sidecar,
    ("publish", "compare"): verify("exchange"),
    ("publish", "exchange"): exchange,
    ("publish", "second"): exchange_second,
    ("publish", "discard"): discard,
    ("publish", "commit"): commit_published,
    ("dispose", "aside"): set_aside,
    ("dispose", "hash"): hash_again,
    ("dispose", "unlink"): unlink,
    ("dispose", "commit"): commit_disposed,
}


def live_on(world: World, hash_: int) -> list[int]:
    """Give the live jobs on a separation."""
    return [n for n in numbers(world) if job(world, n).hash == hash_ and job(world, n).state.is_live]
