"""Small audio files, made on the spot."""

import wave

import av
import numpy as np
import pytest

CODECS = {
    "flac": "flac",
    "mp3": "libmp3lame",
    "m4a": "aac",
    "ogg": "vorbis",
    "opus": "libopus",
    "aiff": "pcm_s16be",
    "mka": "libopus",
    "webm": "libopus",
    "wma": "wmav2",
    "aac": "aac",
    "w64": "pcm_s16le",
    "caf": "pcm_s16le",
    "wv": "wavpack",
    "tta": "tta",
    "ac3": "ac3",
    "au": "pcm_s16be",
}


def noise(seconds: float, rate: int) -> np.ndarray:
    return np.random.default_rng(7).integers(-8000, 8000, size=(1, int(seconds * rate) * 2), dtype=np.int16)


@pytest.fixture
def encode(tmp_path):
    def make(name: str, *, seconds: float = 3.0, options: dict[str, str] | None = None):
        path = tmp_path / name
        kind = path.suffix.lstrip(".").lower()
        rate = 48000 if CODECS[kind] == "libopus" else 44100
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream(CODECS[kind], rate=rate, layout="stereo")
            stream.codec_context.bit_rate = 128_000
            stream.codec_context.options = {"strict": "experimental"}
            frame = av.AudioFrame.from_ndarray(noise(seconds, rate), format="s16", layout="stereo")
            frame.sample_rate = rate
            frame.pts = 0
            fifo = av.AudioFifo()
            resampler = av.AudioResampler(format=stream.format, layout="stereo", rate=rate)
            for resampled in resampler.resample(frame):
                fifo.write(resampled)
            while part := fifo.read(stream.codec_context.frame_size or 4096, partial=True):
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def wav(tmp_path):
    def make(name: str = "song.wav", *, seconds: float = 3.0):
        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(44100)
            file.writeframes(noise(seconds, 44100).tobytes())
        return path

    return make
