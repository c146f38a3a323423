"""Never twice, in every order of events: all states of a small world, searched one by one.

The world is `protocol.py`, which says what is modelled and what is not; the decisions in it are the project's own. A
search that finds nothing proves something only if it can find something: so each wrong rule must break a promise.
"""

import pytest

from mvsep_watch.model import JobState, SeparationState
from tests.model import rules
from tests.model.game import Game
from tests.model.promises import (
    CANCELLED_UNDER_A_JOB,
    CANCELLED_WHILE_RUNNING,
    FAILED_BESIDE_A_RESULT,
    OVER_BALANCE,
    OVER_SLOTS,
    PAID_WITHOUT_A_WORD,
    SENT_TWICE,
    TAKEN_FOR_ANOTHER,
)
from tests.model.protocol import COMMITTED_LATE, NEVER_TWICE, OWN, TROUBLE
from tests.model.rules import Rules
from tests.model.search import explore
from tests.model.world import LAG, Budget, Hand, Job, Remote, Separation, Setting, Stage, State, World

UNDER_WAY = World(
    state=State(
        separations=(
            Separation(0, 1, SeparationState.RELEASED, releases=1),
            Separation(1, 1, SeparationState.SUBMITTED, releases=1, remote=0),
        ),
        jobs=(Job(0, key=(0, 1)), Job(1, JobState.SUBMITTED, key=(1, 1))),
        generation=2,
        order=((0, 1), (1, 1)),
    ),
    budget=Budget(),
    hands=(Hand((0, 1), Stage.LEFT),),
    remotes=(Remote(1, 1, age=LAG),),
    claim=2,
)
"""A last chunk that takes its time, and a job that was released after it and made before it."""

SETTINGS = {
    "a prompt history": Setting(seen=1, budget=Budget(crashes=1, drops=1, refusals=1, breaks=1)),
    "a prompt history, and two connections drop": Setting(seen=1, budget=Budget(crashes=1, drops=2)),
    "a prompt history that was never seen to be": Setting(budget=Budget(crashes=1, drops=1, refusals=1)),
    "a late history": Setting(lag=LAG, budget=Budget(crashes=1, drops=1, refusals=1)),
    "a late history, and its lag is known": Setting(
        lag=LAG, seen=1, longest_lag=LAG, budget=Budget(crashes=1, drops=1, refusals=1)
    ),
    "a late history, and no claim to warn": Setting(lag=LAG, counts_releases=False, budget=Budget(crashes=1)),
    "a late history, and an attempt fails": Setting(lag=LAG, attempts=2, budget=Budget(drops=1, failures=1)),
    "a late history, and a younger job": Setting(lag=LAG, under_way=UNDER_WAY, budget=Budget(crashes=1, drops=1)),
    "a history of what has ended": Setting(lists_unfinished=False, budget=Budget(crashes=1, drops=1)),
    "two jobs on one work": Setting(jobs=(0, 0), seen=1, budget=Budget(crashes=1, drops=1, cancels=1)),
    "two works in a late history": Setting(jobs=(0, 1), lag=LAG, counts_releases=False, budget=Budget(drops=1)),
    "two works and one slot": Setting(jobs=(0, 1), slots=1, budget=Budget(drops=1)),
    "two works and money for one": Setting(
        jobs=(0, 1), balance=1, counts_money=True, budget=Budget(drops=1, failures=1)
    ),
    "an old backup": Setting(lag=LAG, budget=Budget(crashes=1, backups=1)),
    "a person asks again": Setting(lists_unfinished=False, budget=Budget(drops=1, redos=1, failures=1)),
    "a person cancels": Setting(seen=1, budget=Budget(crashes=1, drops=1, cancels=1)),
    "a hand hangs": Setting(seen=1, hung_hands=True, budget=Budget(drops=1, breaks=1)),
    "one upload becomes two jobs": Setting(seen=1, attempts=2, budget=Budget(drops=1, doubles=1, failures=1)),
    "a link": Setting(is_tagged=False, seen=1, budget=Budget(crashes=1, drops=1, refusals=1, recognitions=1)),
    "a link that a person cancels or asks for again": Setting(
        is_tagged=False, seen=1, attempts=2, budget=Budget(drops=1, redos=1, cancels=1, failures=1)
    ),
    "two links": Setting(jobs=(0, 1), is_tagged=False, seen=1, budget=Budget(drops=2, recognitions=1)),
    "a state that was made anew": Setting(made_before=(Remote(0, 1),), budget=Budget(crashes=1)),
}

WRONG = {
    "what is unknown after a restart is sent again": (
        Rules(unknown_is_searched=False), "a late history", SENT_TWICE,
    ),
    "sent again after one read": (
        Rules(verdict=rules.after_one_read), "a late history, and its lag is known", SENT_TWICE,
    ),
    "absence is believed without any sighting": (
        Rules(verdict=rules.without_sighting), "a history of what has ended", SENT_TWICE,
    ),
    "the lag that was seen is not waited for": (
        Rules(verdict=rules.without_lag), "a late history, and its lag is known", SENT_TWICE,
    ),
    "the window starts while the connection is open": (
        Rules(searches_after_close=False), "a prompt history", SENT_TWICE,
    ),
    "a lag is counted from the answer": (
        Rules(lag_from_release=False), "a late history, and an attempt fails", SENT_TWICE,
    ),
    "younger is what was released later": (
        Rules(younger_than_close=False), "a late history, and a younger job", SENT_TWICE,
    ),
    "`released` is committed after the last chunk": (
        Rules(releases_first=False), "a late history, and no claim to warn", SENT_TWICE,
    ),
    "send numbers are not compared": (Rules(counts_sends=False), "a hand hangs", SENT_TWICE),
    "the claim is not written before the last chunk": (Rules(claims_first=False), "an old backup", SENT_TWICE),
    "nobody looks before an intent": (Rules(looks_first=False), "a state that was made anew", SENT_TWICE),
    "what ended is begun anew": (
        Rules(serve=rules.again_without_a_word), "a person asks again", PAID_WITHOUT_A_WORD,
    ),
    "a link is absent because its tag is": (
        Rules(verdict=rules.absent_without_a_tag, doubts_unexplained=False), "a link", SENT_TWICE,
    ),
    "several links at a time are unknown": (
        Rules(may_start=rules.several_without_a_tag), "two links", TAKEN_FOR_ANOTHER,
    ),
    "an unknown gives its slot back at once": (Rules(keeps_slot=False), "two works and one slot", OVER_SLOTS),
    "money is not asked about": (Rules(may_start=rules.slots_only), "two works and money for one", OVER_BALANCE),
    "a charge in the history frees its reservation": (
        Rules(counts_until_balance=False), "two works and money for one", OVER_BALANCE,
    ),
    "limits are looked at once, and nothing is reserved": (
        Rules(reserves_at_intent=False, asks_at_release=False), "two works and money for one", OVER_BALANCE,
    ),
    "`failed` is recorded without another look": (
        Rules(asks_before_failed=False), "one upload becomes two jobs", FAILED_BESIDE_A_RESULT,
    ),
    "the first of several rows is adopted": (
        Rules(best_row=rules.oldest_row, asks_before_failed=False),
        "one upload becomes two jobs",
        FAILED_BESIDE_A_RESULT,
    ),
    "`cancelled` is recorded though the server refused": (
        Rules(cancels_with_server=False), "a person cancels", CANCELLED_WHILE_RUNNING,
    ),
    "a job joins what is about to be cancelled": (
        Rules(joining_keeps=False), "two jobs on one work", CANCELLED_UNDER_A_JOB,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes():
    """Search each setting once, with the rules as they are."""
    return {name: explore(NEVER_TWICE, Game(Rules(), setting)) for name, setting in SETTINGS.items()}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_rules_keep_every_promise(outcomes, name):
    """Nothing is sent twice or overspent, no result is lost, and what comes to rest says why, in every order."""
    assert outcomes[name].broken is None, str(outcomes[name])


def test_everything_that_can_happen_does(outcomes):
    """A search that never gets anywhere keeps every promise, too."""
    happened = frozenset().union(*(outcome.names for outcome in outcomes.values()))

    assert happened == {action.name for action in (*OWN, *TROUBLE)} - {COMMITTED_LATE}


def is_published_after(what):
    """A promise that is broken by a happy end after something."""

    def look(_, world):
        ends = all(job.state == JobState.PUBLISHED for job in world.state.jobs)
        return "reached" if ends and what(world) else None

    return look


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a prompt history", lambda world: any(row.releases == 2 for row in world.state.separations)),
        ("a late history", lambda world: not world.budget.drops and world.state.separations[0].releases == 1),
        ("a person asks again", lambda world: world.words == {(0, 2)}),
        ("one upload becomes two jobs", lambda world: len(world.state.separations) == 2),
        ("a link", lambda world: not world.budget.drops and not world.budget.recognitions),
        ("an old backup", lambda world: not world.budget.backups and not world.budget.crashes),
        ("two jobs on one work", lambda world: len(world.remotes) == 1 and not world.budget.drops),
        ("a state that was made anew", lambda world: len(world.remotes) == 1),
    ],
)
def test_trouble_has_a_happy_end(name, what):
    """What is certainly absent is sent again, what is found is adopted, what a person asks for is done."""
    assert explore(NEVER_TWICE, Game(Rules(), SETTINGS[name]), is_published_after(what)).broken == "reached"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found_out(name):
    """With the promise that it breaks, and the shortest story of how."""
    wrong, setting, promise = WRONG[name]

    outcome = explore(NEVER_TWICE, Game(wrong, SETTINGS[setting]))

    assert outcome.broken == promise, str(outcome)
