"""Notes beside sources, by a real daemon that hears its folder."""

import subprocess

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.daemon.world import write_wav
from tests.real.helpers import Place, until

TOKEN = "CanaryTokenOfNotes0123456789"
CONFIG = """
mvsep: {{token: {token}, base_url: {base_url}, poll: {{min: 0.2s, max: 0.5s}}}}
schedule: {{rescan: 10m}}
limits: {{credits: {{approve_job_above: 0, approve_batch_above: null}}}}
folders:
  - {{path: drop, settle: 0.2s, sep_type: 40, format: wav, notes: true}}
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "drop").mkdir()
    with Sandbox(token=TOKEN, speed=50, rate_limit=60_000) as server:
        yield Place(tmp_path, CONFIG.format(token=TOKEN, base_url=server.base_url))


def names(place: Place) -> list[str]:
    return sorted(path.name for path in (place.base / "drop").iterdir())


def test_a_note_comes_with_the_trouble_and_goes_with_it(place):
    """While the folder is heard."""
    process = place.start()
    try:
        until(lambda: " ready " in place.last_words(), within_s=30, tell=place.last_words)
        write_wav(place.base / "drop" / "song.wav")
        until(lambda: names(place) == ["song.wav", "song.wav.mvsep-watch.txt"], within_s=30, tell=place.last_words)
        subprocess.run(place.command("approve", "--yes", "1"), check=True, capture_output=True)
        until(lambda: names(place) == ["song.wav"], within_s=10, tell=place.last_words)
    finally:
        place.stop(process)

    assert len(place.jobs()) == 1
