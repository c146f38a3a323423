"""The waveform that the newest answers carry: how loud a result is along its way, in a few hundred numbers.

Reads the file once, in pieces, and remembers what came of it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from mvsep_watch.sandbox.audio import RATE, UnreadableAudioError, decode

STEP = RATE // 20
MOST = 400


@lru_cache(maxsize=256)
def peaks(path: Path) -> tuple[float, ...]:
    """Give the loudest sample of each stretch, 0 to 1; nothing for what is no audio."""
    try:
        blocks = [np.abs(block).max(axis=0) for block in decode(path)]
    except UnreadableAudioError:
        return ()
    sound = np.concatenate(blocks)
    stretch = max(STEP, -(-len(sound) // MOST))
    return tuple(round(float(sound[at : at + stretch].max()), 3) for at in range(0, len(sound), stretch))
