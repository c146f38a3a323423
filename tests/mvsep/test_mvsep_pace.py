"""The pace: under the announced rate, together after a 429, and never in the way of a stop."""

import threading

import httpx
import pytest

from mvsep_watch.errors import StoppedError
from mvsep_watch.mvsep import Pace, Patience


class Clock:
    """A clock that moves by sleeping on it; it notes every wait."""

    def __init__(self):
        self.now_s = 1000.0
        self.slept = []

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_s += seconds
        return False


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock=clock, sleep=clock.sleep, jitter=lambda: 0.0)


def times(pace, clock, count):
    taken = []
    for _ in range(count):
        pace.take()
        taken.append(clock.now_s)
    return taken


def test_a_first_burst_is_not_slowed(pace, clock):
    """Twenty requests at a start."""
    times(pace, clock, 20)

    assert clock.slept == []


@pytest.mark.parametrize("limit", [1, 5, 10, 60, 120, 600])
def test_no_minute_ever_holds_more_than_the_announced_rate(pace, clock, limit):
    """Whatever the service announces, with the burst at the worst moment."""
    pace.learn(limit=limit, remaining=None)

    taken = times(pace, clock, 3 * limit)

    worst = max(sum(1 for other in taken if 0 <= other - start < 60) for start in taken)
    assert worst <= limit


def test_the_long_run_takes_three_quarters(pace, clock):
    """The rest is for the person's browser."""
    taken = times(pace, clock, 1000)

    assert 1000 / (taken[-1] - taken[0]) * 60 == pytest.approx(90, rel=0.05)


def test_an_upload_does_not_wait_behind_polls(pace, clock):
    """However many of them come, and however long."""
    for _ in range(100):
        pace.take(Patience.POLL)
    slept = len(clock.slept)

    for _ in range(8):
        pace.take(Patience.UPLOAD)

    assert len(clock.slept) == slept


def test_what_brings_results_home_goes_before_polls_and_after_uploads(pace, clock):
    """A few of each kind find room, whatever the patient ones do."""
    for _ in range(100):
        pace.take(Patience.POLL)
    slept = len(clock.slept)
    for _ in range(4):
        pace.take(Patience.ORDINARY)
    for _ in range(4):
        pace.take(Patience.UPLOAD)

    assert len(clock.slept) == slept


@pytest.mark.parametrize("limit", [1, 5, 60, 120])
def test_the_patient_are_not_starved(pace, limit):
    """By themselves they get the whole rate."""
    pace.learn(limit=limit, remaining=None)
    clock = pace._clock

    begun_s = clock()
    for _ in range(3 * limit):
        pace.take(Patience.POLL)

    assert 3 * limit / (clock() - begun_s) * 60 >= limit * 0.75


def test_a_generous_server_slows_nobody(pace, clock):
    """A sandbox that announces much is asked as fast as one likes."""
    pace.learn(limit=100_000, remaining=99_999)

    times(pace, clock, 1000)

    assert sum(clock.slept) < 1


def test_after_a_429_everything_waits_and_starts_slowly(pace, clock):
    """Not all at once when the pause ends."""
    pace.pause(30)

    taken = times(pace, clock, 3)

    assert [moment - 1000 for moment in taken] == pytest.approx([30, 30 + 2 / 3, 30 + 4 / 3])


def test_a_pause_reaches_those_who_wait_already(clock):
    """Their turns are taken back."""
    pauses = [40.0]

    def sleep(seconds):
        clock.sleep(seconds)
        if pauses:
            pace.pause(pauses.pop())
        return False

    pace = Pace(clock=clock, jitter=lambda: 0.0, sleep=sleep)
    times(pace, clock, 20)
    pace.take()

    assert clock.now_s >= 1040


def test_a_pause_without_a_time_has_jitter(clock):
    """Two machines do not come back in the same moment."""
    assert Pace(clock=clock, jitter=lambda: 0.5).pause(None) == pytest.approx(21)


def test_a_shorter_pause_does_not_end_a_longer_one(pace, clock):
    """The farthest end counts."""
    pace.pause(100)
    pace.pause(5)

    assert pace.pause_left_s == pytest.approx(100)


def test_an_absurd_pause_is_not_believed(pace):
    """An hour at most."""
    assert pace.pause(10_000_000) == 3600


def test_when_the_window_is_used_up_by_others_we_pause(pace, clock):
    """The next request would be refused."""
    pace.learn(limit=120, remaining=0)

    assert times(pace, clock, 1)[0] >= 1020


def test_when_little_is_left_the_burst_is_given_up(pace, clock):
    """Somebody else is using the rate."""
    pace.learn(limit=120, remaining=8)

    times(pace, clock, 20)

    assert len(clock.slept) >= 17


@pytest.mark.parametrize(("limit", "remaining"), [(None, None), (0, None), (0, 5)])
def test_an_announcement_that_says_nothing_changes_nothing(pace, clock, limit, remaining):
    """The last known limit stays."""
    pace.learn(limit=limit, remaining=remaining)

    assert pace.limit == 120


def test_a_stop_ends_every_wait():
    """Also one that has begun, in another thread."""
    pace = Pace()
    pace.pause(1000)
    ended = []

    def wait():
        with pytest.raises(StoppedError):
            pace.take()
        ended.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    pace.stop()
    thread.join(5)

    assert ended == [True]


def test_a_clock_that_stands_still_does_not_hang():
    """Tests freeze the clock; a turn is waited for once."""
    slept = []
    pace = Pace(clock=lambda: 0.0, sleep=lambda seconds: bool(slept.append(seconds)))
    pace.pause(10)

    pace.take()

    assert len(slept) == 1


def test_threads_share_one_rate(clock):
    """Turns are given once."""
    lock = threading.Lock()
    due = []

    def sleep(seconds):
        with lock:
            due.append(round(seconds, 6))
        return False

    pace = Pace(clock=clock, sleep=sleep)
    threads = [threading.Thread(target=lambda: [pace.take() for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(due) == 80
    assert len(set(due)) == 80


def test_the_client_learns_the_limit_and_downloads_are_not_counted(answering):
    """Storage hosts have no such limit."""
    taken = []

    class Counting(Pace):
        def take(self, patience):
            taken.append(patience)

    pace = Counting()
    headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59"}
    client = answering(httpx.Response(200, json={"success": True, "data": []}, headers=headers), pace=pace)

    client.separation_history_page()
    with client.download("https://files.example/x"):
        pass

    assert (taken, pace.limit) == ([Patience.ORDINARY], 60)
