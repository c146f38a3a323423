"""May this source be sent; is this download the output that was asked for. Reads files; changes none.

The same header means two things: a source that is not audio will never be, so the job ends before anything is paid;
an output that is not audio was damaged on the way and is fetched again. An output that is whole and much shorter than
its source is neither: it may be right, so a person looks. Silence is music too.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.audio.facts import Facts, NotAudioError, facts_of
from mvsep_watch.errors import (
    OutputDamagedError,
    OutputShortError,
    SourceBusyError,
    SourceChangedError,
    SourceRefusedError,
)
from mvsep_watch.model import FORMATS

_SHORT_FACTOR = 0.9
_SHORT_S = 2.0
"""Encoders drop or add a frame, and models pad; both limits must be passed before it is worth a person's time."""
_CONTAINERS = {"mp4": "m4a"}
_TEXT_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFacts:
    """What an output is. `container` is mp3, wav, flac or m4a; `duration_s` is None where its header does not say."""

    duration_s: float | None
    container: str


def probe(path: Path) -> float | None:
    """Give the duration of a source in seconds, or None where its container does not say.

    Raises:
        SourceRefusedError: It is empty, cut short, damaged, or no audio; the message says which.
        SourceChangedError: It is gone.
        SourceBusyError: It cannot be read just now.
    """
    try:
        return facts_of(path).duration_s
    except NotAudioError as exc:
        raise SourceRefusedError(
            f"{_shown(path)} {exc}.", hint="Nothing was sent. Put a whole audio file in its place."
        ) from exc
    except FileNotFoundError as exc:
        raise SourceChangedError(f"{_shown(path)} is gone.") from exc
    except OSError as exc:
        raise SourceBusyError(f"{_shown(path)} cannot be read just now: {exc.strerror}.") from exc


def check_output(path: Path, *, format_number: int, source_duration_s: float | None) -> OutputFacts:
    """Check that a download is a whole file of the asked-for format, and about as long as its source.

    Args:
        path: The complete download.
        format_number: 0 to 5, as the service numbers them.
        source_duration_s: Seconds, or None where it is not known; then lengths are not compared.

    Raises:
        OutputDamagedError: It is empty, cut short, an error page, or of another container.
        OutputShortError: It is whole and markedly shorter than its source.
    """
    facts = _output_facts(path)
    container = _CONTAINERS.get(facts.container, facts.container)
    expected = FORMATS[format_number].extension
    if container != expected:
        raise OutputDamagedError(f"{_shown(path)} is {container} and not {expected}.")
    if facts.duration_s is not None and source_duration_s is not None:
        _require_length(path, facts.duration_s, source_duration_s)
    return OutputFacts(duration_s=facts.duration_s, container=container)


def check_text_output(path: Path) -> None:
    """Check that a download is text, and not an error page. Empty is legitimate: there may be no words.

    Raises:
        OutputDamagedError: It is not.
    """
    content = _read(path, _TEXT_LIMIT_BYTES)
    if content.lstrip()[:1] == b"<" and b"<html" in content[:2048].lower():
        raise OutputDamagedError(f"{_shown(path)} is a web page, not the text that was asked for.")
    if b"\0" in content:
        raise OutputDamagedError(f"{_shown(path)} is not text.")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise OutputDamagedError(f"{_shown(path)} is not text in UTF-8.") from exc


def check_midi_output(path: Path) -> None:
    """Check that a download is a MIDI file with all of its tracks.

    Raises:
        OutputDamagedError: It is not.
    """
    content = _read(path, _TEXT_LIMIT_BYTES)
    if len(content) < 14 or not content.startswith(b"MThd"):
        raise OutputDamagedError(f"{_shown(path)} is not a MIDI file.")
    header_bytes, tracks = struct.unpack(">4xI2xH", content[:12])
    position = 8 + header_bytes
    for _ in range(tracks):
        if content[position : position + 4] != b"MTrk":
            break
        position += 8 + int.from_bytes(content[position + 4 : position + 8], "big")
    else:
        if position <= len(content):
            return
    raise OutputDamagedError(f"{_shown(path)} is cut short.")


def _output_facts(path: Path) -> Facts:
    try:
        return facts_of(path)
    except NotAudioError as exc:
        raise OutputDamagedError(f"{_shown(path)} {exc}.") from exc
    except OSError as exc:
        raise OutputDamagedError(f"{_shown(path)} cannot be read: {exc.strerror}.") from exc


def _require_length(path: Path, duration_s: float, source_duration_s: float) -> None:
    if duration_s < source_duration_s * _SHORT_FACTOR and source_duration_s - duration_s > _SHORT_S:
        name = _shown(Path(path.name))
        raise OutputShortError(
            f"the service's {name} plays {duration_s:.1f} s, and its source {source_duration_s:.1f} s",
            hint="listen to it on the site",
        )


def _read(path: Path, limit_bytes: int) -> bytes:
    """Read a small file; more than the limit cannot be what was asked for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as exc:
        raise OutputDamagedError(f"{_shown(path)} cannot be read: {exc.strerror}.") from exc
    if len(content) > limit_bytes:
        raise OutputDamagedError(f"{_shown(path)} is larger than any text or MIDI file.")
    return content


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
