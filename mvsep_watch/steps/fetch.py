"""The steps that bring outputs home: from where they lie intact already, else from the service.

Every output ends up staged, complete, checked, hashed and on the disk, under the name that we give it, or not at all.
Where the folder that they belong to is away, they are kept in the spool meanwhile, as whole as if they were published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from mvsep_watch.errors import LinkExpiredError, NotFoundError, RetryableError
from mvsep_watch.files import roots, sidecar, spool
from mvsep_watch.files.claim import probe_root
from mvsep_watch.files.outputs import copy_verified
from mvsep_watch.files.staging import Staging, publish
from mvsep_watch.files.trouble import output_errors
from mvsep_watch.model import AS_MADE, Access, FileStat, Output, Provenance, Remote
from mvsep_watch.mvsep import Download
from mvsep_watch.naming import OutputPlace, chosen, unknown_stems
from mvsep_watch.steps.base import Pool, Tools
from mvsep_watch.steps.receiving import Receiver, labels_of, unwatched
from mvsep_watch.steps.tagging import Origin, Tagger


class SpoolFullError(RetryableError):
    """The spool has no room for the outputs; what was begun of them is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """What another job published of the same separation; `is_whole` if that was every stem there is."""

    place: OutputPlace
    outputs: tuple[Output, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What is staged.

    Args:
        stems: Every stem that the service lists; empty where it was not asked.
        looks: What the outputs look like in the staging, by name.
        untagged: Why an output has none of its source's tags, if one could not be given them.
        is_spooled: Whether the spool keeps them for the job as well.
    """

    outputs: tuple[Output, ...]
    algorithm: str = ""
    stems: tuple[str, ...] = ()
    looks: Mapping[str, FileStat] = field(default_factory=dict)
    untagged: str = ""
    is_spooled: bool = False


@dataclass(slots=True)
class Room:
    """How many bytes more may be written."""

    left_bytes: int

    def take(self, size_bytes: int) -> None:
        """Take some of it.

        Raises:
            SpoolFullError: There is not so much.
        """
        self.left_bytes -= size_bytes
        if self.left_bytes < 0:
            raise SpoolFullError("the spool has no room for it")

    def has(self, size_bytes: int) -> bool:
        """Say whether there is so much."""
        return size_bytes <= self.left_bytes

    def watch(self, _: str, download: Download) -> Iterator[bytes]:
        """Take a download's size before its first byte, where it is announced, else chunk by chunk."""
        if download.size_bytes is not None:
            self.take(download.size_bytes - download.offset)
        for chunk in download.chunks:
            if download.size_bytes is None:
                self.take(len(chunk))
            yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Stage the outputs of a finished separation for one job.

    Args:
        parent: Where the outputs will be; the staging folder is made there.
        root: The output root.
        note: What the root was when it was last seen to be itself.
        stems: What the rule publishes; None is everything.
        slugs: The model's (slug, label) pairs: a rule may name stems by either.
        listed: Every stem that the service is known to have; empty where that is not known.
        least: How many results the service has listed before; with fewer than that the list is not whole.
        place: The spool, which may keep the outputs.
        asked_by: The names of the job's folder and rule.
        siblings: What other jobs published from the same separation.
        access: How the folders that are made for the outputs are to be.
        origin: The source whose tags the outputs get; None where they get none.
        known: What the service listed just now; None asks it.
        former: The ids that the state had before, or has taken over.
    """

    pool: ClassVar[Pool] = Pool.DOWNLOADS

    job_id: int
    state_id: str
    hash: str
    base_url: str
    parent: Path
    root: Path
    format_number: int
    stems: tuple[str, ...] | None
    source_duration_s: float | None
    note: roots.RootNote | None = None
    slugs: tuple[tuple[str, str], ...] = ()
    listed: tuple[str, ...] = ()
    least: int = 0
    place: Path | None = None
    asked_by: tuple[str, str] = ("", "")
    siblings: tuple[Sibling, ...] = ()
    access: Access = AS_MADE
    origin: Origin | None = None
    known: Remote | None = field(default=None, compare=False)
    former: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """One step of a job at a time."""
        return ("job", self.job_id)

    def perform(self, tools: Tools) -> Fetched:
        """Stage everything.

        Raises:
            NotFoundError: The service has the results no longer, and no sibling has them whole.
            OutputRootError: The output folder is away, or cannot be written.
            NeedsUserError: A stem that the rule names is not among the results.
        """
        roots.require_same(self.root, self.note)
        probe_root(self.root)
        staging = Staging.open(
            self.parent,
            state_id=self.state_id,
            job_id=self.job_id,
            hash_=self.hash,
            root=self.root,
            former=self.former,
            access=self.access,
        )
        fetched = self.stage(staging, tools)
        return replace(fetched, looks=staging.looks(), is_spooled=self._adopts(fetched))

    def _adopts(self, fetched: Fetched) -> bool:
        """Take over what the spool of a former state kept of these very outputs."""
        return self.place is not None and spool.adopt(
            self.place, state_id=self.state_id, job_id=self.job_id, hash_=self.hash, outputs=fetched.outputs
        )

    def stage(self, staging: Staging, tools: Tools, *, room: Room | None = None) -> Fetched:
        """Stage everything in a staging that is open, within a room where one is given."""
        if copied := self._copied_from((*self._from_spool(), *self.siblings), staging, tools, room):
            return Fetched(outputs=copied)
        remote = self.known or tools.client.get(self.hash, base_url=self.base_url)
        if not remote.is_done:
            if remote.status == "not_found" and (left := self._copied_from(self._left(), staging, tools, room)):
                return Fetched(outputs=left)
            raise _not_there(remote)
        if (count := len(labels_of(remote))) < self.least:
            raise LinkExpiredError(f"the service lists {count} of {self.least} results")
        tagger = self._tagger(tools, room)
        receiver = Receiver(
            client=tools.client,
            staging=staging,
            format_number=self.format_number,
            source_duration_s=self.source_duration_s,
            stopping=tools.stopping.is_set,
            watch=room.watch if room else unwatched,
            tagger=tagger,
        )
        outputs = receiver.receive(remote, stems=self.stems, slugs=dict(self.slugs))
        self._drop_others(outputs, staging)
        untagged = tagger.trouble if tagger else ""
        return Fetched(outputs=outputs, algorithm=remote.algorithm, stems=labels_of(remote), untagged=untagged)

    def _tagger(self, tools: Tools, room: Room | None) -> Tagger | None:
        if self.origin is None:
            return None
        tagger = Tagger(tags=self.origin.tags(), stopping=tools.stopping.is_set)
        if room is not None:
            tagger.has_room = room.has
        return tagger

    def _kept(self) -> Iterator[tuple[Path, Provenance]]:
        """Give what the spool keeps of the separation."""
        if self.place is not None:
            kept = spool.kept_in(self.place, state_id=self.state_id, job_id=self.job_id)
            yield from ((folder, said) for folder, said in kept if said.hash == self.hash)

    def _from_spool(self) -> Iterator[Sibling]:
        for folder, said in self._kept():
            yield Sibling(
                place=OutputPlace(folder), outputs=said.outputs, is_whole=is_every_stem(said.outputs, self.listed)
            )

    def _left(self) -> Iterator[Sibling]:
        """Give what the spool keeps for the same rule: all that it publishes, whatever the service once had."""
        for folder, said in self._kept():
            if (said.folder, said.rule) == self.asked_by:
                yield Sibling(place=OutputPlace(folder), outputs=said.outputs, is_whole=True)

    def _copied_from(
        self, siblings: Iterable[Sibling], staging: Staging, tools: Tools, room: Room | None
    ) -> tuple[Output, ...] | None:
        """Copy from the first sibling that has all that this job publishes; None where none has."""
        for sibling in siblings:
            if copied := self._copied(sibling, staging, tools, room):
                self._drop_others(copied, staging)
                return copied
        return None

    def _drop_others(self, outputs: tuple[Output, ...], staging: Staging) -> None:
        """Drop what an earlier try staged and this one does not publish."""
        names = {output.name for output in outputs}
        with output_errors(staging.path):
            there = [path.name for path in staging.path.iterdir() if path.is_file()]
        for name in there:
            if name not in names:
                staging.drop(name)

    def _copied(self, sibling: Sibling, staging: Staging, tools: Tools, room: Room | None) -> tuple[Output, ...] | None:
        """Copy from a sibling that has all that this job publishes; None where anything is missing."""
        labels = [output.stem for output in sibling.outputs]
        if (
            not sibling.is_whole
            if self.stems is None
            else bool(unknown_stems(self.stems, labels, slugs=dict(self.slugs)))
        ):
            return None
        wanted = [sibling.outputs[i] for i in chosen(self.stems, labels, slugs=dict(self.slugs))]
        if room:
            room.take(sum(output.size_bytes for output in wanted))
        intact = copy_verified(sibling.place, wanted, staging, stopping=tools.stopping.is_set)
        return tuple(wanted) if len(intact) == len(wanted) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spool:
    """Keep the outputs of a finished separation in the spool, for a job whose output root is away.

    Args:
        fetch: How they are fetched.
        place: The spool.
        limit_bytes: How much the whole spool may hold.
        provenance: What is written beside them, without the outputs.
    """

    pool: ClassVar[Pool] = Pool.DOWNLOADS

    fetch: Fetch
    place: Path
    limit_bytes: int
    provenance: Provenance

    @property
    def job_id(self) -> int:
        """The job that it is for."""
        return self.fetch.job_id

    @property
    def key(self) -> tuple[str, int]:
        """One step of a job at a time."""
        return self.fetch.key

    def perform(self, tools: Tools) -> Fetched:
        """Fetch everything into a folder of the spool, which appears whole or not at all.

        Raises:
            SpoolFullError: There is no room for it.
            OutputRootError: The spool cannot be written.
            NotFoundError: The service has the results no longer, and no sibling has them whole.
        """
        spool.make(self.place)
        state_id, job_id = self.fetch.state_id, self.job_id
        room = Room(spool.room_bytes(self.place, limit_bytes=self.limit_bytes))
        room.take(0)
        staging = Staging.open(self.place, state_id=state_id, job_id=job_id, hash_=self.fetch.hash, root=self.place)
        try:
            fetched = self.fetch.stage(staging, tools, room=room)
        except SpoolFullError:
            staging.discard()
            raise
        said = replace(
            self.provenance, outputs=fetched.outputs, algorithm=fetched.algorithm or self.provenance.algorithm
        )
        sidecar.write(OutputPlace(staging.path), said, version=tools.version)
        spool.vacate(self.place, state_id=state_id, job_id=job_id, hash_=self.fetch.hash)
        publish(staging, OutputPlace(spool.folder_of(self.place, state_id=state_id, job_id=job_id)))
        return fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtSpool:
    """Find what the spool holds for this state's jobs."""

    pool: ClassVar[Pool] = Pool.FILING

    place: Path
    state_id: str

    @property
    def key(self) -> str:
        """Once."""
        return "spool"

    def perform(self, _: Tools) -> spool.Spooled:
        """Look.

        Raises:
            OutputRootError: It cannot be looked at.
        """
        return spool.look(self.place, state_id=self.state_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unspool:
    """Remove what the spool holds for a job that needs it no longer. `hash`: its separation's; empty for none."""

    pool: ClassVar[Pool] = Pool.FILING

    place: Path
    state_id: str
    job_id: int
    hash: str

    @property
    def key(self) -> tuple[str, int]:
        """One at a time for a job."""
        return ("unspool", self.job_id)

    def perform(self, _: Tools) -> None:
        """Remove it.

        Raises:
            OutputRootError: It cannot be removed.
        """
        spool.remove(self.place, state_id=self.state_id, job_id=self.job_id, hash_=self.hash)


def is_every_stem(outputs: tuple[Output, ...], listed: tuple[str, ...]) -> bool:
    """Say whether outputs are all that the service is known to have."""
    return bool(listed) and sorted(listed) == sorted(output.stem for output in outputs)


def _not_there(remote: Remote) -> NotFoundError | LinkExpiredError:
    if remote.status == "not_found":
        return NotFoundError(f"the service has the results no longer: {remote.message}")
    return LinkExpiredError(f"the service says {remote.status} and lists no results yet")
