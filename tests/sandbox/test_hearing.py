import numpy as np
import pytest

from mvsep_watch.sandbox.audio import RATE
from mvsep_watch.sandbox.hearing import FRAME_S, hear


def stereo(sound):
    return np.stack([sound, sound]).astype(np.float32)


def tone(hertz, seconds=1.0):
    phase = 2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE
    return 0.5 * np.sin(phase) + 0.2 * np.sin(2 * phase)


@pytest.mark.parametrize("hertz", [65, 110, 261.63, 440, 1046])
def test_a_pitch_is_heard_within_a_tenth_of_a_semitone(hertz):
    """Of a tone with an overtone, and the octave is the right one."""
    assert hear([stereo(tone(hertz))]).mean_pitch_hz == pytest.approx(hertz, rel=0.006)


@pytest.mark.parametrize("sound", [np.zeros(RATE), np.random.default_rng(1).standard_normal(RATE) * 0.2, np.zeros(0)])
def test_noise_and_silence_have_no_pitch(sound):
    """And an empty file is one silent frame."""
    heard = hear([stereo(sound)])

    assert heard.mean_pitch_hz is None
    assert len(heard.level) == len(heard.pitch_hz) == max(1, -(-len(sound) // round(FRAME_S * RATE)))


def test_what_is_heard_does_not_depend_on_the_size_of_the_pieces():
    """A decoder cuts as it likes."""
    sound = stereo(np.concatenate([tone(220, 4.1), np.zeros(RATE), tone(330, 1.3)]))

    whole = hear([sound])
    pieces = hear(np.array_split(sound, 97, axis=1))

    assert np.allclose(whole.level, pieces.level, atol=1e-6)
    assert np.allclose(whole.pitch_hz, pieces.pitch_hz, equal_nan=True)


def test_levels_are_root_mean_squares():
    """Full scale is 1."""
    assert hear([stereo(np.full(RATE, 0.25))]).level[:10] == pytest.approx(0.25)
