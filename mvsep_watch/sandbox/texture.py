"""A sound from a prompt: slowly swelling tones of one chord over a breath of noise, as the words' own chance has them.

Pure, and a second at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mvsep_watch.sandbox.audio import RATE, Samples
from mvsep_watch.sandbox.dice import dice

PARTIALS = 6
LOUDNESS = 0.5
FADE_S = 0.2


def weave(prompt: str, seconds: float) -> Iterator[Samples]:
    """Make a sound of exactly this length that belongs to the prompt."""
    chance = dice("texture", prompt)
    root_hz = chance.uniform(80, 220)
    pitch_hz = root_hz * chance.choice([1, 1.25, 1.5, 2, 2.5, 3, 4], PARTIALS)
    swell_hz, pan = chance.uniform(0.05, 0.6, PARTIALS), chance.uniform(0.1, 0.9, PARTIALS)
    size = round(seconds * RATE)
    for start in range(0, size, RATE):
        t = np.arange(start, min(start + RATE, size)) / RATE
        tones = np.sin(2 * np.pi * pitch_hz[:, None] * t) * np.sin(np.pi * swell_hz[:, None] * t + 1) ** 2
        sound = np.stack([1 - pan, pan]) @ tones / PARTIALS + 0.02 * chance.standard_normal((2, len(t)))
        edges = np.minimum(1, np.minimum(t, (size - 1) / RATE - t) / FADE_S)
        yield (2 * LOUDNESS * sound * edges).astype(np.float32)
