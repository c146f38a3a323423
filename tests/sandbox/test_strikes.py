import numpy as np
import pytest

from mvsep_watch.sandbox.audio import RATE
from mvsep_watch.sandbox.strikes import DRUM_CHANNEL, FRAME_S, find_strikes

from .test_hearing import stereo

KICK, SNARE, HAT = 36, 38, 42


def stroke(low_hz, high_hz):
    """A tenth of a second of noise within a band that dies away."""
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(RATE // 10))
    hertz = np.fft.rfftfreq(RATE // 10, 1 / RATE)
    sound = np.fft.irfft(np.where((hertz >= low_hz) & (hertz < high_hz), spectrum, 0))
    return sound / np.abs(sound).max() * np.exp(-np.arange(len(sound)) / RATE * 30)


STROKES = {KICK: stroke(50, 120), SNARE: stroke(250, 2500), HAT: stroke(7000, 15000)}


def beat(*drums):
    """Half a second for each drum; 0 is a rest."""
    bars = [np.pad(STROKES[drum], (0, RATE // 2 - RATE // 10)) if drum else np.zeros(RATE // 2) for drum in drums]
    return stereo(np.concatenate(bars))


def test_each_stroke_is_its_drums_note():
    """At its time, on the drum channel."""
    notes = find_strikes([beat(KICK, HAT, SNARE, HAT, 0, KICK)])

    assert [note.pitch for note in notes] == [KICK, HAT, SNARE, HAT, KICK]
    assert [note.start_s for note in notes] == pytest.approx([0, 0.5, 1, 1.5, 2.5], abs=1.5 * FRAME_S)
    assert {note.channel for note in notes} == {DRUM_CHANNEL}


def test_a_sound_that_lasts_is_struck_once():
    """However long."""
    hum = 0.5 * np.sin(2 * np.pi * 80 * np.arange(3 * RATE) / RATE) * np.linspace(1, 0, 3 * RATE)

    notes = find_strikes([stereo(np.concatenate([np.zeros(RATE), hum]))])

    assert [(note.pitch, round(note.start_s)) for note in notes] == [(KICK, 1)]


def test_softer_strokes_are_struck_softer():
    """Within what MIDI allows."""
    loud, soft = find_strikes([np.concatenate([beat(SNARE), 0.4 * beat(SNARE)], axis=1)])

    assert 1 <= soft.velocity < loud.velocity <= 127


@pytest.mark.parametrize("size", [0, RATE])
def test_silence_has_no_strokes(size):
    """Nor has an empty file."""
    assert find_strikes([np.zeros((2, size), np.float32)]) == []
