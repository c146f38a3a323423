"""Reads an installed systemd unit with its drop-ins from their files, so that it can be told without a running systemd.

Only what is asked for is understood: the last word on a single value, and lists, which an empty value begins anew.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

NAME = "mvsep-watch.service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit as it is installed.

    Args:
        path: The unit's file.
        values: Every assignment of the section [Service], in order of strength.
        is_users: Whether it is for a user's own manager.
    """

    path: Path
    values: tuple[tuple[str, str], ...] = field(default=())
    is_users: bool = False

    def last(self, key: str) -> str:
        """Give the value in force of a key; empty where it is not set."""
        return next((value for name, value in reversed(self.values) if name == key), "")

    def words(self, key: str) -> list[str]:
        """Give the words of a list that is in force."""
        words: list[str] = []
        for name, value in self.values:
            if name == key:
                words = [*words, *_split(value)] if value else []
        return words

    @property
    def config(self) -> Path | None:
        """Give the configuration that it is started with."""
        words = _split(self.last("ExecStart"))
        for option, value in itertools.pairwise(words):
            if option in {"-c", "--config"}:
                return Path(value)
        return None

    @property
    def credentials(self) -> dict[str, Path]:
        """Give the files that it loads as credentials, by the credentials' names."""
        pairs = (word.partition(":") for word in self.words("LoadCredential"))
        return {name: Path(path) for name, _, path in pairs if path}


def installed(folders: Iterable[Path], *, is_users: bool = False) -> Unit | None:
    """Find the unit, or give None where none is installed.

    Args:
        folders: Where units of all kinds lie, the strongest last.
        is_users: Whether to look for a user's unit instead of the system's.
    """
    kind = "user" if is_users else "system"
    places = [folder / kind for folder in folders]
    files = [place / NAME for place in places if os.path.isfile(place / NAME)]  # noqa: PTH113 - what may not be looked at is none
    if not files:
        return None
    texts = [files[-1], *_drop_ins(places)]
    values = tuple(pair for path in texts for pair in _assignments(path))
    return Unit(path=files[-1], values=values, is_users=is_users)


def _drop_ins(places: Iterable[Path]) -> list[Path]:
    """Give the drop-ins in the order in which they count; of two of the same name the stronger."""
    found: dict[str, Path] = {}
    for place in places:
        with contextlib.suppress(OSError):
            found.update({path.name: path for path in (place / f"{NAME}.d").glob("*.conf")})
    return [found[name] for name in sorted(found)]


def _assignments(path: Path) -> Iterator[tuple[str, str]]:
    """Give the assignments in the section [Service] of a file."""
    section = ""
    try:
        text = path.read_text("utf-8", "surrogateescape").replace("\\\n", " ")
    except OSError:
        return
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            yield key.strip(), value.strip()


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
