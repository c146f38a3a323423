"""What is done at a reserved place, what an output root is, and what the spool may let go."""

from dataclasses import replace

import pytest

from mvsep_watch.model import Provenance
from mvsep_watch.planner import Place, RootIs, decide_place, judge_root, may_leave_spool, results_are_gone

MINE = Provenance(
    state_id="s", job_id=2, source_name="song.wav", source_size_bytes=1, source_sha256="a", folder="drop",
    rule="default", realm="mvsep", host="h", account="me", input_key="sha256:a", settings="{}", attempt=2,
    algorithm="", hash="second", tag="mw", queued_at="", submitted_at="", fetched_at="", credits_estimated=1,
    credits_charged=None, outputs=(),
)  # fmt: skip
OLD = replace(MINE, job_id=1, hash="first", attempt=1)


def decide(there, *, replaces=False, is_aside=False, is_taken=None):
    is_taken = there is not None if is_taken is None else is_taken
    return decide_place(MINE, there, replaces=replaces, is_taken=is_taken, is_aside=is_aside)


@pytest.mark.parametrize("replaces", [False, True])
def test_what_is_there_already_is_done(replaces):
    """Its sidecar names this state, this job and this hash, whenever it was written."""
    assert decide(replace(MINE, credits_charged=3), replaces=replaces) == Place.DONE


@pytest.mark.parametrize("change", [{"state_id": "t"}, {"job_id": 1}, {"hash": "first"}])
def test_what_differs_in_state_job_or_hash_is_not_there_already(change):
    """A restored backup counts its jobs anew, and a rebuilt state has another id."""
    assert decide(replace(MINE, **change)) == Place.SHOW


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_first_publish_never_replaces(is_taken):
    """The name must be free, whatever says nothing of itself there."""
    assert decide(None, is_taken=is_taken) == Place.SHOW


def test_a_replacing_one_exchanges_with_the_outputs_of_its_rule_on_its_input():
    """Whichever state and job it was that published them."""
    assert decide(replace(OLD, state_id="before"), replaces=True) == Place.EXCHANGE


def test_a_replacing_one_takes_a_free_place():
    """The old outputs were taken away."""
    assert decide(None, replaces=True) == Place.SHOW


def test_a_broken_exchange_is_completed():
    """The old outputs had been set aside already."""
    assert decide(None, replaces=True, is_aside=True) == Place.EXCHANGE


@pytest.mark.parametrize(
    "there", [None, replace(OLD, input_key="sha256:b"), replace(OLD, rule="other"), replace(OLD, folder="other")]
)
def test_a_replacing_one_asks_before_a_stranger_goes(there):
    """Intact outputs of other work are a stranger's as well."""
    assert decide(there, replaces=True, is_taken=True) == Place.ASK


@pytest.mark.parametrize(
    ("counted", "noted", "has_left", "expected"),
    [
        (5, 5, False, RootIs.ITSELF),
        (4, 5, False, RootIs.ITSELF),
        (None, None, False, RootIs.ITSELF),
        (None, 5, False, RootIs.EMPTIED),
        (None, 5, True, RootIs.AWAY),
        (None, None, True, RootIs.AWAY),
        (4, 5, True, RootIs.AWAY),
        (5, 5, True, RootIs.ITSELF),
        (0, None, True, RootIs.ITSELF),
    ],
)
def test_a_root_is_itself_while_its_claim_and_its_mount_say_so(counted, noted, has_left, expected):
    """A claim on the bare mount point counts less than was noted; one that was moved along counts as much."""
    assert judge_root(counted=counted, noted=noted, has_left=has_left) == expected


def test_results_are_gone_when_they_were_gone_four_times_in_a_row():
    """A mirror can lag behind."""
    assert [results_are_gone(failures) for failures in range(5)] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("is_live", "sharing", "expected"),
    [(True, (), False), (False, (), True), (False, (2,), True), (False, (2, 3), False), (True, (2,), False)],
)
def test_the_spool_keeps_what_a_live_job_may_need(is_live, sharing, expected):
    """Its own, or one of the same separation that nothing is kept for."""
    assert may_leave_spool(is_live=is_live, sharing=sharing, kept={1, 2}) is expected
