import av
import mutagen
import numpy as np
import pytest

from mvsep_watch.sandbox.audio import FORMATS, RATE, Encoder, UnreadableAudioError, decode, probe
from mvsep_watch.sandbox.separation import separate
from mvsep_watch.sandbox.song import write_song

from .conftest import write_tone

CODECS = {
    "wav": "pcm_s16le",
    "flac": "flac",
    "mp3": "libmp3lame",
    "ogg": "vorbis",
    "m4a": "aac",
    "aiff": "pcm_s16be",
    "opus": "libopus",
}


def encode(path, codec, seconds, rate=48000):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate, dtype=np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"strict": "experimental"})
        stream.codec_context.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]).astype(np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def separated(blocks, slugs):
    stretches = list(separate(blocks, slugs))
    return {slug: np.concatenate([stretch[slug] for stretch in stretches], axis=1) for slug in slugs}


def loudness(samples):
    return float(np.sqrt(np.mean(samples**2)))


@pytest.mark.parametrize("extension", CODECS)
def test_every_usual_format_is_decoded(tmp_path, extension):
    """All of it, at the sandbox's rate, whatever the source's."""
    path = encode(tmp_path / f"tone.{extension}", CODECS[extension], seconds=1.5)

    samples = np.concatenate(list(decode(path)), axis=1)

    assert probe(path)[0] == pytest.approx(1.5, abs=0.06)
    assert samples.shape[1] / RATE == pytest.approx(1.5, abs=0.06)
    assert loudness(samples) == pytest.approx(0.35, abs=0.05)


@pytest.mark.parametrize("output_format", range(6))
def test_every_output_format_is_a_real_container(tmp_path, output_format):
    """Each has its codec, its depth, and the length of what was written."""
    wanted = FORMATS[output_format]
    path = tmp_path / f"out.{wanted.extension}"
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE, dtype=np.float32)

    with Encoder(path, output_format) as encoder:
        encoder.write(np.stack([tone, tone]))

    file = mutagen.File(path)
    found = (type(file).__name__, getattr(file.info, "bits_per_sample", None))
    assert found == [("MP3", None), ("WAVE", 16), ("FLAC", 16), ("MP4", 16), ("WAVE", 32), ("FLAC", 24)][output_format]
    assert file.info.length == pytest.approx(1, abs=0.06)
    assert file.info.sample_rate == RATE


@pytest.mark.parametrize("content", [b"", b"not audio at all", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"%PDF-1.7\n" * 100])
def test_what_is_no_audio_is_refused(tmp_path, content):
    """By an error of its own, never by one of the decoder's."""
    path = tmp_path / "song.mp3"
    path.write_bytes(content)

    with pytest.raises(UnreadableAudioError):
        probe(path)
    with pytest.raises(UnreadableAudioError):
        list(decode(path))


@pytest.mark.parametrize("channels", [1, 2])
def test_all_stems_differ_and_can_be_heard(tmp_path, channels):
    """Even of a plain tone, mono or not, and for a model with many stems."""
    slugs = ["vocals", "drums", "bass", "guitar", "piano", "wind-chimes", "instrum", "other"]
    blocks = list(decode(write_tone(tmp_path / "tone.wav", channels=channels)))

    stems = separated(blocks, slugs)

    assert all(loudness(stem) > 0.01 for stem in stems.values())
    assert len({stem.tobytes() for stem in stems.values()}) == len(slugs)


@pytest.mark.parametrize("size", [1, 2047, 2048, 64 * 2048, 64 * 2048 + 1, 300_000])
def test_a_stem_is_as_long_as_its_source(size):
    """To the sample, and in its place: the stem of everything is the source, only softer."""
    sweep = np.sin(np.cumsum(np.linspace(0.05, 0.5, size))) * 0.7
    source = np.stack([sweep, sweep[::-1]]).astype(np.float32)

    stem = separated([source], ["restored"])["restored"]

    gain = loudness(stem) / loudness(source)
    assert stem.shape == source.shape
    assert np.allclose(stem, gain * source, atol=0.05)


def test_a_song_is_told_apart(tmp_path):
    """The middle goes to the vocals, the low to the bass, the struck to the drums."""
    write_song(tmp_path / "song.wav", seconds=4)
    blocks = list(decode(tmp_path / "song.wav"))

    stems = separated(blocks, ["vocals", "bass", "drums", "other"])

    def share(stem, low_hz, high_hz):
        strength = np.abs(np.fft.rfft(stems[stem][0])) ** 2
        hertz = np.fft.rfftfreq(stems[stem].shape[1], 1 / RATE)
        return strength[(hertz >= low_hz) & (hertz < high_hz)].sum() / strength.sum()

    assert share("bass", 0, 260) > 0.9
    assert share("vocals", 0, 120) < 0.1
    assert share("drums", 4000, 20000) > 2 * share("vocals", 4000, 20000)


def test_the_song_is_the_same_each_time(tmp_path):
    """Twenty seconds of stereo, deterministic, without clipping or silence."""
    write_song(tmp_path / "a.wav", seconds=2)
    write_song(tmp_path / "b.wav", seconds=2)

    samples = np.concatenate(list(decode(tmp_path / "a.wav")), axis=1)

    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert samples.shape == (2, 2 * RATE)
    assert 0.7 < np.abs(samples).max() < 0.95
