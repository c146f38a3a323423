"""Bytes that pass for results: small, with the right header for their extension, different for each stem."""

from __future__ import annotations

import io
import struct
import wave

RATE = 8000


def result_bytes(extension: str, *, duration_s: float, fill: int) -> bytes:
    """Make a result. mp3 are silent frames, flac a header alone, m4a a bare `ftyp`; wav is whole."""
    make = {"wav": _wav, "mp3": _mp3, "flac": _flac, "m4a": _m4a}.get(extension, _wav)
    return make(duration_s, fill % 256)


def wav_bytes(duration_s: float, *, fill: int = 128) -> bytes:
    """Make a mono WAV of 8 bits, also for sources."""
    return _wav(duration_s, fill)


def duration_of_wav(content: bytes) -> float | None:
    """Give a WAV's seconds; None for anything else."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return None


def _wav(duration_s: float, fill: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(bytes([fill]) * int(duration_s * RATE))
    return out.getvalue()


def _mp3(duration_s: float, fill: int) -> bytes:
    frame = bytes.fromhex("fffb9000") + bytes([fill]) + bytes(412)
    return frame * max(4, int(duration_s * 44100 / 1152))


def _flac(duration_s: float, fill: int) -> bytes:
    samples = int(duration_s * 44100)
    rates = (44100 << 44) | (1 << 41) | (15 << 36) | samples
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + rates.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + bytes([0x80]) + len(info).to_bytes(3, "big") + info + bytes([0xFF, 0xF8]) + bytes([fill]) * 64


def _m4a(duration_s: float, fill: int) -> bytes:
    return struct.pack(">I", 24) + b"ftypM4A " + bytes(4) + b"M4A isom" + bytes([fill]) * 64
