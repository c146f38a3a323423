"""Steps at the end: publish by one rename, dispose of a source, and look after output roots."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mvsep_watch.errors import NeedsUserError, RetryableError
from mvsep_watch.files import claim as claims
from mvsep_watch.files import disposal, roots, sidecar, staging
from mvsep_watch.model import FileStat, Provenance
from mvsep_watch.naming import display
from mvsep_watch.steps.base import Pool, Tools


class NotStagedError(RetryableError):
    """The staging is not whole: it is to be fetched again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Write the sidecar last and show everything by one rename of the staging folder to `final`.

    Args:
        root: The output root that `final` is below.
        note: What the root was when it was last seen to be itself.
        replaces: Exchange with the folder that is there, if it is still what its sidecar says; else never replace.
    """

    pool: ClassVar[Pool] = Pool.FILING

    job_id: int
    state_id: str
    final: Path
    root: Path
    provenance: Provenance
    note: roots.RootNote | None = None
    replaces: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """One step of a job at a time."""
        return ("job", self.job_id)

    def perform(self, tools: Tools) -> roots.RootNote | None:
        """Publish; done already, by this job and from this hash, is done. Gives what the root is to be noted as.

        Raises:
            TakenError: Somebody else's folder is in the reserved place.
            NotStagedError: The staging is not whole; it is to be fetched again.
            OutputRootError: The output root is away, or cannot be written.
        """
        note = roots.require_same(self.root, self.note)
        if self._is_published():
            staging.discard_left(self.final.parent, state_id=self.state_id, job_id=self.job_id)
        else:
            self._publish(tools)
        return note

    def _publish(self, tools: Tools) -> None:
        staged = staging.Staging.open(
            self.final.parent,
            state_id=self.state_id,
            job_id=self.job_id,
            hash_=self.provenance.hash,
            root=self.root,
        )
        if missing := sidecar.verify(staged.path, self.provenance.outputs, stopping=tools.stopping.is_set):
            raise NotStagedError(f"{missing[0].name} is not staged any more")
        sidecar.write(staged.path, self.provenance, version=tools.version)
        if self.replaces and staging.is_replaceable(staged, self.final):
            self._check_unchanged(tools)
            staging.exchange(staged, self.final)
            staged.discard()
        else:
            staging.publish(staged, self.final)

    def _is_published(self) -> bool:
        """Say whether the outputs are there already; what a link in their place leads to does not count."""
        there = None if self.final.is_symlink() else sidecar.read(self.final)
        mine = self.provenance
        return there is not None and (there.state_id, there.job_id, there.hash) == (
            mine.state_id,
            mine.job_id,
            mine.hash,
        )

    def _check_unchanged(self, tools: Tools) -> None:
        """Require the old outputs to be as they were; those that an exchange had set aside already were."""
        if not os.path.lexists(self.final):
            return
        there = sidecar.read(self.final)
        if there is None or sidecar.verify(self.final, there.outputs, stopping=tools.stopping.is_set):
            raise NeedsUserError(
                f"the outputs in {display(self.final)} are no longer what they were when they were published",
                hint="move them away, then `retry`; nothing is paid again",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispose:
    """Delete a source or move it to `to`, if it is still what was read."""

    pool: ClassVar[Pool] = Pool.FILING

    source_id: int
    path: Path
    sha256: str
    stat: FileStat
    to: Path | None

    @property
    def key(self) -> tuple[str, int]:
        """One at a time for a source."""
        return ("dispose", self.source_id)

    def perform(self, tools: Tools) -> None:
        """Rename aside, hash again, and only then let it go."""
        disposal.dispose(
            self.path, identity_sha256=self.sha256, stat=self.stat, to=self.to, stopping=tools.stopping.is_set
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFacts:
    """What an output root says: its claim, whose sidecars were found where there was none, and what it is."""

    claim: claims.Claim | None
    sidecar_states: tuple[str, ...]
    note: roots.RootNote


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRoot:
    """Probe an output root by a write and a rename, and read its claim.

    Args:
        claim: What to write where there is no claim and no sidecar of another state.
        is_new: This state never used it: it is made if it is not there.
        note: What it was when it was last seen to be itself.
        needs_bytes: How much must be free for what waits to be written.
        searches: Whether a root without a claim is searched for outputs of other states.
        takes_over: A person said that this state begins anew here.
    """

    pool: ClassVar[Pool] = Pool.FILING

    root: Path
    claim: claims.Claim
    is_new: bool
    note: roots.RootNote | None = None
    needs_bytes: int = 0
    searches: bool = True
    takes_over: bool = False

    @property
    def key(self) -> tuple[str, Path]:
        """One at a time for a root."""
        return ("root", self.root)

    def perform(self, _: Tools) -> RootFacts:
        """Probe, read, and claim what nobody has ever claimed.

        Raises:
            OutputRootError: It cannot be written, or is not the folder that it was.
        """
        if not (self.is_new or self.takes_over):
            roots.require_same(self.root, self.note)
        claims.probe_root(self.root, make=self.is_new, needs_bytes=self.needs_bytes)
        claim = claims.read(self.root) if not self.takes_over else None
        if claim is not None:
            return self._facts(claim=claim)
        sidecars = sidecar.find(self.root) if self.searches and not self.takes_over else ()
        states = {found.state_id for path in sidecars if (found := sidecar.read(path.parent))}
        if not states <= {self.claim.state_id}:
            return self._facts(states=states)
        claims.write(self.root, self.claim, replace_damaged=self.takes_over)
        return self._facts(claim=self.claim)

    def _facts(self, *, claim: claims.Claim | None = None, states: Collection[str] = ()) -> RootFacts:
        """Say what was found; a claim is expected from here on where it is ours."""
        is_ours = claim is not None and claim.state_id == self.claim.state_id
        note = roots.note_of(self.root, generation=claim.generation if claim and is_ours else None)
        return RootFacts(claim=claim, sidecar_states=tuple(sorted(states)), note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidy:
    """At start: remove our own stagings without a live job, and bring back sources that a killed run had set aside.

    Nothing is disposed of before it has ended.
    """

    pool: ClassVar[Pool] = Pool.FILING
    KEY: ClassVar[str] = "tidy"

    state_id: str
    live_job_ids: frozenset[int]
    parents: tuple[Path, ...]
    source_folders: tuple[Path, ...]

    @property
    def key(self) -> str:
        """Once."""
        return self.KEY

    def perform(self, _: Tools) -> tuple[Path, ...]:
        """Give what was removed or brought back."""
        done: list[Path] = []
        for parent in self.parents:
            done += staging.clean(parent, state_id=self.state_id, live_job_ids=self.live_job_ids)
        for folder in self.source_folders:
            done += disposal.recover(folder)
        return tuple(done)
