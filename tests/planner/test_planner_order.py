"""In which order queued jobs are looked at."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.planner import fair


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
