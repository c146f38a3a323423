"""What a look at the history means for a separation whose outcome is unknown."""

from dataclasses import replace

import pytest

from mvsep_watch.model import HistoryRow
from mvsep_watch.planner import Absent, Doubtful, LookAgain, Promptness, Search, best_row, verdict

UNSEEN = Promptness(seen=0, was_late=False, longest_lag_s=0.0)
PROMPT = Promptness(seen=1, was_late=False, longest_lag_s=0.0)
LATE = Promptness(seen=5, was_late=True, longest_lag_s=0.0)
LOOKED_ENOUGH = Search(since_s=1000.0, reads=3, last_begun_s=1120.0)


def judge(search=LOOKED_ENOUGH, promptness=PROMPT, *, releases=1):
    return verdict(search, promptness, window_s=120.0, releases=releases)


def test_absence_is_believed_where_the_history_was_seen_to_be_prompt():
    """Three reads, the last begun after the window."""
    assert judge() == Absent()


@pytest.mark.parametrize(
    "search",
    [
        Search(since_s=1000.0),
        replace(LOOKED_ENOUGH, reads=2),
        replace(LOOKED_ENOUGH, reads=50, last_begun_s=1119.9),
        replace(LOOKED_ENOUGH, reads=2, younger_was_listed=True),
        Search(since_s=1000.0, reads=Search(since_s=1000.0).reads + 2, last_begun_s=1120.0),
    ],
)
def test_few_or_early_reads_say_nothing(search):
    """Neither many early reads nor few late ones are enough, whatever else is known."""
    assert judge(search) == LookAgain()


@pytest.mark.parametrize(
    ("lag_s", "last_begun_s", "expected"),
    [(50.0, 1149.0, LookAgain()), (50.0, 1150.0, Absent()), (40.0, 1120.0, Absent())],
)
def test_a_lag_that_was_seen_is_waited_for_three_times(lag_s, last_begun_s, expected):
    """The window grows with what the history was seen to need."""
    search = replace(LOOKED_ENOUGH, last_begun_s=last_begun_s)

    assert judge(search, replace(PROMPT, longest_lag_s=lag_s)) == expected


@pytest.mark.parametrize(
    ("promptness", "words"), [(UNSEEN, "has not been seen to list"), (LATE, "lists new work late")]
)
def test_where_the_history_was_not_seen_to_be_prompt_absence_is_a_doubt(promptness, words):
    """The doubt says why, for the person who is asked."""
    decision = judge(promptness=promptness)

    assert isinstance(decision, Doubtful)
    assert words in decision.reason


@pytest.mark.parametrize("promptness", [UNSEEN, LATE])
def test_a_younger_separation_that_is_listed_makes_absence_certain(promptness):
    """The history has come past the place where it would stand."""
    assert judge(replace(LOOKED_ENOUGH, younger_was_listed=True), promptness) == Absent()


def test_a_second_unknown_is_never_sent_again_by_itself():
    """Even where everything says absent."""
    decision = judge(replace(LOOKED_ENOUGH, younger_was_listed=True), releases=2)

    assert isinstance(decision, Doubtful)
    assert "twice" in decision.reason


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["waiting"], 1),
        (["waiting", "processing"], 1),
        (["waiting", "done"], 2),
        (["failed", "waiting", "done", "done"], 3),
        (["failed", "distributing"], 2),
        (["not_found", "failed"], 2),
        (["not_found", "failed", "merging"], 3),
    ],
)
def test_of_several_rows_the_most_useful_is_adopted(statuses, expected):
    """Done before unfinished before failed before gone, then the oldest; in whatever order they are listed."""
    rows = [(HistoryRow(id=number, hash=str(number)), status) for number, status in enumerate(statuses, 1)]

    assert {best_row(rows).id, best_row(rows[::-1]).id} == {expected}


def test_what_carries_no_tag_is_never_absent():
    """Not finding what could not be found says nothing, however prompt the history is."""
    search = replace(LOOKED_ENOUGH, younger_was_listed=True)

    decision = verdict(search, PROMPT, window_s=120.0, releases=1, is_tagged=False)

    assert isinstance(decision, Doubtful)
    assert "without a tag" in decision.reason
