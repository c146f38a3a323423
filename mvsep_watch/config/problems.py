"""Collects what is wrong with a configuration, so that all of it is told at once, in the order of the file.

A problem belongs to a place in the file and to the keys that lead there. What is broken already is not complained about
a second time: a follow-on of a reported problem is noise. No value of the token's keys is ever shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mvsep_watch.errors import ConfigError
from mvsep_watch.options import near_matches

Keys = tuple[str | int, ...]
"""The way to a value: `("folders", 0, "path")`."""

LONGEST_SHOWN = 60
_ADDRESSES = (("notify", "urls"), ("ping", "url"), ("ping", "success"), ("ping", "start"), ("ping", "fail"))
_WITHOUT_SECRETS = (("timeout",), ("poll",), ("reconcile",))


class Blank:
    """A key with nothing after it: neither a value nor `null`, more likely a line that was left unfinished."""


BLANK: Final = Blank()


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in the file, both from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(slots=True)
class Places:
    """Where each key and each value of the file stands."""

    of_keys: dict[Keys, Place] = field(default_factory=dict)
    of_values: dict[Keys, Place] = field(default_factory=dict)

    def of(self, keys: Keys) -> Place:
        """Find a value's place; where it is not in the file, that of the nearest thing around it."""
        while keys and keys not in self.of_values:
            keys = keys[:-1]
        return self.of_values.get(keys, START)

    def move(self, old: Keys, new: Keys) -> None:
        """Find what stands at `old` at `new` as well."""
        for places in (self.of_keys, self.of_values):
            moved = {(*new, *keys[len(old) :]): place for keys, place in places.items() if keys[: len(old)] == old}
            places.update(moved)


@dataclass(slots=True)
class Report:
    """The problems of one file."""

    path: Path
    places: Places = field(default_factory=Places)
    _broken: set[Keys] = field(default_factory=set)
    _guessed: set[Keys] = field(default_factory=set)
    _problems: list[tuple[Place, str]] = field(default_factory=list)

    def add_key(self, keys: Keys, text: str, *, place: Place | None = None) -> None:
        """Take down a problem of a key itself, whatever its value is; by default where the key stands."""
        if not self.is_broken(keys[:-1]):
            self._take(keys, text, place=place or self.places.of_keys.get(keys))

    def add(self, keys: Keys, text: str, *, place: Place | None = None, breaks: bool = True) -> None:
        """Take down a problem of a value, unless it or something around it is known to be broken.

        Args:
            keys: What it is about.
            text: What was found and what is allowed.
            place: Where it stands, if not where the value of `keys` does.
            breaks: Whether further problems of the same value would only follow from this one.
        """
        if keys not in self._guessed and not self.is_broken(keys):
            self._take(keys, text, place=place)
        if breaks:
            self._broken.add(keys)

    def _take(self, keys: Keys, text: str, *, place: Place | None) -> None:
        where = place or self.places.of(keys)
        name = f"{dotted(keys)}: " if keys else ""
        self._problems.append((where, f"{self.path}:{where.line}:{where.column}: {name}{text}"))

    def is_broken(self, keys: Keys) -> bool:
        """Say whether a value or anything around it has been reported as unusable."""
        return any(keys[:length] in self._broken for length in range(len(keys) + 1))

    def rename(self, old: Keys, new: Keys, *, is_sure: bool = True) -> None:
        """Treat what stands at `old` as if it stood at `new`.

        Args:
            old: As it is written.
            new: As it is read.
            is_sure: False where that is a guess: a value that does not fit there speaks against it, and is no problem.
        """
        self.places.move(old, new)
        if not is_sure:
            self._guessed.add(new)
        self._broken |= {(*new, *keys[len(old) :]) for keys in self._broken if keys[: len(old)] == old}

    def raise_if_any(self) -> None:
        """Raise what has been taken down, if anything.

        Raises:
            ConfigError: With every problem, in the order of the file.
        """
        if not self._problems:
            return
        problems = tuple(dict.fromkeys(text for _, text in sorted(self._problems, key=lambda problem: problem[0])))
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(
            f"the configuration {self.path} has {count}",
            hint="mend what is listed; nothing of the file is used until then",
            problems=problems,
        )


def dotted(keys: Keys) -> str:
    """Write the way to a value as a person would: `folders[0].rules[1].format`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def is_secret(keys: Keys, value: object = "") -> bool:
    """Say whether a value may be or hold the token, also where a slip of the pen has put it.

    Args:
        keys: The way to the value; all of the section `mvsep` counts but what has no room for a token, and every
            address that is a secret itself.
        value: The value; a base URL with a query or a user may hold one, and an address anywhere in a section of such
            addresses is one.
    """
    if keys[:2] == ("mvsep", "base_url"):
        return any(mark in str(value) for mark in "?@#")
    if keys[:2] in _ADDRESSES or (keys[:1] in {each[:1] for each in _ADDRESSES} and "://" in str(value)):
        return True
    in_section = keys[:1] == ("mvsep",) and keys[1:2] not in _WITHOUT_SECRETS
    return in_section or any("token" in str(key).lower() for key in keys)


def shown(keys: Keys, value: Any) -> str:
    """Say what was found, shortened, and nothing of a token."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, Blank):
        return "nothing"
    if is_secret(keys, value):
        return "a value"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Give `; did you mean "X"?`, or nothing."""
    quoted = [f'"{each}"' for each in meant(word, known)]
    return f"; did you mean {' or '.join(quoted)}?" if quoted else ""


def meant(word: object, known: Iterable[str]) -> Sequence[str]:
    """Give the word that was meant; several where each of them goes on where what was written ends."""
    near = near_matches(word, known) if isinstance(word, str) else ()
    longer = [each for each in near if each.startswith(str(word))]
    return longer if longer[:1] == [*near[:1]] else near[:1]


def one_of(words: Sequence[str]) -> str:
    """List what is allowed: `a, b, or c`."""
    return ", or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
