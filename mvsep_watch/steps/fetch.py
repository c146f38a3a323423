"""The step that brings outputs home: from a sibling's published folder where they are intact, else from the service.

Every output ends up staged, complete, checked, hashed and on the disk, under the name that we give it, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mvsep_watch.errors import LinkExpiredError, NotFoundError
from mvsep_watch.files.claim import probe_root
from mvsep_watch.files.outputs import copy_verified
from mvsep_watch.files.staging import Staging
from mvsep_watch.model import Output, Remote
from mvsep_watch.naming import chosen, unknown_stems
from mvsep_watch.steps.base import Pool, Tools
from mvsep_watch.steps.receiving import Receiver, labels_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """A published folder of the same separation, with what it held; `is_whole` if that was every stem there is."""

    folder: Path
    outputs: tuple[Output, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What is staged. `stems`: every stem that the service lists; empty where it was not asked."""

    outputs: tuple[Output, ...]
    algorithm: str = ""
    stems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Stage the outputs of a finished separation for one job.

    Args:
        parent: Where the final folder will be; the staging folder is made there.
        stems: What the rule publishes; None is everything.
        slugs: The model's (slug, label) pairs: a rule may name stems by either.
        siblings: Folders that other jobs published from the same separation.
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
    slugs: tuple[tuple[str, str], ...] = ()
    siblings: tuple[Sibling, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """One step of a job at a time."""
        return ("job", self.job_id)

    def perform(self, tools: Tools) -> Fetched:
        """Stage everything.

        Raises:
            NotFoundError: The service has the results no longer, and no sibling has them whole.
            OutputRootError: The output folder cannot be written.
            NeedsUserError: A stem that the rule names is not among the results.
        """
        probe_root(self.root)
        staging = Staging.open(self.parent, state_id=self.state_id, job_id=self.job_id, hash_=self.hash, root=self.root)
        for sibling in self.siblings:
            if copied := self._copied(sibling, staging, tools):
                self._drop_others(copied, staging)
                return Fetched(outputs=copied)
        remote = tools.client.get(self.hash, base_url=self.base_url)
        if not remote.is_done:
            raise _not_there(remote)
        receiver = Receiver(
            client=tools.client,
            staging=staging,
            format_number=self.format_number,
            source_duration_s=self.source_duration_s,
            stopping=tools.stopping.is_set,
        )
        outputs = receiver.receive(remote, stems=self.stems, slugs=dict(self.slugs))
        self._drop_others(outputs, staging)
        return Fetched(outputs=outputs, algorithm=remote.algorithm, stems=labels_of(remote))

    def _drop_others(self, outputs: tuple[Output, ...], staging: Staging) -> None:
        """Drop what an earlier try staged and this one does not publish."""
        names = {output.name for output in outputs}
        for path in staging.path.iterdir():
            if path.is_file() and path.name not in names:
                staging.drop(path.name)

    def _copied(self, sibling: Sibling, staging: Staging, tools: Tools) -> tuple[Output, ...] | None:
        """Copy from a sibling that has all that this job publishes; None where anything is missing."""
        labels = [output.stem for output in sibling.outputs]
        if (
            not sibling.is_whole
            if self.stems is None
            else bool(unknown_stems(self.stems, labels, slugs=dict(self.slugs)))
        ):
            return None
        wanted = [sibling.outputs[i] for i in chosen(self.stems, labels, slugs=dict(self.slugs))]
        intact = copy_verified(sibling.folder, wanted, staging, stopping=tools.stopping.is_set)
        return tuple(wanted) if len(intact) == len(wanted) else None


def _not_there(remote: Remote) -> NotFoundError | LinkExpiredError:
    if remote.status == "not_found":
        return NotFoundError(f"the service has the results no longer: {remote.message}")
    return LinkExpiredError(f"the service says {remote.status} and lists no results yet")
