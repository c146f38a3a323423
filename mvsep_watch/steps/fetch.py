"""The step that brings outputs home: from a sibling's published folder where they are intact, else from the service.

Every output ends up staged, complete, checked, hashed and on the disk, under the name that we give it, or not at all.
The server's file names are never used; only the kind of a text or MIDI result is read from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import urlsplit

from mvsep_watch import audio
from mvsep_watch.errors import LinkExpiredError, NeedsUserError, NotFoundError
from mvsep_watch.files.claim import probe_root
from mvsep_watch.files.outputs import copy_verified
from mvsep_watch.files.staging import Staging, Written
from mvsep_watch.model import FORMATS, Output, Remote, RemoteFile
from mvsep_watch.naming import chosen, output_names, unknown_stems
from mvsep_watch.steps.base import Pool, Tools

OTHER_KINDS = {"txt": "txt", "srt": "srt", "vtt": "txt", "json": "txt", "lrc": "txt", "mid": "mid", "midi": "mid"}
"""What text and MIDI results become; anything else is audio of the asked-for format."""


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
        outputs = self._downloaded(remote, staging, tools)
        self._drop_others(outputs, staging)
        return Fetched(outputs=outputs, algorithm=remote.algorithm, stems=_labels(remote))

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

    def _downloaded(self, remote: Remote, staging: Staging, tools: Tools) -> tuple[Output, ...]:
        texts, labels = _texts(remote), _labels(remote)
        extensions = [self._extension(file) for file in remote.files] + [_text_kind(kind) for kind, _ in texts]
        names = _names(labels, extensions)
        self._check_stems(labels)
        outputs = []
        for index in chosen(self.stems, labels, slugs=dict(self.slugs)):
            if index < len(remote.files):
                written = self._one(remote.files[index], names[index], staging, tools)
            else:
                text = texts[index - len(remote.files)][1]
                written = staging.write(names[index], [text.encode()])
            outputs.append(
                Output(stem=labels[index], name=names[index], size_bytes=written.size_bytes, sha256=written.sha256)
            )
        return tuple(outputs)

    def _check_stems(self, labels: Sequence[str]) -> None:
        if self.stems is not None and (unknown := unknown_stems(self.stems, labels, slugs=dict(self.slugs))):
            raise NeedsUserError(
                f"the separation has no stem {', '.join(unknown)}; it has {', '.join(labels)}",
                hint="correct the rule's `stems`, then `retry`: nothing is paid again",
            )

    def _extension(self, file: RemoteFile) -> str:
        suffix = PurePosixPath(urlsplit(file.url).path).suffix or PurePosixPath(file.name).suffix
        return OTHER_KINDS.get(suffix.lower().removeprefix("."), FORMATS[self.format_number].extension)

    def _one(self, file: RemoteFile, name: str, staging: Staging, tools: Tools) -> Written:
        """Download one output, resuming where the validator still matches, and check it before it gets its name."""
        if (there := staging.finished(name, stopping=tools.stopping.is_set)) is not None:
            return there
        point = staging.resume_point(name)
        with tools.client.download(file.url, offset=point.offset_bytes, validator=point.validator) as download:
            return staging.write(
                name,
                download.chunks,
                offset_bytes=download.offset,
                size_bytes=download.size_bytes,
                validator=download.validator,
                check=lambda path: self._check(path, PurePosixPath(name).suffix),
                stopping=tools.stopping.is_set,
            )

    def _check(self, path: Path, suffix: str) -> None:
        if suffix == ".mid":
            audio.check_midi_output(path)
        elif suffix in {".txt", ".srt"}:
            audio.check_text_output(path)
        else:
            audio.check_output(path, format_number=self.format_number, source_duration_s=self.source_duration_s)


def _texts(remote: Remote) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in remote.transcription.items() if text]


def _labels(remote: Remote) -> tuple[str, ...]:
    return (*(file.label for file in remote.files), *("Transcription" for _ in _texts(remote)))


def _text_kind(kind: str) -> str:
    return OTHER_KINDS.get(kind.lower(), "txt")


def _names(labels: Sequence[str], extensions: Sequence[str]) -> tuple[str, ...]:
    following = iter(extensions)
    return output_names(labels, lambda _: next(following))


def _not_there(remote: Remote) -> NotFoundError | LinkExpiredError:
    if remote.status == "not_found":
        return NotFoundError(f"the service has the results no longer: {remote.message}")
    return LinkExpiredError(f"the service says {remote.status} and lists no results yet")
