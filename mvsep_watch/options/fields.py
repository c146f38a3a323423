"""Which options a rule means: by `add_optN` or the field's label, and its value by the option's key or its label.

The one surprise: an option's key always wins over an equal label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Field, FieldCondition, option_number
from mvsep_watch.options.words import describe, fold, near_matches

TEXT_INPUTS = frozenset({"text", "textarea"})


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
    found = by_name or [field for field in algorithm.fields if fold(field.label) == fold(word)]
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
    found = [key for key, label in field.options.items() if fold(label) == fold(value)]
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
