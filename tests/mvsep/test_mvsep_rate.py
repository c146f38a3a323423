"""The rates: all uploads together, all downloads together, and never in the way of a stop."""

import itertools
import threading

import httpx
import pytest

from mvsep_watch.errors import StoppedError
from mvsep_watch.mvsep import Rate
from mvsep_watch.mvsep.upload import CHUNK_BYTES

MEGABYTE = 1_000_000


class Clock:
    """A clock that moves by sleeping on it."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds
        return False

    @property
    def passed_s(self):
        return self.now_s - 1000.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rate(clock):
    return Rate(MEGABYTE, clock=clock, sleep=clock.sleep)


@pytest.fixture
def big_source(tmp_path):
    path = tmp_path / "big.wav"
    path.write_bytes(bytes(3 * MEGABYTE))
    return path


def test_bytes_take_their_time(rate, clock):
    """Ten megabytes at one a second; the first piece goes at once."""
    for _ in range(40):
        rate.take(MEGABYTE // 4)

    assert clock.passed_s == pytest.approx(10 - 0.25)


def test_a_pause_saves_nothing_up(rate, clock):
    """A slow connection is no credit for a burst."""
    rate.take(MEGABYTE)
    clock.sleep(60)

    rate.take(MEGABYTE)
    rate.take(MEGABYTE)

    assert clock.passed_s == pytest.approx(61)


def test_without_a_limit_nothing_waits(clock):
    """And pieces keep their size."""
    rate = Rate(clock=clock, sleep=clock.sleep)

    rate.take(10**12)

    assert (clock.passed_s, rate.piece_bytes(CHUNK_BYTES)) == (0, CHUNK_BYTES)


def test_a_limit_may_change_while_bytes_go(rate, clock):
    """A configuration that is read again."""
    rate.take(MEGABYTE)
    rate.bytes_per_s = 2 * MEGABYTE
    rate.take(MEGABYTE)
    rate.bytes_per_s = None

    rate.take(MEGABYTE)

    assert clock.passed_s == pytest.approx(1)


def test_threads_share_one_rate():
    """Every piece has a time of its own."""
    waits = []
    rate = Rate(1000, clock=lambda: 0.0, sleep=lambda seconds: waits.append(round(seconds, 6)))
    threads = [threading.Thread(target=lambda: [rate.take(100) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == [round(number / 10, 6) for number in range(1, 100)]


def test_a_stop_ends_a_wait():
    """Also one that has begun, in another thread."""
    rate, ended = Rate(1), []
    rate.take(1000)

    def wait():
        with pytest.raises(StoppedError):
            rate.take(1)
        ended.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    rate.stop()
    thread.join(5)

    assert ended == [True]


def test_an_upload_keeps_to_its_rate_in_small_pieces(answering, settings, big_source, rate, clock):
    """A server that waits for bytes sees some several times a second, and progress goes on."""
    progress, times = [], []

    def count(sent_bytes, _):
        progress.append(sent_bytes)
        times.append(clock.now_s)

    answer = httpx.Response(200, json={"success": True, "data": {"hash": "20260101000000-0123456789-a.wav"}})
    client = answering(answer, upload_rate=rate)

    client.create(big_source, settings, progress=count)

    assert clock.passed_s == pytest.approx(3, abs=0.3)
    assert progress[-1] == 3 * MEGABYTE
    assert max(after - before for before, after in itertools.pairwise(times)) < 0.3


def test_the_last_chunk_does_not_wait_once_it_may_leave(answering, settings, big_source, rate, clock):
    """From the release on every moment is one in which the outcome is unknown."""
    released = []
    answer = httpx.Response(200, json={"success": True, "data": {"hash": "20260101000000-0123456789-a.wav"}})
    client = answering(answer, upload_rate=rate)

    client.create(big_source, settings, before_last_chunk=lambda _: released.append(clock.now_s))

    assert released == [clock.now_s]


def test_all_downloads_keep_to_one_rate(answering, rate, clock):
    """Two of them take twice as long."""
    pieces = [bytes(MEGABYTE // 10)] * 10
    client = answering(lambda _: httpx.Response(200, content=iter(pieces)), download_rate=rate)
    with client.download("https://files.example/x") as one, client.download("https://files.example/y") as other:
        for _ in zip(one.chunks, other.chunks, strict=True):
            pass

    assert clock.passed_s == pytest.approx(2, abs=0.2)


def test_a_stop_ends_whatever_the_client_waits_for(answering):
    """Turns and room alike."""
    client = answering(lambda _: httpx.Response(200, content=iter([bytes(100)])), download_rate=Rate(1))
    client.download_rate.take(1000)
    client.stop_waiting()

    with client.download("https://files.example/x") as download, pytest.raises(StoppedError):
        list(download.chunks)
