"""A voice: vowels as harmonics with formants, sung by the demo song and spoken by the models that speak. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mvsep_watch.sandbox.audio import RATE

Wave = NDArray[np.float64]
Formants = tuple[float, float, float]

VOWELS: tuple[Formants, ...] = ((700, 1220, 2600), (390, 2300, 3000), (450, 800, 2830), (530, 1840, 2480))
"""Formants of a voice saying ah, ee, oh, eh, in Hz."""
STRENGTHS = (0.9, 0.5, 0.25)
WIDTH_HZ = 160
HIGHEST_HZ = 8000


def vowel(pitch_hz: Wave, formants: Formants) -> Wave:
    """Sing a vowel.

    Args:
        pitch_hz: The pitch at every sample; its mean decides which harmonics the formants raise.
        formants: The vowel's.
    """
    first = np.exp(2j * np.pi * np.cumsum(pitch_hz) / RATE)
    mean_hz = float(np.mean(pitch_hz))
    sound, harmonic = np.zeros(len(first)), np.ones(len(first), complex)
    for n in range(1, min(22, int(HIGHEST_HZ / mean_hz))):
        bells = (np.exp(-(((n * mean_hz - formant) / WIDTH_HZ) ** 2)) for formant in formants)
        harmonic *= first
        sound += harmonic.imag * (0.25 / n + sum(b * w for b, w in zip(bells, STRENGTHS, strict=True)))
    return sound


def faded(sound: Wave, *, rise_s: float, fall_s: float) -> Wave:
    """Let a sound begin and end softly."""
    t = np.arange(len(sound)) / RATE
    return sound * np.minimum(1, np.minimum(t / rise_s, t[::-1] / fall_s))
