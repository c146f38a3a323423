"""Text results: where sound was heard, as text and as subtitles.

Pure. The sandbox understands no words and says so; the times are real, those of the stretches that are loud enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mvsep_watch.sandbox.hearing import FRAME_S, QUIET, Heard
from mvsep_watch.sandbox.notes import note_name

SENTENCE = "This is the sandbox: it understands no words and tells where there is sound."
PAUSE_S = 0.4
"""A shorter pause does not end a stretch: one is there in every sentence."""
LONGEST_S = 8.0
"""Subtitles are cut before they stand for longer than this."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle; times in seconds."""

    start_s: float
    end_s: float
    text: str


def transcribe(heard: Heard) -> list[Cue]:
    """Give a cue for each stretch of sound, and one for a silence that is all there is."""
    cues = [_cue(heard, start, end) for start, end in _stretches(heard)]
    return cues or [Cue(0.0, len(heard.level) * FRAME_S, "[silence]")]


def as_text(cues: list[Cue]) -> str:
    """Write the cues as lines of text, below a sentence that says what they are."""
    return "".join(f"{line}\n" for line in (SENTENCE, *(cue.text for cue in cues)))


def as_srt(cues: list[Cue]) -> str:
    """Write the cues as subtitles, the first with the sentence above it."""
    texts = [f"{SENTENCE}\n{cues[0].text}", *(cue.text for cue in cues[1:])]
    return "\n".join(
        f"{number}\n{_srt_time(cue.start_s)} --> {_srt_time(cue.end_s)}\n{text}\n"
        for number, (cue, text) in enumerate(zip(cues, texts, strict=True), 1)
    )


def _stretches(heard: Heard) -> list[tuple[int, int]]:
    """Give the first frame of each loud stretch, and the one after its last."""
    loud = heard.level > max(QUIET, 0.1 * float(np.percentile(heard.level, 95)))
    edges = np.flatnonzero(np.diff(loud, prepend=False, append=False))
    joined: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2).tolist():
        if joined and (start - joined[-1][1]) * FRAME_S < PAUSE_S:
            start = joined.pop()[0]  # noqa: PLW2901 - the two are one stretch
        joined.append((start, end))
    longest = int(LONGEST_S / FRAME_S)
    return [(part, min(part + longest, end)) for start, end in joined for part in range(start, end, longest)]


def _cue(heard: Heard, start: int, end: int) -> Cue:
    pitch_hz = Heard(heard.level[start:end], heard.pitch_hz[start:end]).mean_pitch_hz
    text = f"[sound, about {note_name(pitch_hz)}]" if pitch_hz else "[sound without a pitch]"
    return Cue(start * FRAME_S, end * FRAME_S, text)


def _srt_time(at_s: float) -> str:
    minutes, milliseconds = divmod(round(at_s * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d},{milliseconds % 1000:03d}"
