"""Sound as short-time spectra and back, block by block: what separating and matching are made of.

Pure, and never holds more than a block of three seconds or so for each sound that comes out. The surprise: frames
overlap by a half and are windowed twice, so a mask of ones gives back every sample as it was, in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from mvsep_watch.sandbox.audio import RATE, Samples

HOP = 2048
FRAMES = 64
HERTZ = np.fft.rfftfreq(2 * HOP, 1 / RATE)
"""The frequency of each of a spectrum's bins."""
WINDOW = np.sqrt(0.5 - 0.5 * np.cos(np.arange(2 * HOP) * np.pi / HOP)).astype(np.float32)
Spectrum = NDArray[np.complex64]
"""Channel, frame, bin."""
Mask = NDArray[np.float32]
Masks = Callable[[Spectrum], Mapping[str, Mask]]


def filtered(blocks: Iterable[Samples], masks: Masks) -> Iterator[dict[str, Samples]]:
    """Weigh the spectra of a stream of samples, into sounds of exactly the same length.

    Args:
        blocks: Pieces of any size.
        masks: Asked for each block: the weights by the names of the sounds, the same names each time.

    Yields:
        The next stretch of every sound.
    """
    tails: dict[str, Samples] = {}
    skip = HOP
    for spectrum, length in spectra(blocks):
        sounds = {}
        for name, mask in masks(spectrum).items():
            sound, tails[name] = _overlapped(spectrum * mask, tails.get(name))
            sounds[name] = sound[:, skip:length]
        skip = 0
        yield sounds


def mean_power(blocks: Iterable[Samples]) -> NDArray[np.float64]:
    """Give the mean power of a stream of samples in each of a spectrum's bins, of both channels together."""
    total, size = np.zeros(HOP + 1), -HOP
    for spectrum, length in spectra(blocks):
        total += np.sum(np.abs(spectrum) ** 2, axis=(0, 1), dtype=np.float64)
        size += length
    return total * HOP / max(1, size)


def spectra(blocks: Iterable[Samples]) -> Iterator[tuple[Spectrum, int]]:
    """Give the spectra, and how many samples they stand for; a hop more than there are in all."""
    before = np.zeros((2, HOP), np.float32)
    for block, length in _even_blocks(blocks):
        yield np.fft.rfft(_framed(before, block) * WINDOW).astype(np.complex64), length
        before = block[:, -HOP:]


def _even_blocks(blocks: Iterable[Samples]) -> Iterator[tuple[Samples, int]]:
    """Cut a stream into blocks of whole frames, with what counts of each; a hop of silence flushes the last frame."""
    size = FRAMES * HOP
    rest = np.zeros((2, 0), np.float32)
    for piece in _gathered(blocks, size):
        rest = np.concatenate([rest, piece], axis=1)
        while rest.shape[1] >= size:
            yield rest[:, :size], size
            rest = rest[:, size:]
    rest = np.concatenate([rest, np.zeros((2, HOP), np.float32)], axis=1)
    for start in range(0, rest.shape[1], size):
        last = rest[:, start : start + size]
        yield np.pad(last, ((0, 0), (0, size - last.shape[1]))), last.shape[1]


def _gathered(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    """Join small pieces, so that a block is not copied once for each of the decoder's frames."""
    pieces: list[Samples] = []
    for piece in blocks:
        pieces.append(piece)
        if sum(each.shape[1] for each in pieces) >= size:
            yield np.concatenate(pieces, axis=1)
            pieces = []
    if pieces:
        yield np.concatenate(pieces, axis=1)


def _framed(before: Samples, block: Samples) -> Samples:
    """Give frames of two hops each, overlapping by one: channel, frame, sample."""
    halves = np.concatenate([before, block], axis=1).reshape(2, -1, HOP)
    return np.concatenate([halves[:, :-1], halves[:, 1:]], axis=2)


def _overlapped(spectrum: Spectrum, tail: Samples | None) -> tuple[Samples, Samples]:
    frames = np.fft.irfft(spectrum).astype(np.float32) * WINDOW
    sound = frames[:, :, :HOP].copy()
    sound[:, 1:] += frames[:, :-1, HOP:]
    if tail is not None:
        sound[:, 0] += tail
    return sound.reshape(2, -1), frames[:, -1, HOP:].copy()
