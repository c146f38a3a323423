"""Whether a separation may start: gates, plan, approval, money and slots, each with its reason."""

from dataclasses import replace

import pytest

from mvsep_watch.model import Account, CreditLimits, Gate, GateName
from mvsep_watch.planner import Ask, PlanLimits, Proposal, Situation, Start, Wait, any_limit, may_start

NO_LIMITS = CreditLimits(approve_batch_above=None)
OPEN = Situation(
    gates=(),
    plan=PlanLimits(separations=10, per_day_jobs=None, max_size_bytes=None, max_duration_s=None),
    credits=NO_LIMITS,
    account=Account(identity="me", credits=100, premium_enabled=True),
    slots_taken=0,
)
SONG = Proposal(price=4, size_bytes=1000, duration_s=200.0)


def with_credits(**limits):
    return replace(OPEN, credits=replace(NO_LIMITS, **limits))


def with_plan(**limits):
    return replace(OPEN, plan=replace(OPEN.plan, **limits))


def test_what_nothing_stands_against_starts_and_reserves_its_price():
    """The ordinary case."""
    assert may_start(SONG, OPEN) == Start(4)


def test_an_unknown_price_without_any_limit_starts_and_reserves_the_least():
    """Nobody asked to be asked, and the service charges at least one credit."""
    assert may_start(replace(SONG, price=None), OPEN) == Start(1)


@pytest.mark.parametrize("name", list(GateName))
def test_every_closed_gate_stops_everything(name):
    """A gate without a scope is the whole daemon's."""
    situation = replace(OPEN, gates=(Gate(name=name, reason="closed", hint="open it"),))

    assert may_start(SONG, situation) == Wait("closed", "open it", is_shared=True)


def test_a_gate_about_one_output_root_stops_only_what_publishes_there():
    """A full disk is no reason to stop the others."""
    situation = replace(OPEN, gates=(Gate(name=GateName.DISK, reason="full", scope="/a"),))

    decisions = [may_start(replace(SONG, root=root), situation) for root in ("/a", "/b")]

    assert decisions == [Wait("full", is_shared=False), Start(4)]


def test_a_pause_of_one_folder_stops_only_its_own():
    """Whatever output root it has; a folder may be called like a root."""
    situation = replace(OPEN, gates=(Gate(name=GateName.PAUSED, reason="paused", scope="/a"),))
    decisions = [
        may_start(replace(SONG, root=root, folder=folder), situation) for root, folder in (("/a", "b"), ("/b", "/a"))
    ]

    assert decisions == [Start(4), Wait("paused")]


def test_nothing_starts_before_the_account_was_read():
    """Neither whose credits nor how many are known."""
    decision = may_start(SONG, replace(OPEN, account=None))

    assert isinstance(decision, Wait)
    assert decision.is_shared


@pytest.mark.parametrize(
    ("proposal", "situation", "words"),
    [
        (replace(SONG, size_bytes=2001), with_plan(max_size_bytes=2000), "2001 bytes"),
        (replace(SONG, duration_s=601), with_plan(max_duration_s=600), "601 s"),
        (SONG, replace(with_plan(per_day_jobs=3), sent_today=3), "3 of 3"),
        (SONG, replace(OPEN, slots_taken=10), "10 of 10 slots"),
        (
            SONG,
            replace(OPEN, account=Account(identity="me", premium_enabled=True)),
            "does not say the account's balance",
        ),
        (SONG, replace(OPEN, reserved=97), "97 in use"),
        (SONG, with_credits(reserve=97), "97 kept back"),
        (SONG, replace(with_credits(per_day=10), spent_today=7), "3 of 10 are left for this day"),
        (SONG, replace(with_credits(per_month=10), spent_this_month=12), "0 of 10 are left for this month"),
    ],
)
def test_what_must_wait_says_what_for(proposal, situation, words):
    """One case for each limit; the numbers that decide are in the reason."""
    decision = may_start(proposal, situation)

    assert isinstance(decision, Wait)
    assert words in decision.reason


@pytest.mark.parametrize(
    ("proposal", "situation"),
    [
        (replace(SONG, size_bytes=2000), with_plan(max_size_bytes=2000)),
        (replace(SONG, duration_s=600), with_plan(max_duration_s=600)),
        (replace(SONG, duration_s=None), with_plan(max_duration_s=600)),
        (SONG, replace(with_plan(per_day_jobs=3), sent_today=2)),
        (SONG, replace(OPEN, slots_taken=9)),
        (SONG, replace(OPEN, reserved=96)),
        (SONG, with_credits(reserve=96)),
        (SONG, replace(with_credits(per_day=10), spent_today=6)),
        (SONG, replace(with_credits(per_month=10), spent_this_month=6)),
        (SONG, with_credits(approve_job_above=4)),
    ],
)
def test_what_just_fits_starts(proposal, situation):
    """The edge of each limit is allowed."""
    assert may_start(proposal, situation) == Start(4)


def test_what_is_free_needs_no_balance():
    """An account without premium pays nothing, however little it has and whatever the limits say."""
    situation = replace(with_credits(reserve=500, per_day=0), account=Account(identity="me"))

    assert may_start(replace(SONG, price=0), situation) == Start(0)


@pytest.mark.parametrize(
    "limits",
    [{"reserve": 1}, {"per_day": 9}, {"per_month": 9}, {"approve_job_above": 9}, {"approve_batch_above": 50}],
)
def test_an_unknown_price_is_asked_about_as_soon_as_any_limit_is_set(limits):
    """Otherwise the limit would be a wish."""
    situation = with_credits(**limits)

    assert any_limit(situation.credits)
    assert isinstance(may_start(replace(SONG, price=None), situation), Ask)


@pytest.mark.parametrize(
    ("price", "approved", "starts"),
    [
        (None, (False, None), False),
        (None, (True, 9), False),
        (None, (True, None), True),
        (4, (False, None), False),
        (4, (True, 3), False),
        (4, (True, 4), True),
        (4, (True, None), True),
    ],
)
def test_an_approval_holds_up_to_the_price_it_was_given_for(price, approved, starts):
    """A price that has risen, or become unknown, since it was approved is asked about again."""
    proposal = replace(SONG, price=price, approved=approved)

    assert isinstance(may_start(proposal, with_credits(approve_job_above=2)), Start if starts else Ask)


def test_a_question_names_the_price_and_the_command():
    """It is read in `status`, by somebody who has not seen the configuration for a year."""
    decision = may_start(SONG, with_credits(approve_job_above=3))

    assert decision == Ask(
        "it would cost 4 credits, more than limits.credits.approve_job_above (3)",
        "`approve` lets it go for 4 credits",
        4,
    )


def test_a_closed_gate_comes_before_a_question():
    """Nobody is asked for a price while nothing could start anyway."""
    situation = replace(with_credits(approve_job_above=1), gates=(Gate(name=GateName.PAUSED, reason="paused"),))

    assert isinstance(may_start(SONG, situation), Wait)


def test_an_approval_lifts_no_other_limit():
    """A person approved the price, not a day that is over its limit."""
    situation = replace(with_credits(approve_job_above=1, per_day=3))

    assert isinstance(may_start(replace(SONG, approved=(True, 4)), situation), Wait)


def test_links_and_texts_wait_while_it_is_not_known_what_became_of_another():
    """Nobody could tell which of them a row of the history is; a song carries its tag and goes on."""
    situation = replace(OPEN, is_untagged_unknown=True)

    assert may_start(SONG, situation) == Start(4)
    assert may_start(replace(SONG, is_tagged=False), OPEN) == Start(4)
    decision = may_start(replace(SONG, is_tagged=False), situation)
    assert isinstance(decision, Wait)
    assert "one at a time" in decision.reason


@pytest.mark.parametrize(
    ("failures", "attempts", "approved", "asks"),
    [(2, 1, (False, None), False), (3, 1, (False, None), True), (3, 5, (False, None), False), (3, 1, (True, 4), False)],
)
def test_content_that_keeps_failing_is_asked_about(failures, attempts, approved, asks):
    """More often than `limits.attempts` allows for one work, whatever rule or name it comes under."""
    decision = may_start(replace(SONG, failures=failures, approved=approved), replace(OPEN, attempts=attempts))

    assert isinstance(decision, Ask) is asks
