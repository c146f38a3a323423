"""The quality checker's reference set: a few short songs of which every stem is known, and how near a stem comes to it.

Made by the program and deterministic. The surprise: the measure is the service's own, the signal-to-distortion ratio
over the whole of both channels, so a perfect stem has no finite value and is shown as the highest.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvsep_watch.sandbox.audio import RATE, Encoder, Samples

Times = NDArray[np.float64]

SONGS = 3
SECONDS = 4.0
STEMS = ("vocals", "instrum")
HIGHEST_DB = 100.0
TUNES = ((69, 72, 71, 67), (64, 67, 69, 62), (72, 71, 69, 65))
"""The voice's notes, a second each, as MIDI numbers."""


@lru_cache
def song(number: int) -> Mapping[str, Samples]:
    """Make a song's stems; together they are the song."""
    times = np.arange(round(SECONDS * RATE)) / RATE
    return {"vocals": _voice(times, TUNES[number]), "instrum": _band(times, number)}


def write_mixture(path: Path, number: int) -> None:
    """Write what is to be separated, as a WAV."""
    with Encoder(path, 1) as encoder:
        encoder.write(sum(song(number).values(), np.zeros((2, 1), np.float32)))


def sdr(reference: Samples, estimate: Samples) -> float:
    """Measure an estimate against the truth, in dB; what it lacks at its end counts as silence."""
    padded = np.zeros_like(reference)
    length = min(reference.shape[1], estimate.shape[1])
    padded[:, :length] = estimate[:, :length]
    error = float(np.sum((reference - padded) ** 2))
    if error == 0:
        return HIGHEST_DB
    return min(HIGHEST_DB, 10 * float(np.log10(float(np.sum(reference**2)) / error)))


def _voice(times: Times, notes: tuple[int, ...]) -> Samples:
    """Sing a tune in the middle: harmonics with vibrato."""
    hertz = 440 * 2 ** ((np.array(notes)[np.minimum(times.astype(int), len(notes) - 1)] - 69) / 12)
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.005 * np.sin(2 * np.pi * 5.5 * times))) / RATE
    sound: Times = 0.15 * sum((np.sin(n * phase) / n for n in range(1, 8)), np.zeros(len(times)))
    return np.stack([sound, sound]).astype(np.float32)


def _band(times: Times, seed: int) -> Samples:
    """Play bass in the middle, and a beat of noise that differs left and right."""
    noise = np.random.default_rng(seed).standard_normal((2, len(times)))
    beat = noise * np.exp(-20 * (times % 0.5)) * 0.1
    bass = 0.2 * np.sin(2 * np.pi * (55 + 5 * seed) * times)
    return (beat + bass).astype(np.float32)
