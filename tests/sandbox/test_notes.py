import numpy as np
import pytest

from mvsep_watch.audio import check_midi_output
from mvsep_watch.sandbox.audio import RATE
from mvsep_watch.sandbox.hearing import FRAME_S, Heard, hear
from mvsep_watch.sandbox.notes import Note, as_midi, find_notes, note_name

from .test_hearing import stereo, tone


def heard(*pitches_hz):
    """A frame for each pitch; None is one without."""
    pitch = np.array([np.nan if each is None else each for each in pitches_hz], np.float32)
    return Heard(level=np.full(len(pitch), 0.2, np.float32), pitch_hz=pitch)


def events(midi):
    """Read a file of one track as a parser does: (ticks since the beginning, status, first, second byte)."""
    assert midi[:4] == b"MThd"
    assert midi[14:18] == b"MTrk"
    track, position, ticks, found = midi[22:], 0, 0, []
    while position < len(track):
        delta = 0
        while True:
            byte = track[position]
            delta, position = delta << 7 | byte & 0x7F, position + 1
            if byte < 0x80:
                break
        ticks += delta
        status = track[position]
        if status == 0xFF:
            position += 3 + track[position + 2]
        else:
            found.append((ticks, status, *track[position + 1 : position + 3]))
            position += 3
    assert track.endswith(b"\xff\x2f\x00")
    return found


def test_a_melody_is_written_down():
    """A second of A4, half a second of nothing, half a second of C5."""
    sound = np.concatenate([tone(440), np.zeros(RATE // 2), tone(523.25, 0.5)])

    notes = find_notes(hear([stereo(sound)]))

    assert [note.pitch for note in notes] == [69, 72]
    times = [(note.start_s, note.end_s) for note in notes]
    assert times == [pytest.approx((0, 1), abs=0.1), pytest.approx((1.5, 2), abs=0.1)]


def test_a_slip_of_the_ear_is_no_note():
    """An odd frame among its like is one of them; alone it is nothing."""
    notes = find_notes(heard(440, 440, 880, 440, 440, None, None, 220, None, None))

    assert [(note.pitch, note.start_s, note.end_s) for note in notes] == [(69, 0, 5 * FRAME_S)]


def test_louder_notes_are_struck_harder():
    """Within what MIDI allows, however loud or soft."""
    loud, soft, full = (
        find_notes(Heard(np.full(4, level, np.float32), heard(*[440] * 4).pitch_hz))[0].velocity
        for level in (0.3, 0.02, 1.0)
    )

    assert 1 <= soft < loud < full == 127


def test_midi_is_a_standard_file(tmp_path):
    """One track of the length that it says; a note goes on and off at 960 ticks a second."""
    path = tmp_path / "notes.mid"
    path.write_bytes(as_midi([Note(69, 0, 1, 80), Note(72, 30.5, 31, 90)]))

    check_midi_output(path)
    on, off = 0x90, 0x80
    assert events(path.read_bytes()) == [(0, on, 69, 80), (960, off, 69, 0), (29280, on, 72, 90), (29760, off, 72, 0)]


def test_notes_may_sound_together(tmp_path):
    """Each ends in its time, and what ends does so before what begins at the same time."""
    path = tmp_path / "notes.mid"
    path.write_bytes(as_midi([Note(36, 0, 1, 80, 9), Note(42, 0.5, 1.5, 80, 9), Note(36, 1, 2, 80, 9)]))

    assert events(path.read_bytes()) == [
        (0, 0x99, 36, 80),
        (480, 0x99, 42, 80),
        (960, 0x89, 36, 0),
        (960, 0x99, 36, 80),
        (1440, 0x89, 42, 0),
        (1920, 0x89, 36, 0),
    ]


def test_midi_without_a_note_is_a_standard_file_too(tmp_path):
    """Silence is music too."""
    path = tmp_path / "notes.mid"
    path.write_bytes(as_midi(find_notes(hear([]))))

    check_midi_output(path)
    assert events(path.read_bytes()) == []


@pytest.mark.parametrize(("hertz", "name"), [(440, "A4"), (261.63, "C4"), (65.4, "C2"), (1046, "C6"), (92.5, "F#2")])
def test_notes_have_names(hertz, name):
    """The nearest note's, with its octave."""
    assert note_name(hertz) == name
