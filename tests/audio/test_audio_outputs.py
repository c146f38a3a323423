"""Whether a download is the output that was asked for."""

import struct

import pytest

from mvsep_watch.audio import OutputFacts, check_midi_output, check_output, check_text_output
from mvsep_watch.errors import OutputDamagedError, OutputShortError

PAGE = b"<!DOCTYPE html><html><body>Just a moment...</body></html>"
NUMBERS = {"mp3": 0, "wav": 1, "flac": 2, "m4a": 3}


def midi(tracks: int) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 1, tracks, 96) + tracks * (b"MTrk\0\0\0\4\0\xff\x2f\0")


@pytest.mark.parametrize("kind", NUMBERS)
def test_each_format_is_recognised(encode, wav, kind):
    """What was asked for passes, with its length."""
    path = wav("out.wav") if kind == "wav" else encode(f"out.{kind}")

    facts = check_output(path, format_number=NUMBERS[kind], source_duration_s=3.0)

    assert facts == OutputFacts(container=kind, duration_s=pytest.approx(3.0, abs=0.06))


@pytest.mark.parametrize(("number", "kind"), [(4, "wav"), (5, "flac")])
def test_the_premium_formats_are_the_same_containers(encode, wav, number, kind):
    """32 bit WAV and 24 bit FLAC differ inside only."""
    path = wav("out.wav") if kind == "wav" else encode("out.flac")

    assert check_output(path, format_number=number, source_duration_s=None).container == kind


@pytest.mark.parametrize("asked", NUMBERS.values())
def test_another_container_is_damage(encode, asked):
    """An output in another format than the name says is not published."""
    path = encode("out.opus")

    with pytest.raises(OutputDamagedError, match="is ogg-opus and not"):
        check_output(path, format_number=asked, source_duration_s=3.0)


@pytest.mark.parametrize("content", [b"", PAGE, b'{"success": false}', b"%PDF-1.4"])
def test_an_error_page_is_damage(tmp_path, content):
    """A portal answers 200 with a page of its own."""
    path = tmp_path / "out.mp3"
    path.write_bytes(content)

    with pytest.raises(OutputDamagedError):
        check_output(path, format_number=0, source_duration_s=3.0)


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_short_download_is_damage(encode, wav, kind):
    """Half of a stem under a whole header is fetched again."""
    path = wav("out.wav") if kind == "wav" else encode(f"out.{kind}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(OutputDamagedError, match=r"holds|ends after"):
        check_output(path, format_number=NUMBERS[kind], source_duration_s=3.0)


def test_a_whole_output_much_shorter_than_its_source_waits_for_a_person(wav):
    """It may be right, so it is neither published nor fetched for ever."""
    path = wav("out.wav", seconds=3.0)

    with pytest.raises(OutputShortError, match=r"the service's out\.wav plays 3\.0 s, and its source 60\.0 s$"):
        check_output(path, format_number=1, source_duration_s=60.0)


@pytest.mark.parametrize("source_s", [2.0, 3.2, 4.9])
def test_a_little_difference_in_length_is_nothing(wav, source_s):
    """Models pad, encoders drop a frame, and short files lose much of their little."""
    path = wav("out.wav", seconds=3.0)

    assert check_output(path, format_number=1, source_duration_s=source_s).duration_s == 3.0


def test_a_planted_link_is_not_followed(tmp_path, wav):
    """A staging holds files, and what is checked is what is published."""
    link = tmp_path / "link.wav"
    link.symlink_to(wav("out.wav"))

    with pytest.raises(OutputDamagedError, match="cannot be read"):
        check_output(link, format_number=1, source_duration_s=3.0)


@pytest.mark.parametrize("content", [b"", b"la la\n", "1\n00:00:01,000 --> 00:00:02,000\nÄ\n".encode()])
def test_text_is_text(tmp_path, content):
    """Subtitles and lyrics pass; an instrumental has none."""
    path = tmp_path / "out.srt"
    path.write_bytes(content)

    assert check_text_output(path) is None


@pytest.mark.parametrize("content", [PAGE, b"a\0b", b"\xff\xfe\xfa", b"x" * ((16 << 20) + 1)])
def test_what_is_no_text_is_damage(tmp_path, content):
    """Pages, binary and absurd sizes are not a transcription."""
    path = tmp_path / "out.txt"
    path.write_bytes(content)

    with pytest.raises(OutputDamagedError):
        check_text_output(path)


def test_a_midi_file_with_its_tracks_passes(tmp_path):
    """The header counts the tracks, and they are there."""
    path = tmp_path / "out.mid"
    path.write_bytes(midi(3))

    assert check_midi_output(path) is None


@pytest.mark.parametrize("content", [b"", b"MThd", PAGE, midi(3)[:-2], midi(3)[:30]])
def test_a_midi_file_without_its_tracks_is_damage(tmp_path, content):
    """A short download ends within a track."""
    path = tmp_path / "out.mid"
    path.write_bytes(content)

    with pytest.raises(OutputDamagedError):
        check_midi_output(path)
