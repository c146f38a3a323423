import pytest

from mvsep_watch.health import Ill, Signs, Unsure, Well, verdict
from mvsep_watch.model import Gate, GateName


def signs(**changes):
    values = {"looked_s": {"a": 11.0, "b": 12.0}, "unseen": {}, "gates": (), "stuck": "", "answered_s": 6.0}
    return Signs(**values | changes)


def gate(name):
    return Gate(name=GateName(name), reason="why")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, Well()),
        ({"looked_s": {}}, Well()),
        ({"gates": [gate("hours"), gate("paused"), gate("credits")]}, Well()),
        ({"looked_s": {"a": 11.0, "b": 10.0}}, Unsure()),
        ({"looked_s": {"a": 11.0, "b": None}}, Unsure()),
        ({"answered_s": 5.0}, Unsure()),
        ({"answered_s": None}, Unsure()),
        ({"unseen": {"b": "not mounted"}, "answered_s": None}, Ill("b cannot be seen: not mounted")),
        ({"gates": [gate("service"), gate("hours")]}, Ill("gate service is closed: why")),
        ({"stuck": "scan drop", "unseen": {"a": "gone"}}, Ill("a cannot be seen: gone; it hangs: scan drop")),
    ],
)
def test_well_is_only_what_was_seen_to_work(changes, found):
    """What is not known yet is neither well nor ill; what a person is to do is no illness."""
    assert verdict(signs(**changes), since_s=10.0, answered_since_s=5.0) == found


def test_a_reason_is_bounded():
    """It travels."""
    found = verdict(signs(unseen={"a": "x" * 9999}), since_s=0.0, answered_since_s=0.0)

    assert len(found.reason) == 500
