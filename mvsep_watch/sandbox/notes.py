"""Text and MIDI results: what models give that do not give audio.

Hears no words: the text says honestly what was heard, the loud stretches and their loudest pitch, and the MIDI file
holds the same pitches as notes. Works on a spectrum every half second, in constant memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from mvsep_watch.sandbox.audio import RATE, Samples

STEP_S = 0.5
LOWEST_HZ = 60
HIGHEST_HZ = 1500
QUIET = 0.005
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True, slots=True)
class Note:
    """The loudest pitch of a stretch: MIDI number, and when it begins and ends, in seconds."""

    pitch: int
    start_s: float
    end_s: float


def listen(blocks: Iterable[Samples]) -> list[Note]:
    """Follow the loudest pitch; equal neighbours are one note, quiet stretches are none."""
    notes: list[Note] = []
    for index, pitch in enumerate(_pitches(blocks)):
        start_s, end_s = index * STEP_S, (index + 1) * STEP_S
        if pitch is None:
            continue
        if notes and notes[-1].pitch == pitch and notes[-1].end_s == start_s:
            notes[-1] = Note(pitch, notes[-1].start_s, end_s)
        else:
            notes.append(Note(pitch, start_s, end_s))
    return notes


def as_text(notes: list[Note]) -> str:
    """Write the notes as lines of text."""
    return "".join(f"[{_name(note)}]\n" for note in notes) or "[silence]\n"


def as_srt(notes: list[Note]) -> str:
    """Write the notes as subtitles."""
    return "\n".join(
        f"{number}\n{_srt_time(note.start_s)} --> {_srt_time(note.end_s)}\n[{_name(note)}]\n"
        for number, note in enumerate(notes, 1)
    )


def as_midi(notes: list[Note]) -> bytes:
    """Write the notes as a standard MIDI file of one track: 120 beats a minute, so that 960 ticks are a second."""
    track = bytearray(b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big"))
    ticks = 0
    for note in notes:
        for at_s, event in ((note.start_s, (0x90, note.pitch, 80)), (note.end_s, (0x80, note.pitch, 0))):
            track += _delta(round(at_s * 960) - ticks) + bytes(event)
            ticks = round(at_s * 960)
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


def _pitches(blocks: Iterable[Samples]) -> Iterator[int | None]:
    size = round(STEP_S * RATE)
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block.mean(axis=0)])
        while len(rest) >= size:
            yield _loudest_pitch(rest[:size])
            rest = rest[size:]


def _loudest_pitch(sound: Samples) -> int | None:
    if float(np.sqrt(np.mean(sound**2))) < QUIET:
        return None
    low, high = (int(hertz * len(sound) / RATE) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    strength = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))[low:high]
    hertz = (low + int(np.argmax(strength))) * RATE / len(sound)
    return round(69 + 12 * float(np.log2(hertz / 440)))


def _name(note: Note) -> str:
    return f"{NAMES[note.pitch % 12]}{note.pitch // 12 - 1}"


def _srt_time(at_s: float) -> str:
    minutes, milliseconds = divmod(round(at_s * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d},{milliseconds % 1000:03d}"


def _delta(ticks: int) -> bytes:
    """Write a MIDI variable-length number."""
    groups = [ticks & 0x7F]
    while ticks := ticks >> 7:
        groups.append(0x80 | (ticks & 0x7F))
    return bytes(reversed(groups))
