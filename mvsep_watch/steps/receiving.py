"""Results on their way home: each listed file downloaded into a staging, checked, under the name that we give it.

Resumed where the validator still matches. The server's file names are never used; only the kind of a text or MIDI
result is read from them. Which separation it is, and what becomes of the staging, is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from mvsep_watch import audio
from mvsep_watch.errors import NeedsUserError
from mvsep_watch.files.staging import Staging, Written
from mvsep_watch.files.trouble import never
from mvsep_watch.model import FORMATS, Output, Remote, RemoteFile
from mvsep_watch.mvsep import Client, Download
from mvsep_watch.naming import chosen, output_names, unknown_stems
from mvsep_watch.steps.tagging import Tagger

OTHER_KINDS = {"txt": "txt", "srt": "srt", "vtt": "txt", "json": "txt", "lrc": "txt", "mid": "mid", "midi": "mid"}
"""What text and MIDI results become; anything else is audio of the asked-for format."""

Watch = Callable[[str, Download], Iterable[bytes]]
"""(output's name, its download) → the download's chunks, looked at as they pass."""


def unwatched(_: str, download: Download) -> Iterable[bytes]:
    """Give the chunks as they come."""
    return download.chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Stages the results of a finished separation.

    Args:
        format_number: The asked-for format, 0 to 5.
        source_duration_s: Seconds, or None where it is not known; then lengths are not compared.
        stopping: Asked after each chunk.
        watch: Sees the chunks pass.
        tagger: Tags what can carry tags; None leaves everything as the service gave it.
    """

    client: Client
    staging: Staging
    format_number: int
    source_duration_s: float | None = None
    stopping: Callable[[], bool] = never
    watch: Watch = unwatched
    tagger: Tagger | None = None

    def receive(
        self, remote: Remote, *, stems: tuple[str, ...] | None = None, slugs: Mapping[str, str] | None = None
    ) -> tuple[Output, ...]:
        """Stage what is wanted of what the service lists; what is staged already is not downloaded again.

        Args:
            remote: A finished separation.
            stems: Labels or slugs; None is everything.
            slugs: The model's slug → label.

        Raises:
            NeedsUserError: A stem is not among the results.
            LinkExpiredError: A link is dead; a fresh `get` gives a new one.
            OutputDamagedError: A download is not what it must be.
            OutputRootError: The staging cannot be written.
        """
        texts, labels = _texts(remote), labels_of(remote)
        extensions = [self._extension(file) for file in remote.files] + [_text_kind(kind) for kind, _ in texts]
        names = _names(labels, extensions)
        _require_stems(stems, labels, slugs)
        outputs = []
        for index in chosen(stems, labels, slugs=slugs):
            if index < len(remote.files):
                written = self._one(remote.files[index], names[index])
            else:
                text = texts[index - len(remote.files)][1]
                written = self.staging.write(names[index], [text.encode()], check=self._check_of(names[index]))
            outputs.append(
                Output(stem=labels[index], name=names[index], size_bytes=written.size_bytes, sha256=written.sha256)
            )
        return tuple(outputs)

    def _extension(self, file: RemoteFile) -> str:
        return OTHER_KINDS.get(suffix_of(file), FORMATS[self.format_number].extension)

    def _one(self, file: RemoteFile, name: str) -> Written:
        if (there := self.staging.finished(name, stopping=self.stopping)) is not None:
            return there
        point = self.staging.resume_point(name)
        with self.client.download(file.url, offset=point.offset_bytes, validator=point.validator) as download:
            return self.staging.write(
                name,
                self.watch(name, download),
                offset_bytes=download.offset,
                size_bytes=download.size_bytes,
                validator=download.validator,
                check=self._check_of(name),
                amend=self._amend_of(name),
                stopping=self.stopping,
            )

    def _amend_of(self, name: str) -> Callable[[Path], Path | None] | None:
        """Give what tags an output of this name."""
        tagger = self.tagger
        if tagger is None:
            return None
        return lambda path: tagger.tagged(path, stem=PurePosixPath(name).stem, check=self._check_of(name))

    def _check_of(self, name: str) -> Callable[[Path], object]:
        """Give the check that an output of this name must pass before it is there."""
        match PurePosixPath(name).suffix:
            case ".mid":
                return audio.check_midi_output
            case ".txt" | ".srt":
                return audio.check_text_output
        return lambda path: audio.check_output(
            path, format_number=self.format_number, source_duration_s=self.source_duration_s
        )


def labels_of(remote: Remote) -> tuple[str, ...]:
    """Name every result that the service lists, text results last."""
    return (*(file.label for file in remote.files), *("Transcription" for _ in _texts(remote)))


def suffix_of(file: RemoteFile) -> str:
    """Give the extension of a result's address, else of the name that the service suggests; lower case, no dot."""
    suffix = PurePosixPath(urlsplit(file.url).path).suffix or PurePosixPath(file.name).suffix
    return suffix.lower().removeprefix(".")


def _require_stems(stems: tuple[str, ...] | None, labels: Sequence[str], slugs: Mapping[str, str] | None) -> None:
    if unknown := unknown_stems(stems, labels, slugs=slugs):
        raise NeedsUserError(
            f"the separation has no stem {', '.join(unknown)}; it has {', '.join(labels)}",
            hint="correct the rule's `stems`, then `retry`: nothing is paid again",
        )


def _texts(remote: Remote) -> list[tuple[str, str]]:
    """Give the text results by kind, without those that are listed as files as well."""
    listed = {OTHER_KINDS.get(suffix_of(file)) for file in remote.files}
    return [(kind, text) for kind, text in remote.transcription.items() if text and _text_kind(kind) not in listed]


def _text_kind(kind: str) -> str:
    return OTHER_KINDS.get(kind.lower(), "txt")


def _names(labels: Sequence[str], extensions: Sequence[str]) -> tuple[str, ...]:
    following = iter(extensions)
    return output_names(labels, lambda _: next(following))
