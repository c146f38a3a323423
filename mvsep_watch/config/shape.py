"""Holds a file's values against the models, and goes on after each problem so that the next one is seen as well.

What is wrong is reported and then mended for the sake of the checks that follow: a misspelt key is read as the one that
was meant, a wrong value as if it had not been written. A file with any problem is refused all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mvsep_watch.config.models import SECTIONS, Document, Section
from mvsep_watch.config.problems import Keys, Report, did_you_mean, meant, one_of, shown

_NEEDED = frozenset({"sep_type", "rules"})
"""Keys that null says nothing of: without them there is nothing to do."""
_FIRST_KEYS = {"folders": "path and sep_type", "rules": "name and sep_type"}

MAX_ROUNDS = 20
"""Each round mends what the one before it found; a file that needs more than a few has been told enough."""

_REQUIRED = {
    "path": 'the folder to watch is missing; a line that begins with "- " begins another folder',
    "folders": 'there is no folder to watch; write folders: and below it "  - path: PATH", with its sep_type',
}
_ALLOWED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_unicode": "text",
    "string_too_short": "text that is not empty",
    "list_type": 'a list, each item of which begins with "- "',
    "dict_type": "a mapping",
    "too_short": "at least one",
}


def checked(values: dict[str, Any], report: Report) -> Document | None:
    """Hold the values of a file against the models.

    Args:
        values: As they were read; mended in place.
        report: Takes the problems.

    Returns:
        The document, mended where there were problems; None where it is beyond that.
    """
    for _ in range(MAX_ROUNDS):
        try:
            return Document.model_validate(values)
        except ValidationError as error:
            details = error.errors(include_url=False)
        located = [(_located(values, detail), detail) for detail in details]
        for keys, group in groupby(sorted(located, key=lambda pair: _order(pair[0])), key=lambda pair: pair[0]):
            _handle(values, keys, [detail for _, detail in group], report)
    return None


def _located(values: Any, detail: ErrorDetails) -> Keys:
    """Give the keys of an error, without what pydantic adds for the branches of a union."""
    keys: Keys = ()
    at = values
    for key in detail["loc"]:
        if not _has(at, key):
            return (*keys, key) if detail["type"] == "missing" else keys
        at = at[key]
        keys = (*keys, key)
    return keys


def _has(value: Any, key: str | int) -> bool:
    return key in value if isinstance(value, dict) else isinstance(value, list) and isinstance(key, int)


def _order(keys: Keys) -> tuple[tuple[int, str], ...]:
    """Make keys comparable: numbers in lists, words elsewhere."""
    return tuple((key, "") if isinstance(key, int) else (-1, key) for key in keys)


def _handle(values: dict[str, Any], keys: Keys, details: list[ErrorDetails], report: Report) -> None:
    kinds = {detail["type"] for detail in details}
    if "extra_forbidden" in kinds:
        _mend_unknown(values, keys, report)
    elif "missing" in kinds:
        report.add(keys, _REQUIRED[str(keys[-1])])
        _mend(values, keys)
    else:
        report.add(keys, _wrong_value(keys, details))
        _mend(values, keys)


def _wrong_value(keys: Keys, details: list[ErrorDetails]) -> str:
    found = details[0]["input"]
    for detail in details:
        if detail["type"] == "refused":
            return str(detail["msg"])
    allowed = list(dict.fromkeys(_allowed(detail, keys) for detail in details)) + ["null"] * _is_nullable(keys)
    choices = [choice for detail in details for choice in _choices(detail)]
    return f"found {shown(keys, found)}; allowed: {one_of(allowed)}{did_you_mean(found, choices)}{_colon(found)}"


def _colon(found: object) -> str:
    """Give what to do about `key:value` in a place for keys, without its words."""
    is_squeezed = isinstance(found, str) and re.match(r"[a-z_]+:[^\s/]", found)
    return "; a colon after a key needs a space after it" if is_squeezed else ""


def _is_nullable(keys: Keys) -> bool:
    if not keys or keys[-1] in _NEEDED:
        return False
    field = _section(keys[:-1]).model_fields.get(str(keys[-1]))
    return field is not None and NoneType in get_args(field.annotation)


def _allowed(detail: ErrorDetails, keys: Keys) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "model_type":
            return f"a mapping of keys such as {_first_keys(keys)}"
        case "not_allowed":
            return str(context["allowed"])
        case "literal_error":
            return one_of(_choices(detail))
        case "greater_than_equal":
            return f"{context['ge']} or more"
        case "greater_than":
            return f"more than {context['gt']:g}"
        case kind:
            return _ALLOWED.get(kind, detail["msg"])


def _first_keys(keys: Keys) -> str:
    name = next((key for key in reversed(keys) if isinstance(key, str)), "")
    return _FIRST_KEYS.get(name) or " and ".join(_known_keys(keys)[:2])


def _choices(detail: ErrorDetails) -> list[str]:
    context = detail.get("ctx", {})
    return [*context.get("choices", ()), *re.findall(r"'([^']*)'", context.get("expected", ""))]


def _mend_unknown(values: dict[str, Any], keys: Keys, report: Report) -> None:
    """Report an unknown key; where it is a misspelling of one that is not there, read it as that one."""
    known = _known_keys(keys[:-1])
    word = str(keys[-1])
    parent = _at(values, keys[:-1])
    value = parent.pop(word)
    near = () if _homes(word) else meant(word, known)
    if near and near[0] not in parent:
        parent[near[0]] = value
        report.rename(keys, (*keys[:-1], near[0]), is_sure=len(near) == 1)
    report.add_key(keys, _unknown(word, known))


def _unknown(word: str, known: Iterable[str]) -> str:
    if re.search(r"[^\S ]", word):
        return "unknown key, with a space in it that is no plain one; type the spaces of this line anew"
    if re.fullmatch(r"add_opt\d+", word):
        return "unknown key here; it belongs under options"
    if homes := _homes(word):
        return f"unknown key here; it belongs under {one_of(homes)}"
    return f"unknown key{did_you_mean(word, known) or '; allowed: ' + ', '.join(known)}"


def _homes(word: str) -> list[str]:
    """Give the sections that have such a key."""
    return [name or "no other key" for name, section in SECTIONS.items() if word in section.model_fields]


def _known_keys(section: Keys) -> list[str]:
    return list(_section(section).model_fields)


def _section(keys: Keys) -> type[Section]:
    """Find the section that keys lead to; what is inside of a value has none, and then the file's own is as good."""
    name = next((key for key in reversed(keys) if isinstance(key, str)), "")
    return SECTIONS.get(name, Document)


def _mend(values: dict[str, Any], keys: Keys) -> None:
    """Take a value away, with the list that it is in; what must be there is replaced by something harmless."""
    parent, key = _at(values, keys[:-1]), keys[-1]
    match keys:
        case ("folders",):
            parent[key] = [{"path": "/nowhere"}]
        case ("folders", index, "path"):
            parent[key] = f"/nowhere/{index}"
        case ("folders", _) | ("folders", _, "rules", _):
            parent[key] = {}
        case _ if isinstance(key, int):
            _mend(values, keys[:-1])
        case _:
            parent.pop(key, None)


def _at(values: Any, keys: Keys) -> Any:
    for key in keys:
        values = values[key]
    return values
