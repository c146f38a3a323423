"""Puts back what a sidecar says: its separation as done, its job as published, and a source whose bytes are known.

Whatever the state holds already stays; the same sidecar taken twice changes nothing. A restored source looks like no
file on the disk, so the next scan reads the file in its place, if there is one, and recognises it by its bytes. The
surprise: two sidecars may tell of one attempt with two hashes, where a state that had forgotten the first has paid
again; both were paid for, so the second is kept as a further attempt.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.model import (
    BatchOrigin,
    FileStat,
    HoldKind,
    JobState,
    Provenance,
    SeparationState,
    Settings,
    Work,
    file_key,
    kind_of,
)
from mvsep_watch.naming import OutputPlace
from mvsep_watch.store.approvals import Approvals
from mvsep_watch.store.connection import Db
from mvsep_watch.store.jobs import Jobs
from mvsep_watch.store.rows import JobRow, SeparationRow, path_blob
from mvsep_watch.store.separations import Separations
from mvsep_watch.store.sources import Sources

RESTORED = "restored from its sidecar"
_LONGEST = 2**63 - 1
_SHA256_LETTERS = 64
_WAITED_FOR_IT = (HoldKind.UNKNOWN, HoldKind.ELSEWHERE, HoldKind.ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A sidecar in its place, checked; instants are seconds since 1970.

    Args:
        said: What it says.
        place: Where it lies.
        root: The output root above it.
        source: Where its source was, or is likeliest to have been.
        is_intact: Whether its outputs are what was published, as far as was looked.
    """

    said: Provenance
    place: OutputPlace
    root: Path
    source: Path
    queued_at: float
    submitted_at: float | None
    fetched_at: float
    is_intact: bool = True

    @classmethod
    def of(cls, said: Provenance, *, place: OutputPlace, root: Path, source: Path) -> Published:
        """Check what a sidecar says.

        Raises:
            ValueError: It is not what this program, or one like it, has written.
        """
        _check(said)
        queued_at = _instant(said.queued_at) or 0.0
        submitted_at = _instant(said.submitted_at)
        fetched_at = _instant(said.fetched_at) or submitted_at or queued_at
        return cls(
            said=said,
            place=place,
            root=root,
            source=source,
            queued_at=queued_at,
            submitted_at=submitted_at,
            fetched_at=fetched_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was new to the state in a sidecar."""

    job: bool
    separation: bool


class Restoring:
    """Writes what sidecars say into a state."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._jobs = Jobs(db)
        self._approvals = Approvals(db)
        self._separations = Separations(db)
        self._sources = Sources(db)
        self._batch: int | None = None

    def take(self, found: Published, *, now: float) -> Restored:
        """Put back one sidecar's separation, source and job, in one transaction."""
        with self._db.transaction():
            separation_id, is_new_separation = self._separation(found, now)
            is_new_job = self._job(found, separation_id, now)
        return Restored(job=is_new_job, separation=is_new_separation)

    def take_paid(self, found: Published, *, now: float) -> bool:
        """Put back the separation alone, of outputs that were not published yet; say whether it is news."""
        return self._separation(found, now)[1]

    # The separation: the paid unit

    def _separation(self, found: Published, now: float) -> tuple[int, bool]:
        """Give the separation that a sidecar tells of, done by then, and say whether that is news."""
        said = found.said
        rows = self._separations.of_settings(realm=said.realm, input_key=said.input_key, settings=said.settings)
        same = [row for row in rows if row.hash == said.hash]
        open_ = [row for row in rows if row.attempt == said.attempt and (row.hash is None or row.is_being_linked)]
        if not (same or open_):
            taken = {row.attempt for row in rows}
            attempt = said.attempt if said.attempt not in taken else max(taken) + 1
            return self._make(found, attempt, now), True
        row = (same or open_)[0]
        if row.state == SeparationState.DONE:
            return row.id, False
        self._finish(row, found, now)
        return row.id, True

    def _make(self, found: Published, attempt: int, now: float) -> int:
        """Write down what was paid: reserved, charged, and part of every balance that was read since."""
        said = found.said
        separation_id = self._separations.intend(
            Work(realm=said.realm, input_key=said.input_key, settings=Settings.from_canonical(said.settings)),
            attempt=attempt,
            upload_name="",
            host=said.host,
            account=said.account,
            watermark=0,
            size_bytes=said.source_size_bytes,
            duration_s=None,
            price=said.credits_estimated or 0,
            day=_local_day(found.submitted_at or found.queued_at),
            now=found.queued_at,
        )
        self._separations.set(separation_id, tag=said.tag, balance_read=1)
        self._finish(self._separations.get(separation_id), found, now)
        return separation_id

    def _finish(self, row: SeparationRow, found: Published, now: float) -> None:
        """Let a separation that the state knows otherwise be done, and whoever waited for it go on."""
        said = found.said
        if said.credits_charged is not None:
            self._separations.settle(row, said.credits_charged, now=now)
        self._separations.move(
            row, SeparationState.DONE, now=now, reason=RESTORED, hash=said.hash, host=said.host, account=said.account,
            algorithm=said.algorithm, submitted_at=found.submitted_at, ended_at=found.fetched_at, cancel_wanted=0,
        )  # fmt: skip
        for job in self._jobs.of_separation(row.id):
            if job.state in (JobState.QUEUED, JobState.SUBMITTED) or job.hold in _WAITED_FOR_IT:
                self._jobs.move(job, JobState.SEPARATED, now=now, reason=f"separation {row.id} was done before")

    # The job

    def _job(self, found: Published, separation_id: int, now: float) -> bool:
        """Have a published job for a sidecar, and say whether that is news."""
        said, job = found.said, self._matching(found, separation_id)
        if job is not None and job.state == JobState.PUBLISHED:
            return False
        job = job or self._add(found, now)
        self._jobs.set(
            job.id,
            separation_id=separation_id,
            settings=said.settings,
            final=path_blob(found.place.base),
            is_flat=int(found.place.is_flat),
            output_root=path_blob(found.root),
            fetched_at=found.fetched_at,
        )
        self._jobs.set_outputs(job.id, said.outputs)
        self._jobs.move(job, JobState.PUBLISHED, now=now, reason=RESTORED, finished_at=found.fetched_at)
        if found.is_intact:
            self._sources.want_disposal(job.source_id)
        return True

    def _matching(self, found: Published, separation_id: int) -> JobRow | None:
        """Find the job that a sidecar is of: the one in its place, or one that is still to do just this."""
        said = found.said
        alike = [
            job
            for job in self._jobs.on_input(said.input_key)
            if (job.realm, job.folder, job.rule) == (said.realm, said.folder, said.rule)
        ]
        in_place = [job for job in alike if job.place == found.place]
        own = [job for job in in_place if job.separation_id == separation_id]
        to_do = [job for job in in_place if job.state != JobState.PUBLISHED]
        elsewhere = [
            job
            for job in alike
            if job.state.is_live
            and (job.separation_id == separation_id or (job.separation_id is None and job.redo_of is None))
        ]
        return next(iter([*own, *to_do, *elsewhere]), None)

    def _add(self, found: Published, now: float) -> JobRow:
        said = found.said
        job_id = self._jobs.add(
            source_id=self._source(found, now),
            bytes_key=file_key(said.source_sha256),
            folder=said.folder,
            rule=said.rule,
            realm=said.realm,
            input_key=said.input_key,
            asked="",
            priority=0,
            output_root=found.root,
            final=found.place.base,
            is_flat=found.place.is_flat,
            batch_id=self._restored_batch(now),
            now=found.queued_at,
        )
        job = self._jobs.get(job_id)
        assert job is not None
        return job

    def _source(self, found: Published, now: float) -> int:
        """Give the source with the bytes, or the one in its place, or a new one of which only the bytes are known."""
        bytes_key = file_key(found.said.source_sha256)
        in_place = self._sources.at(found.source)
        same = [in_place] if in_place and in_place.bytes_key == bytes_key else self._sources.same_bytes(bytes_key)
        if known := next(iter(same), in_place):
            return known.id
        unseen = FileStat(size_bytes=found.said.source_size_bytes, mtime_ns=0, ctime_ns=0)
        return self._sources.see(
            found.source, folder=found.said.folder, stat=unseen, state="known", now=now, bytes_key=bytes_key
        )

    def _restored_batch(self, now: float) -> int:
        if self._batch is None:
            self._batch = self._approvals.open_batch("", BatchOrigin.SCAN, now=now)
            self._approvals.close_batch(self._batch, now=now)
        return self._batch


def _check(said: Provenance) -> None:
    numbers = (said.source_size_bytes, said.credits_estimated or 0, said.credits_charged or 0)
    sizes = tuple(output.size_bytes for output in said.outputs)
    if not 1 <= said.attempt <= _LONGEST or not all(0 <= number <= _LONGEST for number in (*numbers, *sizes)):
        raise ValueError("a number is out of its range")
    if not said.hash or not said.realm or len(said.source_sha256) != _SHA256_LETTERS:
        raise ValueError("it does not say which separation of which bytes it is")
    kind_of(said.input_key)
    try:
        is_canonical = Settings.from_canonical(said.settings).canonical() == said.settings
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("its settings cannot be understood") from exc
    if not is_canonical:
        raise ValueError("its settings are not in their one form")


def _instant(text: str) -> float | None:
    return dt.datetime.fromisoformat(text).timestamp() if text else None


def _local_day(instant: float) -> str:
    return dt.datetime.fromtimestamp(instant).astimezone().date().isoformat()
