"""What follows from trouble: one row for every branch of the error tree."""

import pytest

from mvsep_watch import errors
from mvsep_watch.model import GateName
from mvsep_watch.retry import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    MAX_DAMAGED,
    Again,
    CloseGate,
    GiveUp,
    Hold,
    after,
    backoff_s,
    words,
)


def leaves(kind):
    """Every class of the tree that somebody raises."""
    return [kind, *(leaf for sub in kind.__subclasses__() for leaf in leaves(sub))]


OURS = [kind for kind in leaves(errors.MvsepWatchError) if kind.__module__ == errors.__name__]
GATES = {
    errors.TokenRefusedError: GateName.TOKEN,
    errors.CreditsExhaustedError: GateName.CREDITS,
    errors.OutputRootError: GateName.DISK,
    errors.StateError: GateName.STATE,
    errors.AlreadyRunningError: GateName.STATE,
}


@pytest.mark.parametrize("kind", [kind for kind in OURS if issubclass(kind, errors.RetryableError)])
def test_what_may_go_well_later_is_done_again_by_itself(kind):
    """Every leaf of the first branch."""
    assert after(kind("it broke"), failures=0) == Again(FIRST_DELAY_S)


@pytest.mark.parametrize("kind", [kind for kind in OURS if issubclass(kind, errors.PermanentError)])
def test_what_cannot_succeed_is_given_up(kind):
    """Every leaf of the second branch."""
    assert after(kind("no"), failures=0) == GiveUp()


@pytest.mark.parametrize("kind", [kind for kind in OURS if issubclass(kind, errors.NeedsUserError)])
def test_what_needs_a_person_closes_its_gate_or_holds_the_job(kind):
    """Every leaf of the third branch."""
    expected = CloseGate(GATES[kind]) if kind in GATES else Hold()

    assert after(kind("mend it"), failures=0) == expected


def test_a_bug_holds_the_job():
    """What is not of the tree is never tried again by itself."""
    assert after(KeyError("x"), failures=0) == Hold()


@pytest.mark.parametrize(("failures", "expected"), [(MAX_DAMAGED - 2, Again), (MAX_DAMAGED - 1, Hold)])
def test_downloads_that_stay_damaged_become_a_persons_matter(failures, expected):
    """By then it is no network hiccup."""
    assert isinstance(after(errors.OutputDamagedError("short"), failures=failures), expected)


@pytest.mark.parametrize(
    ("asked_s", "expected_s"), [(1.0, 2.0), (90.0, 90.0), (4000.0, 4000.0), (1e7, 5400.0), (None, 2.0)]
)
def test_the_other_side_may_ask_for_more_patience_but_not_for_less(asked_s, expected_s):
    """`Retry-After` counts where it is longer than our own delay; what a wrong clock asks for is not believed."""
    error = errors.RateLimitedError("slow down", retry_after_s=asked_s)

    assert after(error, failures=0) == Again(expected_s)


@pytest.mark.parametrize(("failures", "expected_s"), [(0, 2.0), (1, 4.0), (5, 64.0), (8, 300.0), (10**6, 300.0)])
def test_delays_double_up_to_a_longest(failures, expected_s):
    """However often it failed."""
    assert backoff_s(failures) == expected_s


def test_delays_are_spread_so_that_not_everything_comes_back_at_once():
    """By half, around the middle."""
    assert [backoff_s(20, spread=spread) for spread in (0.0, 0.5, 1.0)] == [
        0.75 * LONGEST_DELAY_S,
        LONGEST_DELAY_S,
        1.25 * LONGEST_DELAY_S,
    ]


def test_our_errors_speak_for_themselves_and_a_bug_says_what_it_is():
    """Message and hint reach `status` unchanged."""
    assert words(errors.UsageError("no such job", hint="look at `jobs`")) == ("no such job", "look at `jobs`")
    assert words(KeyError("a secret"))[0] == "a bug: KeyError"
