"""Decides which models some words mean, and in which order they are shown. Pure; the catalogue comes as an argument.

A word that is in a model's name says more than one that is only in a stem's, that more than one in a stem which only
some choice of options brings, and that more than one in its group's. All words must be somewhere. What a sort does not
know comes last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mvsep_watch import pricing
from mvsep_watch.errors import RequestRefusedError, UsageError
from mvsep_watch.model import Algorithm, Catalogue
from mvsep_watch.options import describe, near_matches, predict_stems, resolve_options

PRICED_MINUTES = 1000
"""Prices are whole credits; over so many minutes the price of one shows its decimals."""
LISTED = 5
IN_NAME, IN_STEM, IN_OPTIONS, IN_GROUP = range(4)


def one(words: Sequence[str], catalogue: Catalogue) -> Algorithm | None:
    """Find the model that is named by its number, or by its name if no other has it; None where neither fits."""
    if len(words) == 1 and words[0].isascii() and words[0].isdigit() and int(words[0]) in catalogue:
        return catalogue[int(words[0])]
    name = _fold(" ".join(words))
    named = [algorithm for algorithm in catalogue.values() if _fold(algorithm.name) == name]
    return named[0] if len(named) == 1 else None


def only(words: Sequence[str], catalogue: Catalogue) -> Algorithm:
    """Find the one model that words mean, by number, name or search.

    Raises:
        UsageError: They mean none or several.
    """
    if not words:
        raise UsageError("which model?", hint="give its number or its name; `mvsep-watch algorithms` lists them")
    found = [algorithm] if (algorithm := one(words, catalogue)) else matching(words, catalogue)
    if len(found) == 1:
        return found[0]
    more = ", …" if len(found) > LISTED else ""
    raise UsageError(
        f'"{" ".join(words)}" fits {len(found)} models',
        hint=f"give the number of one of them: {', '.join(map(describe, found[:LISTED]))}{more}",
    )


def matching(words: Sequence[str], catalogue: Catalogue) -> list[Algorithm]:
    """Find the models that all the words fit, the best first, the more used first among equals.

    Raises:
        UsageError: No model fits; the hint has words that would.
    """
    ranked = [(rank, algorithm) for algorithm in catalogue.values() if (rank := _rank(words, algorithm)) is not None]
    if not ranked:
        raise UsageError(f'no model fits "{" ".join(words)}"', hint=_nearest(words, catalogue))
    ranked.sort(key=lambda found: (*found[0], -(found[1].usage or 0)))
    return [algorithm for _, algorithm in ranked]


def ordered(algorithms: Iterable[Algorithm], *, sort: str | None = None, words: Sequence[str] = ()) -> list[Algorithm]:
    """Order models for a list: what the words fit by options or group alone comes late, what is switched off last.

    Args:
        algorithms: In their own order, which stays where nothing else makes a difference.
        sort: By `rating`, `usage`, `price` or `name`: the best, the most used, the cheapest or A first.
        words: What was searched for: the best model for vocals is no bass model that can bring vocals as well.
    """
    by_sort = sorted(algorithms, key=SORTS[sort]) if sort else algorithms
    return sorted(by_sort, key=lambda algorithm: (not algorithm.is_active, _is_aside(words, algorithm)))


def credits_per_minute(algorithm: Algorithm, options: Mapping[str, str] | None = None) -> float | None:
    """Give what a minute costs with premium, other options at their defaults; None where it is not known."""
    credits_ = credits_for(algorithm, minutes=PRICED_MINUTES, options=options or {})
    return None if credits_ is None else credits_ / PRICED_MINUTES


def credits_for(algorithm: Algorithm, *, minutes: float, options: Mapping[str, str]) -> int | None:
    """Give what one input of so many minutes costs with premium; None where it is not known."""
    seconds = minutes * pricing.SECONDS_A_MINUTE
    return pricing.price(duration_s=seconds, algorithm=algorithm, options=options, premium=True)


def usual_stems(algorithm: Algorithm) -> dict[str, str]:
    """Give the stems with every option at its default, slug → label."""
    return predict_stems(algorithm, defaults(algorithm))


def defaults(algorithm: Algorithm) -> dict[str, str]:
    """Give every option's default, where it has one."""
    try:
        return resolve_options((), algorithm)
    except RequestRefusedError:  # a text is missing, which makes no stems
        return {field.name: field.default_key for field in algorithm.fields if field.default_key is not None}


def every_stem(algorithm: Algorithm) -> tuple[str, ...]:
    """Give the labels of all stems that some choice of options may produce."""
    return tuple(dict.fromkeys(label for table in algorithm.stem_tables for label in table.values()))


def _price(algorithm: Algorithm) -> float:
    known = credits_per_minute(algorithm)
    return math.inf if known is None else known


SORTS: dict[str, Callable[[Algorithm], Any]] = {
    "rating": lambda algorithm: (-(algorithm.rating or 0), -algorithm.votes),
    "usage": lambda algorithm: -(algorithm.usage or 0),
    "price": _price,
    "name": lambda algorithm: _fold(algorithm.name),
}


def _rank(words: Sequence[str], algorithm: Algorithm) -> tuple[int, int] | None:
    """Say where the words are, the worst first; None where one of them is nowhere."""
    stems = (" \n ".join(labels) for labels in (usual_stems(algorithm).values(), every_stem(algorithm)))
    places = [_fold(text) for text in (algorithm.name, *stems, algorithm.group)]
    found = [next((level for level, text in enumerate(places) if _fold(word) in text), None) for word in words]
    levels = [level for level in found if level is not None]
    return (max(levels), sum(levels)) if len(levels) == len(words) and levels else None


def _is_aside(words: Sequence[str], algorithm: Algorithm) -> bool:
    """Say whether the words are in what only some options bring, or in the group's name alone."""
    rank = _rank(words, algorithm)
    return rank is not None and rank[0] >= IN_OPTIONS


def _nearest(words: Sequence[str], catalogue: Catalogue) -> str:
    known = {
        word
        for algorithm in catalogue.values()
        for text in (algorithm.name, algorithm.group, *every_stem(algorithm))
        for word in text.replace("(", " ").replace(")", " ").replace(",", " ").split()
    }
    near = [match for word in words for match in near_matches(word, sorted(known))[:1]]
    return f"did you mean {' '.join(near)}?" if near else "`mvsep-watch algorithms` lists them all"


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()
