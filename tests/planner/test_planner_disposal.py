"""A source goes once every rule in force has a published job on its bytes, and not before."""

from dataclasses import dataclass, replace

import pytest

from mvsep_watch.model import FINISHED, JobState
from mvsep_watch.planner import Served, Wish, may_dispose


@dataclass(frozen=True)
class Job:
    rule: str = "a"
    state: JobState = JobState.PUBLISHED
    source_id: int = 1
    bytes_key: str = "sha256:1"
    realm: str = "mvsep"
    folder: str = "drop"


SONG = Served(id=1, bytes_key="sha256:1", realm="mvsep")
A, B = (Wish(folder="drop", rule=rule, keeps=False) for rule in "ab")


def test_a_source_that_every_rule_has_published_may_go():
    """By its own jobs, or by another file's with the same bytes."""
    assert may_dispose(SONG, [A, B], [Job(), Job(rule="b", source_id=2)])


@pytest.mark.parametrize(
    "other",
    [
        Job(rule="b", bytes_key="sha256:2"),
        Job(rule="b", realm="sandbox"),
        Job(rule="b", folder="else"),
        *(Job(rule="b", state=state) for state in JobState if state != JobState.PUBLISHED),
        *(Job(rule="b", state=state, source_id=2) for state in JobState if state != JobState.PUBLISHED),
    ],
)
def test_a_rule_without_a_published_job_on_the_bytes_keeps_the_source(other):
    """Published is published on these bytes, on this service, by this rule."""
    assert not may_dispose(SONG, [A, B], [Job(), other])


@pytest.mark.parametrize("state", [state for state in JobState if state not in FINISHED])
def test_a_live_job_keeps_its_source(state):
    """A new attempt sends it again, whatever is published already."""
    assert not may_dispose(SONG, [A], [Job(), Job(state=state)])
    assert may_dispose(SONG, [A], [Job(), Job(state=state, source_id=2)])


@pytest.mark.parametrize(
    ("source", "wishes"),
    [
        (SONG, []),
        (SONG, [replace(A, keeps=True)]),
        (SONG, [A, Wish(folder="all", rule="a", keeps=True)]),
        (replace(SONG, bytes_key=None), [A]),
        (replace(SONG, is_ignored=True), [A]),
    ],
)
def test_a_source_stays_where_nobody_or_not_everybody_lets_it_go(source, wishes):
    """No rule, a folder that keeps its sources, bytes that are not known, a person who had it forgotten."""
    assert not may_dispose(source, wishes, [Job(), Job(folder="all")])
