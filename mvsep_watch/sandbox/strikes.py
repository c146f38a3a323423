"""Drums as notes: what is struck, by the band in which a sound suddenly rises.

Pure, in constant memory but for three numbers a frame, twenty frames a second. The pitches are those of General MIDI's
drum kit, on its channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mvsep_watch.sandbox.audio import RATE, Samples
from mvsep_watch.sandbox.notes import Note
from mvsep_watch.sandbox.spectra import HERTZ, HOP, spectra

DRUM_CHANNEL = 9
"""The tenth, counted from 0."""
DRUMS = ((36, 30, 140), (38, 200, 3000), (42, 6000, 16000))
"""Kick, snare and hi-hat: General MIDI's number, and the band in Hz."""
RISE = 4.0
"""How many times the power of the two frames before a strike has."""
LOUD = 0.05
"""What part of its band's loudest power a strike has at least."""
FAINT = 0.003
"""The same of the loudest of all bands: a click in one is heard a little in the others."""
QUIET = 1e-3
FRAME_S = HOP / RATE


def find_strikes(blocks: Iterable[Samples]) -> list[Note]:
    """Give every stroke of the kick, the snare and the hi-hat, in order."""
    bands = [slice(*np.searchsorted(HERTZ, edges_hz)) for _, *edges_hz in DRUMS]
    parts = [[np.sum(np.abs(each[:, :, band]) ** 2, axis=(0, 2)) for band in bands] for each, _ in spectra(blocks)]
    powers = [np.concatenate(band) for band in zip(*parts, strict=True)]
    least = max(FAINT * float(np.max(powers)), QUIET)
    strikes = [note for (pitch, *_), power in zip(DRUMS, powers, strict=True) for note in _strikes(pitch, power, least)]
    return sorted(strikes, key=lambda note: (note.start_s, note.pitch))


def _strikes(pitch: int, power: NDArray[np.float32], least: float) -> Iterator[Note]:
    before = np.pad(power, (2, 0))
    loudest = float(np.max(power))
    rises = (power > RISE * np.maximum(before[:-2], before[1:-1])) & (power > max(LOUD * loudest, least))
    last = -2
    for frame in np.flatnonzero(rises).tolist():
        if frame - last > 1:
            velocity = int(np.clip(127 * (power[frame] / loudest) ** 0.25, 1, 127))
            yield Note(pitch, frame * FRAME_S, (frame + 1) * FRAME_S, velocity, DRUM_CHANNEL)
        last = frame
