"""The rates on real sockets: several transfers at once keep to one."""

import threading
import time

import pytest

from mvsep_watch.model import Settings
from mvsep_watch.mvsep import Client, Rate
from tests.bench.measuring import serving

RATE, SIZE_BYTES, AT_ONCE = 1_000_000, 600_000, 3


def taken_s(transfer):
    """Do so many transfers at once; give how long all of them took."""
    threads = [threading.Thread(target=transfer) for _ in range(AT_ONCE)]
    begun_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begun_s


@pytest.fixture
def client():
    with (
        serving() as base_url,
        Client("T" * 30, base_url=base_url, upload_rate=Rate(RATE), download_rate=Rate(RATE)) as made,
    ):
        yield made


def test_all_uploads_together_keep_to_their_rate(client, tmp_path):
    """Three at a time take as long as one of three times the size."""
    song = tmp_path / "song.wav"
    song.write_bytes(bytes(SIZE_BYTES))

    took_s = taken_s(lambda: client.create(song, Settings(sep_type=40)))

    assert took_s >= 0.8 * AT_ONCE * SIZE_BYTES / RATE


def test_all_downloads_together_keep_to_their_rate(client):
    """And each of them comes whole."""
    received = []

    def fetch():
        with client.download(f"{client.base_url}/{SIZE_BYTES}") as download:
            received.append(sum(map(len, download.chunks)))

    took_s = taken_s(fetch)

    assert received == [SIZE_BYTES] * AT_ONCE
    assert took_s >= 0.8 * AT_ONCE * SIZE_BYTES / RATE
