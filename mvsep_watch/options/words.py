"""How models are named, and what somebody who wrote a word may have meant. Case and spaces do not count."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mvsep_watch.model import Algorithm

MAX_SUGGESTIONS = 5
"""More near matches than this are a list to read, not a hint."""


def near_matches(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Give the known words that somebody who wrote `word` may have meant, the best first."""
    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(fold(candidate), candidate)
    wanted = fold(word)
    close = difflib.get_close_matches(wanted, by_folded, n=MAX_SUGGESTIONS, cutoff=0.6)
    holding = [candidate for candidate in by_folded if len(wanted) > 1 and wanted in candidate]
    return tuple(by_folded[folded] for folded in dict.fromkeys([*close, *holding]))[:MAX_SUGGESTIONS]


def describe(algorithm: Algorithm) -> str:
    """Name a model for a person: its number and its name."""
    return f'{algorithm.sep_type} "{algorithm.name}"'


def fold(text: str) -> str:
    """Give a text as it is compared."""
    return " ".join(text.split()).casefold()
