"""Decides which model and which options a rule's words mean, by the catalogue.

A model is named by its number, its name, or a part of it that fits one model only; an option by `add_optN` or the
field's label, and its value by the option's key or its label. What is not certain is refused with the near matches:
a wrong guess here would be paid for. Nothing is read or asked; the catalogue comes as an argument.

The one surprise: a number is never guessed from a name's digits, and an option key always wins over an equal label.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Catalogue, Field, FieldCondition, option_number

NOT_A_MODEL = "sep_type takes a number or a name of the service's catalogue"
MAX_SUGGESTIONS = 5
"""More near matches than this are a list to read, not a hint."""


def resolve_model(sep_type: int | str, catalogue: Catalogue) -> Algorithm:
    """Find the one model that a rule means.

    Args:
        sep_type: The model's number; or its name, the name before its parenthesis, or any part of it, in any case.
        catalogue: The models, by number.

    Raises:
        RequestRefusedError: No model fits, several do, or the one that does is inactive.
    """
    algorithm = _by_number(sep_type, catalogue) if isinstance(sep_type, int) else _by_name(sep_type, catalogue)
    if not algorithm.is_active:
        raise RequestRefusedError(
            f"model {describe(algorithm)} is switched off by the service",
            hint="choose another model for the rule's sep_type",
        )
    return algorithm


def resolve_options(options: tuple[tuple[str, str], ...], algorithm: Algorithm) -> dict[str, str]:
    """Give every option that is sent, by `add_optN` in the order of N, with the catalogue's defaults filled in.

    Fields that the conditions hide are left out; a select field without a default stays the server's business.

    Args:
        options: Pairs as the rule has them: (`add_optN` or label, key or label or text).
        algorithm: The model.

    Raises:
        RequestRefusedError: A field or a value is unknown or ambiguous, given twice, given though hidden, or a text
            that the model needs is missing.
    """
    given = _given(options, algorithm)
    fields = sorted(algorithm.fields, key=lambda field: option_number(field.name))
    values = {field.name: given.get(field.name, field.default_key) for field in fields}
    chosen = {name: value for name, value in values.items() if value is not None}
    shown = _drop_hidden(fields, chosen)
    _refuse_hidden(algorithm, given, shown)
    _refuse_missing(algorithm, fields, shown, chosen)
    return {name: value for name, value in chosen.items() if name in shown}


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


def _by_number(number: int, catalogue: Catalogue) -> Algorithm:
    if number not in catalogue:
        raise RequestRefusedError(
            f"the catalogue has no model {number}",
            hint=NOT_A_MODEL,
        )
    return catalogue[number]


def _by_name(name: str, catalogue: Catalogue) -> Algorithm:
    wanted = _fold(name)
    for candidates in _rungs(wanted, list(catalogue.values())):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise RequestRefusedError(
                f'"{name}" fits {len(candidates)} models', hint=f"say which: {_listed(candidates)}"
            )
    near = _near_models(name, [algorithm for algorithm in catalogue.values() if algorithm.is_active])
    raise RequestRefusedError(
        f'the catalogue has no model "{name}"',
        hint=f"did you mean {_listed(near)}?" if near else NOT_A_MODEL,
    )


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


def _given(options: tuple[tuple[str, str], ...], algorithm: Algorithm) -> dict[str, str]:
    given: dict[str, str] = {}
    for word, value in options:
        field = _field(word, algorithm)
        if field.name in given:
            raise RequestRefusedError(
                f'{_field_name(field)} of model {describe(algorithm)} is given twice, the second time as "{word}"',
                hint="give each option once, by its label or as add_optN",
            )
        given[field.name] = _value(value, field, algorithm)
    return given


def _field(word: str, algorithm: Algorithm) -> Field:
    by_name = [field for field in algorithm.fields if field.name == word]
    found = by_name or [field for field in algorithm.fields if _fold(field.label) == _fold(word)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(_field_name(field) for field in found or algorithm.fields)
    if found:
        raise RequestRefusedError(f'option "{word}" fits several of model {describe(algorithm)}: {listed}')
    raise RequestRefusedError(
        f'model {describe(algorithm)} has no option "{word}"',
        hint=f"it takes {listed}" if listed else "it takes no options",
    )


def _value(value: str, field: Field, algorithm: Algorithm) -> str:
    if not field.options or value in field.options:
        return value
    found = [key for key, label in field.options.items() if _fold(label) == _fold(value)]
    if len(found) == 1:
        return found[0]
    what = f'"{value}" for {_field_name(field)} of model {describe(algorithm)}'
    if found:
        raise RequestRefusedError(f"{what} fits several", hint=f"say which key: {_choices(field, found)}")
    near = near_matches(value, field.options.values())
    suggestion = f'; did you mean "{near[0]}"?' if near else ""
    raise RequestRefusedError(
        f"{what} is not one of its values", hint=f"allowed: {_choices(field, field.options)}{suggestion}"
    )


def _drop_hidden(fields: Sequence[Field], values: Mapping[str, str]) -> set[str]:
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


def _refuse_hidden(algorithm: Algorithm, given: Mapping[str, str], shown: set[str]) -> None:
    for field in algorithm.fields:
        if field.name in given and field.name not in shown:
            conditions = " and ".join(_condition(condition) for condition in field.conditions)
            raise RequestRefusedError(
                f"{_field_name(field)} of model {describe(algorithm)} has no effect with the other options of the rule",
                hint=f"it counts only while {conditions}: leave it out, or change the other option",
            )


def _refuse_missing(algorithm: Algorithm, fields: Sequence[Field], shown: set[str], values: Mapping[str, str]) -> None:
    for field in fields:
        is_text = not field.options
        if is_text and field.required and field.name in shown and not values.get(field.name, "").strip():
            raise RequestRefusedError(
                f"model {describe(algorithm)} needs {_field_name(field)}", hint="give it in the rule's options"
            )


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
