"""Results of every kind, from jobs as the service hands them out."""

import hashlib

import numpy as np
import pytest

from mvsep_watch.audio import check_midi_output, check_output, check_text_output
from mvsep_watch.sandbox.audio import RATE, Encoder, UnreadableAudioError, decode
from mvsep_watch.sandbox.catalogue import InputKind, Kind
from mvsep_watch.sandbox.hearing import hear
from mvsep_watch.sandbox.jobs import Account, Job, Upload
from mvsep_watch.sandbox.making import Maker, StoppingError

from .conftest import NOON, TOKEN, write_tone

TEXT = "The quick brown fox"
PROMPTS = {62: "add_opt1", 104: "add_opt2", 115: "add_opt1", 118: "add_opt1", 119: "add_opt1", 121: "add_opt1"}
VOICED = {103: "add_opt2", 120: "add_opt1"}


@pytest.fixture
def make_job(catalogue, tmp_path):
    def make(sep_type, *paths, output_format=1, **options):
        model = catalogue.models[sep_type]
        inputs = tuple(Upload(path=path, name=path.name, size_bytes=1, sha256="", duration_s=1.0) for path in paths)
        return Job(
            id=1,
            hash="20260101120000-0123456789-song.wav",
            account=Account(token=TOKEN),
            input_kind=model.input_kind if paths else InputKind.NONE,
            inputs=inputs,
            model=model,
            options=model.chosen(options),
            output_format=output_format,
            charged=0,
            created_at=NOON,
        )

    return make


@pytest.fixture
def make(make_job, tmp_path):
    """Make a model's results and give what was made."""

    def run(sep_type, *paths, is_stopping=lambda: False, **wanted):
        storage = tmp_path / "storage"
        storage.mkdir(exist_ok=True)
        return Maker(make_job(sep_type, *paths, **wanted), storage, is_stopping).make()

    return run


def samples(result):
    return np.concatenate(list(decode(result.path)), axis=1)


def seconds(result):
    return samples(result).shape[1] / RATE


def loudness(sound):
    return float(np.sqrt(np.mean(sound**2)))


def digest(made):
    return [hashlib.sha256(result.path.read_bytes()).hexdigest() for result in made.results]


@pytest.mark.parametrize("sep_type", [39, 64])
def test_a_text_model_gives_text_and_subtitles(make, tmp_path, sep_type):
    """As the transcription and as files that hold the same, which the client accepts."""
    made = make(sep_type, write_tone(tmp_path / "tone.wav", seconds=2))

    found = {result.path.suffix: result.path.read_text() for result in made.results}
    for result in made.results:
        check_text_output(result.path)
    assert [result.label for result in made.results] == ["Text", "Subtitles"]
    assert made.transcription == {"text": found[".txt"], "srt": found[".srt"]}
    assert "00:00:00,000 --> 00:00:0" in made.transcription["srt"]


@pytest.mark.parametrize("sep_type", [80, 113, 114, 127])
def test_a_midi_model_gives_a_midi_file(make, tmp_path, sep_type):
    """Of the usual kind, and no transcription."""
    made = make(sep_type, write_tone(tmp_path / "tone.wav", seconds=2))

    assert [(result.label, result.path.suffix) for result in made.results] == [("MIDI", ".mid")]
    assert made.transcription == {}
    check_midi_output(made.results[0].path)


def test_notes_are_those_of_the_input(make, tmp_path):
    """An A4 goes on."""
    made = make(114, write_tone(tmp_path / "tone.wav", seconds=1))

    assert bytes((0x90, 69)) in made.results[0].path.read_bytes()


def test_drums_are_notes_of_the_drum_channel(make, tmp_path):
    """A pitch is nothing to a model that writes drums down."""
    with Encoder(path := tmp_path / "beat.wav", 1) as encoder:
        encoder.write(np.concatenate([np.zeros((2, RATE)), np.full((2, RATE // 10), 0.5)], axis=1).astype(np.float32))

    midi = make(127, path).results[0].path.read_bytes()

    assert bytes((0x99, 36)) in midi


def test_what_is_to_be_extracted_first_is_what_is_listened_to(make, tmp_path):
    """The deep tone at one side stands out of the whole, and is no part of the vocals in the middle."""
    deep, high = (np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE) for hertz in (110, 440))
    with Encoder(path := tmp_path / "song.wav", 1) as encoder:
        encoder.write(np.stack([0.4 * deep + 0.1 * high, 0.1 * high]).astype(np.float32))

    original, vocals = (make(80, path, add_opt1=key).results[0].path.read_bytes() for key in ("0", "1"))

    assert (bytes((0x90, 45)) in original, bytes((0x90, 69)) in original) == (True, False)
    assert (bytes((0x90, 45)) in vocals, bytes((0x90, 69)) in vocals) == (False, True)


@pytest.mark.parametrize("output_format", range(6))
def test_a_match_is_written_in_the_asked_format(make, tmp_path, output_format):
    """As long as the target, as loud as the reference."""
    target = write_tone(tmp_path / "target.wav", seconds=2, hertz=300)
    reference = write_tone(tmp_path / "reference.wav", seconds=1, hertz=300)
    with Encoder(quiet := tmp_path / "quiet.wav", 1) as encoder:
        for block in decode(target):
            encoder.write(block / 20)

    (result,) = make(68, quiet, reference, output_format=output_format).results

    assert result.label == "Matched"
    check_output(result.path, format_number=output_format, source_duration_s=2)
    assert seconds(result) == pytest.approx(2, abs=0.06)
    assert loudness(samples(result)) == pytest.approx(loudness(np.hstack(list(decode(reference)))), rel=0.05)


@pytest.mark.parametrize("sep_type", PROMPTS)
@pytest.mark.parametrize("output_format", [0, 5])
def test_a_model_without_an_upload_makes_something_to_hear(make, sep_type, output_format):
    """From the text alone, in the asked-for format."""
    (result,) = make(sep_type, output_format=output_format, **{PROMPTS[sep_type]: TEXT}).results

    check_output(result.path, format_number=output_format, source_duration_s=None)
    assert 0.03 < loudness(samples(result)) < 0.5


@pytest.mark.parametrize("length", ["3", "10", "47"])
def test_a_sound_is_as_long_as_asked(make, length):
    """To the sample, where the format keeps them all."""
    (result,) = make(62, add_opt1="rain", add_opt2=length).results

    assert samples(result).shape[1] == int(length) * RATE


def test_a_sound_without_an_asked_for_length_has_one_all_the_same(make):
    """The service's own default is unknown."""
    assert seconds(make(62, add_opt1="rain").results[0]) == 10


@pytest.mark.parametrize("sep_type", [104, 115, 118, 119])
def test_a_longer_text_takes_longer_to_say(make, sep_type):
    """In every script; pauses count too."""
    texts = ["a", "Hello", "Hello, world.", "Привет, мир! Как дела?", "你好" * 20]

    lengths = [seconds(make(sep_type, **{PROMPTS[sep_type]: text}).results[0]) for text in texts]

    assert lengths == sorted(set(lengths))


@pytest.mark.parametrize("text", [" \n", "…", "\udcff", "🎵", "\0", "ﬁ ß é"])
def test_any_text_can_be_said(make, text):
    """Even one without a letter."""
    assert seconds(make(115, add_opt1=text).results[0]) > 0.2


def test_options_change_the_voice_and_the_song(make):
    """Another speaker, another description, another genre."""
    speakers = [digest(make(118, add_opt1=TEXT, add_opt2=speaker)) for speaker in ("aiden", "vivian")]
    designs = [digest(make(119, add_opt1=TEXT, add_opt2=description)) for description in ("old man", "young man")]
    songs = [digest(make(121, add_opt1=TEXT, add_opt3=genre)) for genre in ("pop", "jazz")]

    assert all(first != second for first, second in (speakers, designs, songs))


def test_a_song_has_a_second_for_each_word_within_limits(make):
    """Never shorter than eight seconds nor longer than thirty."""
    lengths = [seconds(make(121, add_opt1="la " * words).results[0]) for words in (1, 10, 500)]

    assert lengths == [8, 10, 30]


@pytest.mark.parametrize("sep_type", VOICED)
@pytest.mark.parametrize("hertz", [110.0, 220.0])
def test_a_cloned_voice_has_the_pitch_of_its_reference(make, tmp_path, sep_type, hertz):
    """The text's own melody is a semitone around it."""
    reference = write_tone(tmp_path / "reference.wav", seconds=2, hertz=hertz)

    (result,) = make(sep_type, reference, **{VOICED[sep_type]: "lalelu " * 5}).results

    assert result.label == "Speech"
    assert hear(decode(result.path)).mean_pitch_hz == pytest.approx(hertz, rel=0.07)


def test_a_reference_without_a_pitch_gives_a_voice_too(make, tmp_path):
    """Of the usual size."""
    with Encoder(path := tmp_path / "noise.wav", 1) as encoder:
        encoder.write(np.random.default_rng(1).uniform(-0.3, 0.3, (2, RATE)).astype(np.float32))

    assert seconds(make(103, path, add_opt2="hello").results[0]) > 0.3


@pytest.mark.parametrize(
    ("sep_type", "output_format"), [*((48, number) for number in range(6)), (39, 0), (114, 0), (115, 0), (62, 0)]
)
def test_the_same_input_and_options_give_the_same_bytes(make, tmp_path, sep_type, output_format):
    """Whenever they are made."""
    paths = [] if sep_type in PROMPTS else [write_tone(tmp_path / "tone.wav")]
    options = {"add_opt1": TEXT, "add_opt2": "3"} if sep_type in PROMPTS else {}

    first, second = (digest(make(sep_type, *paths, output_format=output_format, **options)) for _ in range(2))

    assert first == second


def test_every_kind_of_the_catalogue_is_made(make, catalogue, tmp_path):
    """One model of each, in mp3, with the labels that the answer shows."""
    tone = write_tone(tmp_path / "tone.wav")
    inputs = {InputKind.FILE: [tone], InputKind.PAIR: [tone, tone], InputKind.NONE: []}
    by_kind = {model.kind: model for model in reversed(catalogue.models.values())}

    made = {
        kind: make(
            model.sep_type,
            *inputs[model.input_kind],
            output_format=0,
            **{each.name: TEXT for each in model.fields if not each.options},
        )
        for kind, model in by_kind.items()
    }

    assert made.keys() == set(Kind)
    assert all(result.path.stat().st_size for each in made.values() for result in each.results)


def test_what_was_begun_is_removed_when_the_input_breaks_off(make, tmp_path):
    """Nobody would ever ask for it."""
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt ")

    with pytest.raises(UnreadableAudioError):
        make(48, path)

    assert list((tmp_path / "storage").iterdir()) == []


@pytest.mark.parametrize("sep_type", [48, 39, 104])
def test_a_job_stops_within_a_piece(make, tmp_path, sep_type):
    """Whether audio is read or made."""
    paths = [] if sep_type in PROMPTS else [write_tone(tmp_path / "tone.wav")]

    with pytest.raises(StoppingError):
        make(sep_type, *paths, is_stopping=lambda: True, add_opt2=TEXT if sep_type == 104 else "")

    assert list((tmp_path / "storage").iterdir()) == []
