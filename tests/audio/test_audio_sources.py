"""What may be sent, and how long it plays."""

import struct
import wave

import pytest

from mvsep_watch.audio import probe
from mvsep_watch.errors import SourceChangedError, SourceRefusedError

KNOWN = ["flac", "mp3", "m4a", "ogg", "opus", "aiff", "wma", "aac", "w64", "wv", "tta", "ac3"]
TAKEN_UNKNOWN = ["mka", "webm", "caf", "au"]


def chunk(name: bytes, content: bytes, *, claimed: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if claimed is None else claimed) + content


def riff(*chunks: bytes, form: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return form + struct.pack("<I", len(body) & 0xFFFFFFFF) + body


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 44100, 176400, 4, 16))
SECOND = bytes(176400)


def cut(path, part: float):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    return path


@pytest.mark.parametrize("kind", KNOWN)
def test_every_usual_kind_tells_its_duration(encode, kind):
    """Three seconds are three seconds in each container, give or take a codec's padding."""
    path = encode(f"song.{kind}", seconds=3.0)

    assert probe(path) == pytest.approx(3.0, abs=0.06)


@pytest.mark.parametrize("kind", TAKEN_UNKNOWN)
def test_a_container_without_a_known_length_is_taken_with_none(encode, kind):
    """What is audio by its first bytes is not refused for keeping its length to itself."""
    path = encode(f"song.{kind}")

    assert probe(path) is None


def test_an_upper_case_name_changes_nothing(wav):
    """Cameras and recorders shout their extensions."""
    assert probe(wav("SONG.WAV", seconds=2.0)) == 2.0


def test_a_flac_called_mp3_is_audio_all_the_same(encode):
    """The bytes count; the service decodes bytes too."""
    path = encode("song.flac")

    assert probe(path.rename(path.with_suffix(".mp3"))) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7\n" + b"x" * 5000, "a PDF document"),
        (b"RIFF", "holds only 4 bytes"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b'\n{"success": false, "data": {"message": "not found"}}', "JSON"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive"),
        (b"MThd\0\0\0\6\0\0\0\1\0\x60" + bytes(40), "a MIDI file"),
        (bytes(50_000), "is not MPEG audio|cannot be read"),
        ("text in UTF-16".encode("utf-16") * 50, "cannot be read"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(50), "cannot be read"),
    ],
)
def test_what_is_no_audio_is_refused_with_its_reason(tmp_path, content, reason):
    """A document under an audio name costs no upload."""
    path = tmp_path / "song.mp3"
    path.write_bytes(content)

    with pytest.raises(SourceRefusedError, match=reason):
        probe(path)


def test_unknown_bytes_under_another_name_are_refused(tmp_path):
    """Nothing is searched for frames unless its name says MPEG."""
    path = tmp_path / "song.wav"
    path.write_bytes(bytes(5000))

    with pytest.raises(SourceRefusedError, match="not audio of any known kind"):
        probe(path)


def test_a_wav_header_that_claims_ten_minutes_over_a_kilobyte_is_refused(tmp_path):
    """The header alone would make a price of ten minutes for nothing."""
    path = tmp_path / "song.wav"
    path.write_bytes(riff(FMT, chunk(b"data", bytes(1024), claimed=176400 * 600)))

    with pytest.raises(SourceRefusedError, match="holds 1024 of 105840000 bytes of sound"):
        probe(path)


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "m4a", "aiff", "w64"])
def test_half_a_file_is_refused(encode, wav, kind):
    """An interrupted copy has the whole header and half of the music."""
    path = cut(wav() if kind == "wav" else encode(f"song.{kind}"), 0.5)

    with pytest.raises(SourceRefusedError, match=r"holds|ends after"):
        probe(path)


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "m4a", "ogg", "aiff", "aac", "w64", "wma"])
@pytest.mark.parametrize("size_bytes", [1, 3, 11, 30, 43])
def test_a_bare_beginning_is_refused(encode, wav, kind, size_bytes):
    """However short the rest of a file is, it is a refusal and never a crash."""
    path = wav(seconds=0.2) if kind == "wav" else encode(f"song.{kind}", seconds=0.2)
    path.write_bytes(path.read_bytes()[:size_bytes])

    with pytest.raises(SourceRefusedError):
        probe(path)


def test_a_flac_without_a_frame_is_refused(encode):
    """Its header alone tells a full duration."""
    path = encode("song.flac")
    path.write_bytes(path.read_bytes()[:300])

    with pytest.raises(SourceRefusedError, match=r"no sound|within its header"):
        probe(path)


@pytest.mark.parametrize("claimed", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_a_wav_from_a_streaming_encoder_plays_to_the_end_of_the_file(tmp_path, claimed):
    """An encoder that writes into a pipe cannot go back to fill in the length."""
    path = tmp_path / "song.wav"
    path.write_bytes(riff(FMT, chunk(b"data", SECOND * 2, claimed=claimed)))

    assert probe(path) == 2.0


def test_a_wav_with_foreign_chunks_around_its_sound_is_measured_by_the_sound(tmp_path):
    """Recorders put markers before, taggers pictures after."""
    path = tmp_path / "song.wav"
    path.write_bytes(riff(chunk(b"bext", bytes(602)), FMT, chunk(b"data", SECOND), chunk(b"LIST", bytes(500_000))))

    assert probe(path) == 1.0


@pytest.mark.parametrize("form", [b"RF64", b"BW64"])
def test_a_wav_with_64_bit_sizes_is_measured_by_them(tmp_path, form):
    """Beyond 4 GiB the real size stands in a chunk of its own."""
    path = tmp_path / "song.wav"
    sizes = chunk(b"ds64", struct.pack("<QQQI", 0, len(SECOND), 0, 0))
    path.write_bytes(riff(sizes, FMT, chunk(b"data", SECOND, claimed=0xFFFFFFFF), chunk(b"LIST", SECOND), form=form))

    assert probe(path) == 1.0


def test_a_wav_without_sound_is_refused(tmp_path):
    """A recorder that was started and stopped."""
    path = tmp_path / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)

    with pytest.raises(SourceRefusedError, match="no sound"):
        probe(path)


def test_silence_is_audio(tmp_path):
    """Nothing but zeros is still a track."""
    path = tmp_path / "song.wav"
    path.write_bytes(riff(FMT, chunk(b"data", SECOND)))

    assert probe(path) == 1.0


@pytest.mark.parametrize("kind", ["mp3", "flac", "aac"])
def test_a_big_tag_before_the_music_does_not_hide_it(encode, kind):
    """Pictures of megabytes stand before the first frame, even where no ID3 belongs."""
    path = encode(f"song.{kind}")
    tag = b"ID3\x04\0\0" + bytes([0, 0x7F, 0x7F, 0x7F]) + bytes(0x1FFFFF)
    path.write_bytes(tag + path.read_bytes())

    assert probe(path) == pytest.approx(3.0, abs=0.06)


def test_an_mp3_with_junk_before_its_first_frame_plays(encode):
    """Cut radio recordings begin anywhere."""
    path = encode("song.mp3")
    path.write_bytes(bytes(700) + path.read_bytes())

    assert probe(path) == pytest.approx(3.0, abs=0.06)


def test_a_flac_with_a_tag_at_its_end_is_whole(encode):
    """Old taggers append; the last frame is a little further up."""
    path = encode("song.flac")
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))

    assert probe(path) == pytest.approx(3.0)


def test_a_flac_of_silence_is_whole(tmp_path, encode):
    """Frames of a dozen bytes are frames."""
    path = encode("song.flac", seconds=0.05)

    assert probe(path) == pytest.approx(0.05)


def test_a_fragmented_mp4_has_no_known_duration(encode):
    """Its header is written before there is a length."""
    path = encode("song.m4a", options={"movflags": "frag_keyframe+empty_moov"})

    assert probe(path) in (None, pytest.approx(3.0, abs=0.06))


def test_a_source_that_went_away_has_changed(tmp_path):
    """Gone between two looks is no refusal of the file that comes back."""
    with pytest.raises(SourceChangedError, match="gone"):
        probe(tmp_path / "song.wav")


def test_an_undecodable_name_can_be_told(tmp_path):
    """The reason is text that any log can hold."""
    path = tmp_path / "caf\udce9.wav"
    path.write_bytes(b"")

    with pytest.raises(SourceRefusedError, match=r"caf\\xe9\.wav is empty"):
        probe(path)
