"""Results that really are in the asked container, and how long an upload plays.

Encoding is done once for each format, length and stem; every copy then gets a mark of its own in a place that its
container allows, so that no two results have the same bytes and a mix-up shows.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

RATE = 44_100
LONG_S = 120.0
"""A longer result is silence made on the fly: a WAV in constant memory, whatever its length."""
LONG_RATE = 32_000
ZEROS = bytes(256 * 1024)
LABELS = (
    "mp3 (320 kbps)",
    "wav (uncompressed, 16 bit)",
    "flac (lossless, 16 bit)",
    "m4a (lossy)",
    "wav (uncompressed, 32 bit)",
    "flac (lossless, 24 bit)",
)
EXTENSIONS = ("mp3", "wav", "flac", "m4a", "wav", "flac")
CODECS = (
    ("mp3", "libmp3lame", "s16p"),
    ("wav", "pcm_s16le", "s16"),
    ("flac", "flac", "s16"),
    ("ipod", "aac", "fltp"),
    ("wav", "pcm_f32le", "flt"),
    ("flac", "flac", "s32"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """A result's bytes: held in memory, or a header and then zeros."""

    head: bytes
    zeros: int = 0

    @property
    def size(self) -> int:
        return len(self.head) + self.zeros

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        if start < len(self.head):
            yield self.head[start:]
        left = self.zeros - max(0, start - len(self.head))
        while left > 0:
            yield ZEROS[:left]
            left -= len(ZEROS)


def result(output_format: int, seconds: float, stem: int, mark: str) -> Result:
    """Make a result of the right container and length, with a mark in it that no other result has."""
    if seconds > LONG_S:
        return silence(seconds)
    return Result(marked(encoded(output_format, round(seconds, 3), stem), mark.encode()))


def silence(seconds: float) -> Result:
    data = int(seconds * LONG_RATE) * 2
    chunk = struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 1, LONG_RATE, LONG_RATE * 2, 2, 16, b"data", data)
    return Result(b"RIFF" + struct.pack("<I", 4 + len(chunk) + data) + b"WAVE" + chunk, data)


@functools.cache
def encoded(output_format: int, seconds: float, stem: int) -> bytes:
    container, codec, kind = CODECS[output_format]
    wave = np.sin(np.arange(round(seconds * RATE)) * (stem + 1) * 440 * 2 * np.pi / RATE) * 0.4
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE, layout="mono")
        stream.format = kind
        size = stream.codec_context.frame_size or 4608
        for start in range(0, len(wave), size):
            frame = av.AudioFrame.from_ndarray(_samples(wave[None, start : start + size], kind), kind, "mono")
            frame.sample_rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def _samples(wave: np.ndarray, kind: str) -> np.ndarray:
    match kind.removesuffix("p"):
        case "s16":
            return (wave * (2**15 - 1)).astype("int16")
        case "s32":
            return (wave * (2**31 - 1)).astype("int32")
        case _:
            return wave.astype("float32")


def marked(content: bytes, mark: bytes) -> bytes:
    """Put a mark where the container lets anybody put something: a chunk, a block, a frame or a box."""
    if content.startswith(b"RIFF"):
        padded = mark + b" " * (len(mark) % 2)
        body = content[8:] + b"mark" + struct.pack("<I", len(padded)) + padded
        return b"RIFF" + struct.pack("<I", len(body)) + body
    if content.startswith(b"fLaC"):
        block = b"\x02" + struct.pack(">I", 4 + len(mark))[1:] + b"mark" + mark
        info = 4 + 4 + 34
        return content[:info] + block + content[info:]
    if content[4:8] == b"ftyp":
        return content + struct.pack(">I", 8 + len(mark)) + b"free" + mark
    frame = b"PRIV" + struct.pack(">I", 5 + len(mark)) + b"\0\0" + b"mark\0" + mark
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frame + content


def duration(head: bytes, path: Path | None, size: int) -> float:
    """Say how long an upload plays: a WAV's header says it, for the rest the file is opened."""
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        at = head.find(b"fmt ")
        bytes_per_second = struct.unpack_from("<I", head, at + 16)[0]
        return (size - head.find(b"data") - 8) / bytes_per_second
    with av.open(str(path)) as file:
        return file.duration / av.time_base
