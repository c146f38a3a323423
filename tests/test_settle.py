"""When a file has stopped changing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.model import FileStat
from mvsep_watch.settle import MAX_LOOK_S, MAX_QUIET_S, Stable, Wait, WaitReason, earned_quiet_s, observe

STAT = FileStat(size_bytes=1000, mtime_ns=1_700_000_000_123_456_789, ctime_ns=1_700_000_000_123_456_789)
SETTLE_S = 5.0


def grown(stat, size_bytes):
    return stat._replace(
        size_bytes=stat.size_bytes + size_bytes,
        mtime_ns=stat.mtime_ns + size_bytes,
        ctime_ns=stat.ctime_ns + size_bytes,
    )


def watch(looks, *, settle_s=SETTLE_S):
    """Look at the given times (seconds, stat), and give the last candidate and all decisions."""
    candidate, decisions = None, []
    for now_s, stat in looks:
        candidate, decision = observe(candidate, stat, now_s=now_s, settle_s=settle_s)
        decisions.append(decision)
    return candidate, decisions


def taken_at(stat_at, *, settle_s=SETTLE_S, until_s=100_000.0):
    """Look whenever the last decision says so; give when the file is taken, or None."""
    now_s, candidate = 0.0, None
    while now_s <= until_s:
        candidate, decision = observe(candidate, stat_at(now_s), now_s=now_s, settle_s=settle_s)
        if isinstance(decision, Stable):
            return now_s
        now_s = decision.until_s
    return None


def test_an_unchanged_file_is_taken_after_the_quiet_period():
    """Neither earlier nor later, and it is looked at a few times only."""
    looks = []

    def stat_at(now_s):
        looks.append(now_s)
        return STAT

    assert taken_at(stat_at) == SETTLE_S
    assert looks == [0, 2.5, 5]


def test_a_rest_is_counted_from_the_last_change():
    """And not from the start of the machine, where a monotonic clock begins."""
    candidate, _ = watch([(1000, STAT), (1003, STAT), (1004, STAT)])

    assert candidate.rested_s == 4


def test_the_first_look_decides_nothing():
    """Unless no quiet period is asked for."""
    _, waits = watch([(0, STAT)])
    _, stable = watch([(0, STAT)], settle_s=0)

    assert waits == [Wait(until_s=2.5, reason=WaitReason.CHANGING)]
    assert stable == [Stable()]


@pytest.mark.parametrize(
    "change",
    [{"size_bytes": 1001}, {"mtime_ns": STAT.mtime_ns + 10**9}, {"ctime_ns": STAT.ctime_ns + 1}],
    ids=lambda change: next(iter(change)),
)
def test_any_change_starts_the_quiet_period_anew(change):
    """Size, times: each alone."""
    changed = STAT._replace(**change)

    _, decisions = watch([(0, STAT), (2, changed), (5, changed), (7, changed)])

    assert [isinstance(decision, Stable) for decision in decisions] == [False, False, False, True]


def test_a_file_that_grows_steadily_is_taken_after_its_end():
    """Twenty minutes of copying, then the quiet period, not doubled: it never paused."""
    taken_s = taken_at(lambda now_s: grown(STAT, int(min(now_s, 1200) * 1000)))

    assert 1200 + SETTLE_S <= taken_s <= 1200 + 1.5 * SETTLE_S


def test_a_file_that_never_stops_is_never_taken_and_never_given_up():
    """It is looked at for ever."""
    assert taken_at(lambda now_s: grown(STAT, int(now_s * 1000))) is None


def test_a_writer_that_pauses_earns_a_longer_quiet_period():
    """Seen at rest, then changed: the quiet period doubles."""
    once, twice = grown(STAT, 1), grown(STAT, 2)

    candidate, _ = watch([(0, STAT), (3, STAT), (4, once), (9, once), (10, twice)])

    assert candidate.quiet_s == 4 * SETTLE_S


def test_two_events_at_once_are_no_pause():
    """Looks in quick succession say nothing about the writer."""
    candidate, _ = watch([(0, STAT), (0.01, STAT), (0.02, grown(STAT, 1)), (0.03, grown(STAT, 1))])

    assert candidate.quiet_s == SETTLE_S


def test_a_stable_file_that_changes_after_all_waits_longer():
    """It was taken, found changed by who read it, and comes back with what is remembered."""
    later = grown(STAT, 1)

    candidate, decisions = watch([(0, STAT), (5, STAT), (15, later), (20, later)])

    assert decisions[1] == Stable()
    assert candidate.quiet_s == 2 * SETTLE_S
    assert isinstance(decisions[-1], Wait)


def test_bursts_with_pauses_shorter_than_the_quiet_period_are_waited_out():
    """Writes every four seconds for ten minutes: taken after the last one."""
    taken_s = taken_at(lambda now_s: grown(STAT, int(min(now_s, 600) // 4)))

    assert taken_s >= 600 + SETTLE_S


def test_the_quiet_period_has_an_upper_bound():
    """A writer of many pauses does not put its file off for hours."""
    looks = [(n * 1000.0 + more_s, grown(STAT, n)) for n in range(20) for more_s in (0, 999)]

    candidate, _ = watch(looks)

    assert candidate.quiet_s == MAX_QUIET_S


def test_a_configured_quiet_period_above_the_bound_is_kept():
    """What a person asked for counts."""
    settle_s = 4 * MAX_QUIET_S
    looks = [(n * 10_000.0 + more_s, grown(STAT, n)) for n in range(3) for more_s in (0, 9999)]

    candidate, _ = watch(looks, settle_s=settle_s)

    assert candidate.quiet_s == settle_s


def test_an_empty_file_is_never_taken():
    """It waits, and is looked at ever less often, but at least once a minute."""
    empty = STAT._replace(size_bytes=0)

    _, decisions = watch([(0, empty), (10, empty), (100_000, empty)])

    assert {decision.reason for decision in decisions} == {WaitReason.EMPTY}
    assert decisions[-1].until_s == 100_000 + MAX_LOOK_S


def test_a_file_held_open_waits_and_is_taken_when_it_is_closed():
    """Without a new quiet period: nothing changed."""
    candidate, _ = observe(None, STAT, now_s=0, settle_s=SETTLE_S)
    candidate, held = observe(candidate, STAT, now_s=60, settle_s=SETTLE_S, held_open=True)
    _, closed = observe(candidate, STAT, now_s=61, settle_s=SETTLE_S)

    assert isinstance(held, Wait)
    assert held.reason is WaitReason.HELD_OPEN
    assert held.until_s > 60
    assert closed == Stable()


def test_a_file_with_holes_waits_and_is_taken_when_they_are_filled():
    """However long nobody touches it; as long as it changes, that is said."""
    candidate, young = observe(None, STAT, now_s=0, settle_s=SETTLE_S, has_holes=True)
    candidate, old = observe(candidate, STAT, now_s=86400, settle_s=SETTLE_S, has_holes=True)
    _, filled = observe(candidate, STAT, now_s=86401, settle_s=SETTLE_S)

    assert isinstance(young, Wait)
    assert isinstance(old, Wait)
    assert (young.reason, old.reason) == (WaitReason.CHANGING, WaitReason.INCOMPLETE)
    assert 86400 < old.until_s <= 86400 + MAX_LOOK_S
    assert filled == Stable()


def test_coarse_timestamps_need_two_ticks():
    """A clock of two seconds could hide a change of the same size within one."""
    coarse = STAT._replace(mtime_ns=1_700_000_000_000_000_000)

    assert taken_at(lambda _: coarse, settle_s=0.5) == 4
    assert taken_at(lambda _: coarse, settle_s=6) == 6


def test_a_jittering_modification_time_is_no_change():
    """While the change time stands still; Gluster's replicas disagree by milliseconds."""

    def stat_at(now_s):
        return STAT._replace(mtime_ns=STAT.mtime_ns + int(now_s * 1000) % 3 * 2_000_000)

    assert taken_at(stat_at) == SETTLE_S


def test_how_long_a_file_has_been_changing_is_remembered():
    """So that a file that never settles can be reported."""
    candidate, _ = watch([(10, STAT), (20, grown(STAT, 1)), (30, grown(STAT, 2))])

    assert candidate.first_seen_s == 10


@given(st.floats(0, 1e6), st.floats(0.01, 1e3), st.floats(0, 1e4))
def test_a_wait_always_ends_later_than_now(now_s, settle_s, later_s):
    """A look is never due at once: no busy loop."""
    candidate, first = observe(None, STAT, now_s=now_s, settle_s=settle_s)
    _, second = observe(candidate, STAT, now_s=now_s + later_s, settle_s=settle_s)

    waits = [(now_s, first), (now_s + later_s, second)]
    assert all(decision.until_s > at_s for at_s, decision in waits if isinstance(decision, Wait))


@given(st.floats(0, 1e6), st.floats(0.01, 1e3))
def test_three_looks_at_the_times_asked_for_take_an_unchanged_file(now_s, settle_s):
    """No look comes too early by a rounding error, to be asked for again at once."""
    candidate, first = observe(None, STAT, now_s=now_s, settle_s=settle_s)
    candidate, second = observe(candidate, STAT, now_s=first.until_s, settle_s=settle_s)
    _, third = observe(candidate, STAT, now_s=second.until_s, settle_s=settle_s)

    assert third == Stable()


@pytest.mark.parametrize(
    ("away_s", "times", "rested_s", "rests_s"),
    [
        (-5, 1, 0, 0),
        (20, 1, 0, 40),
        (86_400, 1, 0, 300),
        (86_400, 2, -1e9, 600),
        (400, 3, 100, 700),
        (86_400, 99, 0, 3600),
        (86_400, 99, 4000, 0),
    ],
)
def test_what_grows_after_it_was_taken_rests_longer_each_time(away_s, times, rested_s, rests_s):
    """Twice as long as it was away, within bounds that grow with every time that it was taken."""
    earned_s = earned_quiet_s(away_s=away_s, times=times, rested_s=rested_s)
    seen, _ = observe(None, STAT, now_s=0.0, settle_s=5.0, earned_s=earned_s)

    assert (earned_s, seen.quiet_s) == (rests_s, max(5.0, rests_s))
