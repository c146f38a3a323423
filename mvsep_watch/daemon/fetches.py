"""Makes the steps that end a job's way, from what the store and the configuration say: fetch, spool, publish."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.polling import Polling
from mvsep_watch.daemon.roots import note_of
from mvsep_watch.files import spool
from mvsep_watch.model import FileStat, Folder, InputKind, JobState, Provenance, kind_of
from mvsep_watch.naming import escape_path
from mvsep_watch.options import predict_stems, prompt_field
from mvsep_watch.steps.fetch import Fetch, Sibling, Spool, is_every_stem
from mvsep_watch.steps.publish import Publish
from mvsep_watch.steps.tagging import Origin
from mvsep_watch.store import JobRow, SeparationRow, SourceRow

FEWER_BELIEVED_AFTER = 8
"""A list that has become shorter is believed after so many failures of a job, which take some ten minutes."""


class Fetches:
    """Makes steps; hands out none."""

    def __init__(self, context: Context, polling: Polling) -> None:
        self._context = context
        self._polling = polling

    @property
    def place(self) -> Path:
        """The spool."""
        return spool.place_of(self._context.config.state)

    def separation_of(self, job: JobRow) -> SeparationRow:
        """Give the separation that a job needs."""
        return self._context.store.separations.get(job.separation_id or 0)

    def fetch(self, job: JobRow) -> Fetch:
        """Make the step that stages a job's outputs."""
        row, state_id = self.separation_of(job), self._context.store.memory.state_id
        rule = self._context.config.rule(job.folder, job.rule)
        return Fetch(
            job_id=job.id,
            state_id=state_id,
            hash=row.hash or "",
            base_url=self._polling.host_of(row),
            parent=job.final.parent,
            root=job.output_root,
            note=note_of(self._context, job.output_root),
            format_number=row.work.settings.output_format,
            stems=rule.stems if rule else None,
            slugs=self._slugs(row),
            source_duration_s=None if job.takes_short or self._speaks(row) else row.duration_s,
            listed=_listed(row),
            least=row.server_words.get("listed", 0) if job.failures < FEWER_BELIEVED_AFTER else 0,
            place=self.place,
            asked_by=(job.folder, job.rule),
            siblings=self._siblings(job, row),
            origin=self._origin(job),
            former=self._context.store.memory.inherited_ids,
            access=self._context.config.access_of(job.folder),
            known=None if job.failures else self._polling.listed(row),
        )

    def _origin(self, job: JobRow) -> Origin | None:
        """Give the source whose tags a job's outputs get."""
        folder = self._context.config.folder(job.folder)
        if folder is None or not folder.tags or kind_of(job.input_key) not in (InputKind.FILE, InputKind.PAIR):
            return None
        source = self._context.store.sources.get(job.source_id)
        return Origin(path=source.path, stat=source.stat) if source.bytes_key == job.bytes_key else None

    def spool(self, job: JobRow) -> Spool:
        """Make the step that keeps a job's outputs in the spool."""
        return Spool(
            fetch=self.fetch(job),
            place=self.place,
            limit_bytes=self._context.config.limits.spool_bytes,
            provenance=self._provenance(job),
        )

    def publish(self, job: JobRow, *, looks: Mapping[str, FileStat]) -> Publish:
        """Make the step that shows a job's outputs; `looks` as `Fetched` said, where it is remembered."""
        return Publish(
            job_id=job.id,
            state_id=self._context.store.memory.state_id,
            place=job.place,
            root=job.output_root,
            note=note_of(self._context, job.output_root),
            provenance=self._provenance(job),
            looks=looks,
            replaces=job.replaces,
            former=self._context.store.memory.inherited_ids,
            access=self._context.config.access_of(job.folder),
        )

    def _slugs(self, row: SeparationRow) -> tuple[tuple[str, str], ...]:
        """Give the model's slugs with their labels: a rule may name stems by either."""
        algorithm = (self._context.catalogue or {}).get(row.work.settings.sep_type)
        return tuple(predict_stems(algorithm, dict(row.work.settings.options)).items()) if algorithm else ()

    def _speaks(self, row: SeparationRow) -> bool:
        """Say whether a model says a text: its outputs are as long as that, and not as its source."""
        algorithm = (self._context.catalogue or {}).get(row.work.settings.sep_type)
        return algorithm is not None and prompt_field(algorithm, ()) is not None

    def _siblings(self, job: JobRow, row: SeparationRow) -> tuple[Sibling, ...]:
        jobs, listed = self._context.store.jobs, _listed(row)
        found = []
        for other in jobs.ever_of_separation(row.id):
            if other.id != job.id and other.state == JobState.PUBLISHED:
                outputs = jobs.outputs(other.id)
                is_whole = is_every_stem(outputs, listed)
                found.append(Sibling(place=other.place, outputs=outputs, is_whole=is_whole))
        return tuple(found)

    def _provenance(self, job: JobRow) -> Provenance:
        context, store = self._context, self._context.store
        row, source = self.separation_of(job), store.sources.get(job.source_id)
        folder = context.config.folder(job.folder)
        return Provenance(
            state_id=store.memory.state_id,
            job_id=job.id,
            source_name=_source_name(folder, source),
            source_size_bytes=row.size_bytes,
            source_sha256=job.bytes_key.removeprefix("sha256:"),
            folder=job.folder,
            rule=job.rule,
            realm=row.realm,
            host=row.host,
            account=row.account,
            input_key=row.input_key,
            settings=row.settings,
            attempt=row.attempt,
            algorithm=row.algorithm,
            hash=row.hash or "",
            tag=row.tag,
            queued_at=context.iso(job.queued_at),
            submitted_at=context.iso(row.submitted_at),
            fetched_at=context.iso(job.fetched_at),
            credits_estimated=row.credits_estimated,
            credits_charged=row.credits_charged,
            outputs=store.jobs.outputs(job.id),
        )


def _listed(row: SeparationRow) -> tuple[str, ...]:
    """Give every stem that the service is known to have of a separation."""
    return tuple(row.server_words.get("stems", ()))


def _source_name(folder: Folder | None, source: SourceRow) -> str:
    if folder is not None and source.path.is_relative_to(folder.path):
        return escape_path(source.path.relative_to(folder.path))
    return escape_path(source.path.name)
