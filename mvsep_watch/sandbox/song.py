"""A demo song, made by the program: bass, chords, drums, and a voice-like lead in the middle.

Writes one file and is deterministic: the same bytes each time for the same length. Bass and voice stand in the middle,
chords and hi-hat at the sides, so that a separation has something to separate.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]

RATE = 44100
BEAT_S = 0.5
CHORDS = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))
"""Am F C G, as MIDI notes; four beats each."""
MELODY = (69, 72, 71, 69, 67, 69, 65, 64, 67, 64, 67, 72, 71, 67, 62, 64)
"""One note for two beats."""
VOWELS = ((700, 1220, 2600), (390, 2300, 3000), (450, 800, 2830), (530, 1840, 2480))
"""Formants of a voice singing ah, ee, oh, eh, in Hz."""


def write_song(path: Path, seconds: float = 20) -> None:
    """Write a stereo WAV, 44.1 kHz, 16 bit.

    Args:
        path: The file; replaced if it is there.
        seconds: How long it plays.
    """
    left, right = _mix(round(seconds * RATE))
    stereo = np.stack([left, right], axis=1)
    fade = np.minimum(1, np.minimum(np.arange(len(stereo)), np.arange(len(stereo))[::-1]) / (0.05 * RATE))
    stereo *= (0.89 / np.max(np.abs(stereo))) * fade[:, None]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((stereo * 32767).astype("<i2").tobytes())


def _mix(size: int) -> tuple[Wave, Wave]:
    middle, left, right = np.zeros(size), np.zeros(size), np.zeros(size)
    noise = np.random.default_rng(7).standard_normal(RATE)
    beats = int(size / RATE / BEAT_S) + 1
    for beat in range(beats):
        chord = CHORDS[beat // 4 % 4]
        _add(middle, beat, 0.34 * _bass(chord[0] - 12))
        _add(middle, beat, 0.6 * _kick() if beat % 2 == 0 else 0.35 * _snare(noise))
        _add(left, beat, 0.11 * _hat(noise))
        _add(right, beat + 0.5, 0.11 * _hat(noise[::-1]))
        if beat % 4 == 0:
            _add(left, beat, 0.13 * _strum(chord, 1.002))
            _add(right, beat, 0.13 * _strum(chord, 0.998))
        if beat % 2 == 0:
            turn = beat // 2
            _add(middle, beat, 0.5 * _voice(MELODY[turn % 16], VOWELS[turn % 4]))
    return middle + left, middle + right


def _add(track: Wave, beat: float, sound: Wave) -> None:
    start = round(beat * BEAT_S * RATE)
    room = max(0, len(track) - start)
    track[start : start + len(sound)] += sound[:room]


def _time(seconds: float) -> Wave:
    return np.arange(round(seconds * RATE)) / RATE


def _hertz(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def _bass(note: int) -> Wave:
    t = _time(BEAT_S)
    phase = 2 * np.pi * _hertz(note) * t
    body: Wave = (np.sin(phase) + 0.4 * np.sin(2 * phase)) * np.exp(-3 * t)
    return body * np.minimum(1, t / 0.005)


def _strum(chord: tuple[int, ...], detune: float) -> Wave:
    sound: Wave = np.sum([_pluck(note, detune) for note in chord], axis=0)
    return sound


def _pluck(note: int, detune: float) -> Wave:
    t = _time(4 * BEAT_S)
    phase = 2 * np.pi * _hertz(note) * detune * t
    sound: Wave = sum((np.sin(n * phase) * np.exp(-(0.8 + 0.7 * n) * t) / n for n in range(1, 7)), np.zeros(len(t)))
    return sound * np.minimum(1, t / 0.004)


def _kick() -> Wave:
    t = _time(0.25)
    sound: Wave = np.sin(2 * np.pi * (48 * t + 6 * (1 - np.exp(-25 * t)))) * np.exp(-14 * t)
    return sound


def _snare(noise: Wave) -> Wave:
    t = _time(0.2)
    sound: Wave = (0.5 * noise[: len(t)] + np.sin(2 * np.pi * 190 * t)) * np.exp(-22 * t)
    return sound


def _hat(noise: Wave) -> Wave:
    t = _time(0.06)
    sound: Wave = np.diff(noise[: len(t) + 1]) * np.exp(-70 * t)
    return sound


def _voice(note: int, formants: tuple[int, int, int]) -> Wave:
    """Sing a note: harmonics with vibrato, shaped by a vowel's formants."""
    t = _time(2 * BEAT_S * 0.95)
    pitch = _hertz(note)
    vibrato = 0.006 * np.minimum(1, t / 0.4) * np.sin(2 * np.pi * 5.5 * t)
    phase = 2 * np.pi * pitch * (t + np.cumsum(vibrato) / RATE)
    sound = np.zeros(len(t))
    for n in range(1, 22):
        bells = (np.exp(-(((n * pitch - formant) / 160) ** 2)) for formant in formants)
        sound += np.sin(n * phase) * (0.25 / n + sum(b * w for b, w in zip(bells, (0.9, 0.5, 0.25), strict=True)))
    return sound * np.minimum(1, np.minimum(t / 0.06, t[::-1] / 0.09))
