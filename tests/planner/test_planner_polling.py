"""When a separation is asked for again: bounded, seldom, and soon after it ended."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mvsep_watch.planner.polling import (
    MOST_MARGIN,
    Learned,
    Progress,
    learn,
    learned_delay_s,
    minutes_of,
    poll_delay_s,
    wait_left_s,
    work_left_s,
)

LEARNED = Learned(seconds_per_minute=60.0, spread=0.04, count=20)


def delay(*, minutes=1.0, elapsed_s=0.0, learned=LEARNED, least_s=0.1, most_s=10_000.0, **progress):
    made = Progress(minutes=minutes, elapsed_s=elapsed_s, **progress)
    return learned_delay_s(made, learned, least_s=least_s, most_s=most_s)


def followed(length_s, minutes, learned, *, least_s=0.1, most_s=10_000.0):
    """Ask for a separation until it is done; give how often, when it was last seen unfinished, and when done."""
    polls, before_s, at_s = 0, 0.0, 0.0
    while at_s < length_s:
        before_s = at_s
        at_s += delay(minutes=minutes, elapsed_s=at_s, learned=learned, least_s=least_s, most_s=most_s)
        polls += 1
    return polls, before_s, at_s


@pytest.mark.parametrize(("polls", "expected"), [(0, 5), (1, 6.5), (5, 18.6), (9, 53.0), (10, 60), (10_000, 60)])
def test_the_wait_between_polls_grows_to_its_most(polls, expected):
    """What nobody knows anything about is asked about often at first."""
    assert poll_delay_s(polls, least_s=5, most_s=60) == pytest.approx(expected, abs=0.1)


def test_the_first_poll_comes_before_the_soonest_end():
    """Earlier ones would be for nothing."""
    assert delay(minutes=10.0) == pytest.approx(600 * 0.9)


def test_around_the_end_a_poll_follows_soon():
    """Within five percent of what it took."""
    assert delay(minutes=10.0, elapsed_s=600.0) == pytest.approx(24.0)


def test_what_is_late_is_asked_for_ever_more_rarely():
    """It may be stuck."""
    waits = [delay(elapsed_s=elapsed_s) for elapsed_s in (66, 100, 200, 400)]

    assert waits == sorted(waits)
    assert waits[-1] > 400


def test_what_waits_in_the_queue_cannot_end_before_it_begins():
    """Its place says when that is."""
    assert delay(elapsed_s=5000.0, is_waiting=True, wait_left_s=120.0) == pytest.approx(120 + 54)


def test_the_chunks_say_how_far_it_is():
    """Better than the time does: the service may be slow today."""
    assert delay(minutes=10.0, elapsed_s=300.0, share=0.25) == pytest.approx(600 * 0.65)
    assert delay(minutes=10.0, elapsed_s=600.0, share=1.0) == pytest.approx(24.0)


@pytest.mark.parametrize(("duration_s", "minutes"), [(0.5, 1.0), (60.0, 1.0), (90.0, 1.5)])
def test_what_is_shorter_than_a_minute_counts_as_one(duration_s, minutes):
    """It takes hardly less."""
    assert minutes_of(duration_s) == minutes


@pytest.mark.parametrize(
    ("learned", "duration_s", "elapsed_s", "left_s"),
    [
        (None, 120.0, 5.0, None),
        (Learned(seconds_per_minute=30.0), None, 5.0, None),
        (Learned(seconds_per_minute=30.0), 120.0, 25.0, 35.0),
        (Learned(seconds_per_minute=30.0), 120.0, 90.0, 0.0),
        (Learned(seconds_per_minute=30.0), 120.0, -9.0, 60.0),
    ],
)
def test_the_work_that_is_left_is_what_its_like_takes_without_what_is_done(learned, duration_s, elapsed_s, left_s):
    """Unknown without a like or a length; nothing where it is late; all of it where a clock was set back."""
    assert work_left_s(learned, duration_s=duration_s, elapsed_s=elapsed_s) == left_s


@pytest.mark.parametrize(
    ("place", "was", "since_s", "left_s"), [(None, 9, 60, 0), (5, None, 60, 0), (9, 9, 60, 0), (3, 9, 60, 30)]
)
def test_a_place_lasts_as_long_as_the_queue_moves(place, was, since_s, left_s):
    """Ten seconds a place is half a minute for three; one that did not move says nothing."""
    assert wait_left_s(place, was=was, since_s=since_s) == left_s


def test_one_that_got_stuck_teaches_little():
    """An hour instead of a minute does not put off the next by an hour."""
    after = learn(LEARNED, took_s=3600.0, minutes=1.0)

    assert after.seconds_per_minute == pytest.approx(66.0)
    assert after.margin <= MOST_MARGIN


def test_a_service_that_became_faster_is_believed_after_a_few():
    """Or slower."""
    learned = LEARNED
    for _ in range(20):
        learned = learn(learned, took_s=40.0, minutes=1.0)

    assert learned.seconds_per_minute == pytest.approx(40.0, rel=0.1)


@given(
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(0.01, 1e4),
    st.floats(0, 10),
    st.booleans(),
    st.floats(0, 1),
)
def test_no_wait_is_shorter_than_the_least_or_longer_than_the_most(
    minutes, elapsed_s, per_minute, spread, waits, share
):
    """Whatever was learned: they are a promise of the configuration."""
    learned = Learned(seconds_per_minute=per_minute, spread=spread)

    found = delay(
        minutes=minutes + 1, elapsed_s=elapsed_s, learned=learned, least_s=5, most_s=60, is_waiting=waits, share=share
    )

    assert 5 <= found <= 60


@given(st.integers(0, 10_000), st.floats(1.0, 600.0))
@example(seed=2033, per_minute=2.0)
def test_what_was_learned_takes_few_polls_and_is_noticed_soon(seed, per_minute):
    """At most eight polls, within five percent of its length, once its like was separated a dozen times."""
    chance, learned = random.Random(seed), None
    for number in range(40):
        minutes = chance.uniform(1, 12)
        length_s = minutes * per_minute * chance.uniform(0.92, 1.08)
        if learned is None:
            learned = learn(None, took_s=length_s, minutes=minutes)
            continue
        polls, before_s, noticed_s = followed(length_s, minutes, learned)
        learned = learn(learned, took_s=(before_s + noticed_s) / 2 if polls > 1 else noticed_s, minutes=minutes)
        if number >= 12:
            assert polls <= 8
            assert noticed_s <= length_s * 1.05 + 0.1
