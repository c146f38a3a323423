"""One job's staging: files arrive, are checked, and are complete under their own names."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Self

from mvsep_watch.errors import NeedsUserError, OutputDamagedError, OutputRootError
from mvsep_watch.files import flat, sidecar
from mvsep_watch.files.access import make_folders
from mvsep_watch.files.arriving import Arrival, ResumePoint, load_record, save_record
from mvsep_watch.files.reading import hash_file
from mvsep_watch.files.renaming import rename_new, sync_folder
from mvsep_watch.files.staging.names import (
    WORK_NAME,
    name_of,
    owner_of,
    plain,
    require_kind,
    require_ours,
    stagings_in,
    sync,
)
from mvsep_watch.files.trouble import never, no_space, output_errors, shown
from mvsep_watch.model import AS_MADE, Access, FileStat
from mvsep_watch.naming import OutputPlace, first_free

_MARGIN_BYTES = 1 << 20
"""What must stay free beside a download: its records and the sidecar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A complete file in the staging."""

    path: Path
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Staging:
    """A job's outputs before they are published. Made by `open`."""

    path: Path

    @classmethod
    def open(
        cls,
        parent: Path,
        *,
        state_id: str,
        job_id: int,
        hash_: str,
        root: Path | None = None,
        former: Collection[str] = (),
        access: Access = AS_MADE,
    ) -> Self:
        """Make, or find again, a job's staging in the parent of its final folder.

        Complete outputs stay; a sidecar that was written already goes, since it is to be the last. What a killed
        publication has shown without a folder is taken back. What a former id staged of the same separation is taken.

        Args:
            parent: The final folder's parent; it and the folders above are made.
            state_id: The state's own id, a part of the name.
            job_id: The job's id, a part of the name.
            hash_: The separation's hash; a staging of another one is emptied.
            root: Where given, folders are made only below it: an unmounted disk is not filled with folders, and a link
                in its tree does not lead out of it.
            former: The ids that the state had before, or has taken over.
            access: How the folders that are made above it are to be.

        Raises:
            OutputRootError: It cannot be written, or the root is not there.
            NeedsUserError: Something that is not a folder of ours stands in its place.
        """
        staging = cls(parent / name_of(state_id=state_id, job_id=job_id))
        if root is not None:
            _require_below(root, parent)
        with output_errors(staging.path):
            make_folders(parent, access)
            require_ours(staging.path)
            flat.take_back(staging.path)
            if staging.belongs_to() not in {hash_, None}:
                shutil.rmtree(staging.path)
            if former and not os.path.lexists(staging.path):
                staging._take_former(former, hash_)
            _make_folder(staging.path)
            _make_folder(staging._work)
            save_record(staging._work / ".staging.json", {"hash": hash_})
            staging._remember()
            sidecar.remove(staging.path)
        return staging

    def target(self, name: str) -> Path:
        """Give the path of a complete output.

        Raises:
            ValueError: The name is not a plain file name.
        """
        return self.path / plain(name)

    def resume_point(self, name: str) -> ResumePoint:
        """Say where the download of an output can go on; at 0 where nothing durable is there."""
        with output_errors(self.path):
            return self._arrival(name).resume_point()

    def write(
        self,
        name: str,
        chunks: Iterable[bytes | memoryview],
        *,
        offset_bytes: int = 0,
        size_bytes: int | None = None,
        validator: str | None = None,
        sha256: str | None = None,
        check: Callable[[Path], object] | None = None,
        amend: Callable[[Path], Path | None] | None = None,
        stopping: Callable[[], bool] = never,
    ) -> Written:
        """Write a stream to an output, which gets its name once it is complete, checked and durable.

        If the stream breaks or is short, what arrived is kept for `resume_point`; if the bytes turn out wrong, it is
        dropped.

        Args:
            name: The output's file name, ours and not the server's.
            chunks: The bytes from `offset_bytes` on.
            offset_bytes: 0, or what `resume_point` said and the server agreed to.
            size_bytes: The whole size, where known.
            validator: The server's `ETag` or `Last-Modified`, kept for the next attempt.
            sha256: What the whole must hash to, where known.
            check: Called with the complete file before it gets its name; what it raises drops the file.
            amend: Called with the complete file as well; if it gives a file beside it, that becomes the output instead.
            stopping: Asked after each chunk.

        Raises:
            OutputDamagedError: Too short, too long, or other bytes than expected.
            OutputRootError: It cannot be written, or there is not enough space.
            StoppedError: `stopping` said so.
            ValueError: The name is not a plain file name.
        """
        arrival = self._arrival(name)
        start = ResumePoint(offset_bytes=offset_bytes, validator=validator)
        with output_errors(self.path):
            self._require_space((size_bytes or 0) - offset_bytes)
            arrived, digest = arrival.receive(chunks, start=start, limit_bytes=size_bytes, stopping=stopping)
        if size_bytes is not None and arrived < size_bytes:
            raise OutputDamagedError(f"{name} ended after {arrived} of {size_bytes} bytes.")
        try:
            _require_bytes(name, arrived, digest, size_bytes=size_bytes, sha256=sha256)
            if check is not None:
                check(arrival.path)
        except Exception:
            self.drop(name)
            raise
        if amend is not None and (other := amend(arrival.path)) is not None:
            digest, found = hash_file(other, stopping=stopping)
            return Written(path=self._finish(name, arrival, other, digest), size_bytes=found.size_bytes, sha256=digest)
        return Written(path=self._finish(name, arrival, arrival.path, digest), size_bytes=arrived, sha256=digest)

    def finished(self, name: str, *, stopping: Callable[[], bool] = never) -> Written | None:
        """Hash an output that is complete already; None, and it goes, where it is not what was written."""
        path = self.target(name)
        if not path.is_file() or path.is_symlink():
            return None
        digest, found = hash_file(path, stopping=stopping)
        if load_record(self._whole(name)).get("sha256") != digest:
            self.drop(name)
            return None
        return Written(path=path, size_bytes=found.size_bytes, sha256=digest)

    def looks(self) -> dict[str, FileStat]:
        """Say what each complete output looks like: as long as it looks so, it holds what it held."""
        with output_errors(self.path):
            stats = {path.name: path.lstat() for path in self.path.iterdir()}
        return {name: FileStat.of(each) for name, each in stats.items() if stat.S_ISREG(each.st_mode)}

    def drop(self, name: str) -> None:
        """Forget an output, complete or not: the next download starts from nothing."""
        with output_errors(self.path):
            self.target(name).unlink(missing_ok=True)
            self._whole(name).unlink(missing_ok=True)
            self._arrival(name).drop()

    def discard(self) -> None:
        """Remove the staging with all that is in it; what a killed publication has begun to show is undone."""
        with output_errors(self.path):
            require_ours(self.path)
            flat.take_back(self.path)
            self._undo_exchange()
            if os.path.lexists(self.path):
                shutil.rmtree(self.path)

    def place_for(self, place: OutputPlace) -> OutputPlace:
        """Give where the sidecar of a place is to be written: in here, under the name that it has there."""
        return replace(place, base=self.path / place.base.name if place.is_flat else self.path)

    @property
    def _work(self) -> Path:
        return self.path / WORK_NAME

    def _arrival(self, name: str) -> Arrival:
        return Arrival(self._work / name, self._record(name, "json"))

    def _whole(self, name: str) -> Path:
        """Give the record of what a complete output hashes to."""
        return self._record(name, "whole")

    def _record(self, name: str, kind: str) -> Path:
        """Records have names of fixed length, because an output's may be as long as names can be."""
        short = hashlib.sha256(os.fsencode(plain(name))).hexdigest()[:24]
        return self._work / f".{short}.{kind}"

    def _remember(self) -> None:
        """Take over from a sidecar what outputs hash to: whoever wrote it has removed the records."""
        begun = sidecar.place_in(self.path)
        with suppress(sidecar.SidecarDamagedError, ValueError):
            said = sidecar.read(begun) if begun else None
            for output in said.outputs if said else ():
                save_record(self._whole(output.name), {"sha256": output.sha256})

    def _finish(self, name: str, arrival: Arrival, complete: Path, sha256: str) -> Path:
        path = self.target(name)
        with output_errors(path):
            save_record(self._whole(name), {"sha256": sha256})
            if complete != arrival.path:
                sync(complete)
            complete.replace(path)
            sync_folder(self.path)
            arrival.drop()
        return path

    def _require_space(self, missing_bytes: int) -> None:
        if missing_bytes > 0 and missing_bytes + _MARGIN_BYTES > shutil.disk_usage(self.path).free:
            raise no_space(self.path, needs_bytes=missing_bytes + _MARGIN_BYTES)

    def _undo_exchange(self) -> None:
        """Give a folder that was to be replaced its name back, unless it was replaced; if that is taken, the next."""
        old = flat.old_beside(self.path)
        aside = [path for path in old.iterdir() if path.is_dir()] if old.is_dir() else []
        for folder in aside:
            if not self._is_shown_at(self.path.with_name(folder.name)):
                free = first_free(PurePosixPath(folder.name), lambda name: os.path.lexists(self.path.parent / name))
                rename_new(folder, self.path.parent / free)
        if aside:
            shutil.rmtree(old)

    def _is_shown_at(self, final: Path) -> bool:
        """Say whether what stands in a place came out of this staging."""
        said = sidecar.read(OutputPlace(final))
        return said is not None and self.path.name == name_of(state_id=said.state_id, job_id=said.job_id)

    def _take_former(self, former: Collection[str], hash_: str) -> None:
        """Rename to here what was staged of the same separation under another id, if anything was."""
        for path in stagings_in(self.path.parent):
            if owner_of(path.name) in former and Staging(path).belongs_to() == hash_:
                require_ours(path)
                flat.take_back(path)
                path.rename(self.path)
                return

    def belongs_to(self) -> str | None:
        """Give the hash it was made for; empty where nothing says so, None where there is no staging.

        A process that was killed while publishing has removed the bookkeeping already; then the sidecar says it.
        """
        if not os.path.lexists(self.path):
            return None
        require_kind(self.path, stat.S_ISDIR)
        record = load_record(self._work / ".staging.json")
        if "hash" in record:
            return str(record["hash"])
        with suppress(sidecar.SidecarDamagedError):
            place = sidecar.place_in(self.path)
            found = sidecar.read(place) if place else None
            return found.hash if found else ""
        return ""


def _require_below(root: Path, parent: Path) -> None:
    if not root.is_dir():
        raise OutputRootError(f"{shown(root)} is not there.", hint="Mount it, or make the folder.")
    if not Path(os.path.realpath(parent)).is_relative_to(os.path.realpath(root)):
        raise NeedsUserError(
            f"{shown(parent)} leads out of {shown(root)} by a symbolic link.",
            hint="Find out who put it there, remove it, then `retry`; nothing is paid again.",
        )


def _make_folder(path: Path) -> None:
    with suppress(FileExistsError):
        path.mkdir()
    require_kind(path, stat.S_ISDIR)


def _require_bytes(name: str, arrived: int, digest: str, *, size_bytes: int | None, sha256: str | None) -> None:
    if size_bytes is not None and arrived > size_bytes:
        raise OutputDamagedError(f"{name} is longer than the announced {size_bytes} bytes.")
    if sha256 is not None and digest != sha256:
        raise OutputDamagedError(f"{name} does not hold the bytes that were expected.")
