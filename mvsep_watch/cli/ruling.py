"""Writes the rule for a model, ready to stand in a folder's `rules:`, with its options explained in comments. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mvsep_watch import naming
from mvsep_watch.cli.modelcard import INPUTS, conditions
from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Field, option_number
from mvsep_watch.options import prompt_field, resolve_options

FORMAT = "flac"
LONGEST_NAME = 32
YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 does not take for a text."""


def rule(algorithm: Algorithm) -> str:
    """Write a rule: every option at its default, the other choices beside it."""
    return "\n".join(_lines(algorithm)) + "\n"


def _lines(algorithm: Algorithm) -> Iterator[str]:
    kind = INPUTS[algorithm.scope]
    yield f"- name: {_name(algorithm)}"
    yield f"  sep_type: {algorithm.sep_type}  # {algorithm.name}{_needs(algorithm)}"
    if kind != "file":
        yield f"  input: {kind}"
    if kind == "pair":
        yield "  reference: reference.wav  # what it is to sound like: put your file here"
    yield from _options(algorithm, kind)
    yield f"  format: {FORMAT}"


def _name(algorithm: Algorithm) -> str:
    name = naming.slug(algorithm.name.partition("(")[0])[:LONGEST_NAME].strip("-")
    is_safe = name[:1].isalpha() and name not in YAML_WORDS
    return name if is_safe else f"model-{algorithm.sep_type}"


def _needs(algorithm: Algorithm) -> str:
    return "; for premium accounts" if algorithm.needs_premium else ""


def _options(algorithm: Algorithm, kind: str) -> Iterator[str]:
    fields = sorted(algorithm.fields, key=lambda field: option_number(field.name))
    prompt = prompt_field(algorithm, ()) if kind == "text" else None
    written = {field.name: list(_option(field, is_prompt=field.name == prompt)) for field in fields}
    counting = _counting(algorithm, fields)
    lines = [line for field in fields for line in _as_counting(written[field.name], field, counting)]
    if lines:
        is_empty = all(line.lstrip().startswith("#") for line in lines)
        yield "  # options:" if is_empty else "  options:"
    yield from lines


def _counting(algorithm: Algorithm, fields: list[Field]) -> frozenset[str]:
    """Name the options that count while all are at their defaults; the others must not be written."""
    texts = tuple((field.name, field.label) for field in fields if not field.options and field.required)
    try:
        return frozenset(resolve_options(texts, algorithm))
    except RequestRefusedError:
        return frozenset(field.name for field in fields if not field.conditions)


def _as_counting(lines: list[str], field: Field, counting: frozenset[str]) -> list[str]:
    """Give an option's lines, commented out where it does not count as the others are."""
    if field.name in counting or not field.conditions:
        return lines
    first = lines[0].strip().removeprefix("# ")
    return [f"    # only while {conditions(field.conditions)}:", f"    # {first}", *lines[1:]]


def _option(field: Field, *, is_prompt: bool) -> Iterator[str]:
    if is_prompt:
        yield f"    # {field.name}: {field.label}: what stands in the dropped file"
    elif not field.options:
        mark = "" if field.required else "# "
        yield f"    {mark}{field.name}: {_quoted(field.default_key or field.label)}  # {field.label}: write your own"
    elif field.default_key is None:
        key, label = next(iter(field.options.items()))
        yield f"    # {field.name}: {_quoted(key)}  # {field.label}: {label}"
        yield from _others(field, key)
    else:
        label = field.options.get(field.default_key, "")
        yield f"    {field.name}: {_quoted(field.default_key)}  # {field.label}: {label}"
        yield from _others(field, field.default_key)


def _others(field: Field, chosen: str) -> Iterator[str]:
    for key, label in field.options.items():
        if key != chosen:
            yield f"    #   {_quoted(key)}: {label}"


def _quoted(text: str) -> str:
    """Quote all but plain numbers, which YAML reads as they are."""
    return text if re.fullmatch(r"0|[1-9][0-9]*", text) else json.dumps(text, ensure_ascii=False)
