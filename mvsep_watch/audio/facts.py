"""What the header of an audio file says: its container and its duration. Only this room imports mutagen.

mutagen reads the durations; `wholeness` adds what it does not ask. Where mutagen would read a whole tag with its
pictures into memory, only its parser of the stream's header is used. Whatever it raises on a file means that the file
cannot be understood, since there is hardly an exception that a damaged file has not drawn from a parser; only trouble
with the disk itself is told apart.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from mutagen.aac import AACInfo
from mutagen.ac3 import AC3Info
from mutagen.aiff import AIFFInfo
from mutagen.asf import ASF
from mutagen.dsdiff import DSDIFF
from mutagen.dsf import DSF
from mutagen.flac import StreamInfo
from mutagen.monkeysaudio import MonkeysAudioInfo
from mutagen.mp3 import MPEGInfo
from mutagen.mp4 import MP4Info
from mutagen.mp4._atom import Atoms
from mutagen.musepack import MusepackInfo
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.optimfrog import OptimFROGInfo
from mutagen.tak import TAKInfo
from mutagen.trueaudio import TrueAudioInfo
from mutagen.wavpack import WavPackInfo

from mvsep_watch.audio import magic, wholeness

_RAW_MPEG_SUFFIXES = frozenset({".mp3", ".mp2", ".mp1", ".mpga", ".mpa"})
"""Names that let a file be searched for MPEG frames although it begins with something else."""
_SMALLEST_BYTES = 44
"""A WAV header without sound; nothing that plays is smaller."""
_TAGS_IN_A_ROW = 4
"""Some writers put one ID3 tag before another."""


class NotAudioError(ValueError):
    """A file is not the audio that it should be; the text is the reason, without the file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a header says. `duration_s` is None where it does not say."""

    container: str
    duration_s: float | None


def facts_of(path: Path) -> Facts:
    """Read the header of an audio file, following no link.

    Raises:
        NotAudioError: It is empty, cut short, damaged, or something else.
        OSError: It cannot be read.
    """
    with _opened(path) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes == 0:
            raise NotAudioError("is empty")
        if size_bytes < _SMALLEST_BYTES:
            raise NotAudioError(f"holds only {size_bytes} bytes")
        start = _after_tags(file)
        container = _container_at(file, start, path)
        return Facts(container=container, duration_s=_duration_s(container, file, start=start, size_bytes=size_bytes))


def _opened(path: Path) -> BufferedReader:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags), "rb")


def _after_tags(file: BinaryIO) -> int:
    start = 0
    for _ in range(_TAGS_IN_A_ROW):
        file.seek(start)
        start += magic.id3_size_bytes(file.read(10))
    return start


def _container_at(file: BinaryIO, start: int, path: Path) -> str:
    file.seek(start)
    head = file.read(magic.HEAD_BYTES)
    if container := magic.container_of(head):
        return container
    if start == 0 and (kind := magic.foreign_kind(head)):
        raise NotAudioError(f"is {kind}, not audio")
    if start or path.suffix.lower() in _RAW_MPEG_SUFFIXES:
        return "mp3"
    raise NotAudioError("is not audio of any known kind")


def _duration_s(container: str, file: BinaryIO, *, start: int, size_bytes: int) -> float | None:
    """Read the duration. A seek to before the file (EINVAL) is a damaged header's doing, not the disk's."""
    try:
        return _READERS.get(container, _unknown)(file, start, size_bytes)
    except (NotAudioError, wholeness.CutShortError) as exc:
        raise NotAudioError(str(exc)) from exc
    except Exception as exc:
        trouble = exc if isinstance(exc, OSError) else exc.__context__
        if isinstance(trouble, OSError) and trouble.errno != errno.EINVAL:
            raise trouble from exc
        raise NotAudioError(f"begins like {container} and cannot be read as such ({exc})") from exc


def _unknown(_file: BinaryIO, _start: int, _size_bytes: int) -> None:
    """Accept a container that tells no duration."""


def _wav(file: BinaryIO, _start: int, size_bytes: int) -> float | None:
    return wholeness.wav_duration_s(file, size_bytes=size_bytes)


def _aiff(file: BinaryIO, _start: int, size_bytes: int) -> float | None:
    wholeness.require_whole_aiff(file, size_bytes=size_bytes)
    file.seek(0)
    return _length(AIFFInfo(file))


def _flac(file: BinaryIO, start: int, _size_bytes: int) -> float | None:
    file.seek(start + 8)
    info = StreamInfo(file.read(34))  # type: ignore[no-untyped-call]
    if info.total_samples:
        wholeness.require_whole_flac(
            file,
            start=start,
            total_samples=info.total_samples,
            block_samples=info.max_blocksize,
            largest_frame_bytes=info.max_framesize,
            sample_rate=info.sample_rate,
        )
    return _length(info)


def _mp3(file: BinaryIO, start: int, size_bytes: int) -> float | None:
    info = MPEGInfo(file, start)
    if info.sketchy:
        raise NotAudioError("is not MPEG audio: no run of frames is found")
    wholeness.require_whole_mp3(file, start=info.frame_offset, size_bytes=size_bytes)
    return _length(info)


def _mp4(file: BinaryIO, _start: int, size_bytes: int) -> float | None:
    wholeness.require_whole_mp4(file, size_bytes=size_bytes)
    return _length(MP4Info(Atoms(file), file))  # type: ignore[no-untyped-call]


def _aac(file: BinaryIO, _start: int, _size_bytes: int) -> float | None:
    file.seek(0)
    return _length(AACInfo(file))


def _tta(file: BinaryIO, start: int, _size_bytes: int) -> float | None:
    return _length(TrueAudioInfo(file, start))


def _header(parser: Callable[[BinaryIO], Any]) -> _Reader:
    """Read with a parser of stream headers that starts at the file's position."""

    def read(file: BinaryIO, start: int, _size_bytes: int) -> float | None:
        file.seek(start)
        return _length(parser(file))

    return read


def _whole(kind: Callable[[BinaryIO], Any]) -> _Reader:
    """Read with a file type of mutagen's that has no separate parser; tags come along."""

    def read(file: BinaryIO, _start: int, _size_bytes: int) -> float | None:
        file.seek(0)
        return _length(kind(file).info)

    return read


def _length(info: Any) -> float | None:
    """A length of 0 is what mutagen says when it does not know."""
    length = float(info.length)
    return length if length > 0 else None


_Reader = Callable[[BinaryIO, int, int], float | None]

_READERS: dict[str, _Reader] = {
    "wav": _wav,
    "w64": _wav,
    "aiff": _aiff,
    "flac": _flac,
    "mp3": _mp3,
    "mp4": _mp4,
    "tta": _tta,
    "aac": _aac,
    "adif": _aac,
    "ac3": _header(AC3Info),
    "ape": _header(MonkeysAudioInfo),
    "wavpack": _header(WavPackInfo),
    "musepack": _header(MusepackInfo),
    "optimfrog": _header(OptimFROGInfo),
    "tak": _header(TAKInfo),
    "asf": _whole(ASF),
    "dsf": _whole(DSF),
    "dsdiff": _whole(DSDIFF),
    "ogg-vorbis": _whole(OggVorbis),
    "ogg-opus": _whole(OggOpus),
    "ogg-flac": _whole(OggFLAC),
    "ogg-speex": _whole(OggSpeex),
}
"""Containers whose header tells a duration; every other that is known is taken without one."""
