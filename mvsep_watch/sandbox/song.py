"""A song, made by the program: bass, chords, drums, and a voice-like lead in the middle.

Deterministic: the same arguments give the same samples. Bass and voice stand in the middle, chords and hi-hat at the
sides, so that a separation has something to separate. Holds the whole song in memory, so songs are short.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from mvsep_watch.sandbox.audio import RATE, Samples
from mvsep_watch.sandbox.voice import VOWELS, Wave, faded, vowel

BEAT_S = 0.5
CHORDS = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))
"""Am F C G, as MIDI notes; four beats each."""
MELODY = (69, 72, 71, 69, 67, 69, 65, 64, 67, 64, 67, 72, 71, 67, 62, 64)
"""One note for two beats."""


def write_song(path: Path, seconds: float = 20) -> None:
    """Write a song as a stereo WAV, 44.1 kHz, 16 bit.

    Args:
        path: The file; replaced if it is there.
        seconds: How long it plays.
    """
    samples = compose(seconds)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples.T * 32767).astype("<i2").tobytes())


def compose(seconds: float, *, key: int = 0, first: int = 0) -> Samples:
    """Make a song.

    Args:
        seconds: How long it plays.
        key: How many semitones higher than A minor.
        first: Which note of the melody it begins with.
    """
    stereo = _mix(round(seconds * RATE), key, first)
    stereo *= np.float32(0.89 / np.max(np.abs(stereo)))
    fade_samples = min(stereo.shape[1], RATE // 20)
    fade = np.arange(fade_samples, dtype=np.float32) / fade_samples
    stereo[:, :fade_samples] *= fade
    stereo[:, -fade_samples:] *= fade[::-1]
    return stereo


def _mix(size: int, key: int, first: int) -> Samples:
    middle, left, right = np.zeros((3, size), np.float32)
    noise = np.random.default_rng(7).standard_normal(RATE)
    beats = int(size / RATE / BEAT_S) + 1
    for beat in range(beats):
        chord = [note + key for note in CHORDS[beat // 4 % 4]]
        _add(middle, beat, 0.34 * _bass(chord[0] - 12))
        _add(middle, beat, 0.6 * _kick() if beat % 2 == 0 else 0.35 * _snare(noise))
        _add(left, beat, 0.11 * _hat(noise))
        _add(right, beat + 0.5, 0.11 * _hat(noise[::-1]))
        if beat % 4 == 0:
            _add(left, beat, 0.13 * _strum(chord, 1.002))
            _add(right, beat, 0.13 * _strum(chord, 0.998))
        if beat % 2 == 0:
            turn = beat // 2 + first
            _add(middle, beat, 0.5 * _voice(MELODY[turn % 16] + key, turn))
    return np.stack([middle + left, middle + right])


def _add(track: Samples, beat: float, sound: Wave) -> None:
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


def _strum(chord: list[int], detune: float) -> Wave:
    sound: Wave = np.sum([_pluck(note, detune) for note in chord], axis=0)
    return sound


def _pluck(note: int, detune: float) -> Wave:
    t = _time(4 * BEAT_S)
    first = np.exp((2j * np.pi * _hertz(note) * detune - 0.7) * t)
    sound, harmonic = np.zeros(len(t)), np.exp(-0.8 * t).astype(complex)
    for n in range(1, 7):
        harmonic *= first
        sound += harmonic.imag / n
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


def _voice(note: int, turn: int) -> Wave:
    """Sing a note with vibrato, each with the next vowel."""
    t = _time(2 * BEAT_S * 0.95)
    vibrato = 0.006 * np.minimum(1, t / 0.4) * np.sin(2 * np.pi * 5.5 * t)
    return faded(vowel(_hertz(note) * (1 + vibrato), VOWELS[turn % 4]), rise_s=0.06, fall_s=0.09)
