"""Results of every kind: stems, a matched target, speech, sounds, songs, notes and texts, as files.

Touches audio and the storage folder; knows no service, no order and no clock. The same input and options give the same
bytes. The surprise: audio is written while it is being made, a few seconds of it at a time, so an hour takes no more
memory than a minute; only a song is made as a whole, and songs are short.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, assert_never

from mvsep_watch.sandbox.audio import FORMATS, Encoder, Samples, decode
from mvsep_watch.sandbox.catalogue import Kind
from mvsep_watch.sandbox.dice import dice
from mvsep_watch.sandbox.hearing import hear
from mvsep_watch.sandbox.jobs import Job, Result, Upload, make_result
from mvsep_watch.sandbox.matching import match
from mvsep_watch.sandbox.notes import as_midi, find_notes
from mvsep_watch.sandbox.separation import separate
from mvsep_watch.sandbox.song import compose
from mvsep_watch.sandbox.spectra import mean_power
from mvsep_watch.sandbox.speech import Voice, speak, voice_like, voice_of
from mvsep_watch.sandbox.strikes import find_strikes
from mvsep_watch.sandbox.texture import weave
from mvsep_watch.sandbox.transcript import as_srt, as_text, transcribe

DRUM_MODELS = frozenset({127})
"""The ones whose notes are strokes."""
LENGTH_FIELD = "add_opt2"
"""Where the model that makes sounds has their length in seconds."""
USUAL_LENGTH_S = 10
"""What a sound without an asked-for length gets; the service's own default is unknown."""
SONG_S = (8, 30)
"""The shortest and the longest song; between them, a second for each word."""
_SoundKind = Literal[Kind.MATCHED, Kind.SPEECH, Kind.SOUND, Kind.SONG]


class StoppingError(Exception):
    """The sandbox is being stopped; the job is not worth finishing."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a job has given."""

    results: tuple[Result, ...]
    transcription: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes one job's results.

    Args:
        job: The job.
        storage: The folder for the result files.
        is_stopping: Asked before each piece of audio.
    """

    job: Job
    storage: Path
    is_stopping: Callable[[], bool]

    def make(self) -> Made:
        """Make all results; what was begun is removed if it cannot be finished.

        Raises:
            UnreadableAudioError: An input cannot be decoded.
            StoppingError: The sandbox is being stopped.
        """
        match self.job.model.kind:
            case Kind.STEMS:
                return self._stems()
            case Kind.MIDI:
                return self._notes()
            case Kind.TEXT:
                return self._text()
            case kind:
                sound = self._unless_stopping(self._sound(kind))
                return self._poured({kind.value: kind.capitalize()}, ({kind.value: samples} for samples in sound))

    def _stems(self) -> Made:
        labels = self.job.model.stems(self.job.options)
        return self._poured(labels, separate(self._decoded(self.job.upload), list(labels)))

    def _sound(self, kind: _SoundKind) -> Iterator[Samples]:
        match kind:
            case Kind.MATCHED:
                return self._matched()
            case Kind.SPEECH:
                return speak(self._prompt, self._voice())
            case Kind.SOUND:
                return weave(self._prompt, float(self.job.options[LENGTH_FIELD] or USUAL_LENGTH_S))
            case Kind.SONG:
                return self._song()
            case _ as never:
                assert_never(never)

    def _matched(self) -> Iterator[Samples]:
        measured, reference = (mean_power(self._decoded(each)) for each in (self.job.upload, self.job.reference))
        return match(self._decoded(self.job.upload), measured=measured, reference=reference)

    def _voice(self) -> Voice:
        """Give the voice of the reference, where there is one, else the one that belongs to the other options."""
        return voice_like(hear(self._listened())) if self.job.inputs else voice_of(*self._manner)

    def _song(self) -> Iterator[Samples]:
        chance = dice("song", self._prompt, *self._manner)
        seconds = min(max(len(self._prompt.split()), SONG_S[0]), SONG_S[1])
        yield compose(seconds, key=int(chance.integers(-5, 7)), first=int(chance.integers(16)))

    def _notes(self) -> Made:
        listened = self._listened()
        notes = find_strikes(listened) if self.job.model.sep_type in DRUM_MODELS else find_notes(hear(listened))
        return Made((self._written("MIDI", "mid", as_midi(notes)),))

    def _text(self) -> Made:
        cues = transcribe(hear(self._listened()))
        text, srt = as_text(cues), as_srt(cues)
        results = (self._written("Text", "txt", text.encode()), self._written("Subtitles", "srt", srt.encode()))
        return Made(results, {"text": text, "srt": srt})

    @property
    def _prompt(self) -> str:
        """The text that something is made from: the first option that is a text."""
        return next(self.job.options[each.name] for each in self.job.model.fields if not each.options)

    @property
    def _manner(self) -> list[str]:
        """All options but the prompt."""
        prompt = next(each.name for each in self.job.model.fields if not each.options)
        return [value for name, value in sorted(self.job.options.items()) if name != prompt]

    def _listened(self) -> Iterator[Samples]:
        """Give the input, or what an option asks to be extracted from it first."""
        decoded = self._decoded(self.job.upload)
        labels = (each.options.get(self.job.options[each.name], "") for each in self.job.model.fields)
        first = next((found[1] for label in labels if (found := re.fullmatch(r"Extract (\w+) first", label))), None)
        return (stretch[first] for stretch in separate(decoded, [first])) if first else decoded

    def _decoded(self, upload: Upload) -> Iterator[Samples]:
        return self._unless_stopping(decode(upload.path))

    def _unless_stopping(self, pieces: Iterable[Samples]) -> Iterator[Samples]:
        for piece in pieces:
            if self.is_stopping():
                raise StoppingError
            yield piece

    def _poured(self, labels: Mapping[str, str], stretches: Iterable[Mapping[str, Samples]]) -> Made:
        extension = FORMATS[self.job.output_format].extension
        results = {slug: self._result(label, slug, extension) for slug, label in labels.items()}
        with ExitStack() as undo:
            for result in results.values():
                undo.callback(result.path.unlink, missing_ok=True)
            self._encode({slug: result.path for slug, result in results.items()}, stretches)
            undo.pop_all()
        return Made(tuple(results.values()))

    def _encode(self, paths: Mapping[str, Path], stretches: Iterable[Mapping[str, Samples]]) -> None:
        with ExitStack() as stack:
            number = self.job.output_format
            encoders = {slug: stack.enter_context(Encoder(path, number)) for slug, path in paths.items()}
            for stretch in stretches:
                for slug, samples in stretch.items():
                    encoders[slug].write(samples)

    def _written(self, label: str, extension: str, content: bytes) -> Result:
        result = self._result(label, label.lower(), extension)
        result.path.write_bytes(content)
        return result

    def _result(self, label: str, slug: str, extension: str) -> Result:
        return make_result(self.job, self.storage, label=label, stem=slug, extension=extension)
