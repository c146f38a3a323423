"""Writes values with their origins as YAML that is read again as the same. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from mvsep_watch.config.positions import is_itself
from mvsep_watch.config.showing import InForce


def as_yaml(values: Sequence[InForce]) -> str:
    """Write values, each with its origin in a comment; those that belong together stand together."""
    return "".join(f"{line}\n" for line in _mapping(values, depth=0))


def _mapping(values: Sequence[InForce], *, depth: int) -> Iterator[str]:
    for key, group in groupby(values, key=lambda value: value.keys[depth]):
        inner = list(group)
        if len(inner[0].keys) == depth + 1:
            yield f"{key}: {_written(inner[0].value)}  # {inner[0].origin}"
            continue
        yield f"{key}:"
        lines = _list(inner, depth=depth + 1) if _is_list(inner, depth + 1) else _mapping(inner, depth=depth + 1)
        yield from (f"  {line}" for line in lines)


def _list(values: Sequence[InForce], *, depth: int) -> Iterator[str]:
    for _, group in groupby(values, key=lambda value: value.keys[depth]):
        for number, line in enumerate(_mapping(list(group), depth=depth + 1)):
            yield f"{'  ' if number else '- '}{line}"


def _is_list(values: Sequence[InForce], depth: int) -> bool:
    return isinstance(values[0].keys[depth], int)


def _written(value: Any) -> str:
    """Write one value on its line; JSON is YAML as well."""
    return value if isinstance(value, str) and is_itself(value) else json.dumps(value, ensure_ascii=False)
