"""Long audio: handed out in chunks and merged, and never held in memory as a whole."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from mvsep_watch.sandbox.audio import RATE
from mvsep_watch.sandbox.hearing import hear
from mvsep_watch.sandbox.jobs import Status
from mvsep_watch.sandbox.matching import match
from mvsep_watch.sandbox.separation import separate
from mvsep_watch.sandbox.spectra import mean_power
from mvsep_watch.sandbox.worker import work_off

from .conftest import make_order, write_tone


def long_order(path, seconds):
    """An order for a file that says it is long; that it is short keeps the test so."""
    order = make_order(seconds=seconds)
    upload = replace(order.uploads["audiofile"], path=path)
    return replace(order, uploads={"audiofile": upload})


def seen(service, job):
    progress = service.progress(job)
    return progress.status, progress.finished_chunks, progress.all_chunks


def test_long_audio_is_distributed_merged_and_done(make_service, tmp_path):
    """Chunks of five minutes are finished one after the other; merging lasts until the work is over."""
    service = make_service()
    job = service.create(long_order(write_tone(tmp_path / "song.wav"), seconds=960))
    service.move_clock(service.seconds_to_next())
    service.advance()
    service.move_clock(1)

    life = []
    for _ in range(6):
        life.append(seen(service, job))
        service.move_clock(job.processing_s / 5)
        service.advance()
    work_off(service, job, tmp_path)
    service.advance()

    assert life == [*((Status.DISTRIBUTING, chunk, 4) for chunk in range(4)), *[(Status.MERGING, None, None)] * 2]
    assert seen(service, job) == (Status.DONE, None, None)
    assert [(result.label, result.path.stat().st_size > 0) for result in job.results] == [
        ("Vocals", True),
        ("Other", True),
    ]


@pytest.mark.parametrize(
    ("seconds", "status"), [(899.9, Status.PROCESSING), (900, Status.DISTRIBUTING), (5999, Status.DISTRIBUTING)]
)
def test_a_quarter_of_an_hour_is_long(make_service, tmp_path, seconds, status):
    """What is shorter is done in one piece."""
    service = make_service()
    job = service.create(long_order(tmp_path, seconds))
    service.move_clock(service.seconds_to_next())

    service.advance()

    assert service.progress(job).status == status


def noise(seconds):
    chance = np.random.default_rng(1)
    for _ in range(seconds * 10):
        yield chance.uniform(-0.1, 0.1, (2, RATE // 10)).astype(np.float32)


def separated(blocks):
    for _ in separate(blocks, ["vocals", "other"]):
        pass


def matched(blocks):
    power = mean_power(noise(1))
    for _ in match(blocks, measured=power, reference=power):
        pass


@pytest.mark.parametrize("work", [separated, matched, hear])
def test_long_audio_takes_no_more_memory_than_short(work):
    """A stretch of it at a time is all that is ever held."""
    peaks = []
    for seconds in (10, 40):
        tracemalloc.start()
        work(noise(seconds))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.05 * peaks[0]
