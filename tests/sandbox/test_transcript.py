import numpy as np

from mvsep_watch.sandbox.audio import RATE
from mvsep_watch.sandbox.hearing import hear
from mvsep_watch.sandbox.transcript import SENTENCE, Cue, as_srt, as_text, transcribe

from .test_hearing import stereo, tone


def test_a_cue_stands_where_there_is_sound():
    """A pause ends one, a breath does not, and a long stretch is cut."""
    breath, pause = np.zeros(RATE // 5), np.zeros(RATE)
    sound = np.concatenate([tone(440), breath, tone(440), pause, np.random.default_rng(1).random(12 * RATE) - 0.5])

    cues = transcribe(hear([stereo(sound)]))

    assert [cue.text for cue in cues] == ["[sound, about A4]", *["[sound without a pitch]"] * 2]
    assert np.allclose([(cue.start_s, cue.end_s) for cue in cues], [(0, 2.2), (3.2, 11.2), (11.2, 15.2)], atol=0.1)


def test_a_soft_recording_is_heard_as_well():
    """What counts as loud follows from the loudest."""
    sound = np.concatenate([tone(440), np.zeros(RATE), tone(440)]) * 0.05

    assert len(transcribe(hear([stereo(sound)]))) == 2


def test_silence_is_said():
    """For as long as it lasts."""
    cues = transcribe(hear([np.zeros((2, RATE), np.float32)]))

    assert [cue.text for cue in cues] == ["[silence]"]
    assert 1 <= cues[0].end_s < 1.1


def test_text_and_subtitles_pretend_no_words():
    """Both begin with the sentence that says what they are; subtitles are numbered and timed."""
    cues = [Cue(0, 1, "[sound, about A4]"), Cue(3661.5, 3662, "[sound without a pitch]")]

    assert as_text(cues).splitlines() == [SENTENCE, "[sound, about A4]", "[sound without a pitch]"]
    assert as_srt(cues) == (
        f"1\n00:00:00,000 --> 00:00:01,000\n{SENTENCE}\n[sound, about A4]\n\n"
        "2\n01:01:01,500 --> 01:01:02,000\n[sound without a pitch]\n"
    )
