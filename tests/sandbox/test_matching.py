import numpy as np
import pytest

from mvsep_watch.sandbox.audio import RATE
from mvsep_watch.sandbox.matching import match
from mvsep_watch.sandbox.spectra import HERTZ, mean_power


def noise(*, tilt, loudness, seed=3, size=4 * RATE):
    """Noise whose highs are raised by an exponent of the frequency."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, size)))
    spectrum *= (np.maximum(np.fft.rfftfreq(size, 1 / RATE), 50) / 1000) ** tilt
    sound = np.fft.irfft(spectrum)
    return (sound * loudness / np.sqrt(np.mean(sound**2))).astype(np.float32)


def matched(target, reference):
    blocks = match([target], measured=mean_power([target]), reference=mean_power([reference]))
    return np.concatenate(list(blocks), axis=1)


def loudness(samples):
    return float(np.sqrt(np.mean(samples**2)))


def brightness(samples):
    """How much louder it is above 4 kHz than below 400 Hz, in decibels."""
    power = mean_power([samples])
    return 10 * np.log10(power[HERTZ > 4000].mean() / power[HERTZ < 400].mean())


def test_the_target_gets_the_references_loudness_and_brightness():
    """It stays as long as it was, to the sample."""
    target, reference = noise(tilt=0, loudness=0.02), noise(tilt=-0.4, loudness=0.15, seed=4, size=RATE)

    result = matched(target, reference)

    assert result.shape == target.shape
    assert loudness(result) == pytest.approx(loudness(reference), rel=0.02)
    assert brightness(result) == pytest.approx(brightness(reference), abs=1)
    assert brightness(target) > brightness(reference) + 5


def test_a_match_with_itself_changes_nothing():
    """Neither loudness, nor colour, nor place."""
    target = noise(tilt=-0.2, loudness=0.1)

    assert np.allclose(matched(target, target), target, atol=1e-4)


def test_nothing_reaches_full_scale():
    """However loud the reference, and though the target's peaks are higher."""
    peaky = noise(tilt=0, loudness=0.01)
    peaky[:, ::5000] = 0.9

    result = matched(peaky, noise(tilt=0, loudness=0.5, seed=4))

    assert 0.9 < np.abs(result).max() <= 1


@pytest.mark.parametrize(("target", "reference"), [(0.0, 0.1), (0.1, 0.0)])
def test_silence_can_be_matched(target, reference):
    """There is nothing to raise, or nothing to leave."""
    shape = np.random.default_rng(5).standard_normal((2, RATE)).astype(np.float32)

    assert loudness(matched(shape * np.float32(target), shape * np.float32(reference))) < 0.001
