"""What was learned about durations is kept, apart and bounded."""

from mvsep_watch.planner.polling import Learned
from mvsep_watch.store import durations

LEARNED = Learned(seconds_per_minute=42.5, spread=0.07, count=9)


def test_what_was_learned_comes_back_for_its_kind_alone(store):
    """Another plan waits and works otherwise."""
    store.durations.put(LEARNED, realm="mvsep", settings="{}", has_premium=True, now=1.0)

    assert store.durations.get(realm="mvsep", settings="{}", has_premium=True) == LEARNED
    assert store.durations.get(realm="mvsep", settings="{}", has_premium=False) is None
    assert store.durations.get(realm="sandbox", settings="{}", has_premium=True) is None


def test_the_kinds_that_taught_nothing_for_longest_make_room(store, monkeypatch):
    """A table that grows with every text prompt would never end."""
    monkeypatch.setattr(durations, "MOST_KINDS", 3)
    for number in range(5):
        store.durations.put(LEARNED, realm="mvsep", settings=str(number), has_premium=True, now=float(number))

    kept = [store.durations.get(realm="mvsep", settings=str(number), has_premium=True) for number in range(5)]

    assert kept == [None, None, LEARNED, LEARNED, LEARNED]
