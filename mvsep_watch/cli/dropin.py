"""The text of a systemd drop-in: what a unit needs for one configuration. Pure.

The text carries its own digest, so that one that somebody has changed by hand is told from one that was only written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.config.credentials import CREDENTIAL
from mvsep_watch.errors import UsageError
from mvsep_watch.naming import display

DROP_IN = "init.conf"
HEAD = """\
# Written by `mvsep-watch init --service`. What is to be otherwise belongs in a drop-in of your own:
# `systemctl edit mvsep-watch`. This one is written anew only while it is as it was written: sha256 {digest}
"""
_DIGEST = re.compile(r"sha256 ([0-9a-f]{64})\n")
_NEEDS_QUOTES = re.compile(r"[\s\"'\\;#]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a unit's own file does not say.

    Args:
        user: Who runs it; empty where the unit says that, or is a user's own.
        group: Likewise.
        path: Where programs are looked for, as PATH; empty where the unit finds this one.
        config: The configuration, where it is not the one of the unit.
        token_file: The file that systemd hands over as the token; None where the configuration names the token.
        is_handed_over: Whether the unit's own file has systemd hand over a token.
        writes: The folders that it may write in.
    """

    user: str = ""
    group: str = ""
    path: str = ""
    config: Path | None = None
    token_file: Path | None = None
    is_handed_over: bool = False
    writes: tuple[Path, ...] = ()


def text(needs: Needs) -> str:
    """Write a drop-in; empty where nothing is needed.

    Raises:
        UsageError: A path cannot be written in a unit.
    """
    lines = list(_lines(needs))
    if not lines:
        return ""
    body = "".join(f"{line}\n" for line in ("[Service]", *lines))
    return HEAD.format(digest=_digest(body)) + body


def is_as_written(content: str) -> bool:
    """Say whether nobody has changed a drop-in since it was written here."""
    found = _DIGEST.search(content)
    return found is not None and found[1] == _digest(content[found.end() :])


def _lines(needs: Needs) -> Iterator[str]:
    if needs.user:
        yield f"User={needs.user}"
        yield f"Group={needs.group}"
    if needs.path:
        yield f"Environment={_quoted(f'PATH={needs.path}')}"
    if needs.config is not None:
        yield "ExecStart="
        yield f"ExecStart=/usr/bin/env mvsep-watch -c {_quoted(_plain(needs.config)).replace('$', '$$')} run"
    if needs.token_file is not None:
        yield f"LoadCredential={CREDENTIAL}:{_escaped(_plain(needs.token_file))}"
    elif needs.is_handed_over:
        yield "LoadCredential="
    yield from (f"ReadWritePaths={_quoted(_plain(path))}" for path in needs.writes)


def _plain(path: Path) -> str:
    """Give a path as text that a unit can hold."""
    word = str(path)
    if not word.isprintable():
        raise UsageError(
            f"{display(path)} cannot be written in a unit of systemd: its name is no plain text",
            hint="rename it, or name a link to it",
        )
    return word


def _escaped(word: str) -> str:
    return word.replace("%", "%%")


def _quoted(word: str) -> str:
    """Quote a word. Source: systemd.syntax(7), "Quoting", and systemd.unit(5), "Specifiers", 2024."""
    if not _NEEDS_QUOTES.search(word):
        return _escaped(word)
    return '"' + _escaped(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
