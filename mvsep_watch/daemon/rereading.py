"""Reads what was published and what waits to be: sidecars below the output roots, and what the spool keeps.

Nothing is written. What cannot be read or understood is told in the report and left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mvsep_watch.daemon.rebuilt import Report
from mvsep_watch.daemon.roots import root_key
from mvsep_watch.daemon.systemd import Notifier
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import claim as claims
from mvsep_watch.files import roots, sidecar, spool, staging
from mvsep_watch.files.claim import Claim
from mvsep_watch.files.roots import RootNote
from mvsep_watch.model import Config, Provenance, realm_of
from mvsep_watch.naming import OutputPlace, unescape_path
from mvsep_watch.store.memory import Memory
from mvsep_watch.store.restoring import Published

AT_ONCE = 100
"""Sidecars per commit: a commit on a slow disk takes as long as reading several."""
MORE_TIME_S = 120.0
"""Asked of systemd for every hundred: a start that mends the state takes as long as there are outputs."""


class Rereading:
    """Everything that outputs say of what was done.

    Args:
        config: Says where outputs and sources are.
        memory: Knows what the roots were when they were seen last.
        report: Is filled in.
        verify: Whether outputs are read and hashed; their sizes are compared in any case.
    """

    def __init__(self, config: Config, memory: Memory, report: Report, *, verify: bool) -> None:
        self._config = config
        self._memory = memory
        self._report = report
        self._verify = verify
        self._seen: set[Path] = set()
        self._copies: set[tuple[str, int, str]] = set()
        self.claims: dict[Path, Claim | None] = {}
        """Of the roots that were looked through: what claims each."""
        self.staged: set[Path] = set()
        """Where staging folders were found."""

    def below(self, root: Path) -> Iterator[list[Published]]:
        """Give what an output root holds, a commit's worth at a time; one whose disk is away is only told."""
        found = sorted(set(sidecar.find(root, passed_over=self._pass_over)) - self._seen)
        claim = self._claim_of(root)
        try:
            roots.require_same(root, self._note_of(root, lost_claim=bool(found and claim is None)))
        except MvsepWatchError as error:
            self._report.missing.append((root, f"{error.message} {error.hint} Then rebuild again."))
            return
        self._report.roots.append(root)
        self.claims[root] = claim
        self.staged.update(path.parent for path, _ in staging.stagings_below(root))
        self._seen.update(found)
        for start in range(0, len(found), AT_ONCE):
            Notifier().more_time(MORE_TIME_S)
            yield list(self._read(found[start : start + AT_ONCE], root))

    def in_spool(self) -> Iterator[Published]:
        """Give what was paid for and waits in the spool."""
        place = spool.place_of(self._config.state)
        for folder, said in spool.kept_in(place):
            try:
                yield self._placed(said, OutputPlace(folder), place)
            except ValueError as error:
                self._report.damaged.append((folder, f"it cannot be understood: {error}"))

    def _claim_of(self, root: Path) -> Claim | None:
        try:
            return claims.read(root)
        except MvsepWatchError as error:
            self._report.damaged.append((root / claims.CLAIM_NAME, error.message))
            return None

    def _note_of(self, root: Path, *, lost_claim: bool) -> RootNote | None:
        """Say what a root was when it was seen last; one that has lost nothing but its claim gets another."""
        note = RootNote.of(self._memory.meta(root_key(root)) or "")
        return replace(note, generation=None) if note and lost_claim else note

    def _pass_over(self, folder: Path) -> None:
        self._report.missing.append((folder, "it may not be read"))

    def _read(self, paths: Sequence[Path], root: Path) -> Iterator[Published]:
        """Read sidecars; what cannot be understood, or is the copy of another, is left out."""
        for path in paths:
            try:
                place = OutputPlace.of_sidecar(path)
                said = sidecar.read(place)
                found = self._placed(said, place, root) if said else None
            except ValueError as error:
                self._report.damaged.append((path, f"it cannot be understood: {error}"))
            except MvsepWatchError as error:
                self._report.damaged.append((path, error.message))
            else:
                if found is not None and self._is_first(found.said):
                    yield replace(found, is_intact=self._compare(found))

    def _placed(self, said: Provenance, place: OutputPlace, root: Path) -> Published:
        folder = self._config.folder(said.folder)
        own = folder.output if folder and place.base.is_relative_to(folder.output) else root
        return Published.of(said, place=place, root=own, source=self._source_of(said, root))

    def _source_of(self, said: Provenance, root: Path) -> Path:
        """Say where a source was; where its folder is configured no more, where such a folder is likeliest.

        Raises:
            ValueError: Its name is none, or leads out of its folder.
        """
        name = unescape_path(said.source_name)
        parts = PurePosixPath(said.folder, name)
        if "\0" in name or ".." in parts.parts or PurePosixPath(name).is_absolute() or name in {"", "."}:
            raise ValueError(f"its source's name is {said.source_name!r}")
        folder = self._config.folder(said.folder)
        return folder.path / name if folder else root.parent / parts.relative_to(parts.anchor)

    def _is_first(self, said: Provenance) -> bool:
        """Say whether this is not the copy of a folder that was seen already."""
        own = (said.state_id, said.job_id, said.hash)
        is_first = own not in self._copies
        self._copies.add(own)
        return is_first

    def _compare(self, found: Published) -> bool:
        """Say whether outputs are what was published, and report those that are not; the work stays paid for."""
        report, said = self._report, found.said
        report.sidecars += 1
        report.foreign += said.realm != realm_of(self._config.service.base_url)
        report.gone += not _has_size(found.source, said.source_size_bytes)
        compare = sidecar.verify if self._verify else sidecar.changed_sizes
        try:
            different = compare(found.place, said.outputs)
        except MvsepWatchError as error:
            report.missing.append((found.place.base, f"its outputs could not be compared: {error.message}"))
            return False
        if different:
            names = tuple(found.place.file(output.name).name for output in different)
            report.changed.append((found.place.folder, names))
        return not different


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.lstat().st_size == size_bytes
    except (OSError, ValueError):
        return False
