"""Audio files in and out: how long one plays, its samples in blocks, encoders for the six output formats.

Touches files through PyAV and nothing else; never holds more than a block of samples, whatever the file's length. The
surprise: everything is resampled to 44.1 kHz stereo, as the service does, so results have that rate whatever went in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Two rows, left and right; full scale is 1."""

RATE = 44100
AV_TIME_BASE = 1_000_000
"""The unit of a container's length, a second's part. Source: libavutil."""


class UnreadableAudioError(Exception):
    """The file holds no audio that can be decoded."""


@dataclass(frozen=True, slots=True)
class Format:
    """One of the six output formats, as PyAV and as the service call it. `options` make the encoder quick."""

    extension: str
    label: str
    codec: str
    sample_format: str
    bit_rate: int | None = None
    options: tuple[tuple[str, str], ...] = ()


FORMATS = (
    Format("mp3", "mp3 (320 kbps)", "libmp3lame", "fltp", 320_000, (("compression_level", "9"),)),
    Format("wav", "wav (uncompressed, 16 bit)", "pcm_s16le", "s16"),
    Format("flac", "flac (lossless, 16 bit)", "flac", "s16"),
    Format("m4a", "m4a (lossy)", "aac", "fltp", 256_000, (("aac_coder", "fast"),)),
    Format("wav", "wav (uncompressed, 32 bit)", "pcm_f32le", "flt"),
    Format("flac", "flac (lossless, 24 bit)", "flac", "s32"),
)


def probe(path: Path) -> tuple[float, dict[str, Any]]:
    """Give a file's length in seconds and what the service would say of its audio.

    Raises:
        UnreadableAudioError: It is no audio.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            duration_s = _duration_s(container, stream) or _counted_s(path)
            return duration_s, _tags(container, stream)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise UnreadableAudioError(f"no audio in {path.name}") from error


def decode(path: Path) -> Iterator[Samples]:
    """Give the samples in pieces of whatever size the decoder likes. Damaged packets are skipped, as players do.

    Raises:
        UnreadableAudioError: It is no audio, or nothing of it can be decoded.
    """
    has_sound = False
    try:
        with av.open(str(path)) as container:
            resampler = AudioResampler(format="fltp", layout="stereo", rate=RATE)
            for frame in _frames(container):
                for resampled in resampler.resample(frame):
                    has_sound = True
                    yield np.asarray(resampled.to_ndarray(), np.float32)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise UnreadableAudioError(f"cannot decode {path.name}") from error
    if not has_sound:
        raise UnreadableAudioError(f"nothing to decode in {path.name}")


class Encoder:
    """Writes samples to a file in one of the six formats; a context manager, complete once left without an error."""

    def __init__(self, path: Path, output_format: int) -> None:
        wanted = FORMATS[output_format]
        self._container = av.open(str(path), "w")
        self._stream = _audio_stream(self._container, wanted)
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None and self._written:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def write(self, samples: Samples) -> None:
        """Append samples; what exceeds full scale is clipped."""
        frame = av.AudioFrame.from_ndarray(np.clip(samples, -1, 1, dtype=np.float32), format="fltp", layout="stereo")
        frame.sample_rate = RATE
        frame.pts = self._written
        self._written += samples.shape[1]
        self._container.mux(self._stream.encode(frame))


def _audio_stream(container: Any, wanted: Format) -> Any:
    stream = container.add_stream(wanted.codec, rate=RATE, options=dict(wanted.options))
    stream.codec_context.layout, stream.codec_context.format = "stereo", wanted.sample_format
    if wanted.bit_rate:
        stream.codec_context.bit_rate = wanted.bit_rate
    return stream


def _frames(container: Any) -> Iterator[Any]:
    """Give the decoded frames, and None at the end, which flushes a resampler."""
    for packet in container.demux(container.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue
    yield None


def _duration_s(container: Any, stream: Any) -> float | None:
    duration_s = stream.duration * stream.time_base if stream.duration else (container.duration or 0) / AV_TIME_BASE
    return float(duration_s) or None


def _counted_s(path: Path) -> float:
    return float(sum(samples.shape[1] for samples in decode(path)) / RATE)


def _tags(container: Any, stream: Any) -> dict[str, Any]:
    audio: dict[str, Any] = {
        "dataformat": container.format.name.partition(",")[0],
        "channels": stream.codec_context.channels,
        "sample_rate": stream.codec_context.sample_rate,
        "bitrate": stream.codec_context.bit_rate or container.bit_rate,
        "lossless": stream.codec_context.name.startswith(("pcm", "flac", "alac")),
    }
    texts = {key.lower(): [value] for key, value in container.metadata.items()}
    return {"audio": {**audio, "streams": [audio]}, "tags": {"container": texts} if texts else {}}
