"""Splitting a mix into stems, block by block: what is in the middle, what is struck, what lies in which band.

Decides from the spectrum alone and makes no pretence: these are masks over short-time spectra, not MVSEP's models.
Every stem keeps a tenth of the mix, so that none is ever silent, and has its own loudness, so that no two are ever
equal however plain the mix is. Never holds more than a block of three seconds or so per stem.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mvsep_watch.sandbox.audio import Samples
from mvsep_watch.sandbox.spectra import HERTZ, Mask, Spectrum, filtered

FLOOR = 0.1


@dataclass(frozen=True, slots=True)
class Profile:
    """What a stem takes: a band in Hz, and how much it likes the middle and the struck. None does not care."""

    low_hz: float = 20
    high_hz: float = 20000
    middle: float | None = None
    struck: float | None = None


PROFILES: tuple[tuple[str, Profile], ...] = (
    (r"kick", Profile(30, 140, struck=1)),
    (r"snare|clap", Profile(150, 4000, struck=1)),
    (r"^hh|hi-?hat|-hh|cymbal|ride|crash|triangle|tambourine|bell|chime|glocken|metal", Profile(5000, 20000, struck=1)),
    (r"tom|conga|timpani|bongo", Profile(80, 900, struck=1)),
    (r"drum|percussion|sfx|effect|^fx", Profile(struck=1)),
    (r"^bass|double-bass|tuba|braam", Profile(20, 260, struck=0)),
    (r"vocals-?back|back-vocal|reverb$|wide|difference|crowd", Profile(150, 12000, middle=0)),
    (
        r"vocal|speech|dialog|male|choir|soprano|alto|tenor|similarity|center|aspiration",
        Profile(120, 12000, middle=1, struck=0),
    ),
    (r"restored|dry|sum", Profile()),
)
"""The first pattern that a stem's slug has decides; what has none gets a band of its own, off the middle."""

REST = re.compile(r"^(other|instrum|accompan|music|no-|residual|invert|noise)")
"""Stems that are what the others leave over."""


def separate(blocks: Iterable[Samples], slugs: Sequence[str]) -> Iterator[Mapping[str, Samples]]:
    """Split a stream of samples into stems of exactly the same length.

    Args:
        blocks: Pieces of any size.
        slugs: The stems, by their catalogue slugs.

    Returns:
        The stems, stretch by stretch.
    """
    return filtered(blocks, lambda spectrum: _masks(spectrum, slugs))


def _masks(spectrum: Spectrum, slugs: Sequence[str]) -> dict[str, Mask]:
    left, right = np.abs(spectrum)
    loudness = left + right + np.float32(1e-9)
    middle = _mean(1 - np.abs(spectrum[0] - spectrum[1]) / loudness, axis=1, reach=2) ** 2
    steady, wide = _mean(loudness, axis=0, reach=4) ** 2, _mean(loudness, axis=1, reach=8) ** 2
    struck = wide / (wide + steady)
    taken = {slug: _taken(slug, middle, struck) for slug in slugs if not REST.match(slug)}
    left_over = {slug: _left_over(slug, taken, middle) for slug in slugs if REST.match(slug)}
    return {slug: _own(slug) * (FLOOR + (1 - FLOOR) * {**taken, **left_over}[slug]) for slug in slugs}


def _taken(slug: str, middle: Mask, struck: Mask) -> Mask:
    profile = _profile(slug)
    frequency = HERTZ + 1e-3
    band = 1 / (1 + (profile.low_hz / frequency) ** 6) / (1 + (frequency / profile.high_hz) ** 6)
    mask = np.broadcast_to(band.astype(np.float32), middle.shape)
    for liking, feature in ((profile.middle, middle), (profile.struck, struck)):
        if liking is not None:
            mask = mask * (liking * feature + (1 - liking) * (1 - feature))
    return mask


def _left_over(slug: str, taken: Mapping[str, Mask], middle: Mask) -> Mask:
    """Give what the named stems leave; an instrumental leaves out the voices only, where there are any."""
    voices = [mask for name, mask in taken.items() if "vocal" in name]
    masks = voices if voices and not slug.startswith("other") else list(taken.values())
    return 1 - np.maximum.reduce(masks) if masks else 1 - middle


def _profile(slug: str) -> Profile:
    for pattern, profile in PROFILES:
        if re.search(pattern, slug):
            return profile
    low_hz = 90 * 2 ** (5 * _digest(slug, 0))
    return Profile(low_hz, low_hz * 6, middle=0.2, struck=0.2)


def _own(slug: str) -> np.float32:
    """Give the stem's own loudness, 0.8 to 1."""
    return np.float32(0.8 + 0.2 * _digest(slug, 8))


def _digest(slug: str, place: int) -> float:
    """Give a number from 0 to 1 that belongs to the slug."""
    return int(hashlib.sha256(slug.encode()).hexdigest()[place : place + 8], 16) / 0xFFFFFFFF


def _mean(values: Mask, *, axis: int, reach: int) -> Mask:
    """Average over `reach` neighbours to each side."""
    edges = [(0, 0), (0, 0)]
    edges[axis] = (reach + 1, reach)
    sums = np.cumsum(np.pad(values, edges, mode="edge"), axis=axis, dtype=np.float64)
    width, size = 2 * reach + 1, values.shape[axis]
    upper = np.take(sums, np.arange(width, width + size), axis=axis)
    lower = np.take(sums, np.arange(size), axis=axis)
    return ((upper - lower) / width).astype(np.float32)
