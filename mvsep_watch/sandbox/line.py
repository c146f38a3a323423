"""The sandbox's jobs in time: which wait, which are being processed, which are done, and how long they are kept.

Decides with an injected clock and keeps everything in memory; it never opens a socket or touches audio. A job goes on
only in `advance`, which the dispatcher calls; what a job's status is *called* follows from its stage and the clock, so
that moving the clock is enough to make time pass. Safe to call from several threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mvsep_watch.sandbox import jobs as nouns
from mvsep_watch.sandbox.faults import FaultKind, Faults
from mvsep_watch.sandbox.jobs import Account, Job, Result, Stage, Status

QUEUE_S = 4.0
"""How long a job waits at least at speed 1, so that `waiting` is seen even on an idle queue."""
CHUNK_S = 300.0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a poll shows of a job that is not over. Places and chunks are None where the status has none."""

    status: Status
    queue_count: int | None = None
    current_order: int | None = None
    finished_chunks: int | None = None
    all_chunks: int | None = None


class Line:
    """The jobs, oldest first.

    Args:
        slots: How many jobs are processed at once.
        speed: Waiting and processing times are divided by it.
        clock: Seconds since the epoch; `move_clock` adds to it.
        faults: Asked how long results are kept.
    """

    def __init__(
        self,
        *,
        slots: int = 4,
        speed: float = 1.0,
        clock: Callable[[], float] = time.time,
        faults: Faults | None = None,
    ) -> None:
        self.jobs: list[Job] = []
        self.faults = faults or Faults()
        self.speed = speed
        self._slots = slots
        self._clock = clock
        self._moved_s = 0.0
        self._lock = threading.RLock()

    def now(self) -> float:
        """Give the sandbox's time, seconds since the epoch."""
        return self._clock() + self._moved_s

    def move_clock(self, seconds: float) -> None:
        """Let time pass at once."""
        self._moved_s += seconds

    def stamp(self, at: float) -> str:
        """Give a time as the service writes it: UTC, no zone."""
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")

    def find(self, hash_: str) -> Job | None:
        """Find a job that still exists: neither cancelled, deleted nor expired."""
        job = next((job for job in reversed(self.jobs) if job.hash == hash_), None)
        return job if job and job.stage is not Stage.REMOVED and not self.is_expired(job) else None

    def is_expired(self, job: Job) -> bool:
        """Say whether the time is over for which results are kept; what is on the demo page stays."""
        return not self._is_published(job) and self.is_old(job.created_at)

    def is_old(self, made_at: float) -> bool:
        """Say whether what was made then is gone."""
        return self.now() - made_at >= self.kept_s()

    def kept_s(self) -> float:
        """Say how long results are kept."""
        return float(self.faults.value(FaultKind.RETENTION, nouns.RETENTION_S))

    def progress(self, job: Job) -> Progress:
        """Say how far a job is."""
        with self._lock:
            match job.stage:
                case Stage.WAITING:
                    return Progress(Status.WAITING, *self._place(job))
                case Stage.STARTED:
                    return self._progress_of_started(job)
                case Stage.DONE:
                    return Progress(Status.DONE)
                case Stage.FAILED:
                    return Progress(Status.FAILED)
                case Stage.REMOVED:
                    return Progress(Status.NOT_FOUND)

    def unfinished(self, account: Account | None = None) -> list[Job]:
        """Give the jobs that wait or are being processed, oldest first: the account's, or everybody's."""
        return [job for job in self.jobs if job.stage.is_unfinished and account in {None, job.account}]

    def published(self) -> list[Job]:
        """Give what is on the demo page, newest first."""
        self.advance_done()
        return [job for job in reversed(self.jobs) if self._is_published(job)]

    def advance(self) -> list[Job]:
        """Let every job go on as far as the clock allows.

        Returns:
            The jobs that have just been started: their audio is to be worked on.
        """
        with self._lock:
            self.advance_done()
            now = self.now()
            free = self._slots - len(self._in(Stage.STARTED))
            due = [job for job in self._line() if self._starts_at(job) <= now]
            started = due[: max(0, free)]
            for job in started:
                job.stage, job.started_at = Stage.STARTED, now
                job.processing_s = self._takes_s(job)
            return started

    def advance_done(self) -> None:
        """End every job whose work and time are over."""
        with self._lock:
            for job in self._in(Stage.STARTED):
                if job.is_worked_off and job.ends_at <= self.now():
                    job.stage = Stage.DONE

    def seconds_to_next(self) -> float | None:
        """Say when `advance` should be called again at the latest; None while only something new can change things."""
        with self._lock:
            times = [job.ends_at for job in self._in(Stage.STARTED) if job.is_worked_off]
            times += [job.created_at + self.kept_s() for job in self.jobs if self._is_to_be_swept(job)]
            if len(self._in(Stage.STARTED)) < self._slots:
                times += [self._starts_at(job) for job in self._in(Stage.WAITING)]
            return max(0.0, min(times) - self.now()) if times else None

    def finish(self, job: Job, results: tuple[Result, ...], transcription: Mapping[str, str] | None = None) -> None:
        """Take the results of a job; it is done once its time has passed as well."""
        with self._lock:
            job.results, job.transcription, job.is_worked_off = results, dict(transcription or {}), True

    def fail(self, job: Job, message: str) -> None:
        """End a job without results and give its credits back."""
        with self._lock:
            if job.stage is Stage.STARTED:
                job.stage, job.message = Stage.FAILED, message
                self.refund(job)

    def refund(self, job: Job) -> None:
        """Give back what was charged for a job."""
        job.account.credits += job.charged
        job.charged = 0

    def outlook(self, account: Account) -> tuple[int, int]:
        """Say how many jobs stand before the account's next one, and for how many seconds at least."""
        line = self._line()
        ahead = next((index for index, job in enumerate(line) if job.account is account), 0)
        takes_s = sum(self._takes_s(job) for job in line[:ahead]) / self._slots
        return ahead, round(takes_s)

    def swept(self) -> list[Job]:
        """Give the jobs, each once, whose files are to be dropped since their time is over."""
        with self._lock:
            over = [job for job in self.jobs if self._is_to_be_swept(job) and self.is_old(job.created_at)]
            for job in over:
                job.is_swept = True
            return over

    def free_hash(self, name: str) -> str:
        """Make a hash that no job has."""
        stamp = datetime.fromtimestamp(self.now(), UTC).strftime("%Y%m%d%H%M%S")
        taken = {job.hash for job in self.jobs}
        salt = 0
        while (hash_ := nouns.make_hash(stamp=stamp, name=name, salt=salt)) in taken:
            salt += 1
        return hash_

    def _line(self) -> list[Job]:
        """Give the jobs that wait in the order in which they start: premium first."""
        return sorted(self._in(Stage.WAITING), key=lambda job: job.plan != nouns.PREMIUM.name)

    def _place(self, job: Job) -> tuple[int, int]:
        """Count the jobs that wait at this one's priority, and say which of them it is."""
        waiting = [other for other in self._line() if other.plan == job.plan]
        return len(waiting), 1 + waiting.index(job)

    def _progress_of_started(self, job: Job) -> Progress:
        """Show long audio as handed out for four fifths of its time, then as being merged."""
        if not job.is_split:
            return Progress(Status.PROCESSING)
        share = (self.now() - job.started_at) / (job.processing_s * 0.8)
        if share >= 1:
            return Progress(Status.MERGING)
        chunks = -int(-job.duration_s // CHUNK_S)
        return Progress(Status.DISTRIBUTING, len(self._in(Stage.WAITING)) + 1, 1, int(share * chunks), chunks)

    def _takes_s(self, job: Job) -> float:
        return (20.0 + job.duration_s / 10) / self.speed

    def _starts_at(self, job: Job) -> float:
        return job.created_at + QUEUE_S / self.speed

    def _in(self, stage: Stage) -> list[Job]:
        return [job for job in self.jobs if job.stage is stage]

    def _is_published(self, job: Job) -> bool:
        return job.is_demo and job.stage is Stage.DONE

    def _is_to_be_swept(self, job: Job) -> bool:
        return not (job.is_swept or job.stage.is_unfinished or self._is_published(job))
