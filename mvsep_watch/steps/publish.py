"""Steps at the end: publish, dispose of a source, and look after output roots."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from mvsep_watch.errors import MvsepWatchError, NeedsUserError, RetryableError, SourceChangedError
from mvsep_watch.files import claim as claims
from mvsep_watch.files import disposal, roots, sidecar, staging
from mvsep_watch.files.access import dress
from mvsep_watch.files.trouble import output_errors
from mvsep_watch.files.watched import trouble_with
from mvsep_watch.model import AS_MADE, Access, FileStat, Output, Provenance
from mvsep_watch.naming import OutputPlace, display
from mvsep_watch.planner import Place, decide_place
from mvsep_watch.steps.base import Pool, Tools
from mvsep_watch.steps.standing import Within, away


class NotStagedError(RetryableError):
    """The staging is not whole: it is to be fetched again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Write the sidecar last and show everything in its place.

    Args:
        root: The output root that the place is below.
        note: What the root was when it was last seen to be itself.
        former: The ids that the state had before, or has taken over.
        looks: What the outputs looked like when they were staged, by name; any other is read once more.
        replaces: Take the place of the outputs that are there, if they are still what their sidecar says; else never
            replace.
        access: How what is made for it is to be.
    """

    pool: ClassVar[Pool] = Pool.FILING

    job_id: int
    state_id: str
    place: OutputPlace
    root: Path
    provenance: Provenance
    note: roots.RootNote | None = None
    looks: Mapping[str, FileStat] = field(default_factory=dict, compare=False)
    replaces: bool = False
    former: tuple[str, ...] = ()
    access: Access = AS_MADE

    @property
    def key(self) -> tuple[str, int]:
        """One step of a job at a time."""
        return ("job", self.job_id)

    def perform(self, tools: Tools) -> roots.RootNote | None:
        """Publish; of what is done already, by this job and from this hash, only what was removed is put back.

        Gives what the root is to be noted as.

        Raises:
            TakenError: Somebody else's folder or file is in the reserved place.
            NameRefusedError: The file system does not take the reserved name.
            NotStagedError: The staging is not whole; it is to be fetched again.
            OutputRootError: The output root is away, or cannot be written.
        """
        note = roots.require_same(self.root, self.note)
        match self._decided():
            case Place.DONE:
                self._put_back(tools)
                staging.discard_left(self.place.base.parent, state_id=self.state_id, job_id=self.job_id)
            case Place.SHOW:
                staging.publish(self._staged(tools), self.place, access=self.access)
            case Place.EXCHANGE:
                self._exchange(tools)
            case Place.ASK:
                raise self._changed()
        return note

    def _decided(self) -> Place:
        """Look at the place; what a link in it leads to says nothing."""
        is_aside = staging.is_aside(self.place.base.parent, state_id=self.state_id, job_id=self.job_id)
        with output_errors(self.place.mark):
            is_link = self.place.mark.is_symlink()
        return decide_place(
            self.provenance,
            None if is_link else sidecar.read(self.place),
            replaces=self.replaces,
            is_taken=os.path.lexists(self.place.mark),
            is_aside=is_aside,
        )

    def _staged(self, tools: Tools) -> staging.Staging:
        """Give the staging, whole, its sidecar written; what is damaged in it is dropped, to be fetched again."""
        staged = staging.Staging.open(
            self.place.base.parent,
            state_id=self.state_id,
            job_id=self.job_id,
            hash_=self.provenance.hash,
            root=self.root,
            former=self.former,
            access=self.access,
        )
        there = staged.looks()
        in_doubt = [
            output
            for output in self.provenance.outputs
            if output.name not in there or there[output.name] != self.looks.get(output.name)
        ]
        if missing := sidecar.verify(OutputPlace(staged.path), in_doubt, stopping=tools.stopping.is_set):
            for output in missing:
                staged.drop(output.name)
            raise NotStagedError(f"{missing[0].name} is not staged any more")
        sidecar.write(staged.place_for(self.place), self.provenance, version=tools.version)
        return staged

    def _put_back(self, tools: Tools) -> None:
        """Put back what somebody removed from among the outputs; what is there stays, whatever it is by now."""
        removed = {
            output.name: output
            for output in self.provenance.outputs
            if not os.path.lexists(self.place.file(output.name))
        }
        if not removed:
            return
        staged, there = self._staged(tools), sidecar.read(self.place)
        if there is not None and not {*removed.values()} <= {*there.outputs}:
            kept = tuple(output for output in there.outputs if output.name not in removed)
            said = replace(there, outputs=(*kept, *removed.values()))
            dress(sidecar.write(self.place, said, version=tools.version), self.access)
        staging.put_back(staged, self.place, removed, access=self.access)

    def _exchange(self, tools: Tools) -> None:
        """Replace the old outputs if they are as they were; those that were set aside already were."""
        staged = self._staged(tools)
        old: tuple[Output, ...] = ()
        if os.path.lexists(self.place.mark):
            there = None if self._decided() is Place.ASK else sidecar.read(self.place)
            if there is None or sidecar.verify(self.place, there.outputs, stopping=tools.stopping.is_set):
                raise self._changed()
            old = there.outputs
        staging.supersede(staged, self.place, old=old, access=self.access)

    def _changed(self) -> NeedsUserError:
        return NeedsUserError(
            f"the outputs in {display(self.place.base)} are no longer what they were when they were published",
            hint="move them away, then `retry`; nothing is paid again",
        )


class SourceMissingError(SourceChangedError):
    """Nothing is in a source's place any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispose:
    """Delete a source or move it to `to`, if it is still what was read.

    Args:
        access: How folders that it makes are to be.
        within: The watched folders that it lies in.
    """

    pool: ClassVar[Pool] = Pool.FILING

    source_id: int
    path: Path
    sha256: str
    stat: FileStat
    to: Path | None
    access: Access = AS_MADE
    within: Within = ()

    @property
    def key(self) -> tuple[str, int]:
        """One at a time for a source."""
        return ("dispose", self.source_id)

    def perform(self, tools: Tools) -> None:
        """Rename aside, hash again, and only then let it go.

        Raises:
            AwayError: It is not there, nor is the watched folder that it was in.
            SourceMissingError: It is not there.
            SourceChangedError: It is no longer what was read.
        """
        try:
            disposal.dispose(
                self.path,
                identity_sha256=self.sha256,
                stat=self.stat,
                to=self.to,
                access=self.access,
                stopping=tools.stopping.is_set,
            )
        except SourceChangedError as error:
            if missed := away(self.within, self.path):
                raise missed from error
            if not os.path.lexists(self.path):
                raise SourceMissingError(error.message, hint=error.hint) from error
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Bring back sources that a killed run had set aside in a folder.

    Args:
        folder: Where they were.
        within: The watched folders that it lies in, with what each was when it was last looked through.
    """

    pool: ClassVar[Pool] = Pool.FILING
    KEY: ClassVar[str] = "recover"

    folder: Path
    within: Within

    @property
    def key(self) -> str:
        """One at a time, and no disposal beside it."""
        return self.KEY

    def perform(self, _: Tools) -> tuple[Path, ...]:
        """Give what was brought back.

        Raises:
            NeedsUserError: A watched folder is away, and with it what may be set aside there.
            SourceBusyError: It cannot be looked at just now.
        """
        for folder, note in self.within:
            if error := trouble_with(folder, note, at=self.folder):
                raise error
        return disposal.recover(self.folder)


@dataclass(frozen=True, slots=True)
class ClearCopies:
    """Remove what a killed run has left of copies to other file systems. `copies`: (folder, sha256 of the bytes)."""

    pool: ClassVar[Pool] = Pool.FILING

    copies: tuple[tuple[Path, str], ...]

    @property
    def key(self) -> str:
        """No disposal beside it."""
        return Recover.KEY

    def perform(self, _: Tools) -> tuple[tuple[Path, str], ...]:
        """Give those of which nothing is left; one that cannot be looked at holds no other up."""
        over = []
        for folder, sha256 in self.copies:
            with contextlib.suppress(MvsepWatchError):
                if disposal.clear_copy(folder, sha256=sha256):
                    over.append((folder, sha256))
        return tuple(over)


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
        accesses: How what its folders have made is to be; the claim is as the first says.
    """

    pool: ClassVar[Pool] = Pool.FILING

    root: Path
    claim: claims.Claim
    is_new: bool
    note: roots.RootNote | None = None
    needs_bytes: int = 0
    searches: bool = True
    takes_over: bool = False
    accesses: tuple[Access, ...] = (AS_MADE,)

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
        claims.probe_root(self.root, make=self.is_new, needs_bytes=self.needs_bytes, accesses=self.accesses)
        claim = claims.read(self.root) if not self.takes_over else None
        if claim is not None:
            return self._facts(claim=claim)
        sidecars = sidecar.find(self.root) if self.searches and not self.takes_over else ()
        states = {found.state_id for path in sidecars if (found := sidecar.read(OutputPlace.of_sidecar(path)))}
        if not states <= {self.claim.state_id}:
            return self._facts(states=states)
        claims.write(self.root, self.claim, replace_damaged=self.takes_over, access=self.accesses[0])
        return self._facts(claim=self.claim)

    def _facts(self, *, claim: claims.Claim | None = None, states: Collection[str] = ()) -> RootFacts:
        """Say what was found; a claim is expected from here on where it is ours."""
        is_ours = claim is not None and claim.state_id == self.claim.state_id
        note = roots.note_of(self.root, generation=claim.generation if claim and is_ours else None)
        return RootFacts(claim=claim, sidecar_states=tuple(sorted(states)), note=note)
