"""MIDI results: the pitches that were heard, as notes in a standard file.

Pure. One voice only: where several sound together, the one that stands out. The surprise: at 120 beats a minute and 480
ticks a beat, 960 ticks are a second, whatever the music's own time is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mvsep_watch.sandbox.hearing import FRAME_S, Heard, Values

TICKS_PER_S = 960
SHORTEST_FRAMES = 2
"""What is shorter is a slip of the ear rather than a note."""
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True, slots=True)
class Note:
    """A note: MIDI number, when it begins and ends in seconds, how hard it is struck, 1 to 127, and its channel."""

    pitch: int
    start_s: float
    end_s: float
    velocity: int
    channel: int = 0


def find_notes(heard: Heard) -> list[Note]:
    """Give the notes one after the other: each is a stretch of frames with one pitch."""
    pitches = _pitches(heard)
    edges = np.flatnonzero(np.diff(pitches, prepend=-1, append=-1))
    return [
        Note(int(pitches[start]), start * FRAME_S, end * FRAME_S, _velocity(heard.level[start:end]))
        for start, end in pairwise(edges.tolist())
        if pitches[start] >= 0 and end - start >= SHORTEST_FRAMES
    ]


def as_midi(notes: list[Note]) -> bytes:
    """Write a standard MIDI file of one track."""
    track = b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big") + b"".join(_events(notes)) + b"\x00\xff\x2f\x00"
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_PER_S // 2)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + track


def note_name(pitch_hz: float) -> str:
    """Name the note that is nearest to a pitch: `A4`."""
    number = round(69 + 12 * float(np.log2(pitch_hz / 440)))
    return f"{NAMES[number % 12]}{number // 12 - 1}"


def _pitches(heard: Heard) -> NDArray[np.int64]:
    """Give each frame's MIDI number, or -1; a single odd frame among its like is taken for one of them."""
    exact = 69 + 12 * np.log2(heard.pitch_hz / 440)
    numbers = np.where(np.isnan(exact), -1, np.round(np.nan_to_num(exact))).astype(np.int64)
    padded = np.pad(numbers, 1, mode="edge")
    before, after = padded[:-2], padded[2:]
    return np.where(before == after, before, numbers)


def _velocity(level: Values) -> int:
    return int(np.clip(127 * np.sqrt(1.4 * np.max(level)), 1, 127))


def _events(notes: list[Note]) -> Iterator[bytes]:
    """Give the notes' beginnings and ends in order; at one time, what ends comes before what begins."""
    begins = [(round(note.start_s * TICKS_PER_S), 0x90 | note.channel, note.pitch, note.velocity) for note in notes]
    ends = [(round(note.end_s * TICKS_PER_S), 0x80 | note.channel, note.pitch, 0) for note in notes]
    before = 0
    for ticks, *event in sorted(begins + ends):
        yield _variable_length(ticks - before) + bytes(event)
        before = ticks


def _variable_length(number: int) -> bytes:
    """Write a number as MIDI does: seven bits a byte, the highest bit says that more follow."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(0x80 | (number & 0x7F))
    return bytes(reversed(groups))
