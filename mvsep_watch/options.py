"""Decides which model and which options a rule's words mean, by the catalogue.

A model is named by its number, its name, or a part of it that fits one model only; an option by `add_optN` or the
field's label, and its value by the option's key or its label. What is not certain is refused with the near matches:
a wrong guess here would be paid for. Nothing is read or asked; the catalogue comes as an argument.

The one surprise: a number is never guessed from a name's digits, and an option key always wins over an equal label.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Catalogue, Field, FieldCondition, InputKind, Scope, option_number

NOT_A_MODEL = "sep_type takes a number or a name of the service's catalogue"
TEXT_INPUTS = frozenset({"text", "textarea"})
MAX_NEAREST = 3
MIN_LIKENESS = 0.8
"""Of 3: less is shared by models that have nothing to do with each other."""
MAX_SUGGESTIONS = 5
"""More near matches than this are a list to read, not a hint."""


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


def resolve_options(
    options: tuple[tuple[str, str], ...], algorithm: Algorithm, *, known: Algorithm | None = None
) -> dict[str, str]:
    """Give every option that is sent, by `add_optN` in the order of N, with the catalogue's defaults filled in.

    Fields that the conditions hide are left out; a select field without a default stays the server's business.

    Args:
        options: Pairs as the rule has them: (`add_optN` or label, key or label or text).
        algorithm: The model.
        known: The model as it was listed once, for the hints: what a number or a key was called.

    Raises:
        RequestRefusedError: A field or a value is unknown or ambiguous, given twice, given though hidden, or a text
            that the model needs is missing.
    """
    given = _given(options, algorithm, known)
    shown, chosen = _with_defaults(given, algorithm)
    _refuse_hidden(algorithm, given, chosen)
    for field in _missing_texts(shown, chosen):
        raise RequestRefusedError(
            f"model {describe(algorithm)} needs {_field_name(field)}", hint="give it in the rule's options"
        )
    return chosen


def check_options(options: Iterable[tuple[str, str]], algorithm: Algorithm, *, known: Algorithm | None = None) -> None:
    """Refuse options that are sent as they are, where the model does not take one of them any more.

    Args:
        options: Pairs of (`add_optN`, key or text).
        algorithm: The model as it is listed.
        known: The model as it was listed once, for the hints.

    Raises:
        RequestRefusedError: A field is gone, or a value of it.
    """
    for name, value in options:
        field = _field(name, algorithm, known)
        if not _is_text(field) and value not in field.options:
            raise _no_such_value(value, field, algorithm, known)


def prompt_field(algorithm: Algorithm, options: tuple[tuple[str, str], ...]) -> str | None:
    """Name the field that a dropped text fills: the first text that the model needs and the rule does not give.

    Args:
        algorithm: The model.
        options: Pairs as the rule has them.

    Raises:
        RequestRefusedError: A field or a value is unknown, ambiguous, or given twice.
    """
    missing = _missing_texts(*_with_defaults(_given(options, algorithm, None), algorithm))
    return missing[0].name if missing else None


def predict_stems(algorithm: Algorithm, options: Mapping[str, str]) -> dict[str, str]:
    """Give the stems that will come out, slug → label, by the catalogue; empty where it does not say.

    The model's own are those of the combination of options that fits, else those for all options. What one option
    sets replaces them, and what others add comes on top, wherever the fields stand.

    Args:
        algorithm: The model.
        options: What is sent, by `add_optN`: without the fields that the conditions hide.
    """
    sent = [(field, options.get(field.name, "")) for field in algorithm.fields]
    overrides = [field.output_overrides[key] for field, key in sent if key in field.output_overrides]
    stems = dict(_fitting_variant(algorithm, options) or algorithm.outputs)
    for override in sorted(overrides, key=lambda override: override.adds):
        stems = {**stems, **override.outputs} if override.adds else dict(override.outputs)
    return stems


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


def near_matches(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Give the known words that somebody who wrote `word` may have meant, the best first."""
    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(_fold(candidate), candidate)
    wanted = _fold(word)
    close = difflib.get_close_matches(wanted, by_folded, n=MAX_SUGGESTIONS, cutoff=0.6)
    holding = [candidate for candidate in by_folded if len(wanted) > 1 and wanted in candidate]
    return tuple(by_folded[folded] for folded in dict.fromkeys([*close, *holding]))[:MAX_SUGGESTIONS]


def describe(algorithm: Algorithm) -> str:
    """Name a model for a person: its number and its name."""
    return f'{algorithm.sep_type} "{algorithm.name}"'


def _fitting_variant(algorithm: Algorithm, options: Mapping[str, str]) -> Mapping[str, str] | None:
    keys = {field.server_key: options.get(field.name, field.default_key) for field in algorithm.fields}
    fitting = (variant.outputs for variant in algorithm.output_variants if variant.match.items() <= keys.items())
    return next(fitting, None)


def _by_number(number: int, catalogue: Catalogue, known: Catalogue) -> Algorithm:
    if number in catalogue:
        return catalogue[number]
    if number in known:
        raise _gone(known[number], catalogue)
    raise RequestRefusedError(f"the catalogue has no model {number}", hint=NOT_A_MODEL)


def _by_name(name: str, catalogue: Catalogue, known: Catalogue) -> Algorithm:
    wanted = _fold(name)
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
    stems = [set(map(_fold, algorithm.outputs.values())) for algorithm in (one, other)]
    words = [set(re.findall(r"\w+", _fold(algorithm.name))) for algorithm in (one, other)]
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
    return _fold(algorithm.name) == wanted


def _is_name_before_parenthesis(wanted: str, algorithm: Algorithm) -> bool:
    return _fold(algorithm.name.partition("(")[0]) == wanted


def _is_part_of_name(wanted: str, algorithm: Algorithm) -> bool:
    return bool(wanted) and wanted in _fold(algorithm.name)


def _given(options: tuple[tuple[str, str], ...], algorithm: Algorithm, known: Algorithm | None) -> dict[str, str]:
    given: dict[str, str] = {}
    for word, value in options:
        field = _field(word, algorithm, known)
        if field.name in given:
            raise RequestRefusedError(
                f'{_field_name(field)} of model {describe(algorithm)} is given twice, the second time as "{word}"',
                hint="give each option once, by its label or as add_optN",
            )
        given[field.name] = _value(value, field, algorithm, known)
    return given


def _with_defaults(given: Mapping[str, str], algorithm: Algorithm) -> tuple[list[Field], dict[str, str]]:
    """Give the fields that the conditions show, and what is sent for them: what is given, else the defaults."""
    fields = sorted(algorithm.fields, key=lambda field: option_number(field.name))
    values = {field.name: given.get(field.name, field.default_key) for field in fields}
    chosen = {name: value for name, value in values.items() if value is not None}
    names = _shown(fields, chosen)
    sent = {name: value for name, value in chosen.items() if name in names}
    return [field for field in fields if field.name in names], sent


def _field(word: str, algorithm: Algorithm, known: Algorithm | None) -> Field:
    by_name = [field for field in algorithm.fields if field.name == word]
    found = by_name or [field for field in algorithm.fields if _fold(field.label) == _fold(word)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(_field_name(field) for field in found or algorithm.fields)
    if found:
        raise RequestRefusedError(f'option "{word}" fits several of model {describe(algorithm)}: {listed}')
    was = _field_of(word, known)
    near = near_matches(was.label if was else word, [field.label for field in algorithm.fields])
    suggestion = f'; did you mean "{near[0]}"?' if near else ""
    called = f"{_field_name(was)} any more" if was else f'"{word}"'
    raise RequestRefusedError(
        f"model {describe(algorithm)} has no option {called}",
        hint=f"it takes {listed}{suggestion}" if listed else "it takes no options",
    )


def _field_of(name: str, known: Algorithm | None) -> Field | None:
    return next((field for field in known.fields if field.name == name), None) if known else None


def _value(value: str, field: Field, algorithm: Algorithm, known: Algorithm | None) -> str:
    if _is_text(field) or value in field.options:
        return value
    found = [key for key, label in field.options.items() if _fold(label) == _fold(value)]
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestRefusedError(
            f'"{value}" for {_field_name(field)} of model {describe(algorithm)} fits several',
            hint=f"say which key: {_choices(field, found)}",
        )
    raise _no_such_value(value, field, algorithm, known)


def _no_such_value(value: str, field: Field, algorithm: Algorithm, known: Algorithm | None) -> RequestRefusedError:
    was = _field_of(field.name, known)
    label = was.options.get(value) if was else None
    near = near_matches(label or value, field.options.values())
    suggestion = f'; did you mean "{near[0]}"?' if near else ""
    called, since = (f'{value} "{label}"', " any more") if label else (f'"{value}"', "")
    return RequestRefusedError(
        f"{called} for {_field_name(field)} of model {describe(algorithm)} is not one of its values{since}",
        hint=f"allowed: {_choices(field, field.options)}{suggestion}",
    )


def _is_text(field: Field) -> bool:
    return field.input_type in TEXT_INPUTS or not field.options


def _shown(fields: Sequence[Field], values: Mapping[str, str]) -> set[str]:
    """Drop what the conditions hide, again and again: a field may depend on one that is itself hidden."""
    shown = {field.name for field in fields}
    while True:
        visible = {name: value for name, value in values.items() if name in shown}
        still = {field.name for field in fields if field.name in shown and _is_shown(field, visible)}
        if still == shown:
            return shown
        shown = still


def _is_shown(field: Field, values: Mapping[str, str]) -> bool:
    return all(
        (values.get(condition.depends_on) in condition.values) == condition.shows for condition in field.conditions
    )


def _refuse_hidden(algorithm: Algorithm, given: Mapping[str, str], chosen: Mapping[str, str]) -> None:
    for field in algorithm.fields:
        if field.name in given and field.name not in chosen:
            conditions = " and ".join(_condition(condition) for condition in field.conditions)
            raise RequestRefusedError(
                f"{_field_name(field)} of model {describe(algorithm)} has no effect with the other options of the rule",
                hint=f"it counts only while {conditions}: leave it out, or change the other option",
            )


def _missing_texts(shown: Iterable[Field], chosen: Mapping[str, str]) -> list[Field]:
    """Give the texts that the model needs and nobody gives; what is hidden is not needed."""
    needed = [field for field in shown if _is_text(field) and field.required]
    return [field for field in needed if not chosen.get(field.name, "").strip()]


def _condition(condition: FieldCondition) -> str:
    return f"{condition.depends_on} is {'' if condition.shows else 'not '}{' or '.join(condition.values)}"


def _choices(field: Field, keys: Iterable[str]) -> str:
    return ", ".join(f'{key} "{field.options[key]}"' for key in keys)


def _field_name(field: Field) -> str:
    return f'{field.name} "{field.label}"'


def _listed(algorithms: Sequence[Algorithm]) -> str:
    more = len(algorithms) - MAX_SUGGESTIONS
    listed = ", ".join(describe(algorithm) for algorithm in algorithms[:MAX_SUGGESTIONS])
    return f"{listed} or {more} more" if more > 0 else listed


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()
