import numpy as np

from mvsep_watch.sandbox.audio import RATE
from mvsep_watch.sandbox.notes import Note, as_midi, as_srt, as_text, listen


def test_the_loudest_pitch_is_followed():
    """A second of A4, half a second of nothing, half a second of C5."""
    t = np.arange(RATE) / RATE
    quiet = np.zeros(RATE // 2)
    sound = np.concatenate([np.sin(2 * np.pi * 440 * t), quiet, np.sin(2 * np.pi * 523.25 * t[: RATE // 2])])

    notes = listen([np.stack([sound, sound]).astype(np.float32)])

    assert notes == [Note(69, 0, 1), Note(72, 1.5, 2)]


def test_text_and_subtitles_say_what_was_heard():
    """No words are pretended."""
    notes = [Note(69, 0, 1), Note(72, 61.5, 62)]

    assert as_text(notes) == "[A4]\n[C5]\n"
    assert as_srt(notes).splitlines()[:2] == ["1", "00:00:00,000 --> 00:00:01,000"]
    assert "00:01:01,500 --> 00:01:02,000" in as_srt(notes)


def test_midi_is_a_standard_file():
    """One header, one track of the length that it says, ended as it must be."""
    midi = as_midi([Note(69, 0, 1), Note(72, 30.5, 31)])

    assert midi[:14] == b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0"
    assert int.from_bytes(midi[18:22], "big") == len(midi) - 22
    assert midi.endswith(b"\x00\xff\x2f\x00")
