"""Speech of a kind: every letter of a text becomes a short sound, so a longer text takes longer to say.

Pure, and a letter at a time, whatever the text's length. It is no language and makes no pretence of one: vowels are
sung, consonants hum or hiss, spaces and stops are pauses. The surprise: letters without a vowel or consonant in Latin
script are vowels, as most syllables of the scripts without an alphabet end in one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mvsep_watch.sandbox.audio import RATE, Samples
from mvsep_watch.sandbox.dice import dice
from mvsep_watch.sandbox.hearing import Heard
from mvsep_watch.sandbox.voice import VOWELS, Wave, faded, vowel

VOWEL_S = 0.14
CONSONANT_S = 0.06
SPACE_S = 0.08
STOP_S = 0.25
EDGE_S = 0.1
"""The pause before and after everything that is said."""
MIDDLE_HZ = 150.0
"""The pitch of a voice of the usual size; also of one that is to sound like something without a pitch."""
LETTERS = {letter: VOWELS[number] for number, letter in enumerate("aioe")} | {"u": VOWELS[2], "y": VOWELS[1]}
HISSING = frozenset("cfhkpqstxz")
HUM = (250, 1200, 2300)
BENDS = 7
"""In how many steps of a third of a semitone the melody goes."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: the pitch in Hz, and how high the formants are; 1 is usual."""

    pitch_hz: float
    size: float


def voice_of(*words: str) -> Voice:
    """Give the voice that belongs to these words, always the same."""
    chance = dice("voice", *words)
    return Voice(pitch_hz=float(chance.uniform(90, 260)), size=float(chance.uniform(0.85, 1.2)))


def voice_like(heard: Heard) -> Voice:
    """Give a voice of the pitch that was heard; higher ones have higher formants, as smaller people do."""
    pitch_hz = heard.mean_pitch_hz or MIDDLE_HZ
    return Voice(pitch_hz=pitch_hz, size=float(np.clip((pitch_hz / MIDDLE_HZ) ** 0.3, 0.8, 1.4)))


def speak(text: str, voice: Voice) -> Iterator[Samples]:
    """Say a text, sound by sound."""
    yield _both(_pause(EDGE_S))
    for position, letter in enumerate(unicodedata.normalize("NFC", text)):
        base = unicodedata.normalize("NFKD", letter)[0].lower()
        yield _both(_sound(base, (position * 5 + ord(base)) % BENDS - BENDS // 2, voice))
    yield _both(_pause(EDGE_S))


@lru_cache(maxsize=256)
def _sound(base: str, bend: int, voice: Voice) -> Wave:
    """Make the sound of a letter; a voice has few, so they are kept."""
    if not base.isalnum():
        return _pause(SPACE_S if base.isspace() else STOP_S)
    if base in HISSING:
        return 0.08 * faded(dice(base).standard_normal(round(CONSONANT_S * RATE)), rise_s=0.01, fall_s=0.02)
    is_consonant = base.isascii() and base.isalpha() and base not in LETTERS
    seconds, formants = (CONSONANT_S, HUM) if is_consonant else (VOWEL_S, LETTERS.get(base, VOWELS[ord(base) % 4]))
    low, middle, high = (voice.size * formant for formant in formants)
    pitch_hz = voice.pitch_hz * 2 ** (bend / 36)
    glide = np.linspace(1.02, 0.98, round(seconds * RATE))
    return 0.3 * faded(vowel(pitch_hz * glide, (low, middle, high)), rise_s=0.015, fall_s=0.03)


def _pause(seconds: float) -> Wave:
    return np.zeros(round(seconds * RATE))


def _both(sound: Wave) -> Samples:
    return np.stack([sound, sound]).astype(np.float32)
