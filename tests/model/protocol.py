"""The protocol as a table of actions over `world.World`: who may do what, when, and what it changes.

The owner's part is in `uploads` and `looks`, all others' in `outside`; `rules` has what is decided, the project's own
code wherever that is a pure function; `promises` says what must hold, and `search` goes through every state.

Modelled: intents, uploads with their last chunk, releases, claims, answers, the server's jobs and charges, a history
that lags or lists only what has ended, looks and searches, polls, sightings, slots and the balance, failed and refused
attempts, several jobs on one separation and several works, `redo` and `cancel`, crashes at every point, connections
that drop at every point, hands that hang, uploads that the service makes two of, restored older backups.

Not modelled: what comes after (fetching, publishing and disposal have a model of their own, `home`; a job is
`published` here when its separation is done), several accounts or hosts, prices other than 1, limits by the day,
batches, links that the service is still to fetch, the 72 hours after which the service forgets, and everything that is
lost together with the claims. Assumed of the outside: the history's lag does not change within a run; a last chunk that
left a closed connection arrives within a tick or never; one look at the history is one instant; a person who names a
row of the history names the newest.
"""

from collections.abc import Callable, Iterable
from typing import Any

from tests.model import looks, outside, uploads
from tests.model.game import Game
from tests.model.promises import broken_at_rest, broken_promise
from tests.model.table import Action, Play, always, once
from tests.model.world import ANSWERED, BEFORE_LAST_CHUNK, Hand, Key, Separation, Stage, World

COMMITTED_LATE = "`released` is committed late"
"""Happens under a wrong rule only."""


def jobs(world: World) -> Iterable[int]:
    return range(len(world.state.jobs))


def separations(world: World) -> Iterable[Separation]:
    return world.state.separations


def hands(world: World) -> Iterable[Hand]:
    return world.hands


def flying(world: World) -> Iterable[Key]:
    return world.flying


def remotes(world: World) -> Iterable[int]:
    return range(len(world.remotes))


def at(*stages: Stage) -> Callable[[Game, World, Hand], bool]:
    return lambda _, __, hand: hand.stage in stages


def left(what: str) -> Callable[[Game, World, Any], bool]:
    return lambda _, world, __: getattr(world.budget, what) > 0


def is_waiting(_: Game, world: World, place: int) -> bool:
    return world.remotes[place].status == "waiting"


def may_fail(game: Game, world: World, place: int) -> bool:
    return is_waiting(game, world, place) and world.budget.failures > 0


def may_restore(_: Game, world: World, __: None) -> bool:
    return world.backup is not None and world.budget.crashes > 0


def nothing_flies(_: Game, world: World, __: None) -> bool:
    return not world.flying


def at_with(what: str, *stages: Stage) -> Callable[[Game, World, Hand], bool]:
    return lambda _, world, hand: hand.stage in stages and getattr(world.budget, what) > 0


OWN = (
    Action("the account is read", once, always, looks.read_account),
    Action("the history is read", once, always, looks.look),
    Action("a job is served", jobs, uploads.may_serve, uploads.serve_job),
    Action("a hand is sent out", separations, uploads.may_send, uploads.send),
    Action("the hand asks for the release", hands, at(Stage.UPLOADING), uploads.ask_release),
    Action("the hand writes the claim", hands, at(Stage.GRANTED), uploads.claim),
    Action("the last chunk leaves", hands, uploads.may_leave, uploads.leave),
    Action(COMMITTED_LATE, hands, uploads.commits_late, uploads.release_late),
    Action("the answer comes", hands, at(*ANSWERED), uploads.answer),
    Action("a separation is asked for", separations, looks.may_poll, looks.poll),
    Action("the server is asked to cancel", separations, looks.may_cancel, looks.cancel_remote),
    Action("the server makes the job", hands, at(Stage.LEFT), outside.arrive),
    Action("a late last chunk makes the job", flying, always, outside.arrive_late),
    Action("a late last chunk is lost", flying, always, outside.vanish),
    Action("the server finishes", remotes, is_waiting, outside.finish("done")),
    Action("time passes", once, nothing_flies, outside.tick),
)
"""What happens by itself; where none of it changes anything that lasts, the world has come to rest."""

TROUBLE = (
    Action("the upload breaks", hands, at_with("breaks", *BEFORE_LAST_CHUNK), outside.break_off),
    Action("the connection drops", hands, at_with("drops", Stage.LEFT, *ANSWERED), uploads.drop),
    Action("the server says not now", hands, at_with("refusals", Stage.LEFT), outside.refuse(Stage.BUSY)),
    Action("the server says never", hands, at_with("refusals", Stage.LEFT), outside.refuse(Stage.REFUSED)),
    Action("the server makes two jobs of it", hands, at_with("doubles", Stage.LEFT), outside.arrive_doubled),
    Action("the server fails", remotes, may_fail, outside.finish("failed")),
    Action("the process is killed", once, left("crashes"), outside.crash),
    Action("the state is copied", once, left("backups"), outside.back_up),
    Action("killed, and the copy restored", once, may_restore, outside.restore),
    Action("a person says redo", jobs, outside.may_redo, outside.redo),
    Action("a person says cancel", jobs, outside.may_cancel, outside.cancel),
    Action("a person says which it is", jobs, outside.may_recognise, outside.recognise),
)
"""What may happen a few times, and what people say."""


def lasting(world: World) -> Any:
    """Leave out what only tells how long ago something was, or what was looked at."""
    statuses = tuple(remote.status for remote in world.remotes)
    return (world.state, world.hands, world.flying, statuses, world.claim)


NEVER_TWICE = Play(OWN, TROUBLE, broken_promise, broken_at_rest, lasting)
