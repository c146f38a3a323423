"""The sandbox's machines: they take started jobs, make the result files, and hand them back.

Starts threads; decides nothing about order or time, which is the service's business. The surprise: the work on the
audio is done as fast as it goes, while `processing` lasts as long as the service says, so a slow disk can make a job
later but nothing makes it earlier.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mvsep_watch.sandbox.audio import UnreadableAudioError
from mvsep_watch.sandbox.jobs import Job
from mvsep_watch.sandbox.making import Maker, StoppingError
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.storage import drop_expired

THREADS = 2
"""Separating is heavy; more threads than this only make a small machine unpleasant."""


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
        else:
            made = Maker(job, storage, is_stopping).make()
            service.finish(job, made.results, made.transcription)
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
            drop_expired(self._service)
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
