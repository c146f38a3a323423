"""Which model a rule means: by its number, its name, or a part of it that fits one model only.

The one surprise: a number is never guessed from a name's digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Catalogue, InputKind, Scope
from mvsep_watch.options.words import MAX_SUGGESTIONS, describe, fold, near_matches

NOT_A_MODEL = "sep_type takes a number or a name of the service's catalogue"
MAX_NEAREST = 3
MIN_LIKENESS = 0.8
"""Of 3: less is shared by models that have nothing to do with each other."""


def resolve_model(sep_type: int | str, catalogue: Catalogue, *, known: Catalogue | None = None) -> Algorithm:
    """Find the one model that a rule means.

    Args:
        sep_type: The model's number; or its name, the name before its parenthesis, or any part of it, in any case.
        catalogue: The models, by number.
        known: Models that were listed once, for the hints: what became of a name, and what comes nearest.

    Raises:
        RequestRefusedError: No model fits, several do, or the one that does is inactive.
    """
    known = known or {}
    if isinstance(sep_type, int):
        algorithm = _by_number(sep_type, catalogue, known)
    else:
        algorithm = _by_name(sep_type, catalogue, known)
    if not algorithm.is_active:
        raise RequestRefusedError(
            f"model {describe(algorithm)} is switched off by the service", hint=instead_of(algorithm, catalogue)
        )
    return algorithm


def instead_of(algorithm: Algorithm, catalogue: Catalogue, *, has_premium: bool = True) -> str:
    """Say in a hint which living models come nearest to one that cannot be used: by group, stems and name.

    Args:
        algorithm: The model, whether the catalogue has it or not.
        catalogue: The models to choose from.
        has_premium: Whether those for premium accounts are to choose from as well.
    """
    living = [
        (_likeness(algorithm, other), -place, other)
        for place, other in enumerate(catalogue.values())
        if other.is_active and other.sep_type != algorithm.sep_type
        and (other.takes_audio, other.scope) == (algorithm.takes_audio, algorithm.scope)
        and (has_premium or not other.needs_premium)
    ]  # fmt: skip
    nearest = [other for likeness, _, other in sorted(living, reverse=True)[:MAX_NEAREST] if likeness >= MIN_LIKENESS]
    hint = "choose another model for the rule's sep_type"
    return f"{hint}; the nearest: {_listed(nearest)}" if nearest else hint


def why_unfit(algorithm: Algorithm, kind: InputKind) -> str:
    """Say in half a sentence why a model cannot be fed with an input of this kind; empty where it can."""
    match kind:
        case InputKind.FILE | InputKind.LINK if not algorithm.takes_audio:
            return f"takes no {'audio file' if kind == InputKind.FILE else 'link'}"
        case InputKind.TEXT if algorithm.scope != Scope.NO_UPLOAD:
            return "takes audio, not a text alone"
        case InputKind.PAIR if algorithm.scope != Scope.MATCHERING_UPLOAD:
            return "takes no pair of files"
    return ""


def _by_number(number: int, catalogue: Catalogue, known: Catalogue) -> Algorithm:
    if number in catalogue:
        return catalogue[number]
    if number in known:
        raise _gone(known[number], catalogue)
    raise RequestRefusedError(f"the catalogue has no model {number}", hint=NOT_A_MODEL)


def _by_name(name: str, catalogue: Catalogue, known: Catalogue) -> Algorithm:
    wanted = fold(name)
    for candidates in _rungs(wanted, list(catalogue.values())):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise RequestRefusedError(
                f'"{name}" fits {len(candidates)} models', hint=f"say which: {_listed(candidates)}"
            )
    was = next(filter(None, _rungs(wanted, list(known.values()))), [])
    if len(was) == 1:
        raise _gone(was[0], catalogue)
    near = _near_models(name, [algorithm for algorithm in catalogue.values() if algorithm.is_active])
    raise RequestRefusedError(
        f'the catalogue has no model "{name}"',
        hint=f"did you mean {_listed(near)}?" if near else NOT_A_MODEL,
    )


def _gone(was: Algorithm, catalogue: Catalogue) -> RequestRefusedError:
    """Say what became of a model that was listed once, at least under that name."""
    renamed = catalogue.get(was.sep_type)
    hint = f"it is called {describe(renamed)}: write that, or the number" if renamed else instead_of(was, catalogue)
    return RequestRefusedError(f"the catalogue has no model {describe(was)} any more", hint=hint)


def _likeness(one: Algorithm, other: Algorithm) -> float:
    """Say from 0 to 3 how alike two models are: a third each for the group, the stems and the words of the name."""
    stems = [set(map(fold, algorithm.outputs.values())) for algorithm in (one, other)]
    words = [set(re.findall(r"\w+", fold(algorithm.name))) for algorithm in (one, other)]
    return (one.group == other.group != "") + _shared(*stems) + _shared(*words)


def _shared(some: set[str], others: set[str]) -> float:
    return len(some & others) / max(1, len(some | others))


def _near_models(name: str, algorithms: list[Algorithm]) -> list[Algorithm]:
    """Give the models that may be meant, by the whole name or what is before its parenthesis, the best first."""
    named = [(word, algorithm) for algorithm in algorithms for word in (algorithm.name.split("(")[0], algorithm.name)]
    near = near_matches(name, [word for word, _ in named])
    found = [algorithm for match in near for word, algorithm in named if word == match]
    return list({algorithm.sep_type: algorithm for algorithm in found}.values())


def _rungs(wanted: str, algorithms: list[Algorithm]) -> list[list[Algorithm]]:
    """Give the candidates, strictest reading first; an inactive model counts only where no active one fits as well."""
    active = [algorithm for algorithm in algorithms if algorithm.is_active]
    readings = (_is_name, _is_name_before_parenthesis, _is_part_of_name)
    return [
        [algorithm for algorithm in pool if fits(wanted, algorithm)]
        for fits in readings
        for pool in (active, algorithms)
    ]


def _is_name(wanted: str, algorithm: Algorithm) -> bool:
    return fold(algorithm.name) == wanted


def _is_name_before_parenthesis(wanted: str, algorithm: Algorithm) -> bool:
    return fold(algorithm.name.partition("(")[0]) == wanted


def _is_part_of_name(wanted: str, algorithm: Algorithm) -> bool:
    return bool(wanted) and wanted in fold(algorithm.name)


def _listed(algorithms: Sequence[Algorithm]) -> str:
    more = len(algorithms) - MAX_SUGGESTIONS
    listed = ", ".join(describe(algorithm) for algorithm in algorithms[:MAX_SUGGESTIONS])
    return f"{listed} or {more} more" if more > 0 else listed
