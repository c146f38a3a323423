"""Reads an installed systemd unit with its drop-ins from their files, so that it can be told without a running systemd.

Only what is asked for is understood: the last word on a single value, and lists, which an empty value begins anew.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
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
                words = [*words, *(word.replace("%%", "%") for word in _split(value))] if value else []
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
        found: dict[str, Path] = {}
        for name, value in self.values:
            if name == "LoadCredential":
                credential, _, path = value.replace("%%", "%").partition(":")
                found = found if value else {}
                found |= {credential: Path(path)} if path else {}
        return found


def installed(folders: Iterable[Path], *, is_users: bool = False) -> Unit | None:
    """Find the unit, or give None where none is installed.

    Args:
        folders: Where units of all kinds lie, the strongest last.
        is_users: Whether to look for a user's unit instead of the system's.
    """
    places = [folder / kind(is_users=is_users) for folder in folders]
    files = [place / NAME for place in places if os.path.isfile(place / NAME)]  # noqa: PTH113 - what may not be looked at is none
    if not files:
        return None
    texts = [_read(path) for path in (files[-1], *_drop_ins(places))]
    return of(files[-1], *texts, is_users=is_users)


def of(path: Path, *texts: str, is_users: bool) -> Unit:
    """Give a unit of the text of its file, and of its drop-ins in the order in which they count."""
    values = tuple(pair for text in texts for pair in _assignments(text))
    return Unit(path=path, values=values, is_users=is_users)


def kind(*, is_users: bool) -> str:
    """Name the folder, among those of all units, where those for a user or for the machine are."""
    return "user" if is_users else "system"


def users_folder(environ: Mapping[str, str]) -> Path:
    """Give the folder of a user's configurations."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/nowhere")) / ".config")


def _drop_ins(places: Iterable[Path]) -> list[Path]:
    """Give the drop-ins in the order in which they count; of two of the same name the stronger."""
    found: dict[str, Path] = {}
    for place in places:
        with contextlib.suppress(OSError):
            found.update({path.name: path for path in (place / f"{NAME}.d").glob("*.conf")})
    return [found[name] for name in sorted(found)]


def _read(path: Path) -> str:
    """Read a file; what may not be read says nothing."""
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Give the assignments in the section [Service] of a file."""
    section = ""
    for line in map(str.strip, text.replace("\\\n", " ").splitlines()):
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
