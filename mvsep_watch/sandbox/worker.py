"""The sandbox's machines: they take started jobs, make the result files, and hand them back.

Touches the storage folder and starts threads; decides nothing about order or time, which is the service's business. The
surprise: the work on the audio is done as fast as it goes, while `processing` lasts as long as the service says, so a
slow disk can make a job later but nothing makes it earlier.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from mvsep_watch.sandbox.audio import FORMATS, Encoder, Samples, UnreadableAudioError, decode
from mvsep_watch.sandbox.catalogue import Kind
from mvsep_watch.sandbox.hearing import hear
from mvsep_watch.sandbox.jobs import Job, Result, make_result
from mvsep_watch.sandbox.notes import as_midi, find_notes
from mvsep_watch.sandbox.separation import separate
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.transcript import as_srt, as_text, transcribe

THREADS = 2
"""Separating is heavy; more threads than this only make a small machine unpleasant."""


class StoppingError(Exception):
    """The sandbox is being stopped; the job is not worth finishing."""


def never() -> bool:
    """Say that nobody wants to stop."""
    return False


def work_off(service: Service, job: Job, storage: Path, *, is_stopping: Callable[[], bool] = never) -> None:
    """Make a started job's results and hand them to the service.

    Args:
        service: Whom to tell.
        job: A job that `advance` has started.
        storage: The folder for the result files.
        is_stopping: Asked now and then; once it says yes, the job is left as it is.
    """
    try:
        if job.fails_with is not None:
            service.fail(job, job.fails_with)
        elif job.model.kind is Kind.STEMS:
            service.finish(job, _stems(job, storage, is_stopping))
        else:
            _notes(service, job, storage, is_stopping)
    except UnreadableAudioError as error:
        service.fail(job, f"Job failed: {error}")
    except StoppingError:
        return


class Dispatcher:
    """A thread that lets the service go on whenever it is due, and a pool that works off what that starts.

    Args:
        service: The service.
        storage: The folder for result files.
    """

    def __init__(self, service: Service, storage: Path) -> None:
        self._service = service
        self._storage = storage
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox-worker")
        self._thread = threading.Thread(target=self._run, name="sandbox-dispatcher", daemon=True)

    def start(self) -> None:
        """Start the threads."""
        self._thread.start()

    def wake(self) -> None:
        """Say that something has changed: a new job, another time."""
        self._wake.set()

    def stop(self) -> None:
        """Stop within a block of audio; unfinished jobs stay unfinished."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            for job in self._service.advance():
                self._pool.submit(self._work, job)
            self._wake.wait(self._service.seconds_to_next())

    def _work(self, job: Job) -> None:
        try:
            work_off(self._service, job, self._storage, is_stopping=self._stopping.is_set)
        except Exception as error:
            self._service.fail(job, f"Job failed: {error}")
            raise
        finally:
            self._wake.set()


def _stems(job: Job, storage: Path, is_stopping: Callable[[], bool]) -> tuple[Result, ...]:
    labels = job.model.stems(job.options)
    extension = FORMATS[job.output_format].extension
    results = {
        stem: make_result(job, storage, label=label, stem=stem, extension=extension) for stem, label in labels.items()
    }
    with ExitStack() as stack:
        encoders = {stem: stack.enter_context(Encoder(each.path, job.output_format)) for stem, each in results.items()}
        _pour(_heard(job, is_stopping), encoders, list(labels))
    return tuple(results.values())


def _pour(blocks: Iterator[Samples], encoders: dict[str, Encoder], slugs: Sequence[str]) -> None:
    for stretch in separate(blocks, slugs):
        for stem, samples in stretch.items():
            encoders[stem].write(samples)


def _notes(service: Service, job: Job, storage: Path, is_stopping: Callable[[], bool]) -> None:
    heard = hear(_heard(job, is_stopping))
    if job.model.kind is Kind.MIDI:
        service.finish(job, (_written(job, storage, "MIDI", "mid", as_midi(find_notes(heard))),))
        return
    cues = transcribe(heard)
    text, srt = as_text(cues), as_srt(cues)
    results = (
        _written(job, storage, "Text", "txt", text.encode()),
        _written(job, storage, "Subtitles", "srt", srt.encode()),
    )
    service.finish(job, results, {"text": text, "srt": srt})


def _heard(job: Job, is_stopping: Callable[[], bool]) -> Iterator[Samples]:
    for samples in decode(job.upload.path):
        if is_stopping():
            raise StoppingError
        yield samples


def _written(job: Job, storage: Path, label: str, extension: str, content: bytes) -> Result:
    result = make_result(job, storage, label=label, stem=label.lower(), extension=extension)
    result.path.write_bytes(content)
    return result
