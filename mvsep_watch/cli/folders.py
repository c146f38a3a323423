"""Which watched folders a command's words mean: names of the configuration, or paths."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from mvsep_watch.cli.rendering import joined
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Config, Folder
from mvsep_watch.naming import display
from mvsep_watch.options import near_matches


def folders_named(words: Sequence[str], config: Config) -> list[Folder]:
    """Give the watched folders that words mean, by their names or their paths; all where there are none.

    Raises:
        UsageError: A word means none.
    """
    found = [folder_named(word, config) for word in words]
    return list(dict.fromkeys(found)) if words else list(config.folders)


def folder_named(word: str, config: Config) -> Folder:
    """Give the watched folder that a word means.

    Raises:
        UsageError: It means none.
    """
    place = Path(os.path.realpath(word))
    for folder in config.folders:
        if folder.name == word or (word and place == folder.path):
            return folder
    raise unknown("the configuration has no folder", word, [folder.name for folder in config.folders])


def unknown(what: str, word: str, known: Sequence[str]) -> UsageError:
    """Say that a word names nothing that is known, with what was perhaps meant."""
    near = near_matches(word, known)
    there = f"there are {joined(map(display, known))}" if known else "there are none yet"
    hint = f"did you mean {shlex.quote(near[0])}?" if near else there
    return UsageError(f'{what} "{display(word)}"', hint=hint)
