"""Published right, disposed of not too early, nothing dropped, in every order of events: the local end, searched.

The world is `home/protocol.py`, which says what is modelled and what is not; the decisions in it are the project's own.
As in `test_never_twice`, each wrong rule must break a promise.
"""

import pytest

from mvsep_watch.model import JobState
from tests.model.home.game import Game
from tests.model.home.protocol import HOME, OWN, TROUBLE
from tests.model.home.rules import Rules
from tests.model.home.settings import SETTINGS, WRONG
from tests.model.home.world import STRANGER, A, B
from tests.model.search import explore


@pytest.fixture(scope="module")
def outcomes():
    """Search each setting once, with the rules as they are."""
    return {name: explore(HOME, Game(Rules(), setting)) for name, setting in SETTINGS.items()}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_rules_keep_every_promise(outcomes, name):
    """No source goes early, nothing wrong is shown, nothing paid for is dropped, nothing is left or stuck."""
    assert outcomes[name].broken is None, str(outcomes[name])


def test_everything_that_can_happen_does(outcomes):
    """A search that never gets anywhere keeps every promise, too."""
    happened = frozenset().union(*(outcome.names for outcome in outcomes.values()))

    assert happened == {action.name for action in (*OWN, *TROUBLE)}


def reached(what):
    """A promise that is broken by a happy end."""
    return lambda _, world: "reached" if what(world) else None


def is_all_published(world):
    return bool(world.state.jobs) and all(job.state == JobState.PUBLISHED for job in world.state.jobs)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a song", lambda world: not world.budget.crashes and not any(world.files) and is_all_published(world)),
        ("two rules", lambda world: world.shown == {(A, 1), (B, 1)} and not any(world.files)),
        ("a song that is replaced", lambda world: world.shown == {(A, 1), (A, 2)} and not any(world.files)),
        ("two copies", lambda world: world.files == world.aside == (0, 0)),
        ("strangers", lambda world: world.places[0] == STRANGER and is_all_published(world)),
        ("a person has outputs replaced", lambda world: world.places[0] and world.places[0].hash == 12),
        ("outputs side by side", lambda world: not world.budget.crashes and is_all_published(world)),
        ("a person has outputs replaced, side by side", lambda world: world.places[0] and world.places[0].hash == 12),
        ("a person has outputs replaced, and nothing swaps", lambda world: any(world.old) and world.places[0]),
        ("the root's disk is away", lambda world: not world.ready and any(world.spool) and is_all_published(world)),
        ("an old backup", lambda world: not world.budget.crashes and world.shown == {(A, 1), (A, 2)}),
        ("a state that was made anew", lambda world: world.state.id == 2 and not any(world.files)),
    ],
)  # fmt: skip
def test_trouble_has_a_happy_end(name, what):
    """What can be published is, what is to go goes, and what was set aside or kept is used."""
    assert explore(HOME, Game(Rules(), SETTINGS[name]), reached(what)).broken == "reached"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found_out(name):
    """With the promise that it breaks, and the shortest story of how."""
    wrong, setting, promise = WRONG[name]

    outcome = explore(HOME, Game(wrong, SETTINGS[setting]))

    assert outcome.broken == promise, str(outcome)
