"""In which order queued jobs are looked at."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.planner import by_name, fair, in_line


@dataclass(frozen=True)
class Queued:
    id: int
    priority: int = 0


def order(queues, under_way=None):
    return [job.id for job in fair(queues, under_way or {})]


def test_folders_take_turns():
    """A folder of a thousand files does not keep another one waiting."""
    queues = {"a": [Queued(1), Queued(2), Queued(3)], "b": [Queued(4), Queued(5)], "c": []}

    assert order(queues) == [1, 4, 2, 5, 3]


def test_the_folder_with_the_fewest_under_way_is_next():
    """What is running counts as a turn taken."""
    assert order({"a": [Queued(1), Queued(2)], "b": [Queued(3), Queued(4)]}, {"a": 1}) == [3, 1, 4, 2]


def test_a_higher_priority_comes_before_fairness():
    """A rule's priority is a person's word."""
    queues = {"a": [Queued(1, priority=1), Queued(2, priority=1)], "b": [Queued(3)]}

    assert order(queues, {"a": 9}) == [1, 2, 3]


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 2), max_size=4)))
def test_every_queued_job_comes_up_once(priorities):
    """Whatever the priorities, no job is lost and none comes twice; a folder's own order is kept."""
    queues, next_id = {}, 0
    for folder, levels in priorities.items():
        queues[folder] = [Queued(next_id + n, level) for n, level in enumerate(sorted(levels, reverse=True))]
        next_id += len(levels)

    found = order(queues)

    assert sorted(found) == list(range(next_id))
    assert all(
        [n for n in found if n in {job.id for job in jobs}] == [job.id for job in jobs] for jobs in queues.values()
    )


@pytest.mark.parametrize(
    "in_order",
    [
        ["1 x.wav", "2 x.wav", "10 x.wav", "100 x.wav"],
        ["cd 2/01.flac", "cd 2/02.flac", "cd 10/01.flac"],
        ["a/9.wav", "a 2/1.wav", "ab/1.wav"],
        ["song.wav", "song 2.wav", "song-b.wav", "songs.wav"],
        ["Eins.wav", "élan.wav", "Zwei.wav", "\udce9.wav"],
        ["track", "track 00", "track 01", "track 1a", "track 002"],
    ],
    ids=["numbers", "folders of numbers", "a folder together", "the bare name first", "letters", "leading zeros"],
)
def test_names_are_in_the_order_that_people_expect(in_order):
    """Whatever the locale, and whatever bytes a name is made of."""
    backwards = in_order[::-1]

    assert sorted(backwards, key=by_name) == in_order


def test_what_a_scan_found_goes_by_name_and_no_batch_overtakes_another():
    """What came one by one keeps its order: nothing but its batch tells it from others."""
    lines = [in_line(2, "10.wav"), in_line(2, "9.wav"), in_line(1, "z.wav"), in_line(300), in_line(300)]

    assert sorted(lines) == [in_line(1, "z.wav"), in_line(2, "9.wav"), in_line(2, "10.wav"), in_line(300), in_line(300)]
