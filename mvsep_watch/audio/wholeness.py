"""Whether a file holds what its header claims, where mutagen does not ask: WAV, AIFF, FLAC, MP3 and MP4 cut short.

Each function compares what is claimed with what is there. Encoders that write into a pipe cannot go back and fill in
lengths, so lengths of 0 or near the largest number mean "to the end of the file" and are no lie. The surprise is in
FLAC: its header may stand while the end of the music is missing, and only the frame numbers in the last kilobytes
show it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

ENOUGH = 0.98
"""A file that holds this part of what it claims is whole: some writers count padding, or miss a last block."""

_UNKNOWN_FROM = 0x7FFF0000
"""Sizes from here on are written by encoders that stream: 0x7FFFF000 (SoX), 0xFFFFFFFF (FFmpeg)."""
_FLAC_TAIL_BYTES = 64 << 10
_FLAC_TAIL_LIMIT_BYTES = 16 << 20
_FLAC_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_MPEG_HEAD_BYTES = 4096


class CutShortError(ValueError):
    """A file holds less than its header claims, or nothing; the text is the reason."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes
    start: int
    size: int


def wav_duration_s(file: BinaryIO, *, size_bytes: int) -> float | None:
    """Compute how long a WAV, RF64 or Wave64 file plays, from the bytes of sound that it really holds.

    Returns:
        Seconds, or None where the format says no rate.

    Raises:
        CutShortError: Sound is missing, or there is none.
    """
    file.seek(0)
    first = file.read(4)
    order = ">" if first == b"RIFX" else "<"
    bytes_per_s, claimed_64 = None, None
    for chunk in _wave64_chunks(file) if first == b"riff" else _iff_chunks(file, order):
        if chunk.name == b"ds64":
            claimed_64 = struct.unpack("<8xQ", _read(file, chunk, 16))[0]
        elif chunk.name == b"fmt ":
            bytes_per_s = _bytes_per_s(_read(file, chunk, 16), order)
        elif chunk.name == b"data":
            claimed = claimed_64 if claimed_64 is not None and chunk.size == 0xFFFFFFFF else chunk.size
            held = _held_bytes(claimed, size_bytes - chunk.start)
            return held / bytes_per_s if bytes_per_s else None
    raise CutShortError("has a WAV header and no sound")


def require_whole_aiff(file: BinaryIO, *, size_bytes: int) -> None:
    """Check that an AIFF file holds the sound that it claims.

    Raises:
        CutShortError: Sound is missing, or there is none.
    """
    for chunk in _iff_chunks(file, ">"):
        if chunk.name == b"SSND":
            _held_bytes(chunk.size, size_bytes - chunk.start)
            return
    raise CutShortError("has an AIFF header and no sound")


def require_whole_mp4(file: BinaryIO, *, size_bytes: int) -> None:
    """Check that the top level atoms of an MP4 file end where the file ends, or before.

    Raises:
        CutShortError: The file ends within an atom.
    """
    position = 0
    while position + 8 <= size_bytes:
        file.seek(position)
        size, name, large = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        if name == b"\0\0\0\0" or size == 0:
            return
        length = large if size == 1 else size
        if length < 8:
            return
        if size_bytes - position < length * ENOUGH:
            raise CutShortError(f"ends after {size_bytes} of {position + length} bytes")
        position += length


def require_whole_mp3(file: BinaryIO, *, start: int, size_bytes: int) -> None:
    """Check an MP3 against the byte count of its Xing or Info header, if it has one.

    Raises:
        CutShortError: Frames are missing.
    """
    file.seek(start)
    head = file.read(_MPEG_HEAD_BYTES)
    found = re.search(rb"(?:Xing|Info)\0\0\0([\x00-\x0f])", head)
    if found is None or not found[1][0] & 2:
        return
    has_frame_count = found[1][0] & 1
    position = found.end() + (4 if has_frame_count else 0)
    claimed = int.from_bytes(head[position : position + 4], "big")
    if size_bytes - start < claimed * ENOUGH:
        raise CutShortError(f"ends after {size_bytes - start} of {claimed} bytes")


def require_whole_flac(
    file: BinaryIO, *, start: int, total_samples: int, block_samples: int, largest_frame_bytes: int, sample_rate: int
) -> None:
    """Check that the last frames of a FLAC file are those that its header promises.

    Where no frame is to be seen at the end, because a long tag follows the music, nothing is said.

    Raises:
        CutShortError: The last frame comes too early, or there is none.
    """
    music = _flac_music_start(file, start)
    end = file.seek(0, 2)
    window = min(max(_FLAC_TAIL_BYTES, 2 * largest_frame_bytes), _FLAC_TAIL_LIMIT_BYTES)
    tail_start = max(music, end - window)
    last = _last_flac_frame(file, tail_start, block_samples, total_samples)
    if last is None and tail_start == music:
        raise CutShortError("has a FLAC header and no sound")
    if last is not None and last + block_samples < total_samples * ENOUGH:
        there_s, claimed_s = (last + block_samples) / sample_rate, total_samples / sample_rate
        raise CutShortError(f"ends after about {there_s:.1f} of {claimed_s:.1f} seconds")


def _flac_music_start(file: BinaryIO, start: int) -> int:
    """Walk the metadata blocks, which end with the one that says so."""
    position, is_last = start + 4, False
    while not is_last:
        file.seek(position)
        header = file.read(4)
        if len(header) < 4:
            raise CutShortError("ends within its header")
        is_last = bool(header[0] & 0x80)
        position += 4 + int.from_bytes(header[1:], "big")
    return position


def _last_flac_frame(file: BinaryIO, position: int, block_samples: int, total_samples: int) -> int | None:
    """Give the first sample of the last frame that begins after a position."""
    file.seek(position)
    tail = file.read()
    starts = (frame_start(tail[found.start() :][:16], block_samples) for found in _FLAC_SYNC.finditer(tail))
    return max((start for start in starts if start is not None and start < total_samples), default=None)


def frame_start(header: bytes, block_samples: int) -> int | None:
    """Read a FLAC frame header and give the number of its first sample, or None where it is no frame header.

    Args:
        header: 16 bytes that begin with a sync word.
        block_samples: Samples in each frame of a stream whose frames are numbered (fixed blocking).

    Source: RFC 9639, section 9.1, 2024.
    """
    if len(header) < 6 or header[2] >> 4 == 0 or header[2] & 0x0F == 0x0F or header[3] >> 4 > 10 or header[3] & 1:
        return None
    lead = header[4]
    if 0x80 <= lead < 0xC0 or lead == 0xFF:
        return None
    more = 0 if lead < 0x80 else 7 - (lead ^ 0xFF).bit_length()
    number = lead & (0x7F if more == 0 else (1 << (6 - more)) - 1)
    for byte in header[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    size = 5 + more + {6: 1, 7: 2}.get(header[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(header[2] & 0x0F, 0)
    if len(header) <= size or _crc8(header[:size]) != header[size]:
        return None
    is_fixed = not header[1] & 1
    return number * block_samples if is_fixed else number


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _iff_chunks(file: BinaryIO, order: str) -> Iterator[_Chunk]:
    """Walk the chunks of RIFF and its like: four letters, 32 bits of size, padded to even."""
    position = 12
    while True:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", header)
        yield _Chunk(name, position + 8, size)
        position += 8 + size + size % 2


def _wave64_chunks(file: BinaryIO) -> Iterator[_Chunk]:
    """Walk the chunks of Wave64: a GUID that begins with the four letters, 64 bits of size with the header, by 8."""
    position = 40
    while True:
        file.seek(position)
        header = file.read(24)
        if len(header) < 24:
            return
        name, size = struct.unpack("<4s12xQ", header)
        yield _Chunk(name, position + 24, max(0, size - 24))
        position += max(24, size + -size % 8)


def _read(file: BinaryIO, chunk: _Chunk, size: int) -> bytes:
    file.seek(chunk.start)
    content = file.read(size)
    if len(content) < size:
        raise CutShortError("ends within its header")
    return content


def _bytes_per_s(fmt: bytes, order: str) -> int:
    """PCM and float follow from rate and frame; compressed formats are known only by their average."""
    kind, _, rate, average, frame_bytes, _ = struct.unpack(f"{order}HHIIHH", fmt)
    return int(rate * frame_bytes if kind in {1, 3, 0xFFFE} else average)


def _held_bytes(claimed: int, there: int) -> int:
    """Say how many of the claimed bytes are there; a size that a streaming encoder left open is the whole rest."""
    is_open = claimed == 0 or (claimed >= _UNKNOWN_FROM and claimed > there)
    if not is_open and there < claimed * ENOUGH:
        raise CutShortError(f"holds {max(there, 0)} of {claimed} bytes of sound")
    held = there if is_open else min(claimed, there)
    if held <= 0:
        raise CutShortError("holds no sound")
    return held
