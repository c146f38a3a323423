"""Matching: a target is made as loud and as bright as a reference, as in mastering.

Pure; the target is listened to twice, once to measure it and once to change it, and neither is held in memory. Loudness
is root mean square and the spectrum is matched by thirds of an octave. The surprise: what would exceed full scale is
bent rather than cut, so a target with much higher peaks than its reference stays a little softer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mvsep_watch.sandbox.audio import Samples
from mvsep_watch.sandbox.spectra import HERTZ, Mask, filtered

EDGES_HZ = 25 * 2 ** (np.arange(30) / 3)
"""Where the bands begin and end: thirds of an octave up to 20 kHz."""
MOST_DB = 12.0
"""No band is raised or lowered by more than this: where the target has nothing there is only noise to raise."""
MOST_GAIN = 100.0
KNEE = 0.8
Power = NDArray[np.float64]


def match(target: Iterable[Samples], *, measured: Power, reference: Power) -> Iterator[Samples]:
    """Give the target with the loudness and the coarse spectrum of the reference.

    Args:
        target: The target's samples.
        measured: The target's mean power, as `spectra.mean_power` gives it.
        reference: The reference's.

    Yields:
        As many samples as the target has.
    """
    gain = _gain(measured, reference)
    for stretch in filtered(target, lambda _: {"matched": gain}):
        yield _bent(stretch["matched"])


def _gain(measured: Power, reference: Power) -> Mask:
    """Give the gain of each bin: the bands' differences, then what is missing to the loudness."""
    difference_db = _bands_db(reference) - _bands_db(measured)
    curve_db = np.clip(difference_db - np.median(difference_db), -MOST_DB, MOST_DB)
    centres_hz = np.sqrt(EDGES_HZ[:-1] * EDGES_HZ[1:])
    shape = 10 ** (np.interp(np.log(HERTZ + 1), np.log(centres_hz), curve_db) / 20)
    loudness = np.sqrt(np.sum(reference) / max(float(np.sum(measured * shape**2)), 1e-12))
    return np.asarray(shape * min(loudness, MOST_GAIN), np.float32)


def _bands_db(power: Power) -> Power:
    """Give the mean power of each band, in decibels; a band without a bin takes its neighbour's."""
    floor = 1e-9 * float(np.max(power)) + 1e-12
    bands = np.searchsorted(EDGES_HZ, HERTZ)
    inside = [power[bands == band] for band in range(1, len(EDGES_HZ))]
    known = [index for index, bins in enumerate(inside) if len(bins)]
    levels = [10 * np.log10(np.mean(inside[index]) + floor) for index in known]
    return np.asarray(np.interp(np.arange(len(inside)), known, levels))


def _bent(samples: Samples) -> Samples:
    """Bend what is above the knee, so that nothing reaches full scale."""
    size = np.abs(samples)
    over = np.maximum(size - KNEE, 0) / (1 - KNEE)
    return np.asarray(np.sign(samples) * (np.minimum(size, KNEE) + (1 - KNEE) * np.tanh(over)), np.float32)
