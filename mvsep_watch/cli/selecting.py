"""Which jobs and files a command's words mean: ids, paths, globs. Looks into the state file, and changes nothing.

A word of digits is a job's id. Any other is a path first, as it is written: of a source, of a folder with sources below
it, or of a job's outputs; from the working folder or from a watched folder. Only what is no such path is taken as a
glob, which means what it means in the configuration: with a "/" it is laid on the whole path, without on the name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mvsep_watch.errors import UsageError
from mvsep_watch.files.lock import holder_of, require_access
from mvsep_watch.model import Config
from mvsep_watch.naming import display
from mvsep_watch.store import JobRow, open_still
from mvsep_watch.store.views import Views
from mvsep_watch.wanted import Globs

NOTHING_YET = "nothing has run yet"
LONGEST_ID = 18
"""Digits; more than SQLite counts to."""
START = "`mvsep-watch run` watches the folders, `mvsep-watch once` does what there is to do"


@dataclass(slots=True)
class Selection:
    """What words mean.

    Args:
        named: Jobs that were named by their ids.
        found: Jobs that were found by a path or a glob.
        sources: Ids of the files that were found, with or without jobs.
        unmatched: Words that mean nothing here.
    """

    named: list[JobRow] = field(default_factory=list)
    found: list[JobRow] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> list[JobRow]:
        """All jobs, the oldest first."""
        return [job for _, job in sorted({job.id: job for job in (*self.named, *self.found)}.items())]


@contextmanager
def opened(config: Config) -> Iterator[Views | None]:
    """Give the state at one instant, beside whoever writes it; None where nothing has run yet. Leaves nothing behind.

    Raises:
        StateError: The state file cannot be read.
    """
    require_access(config.state)
    if not config.state.exists() or not config.state.stat().st_size:
        yield None
        return
    db = open_still(config.state)
    try:
        views = Views(db)
        with views.at_one_instant():
            yield views
    finally:
        db.close()


def is_running(config: Config) -> bool:
    """Say whether a daemon, or another command that changes things, has the state now."""
    return holder_of(config.state) is not None


def select(views: Views, words: Sequence[str], *, config: Config) -> Selection:
    """Find what words mean.

    Raises:
        UsageError: Some of them mean nothing.
    """
    selection = Selection()
    for word in words:
        if not word or not (_find_by_id(views, word, selection) or _find_by_path(views, word, selection, config)):
            selection.unmatched.append(word)
    if selection.unmatched:
        raise no_match(selection.unmatched)
    return selection


def _find_by_id(views: Views, word: str, selection: Selection) -> bool:
    is_id = word.isascii() and word.isdigit() and len(word) <= LONGEST_ID
    found = views.by_id([int(word)]) if is_id else []
    selection.named += found
    return bool(found)


def _find_by_path(views: Views, word: str, selection: Selection, config: Config) -> bool:
    ids = _at_path(views, word, config) or _among(list(views.paths()), word, config)
    found = views.of_sources(ids) if ids else _outputs_at(views, word, config)
    selection.sources += ids
    selection.found += found
    return bool(ids or found)


def no_match(words: Iterable[str]) -> UsageError:
    """Say that words mean nothing."""
    shown = ", ".join(f'"{display(word)}"' for word in words)
    return UsageError(
        f"no job and no file matches {shown}",
        hint="`mvsep-watch jobs --all` lists the jobs; `mvsep-watch show PATH` says why a file has none",
    )


def meanings(word: str, config: Config) -> list[str]:
    """Give the absolute paths that a word may mean, the likeliest first; sources are real paths."""
    plain = [os.path.normpath(place / word) for place in _places(config)]
    return list(dict.fromkeys(each for path in plain for each in (path, os.path.realpath(path))))


def _at_path(views: Views, word: str, config: Config) -> list[int]:
    found = (views.sources.at(path) for path in meanings(word, config))
    return next(([row.id] for row in found if row is not None), [])


def _outputs_at(views: Views, word: str, config: Config) -> list[JobRow]:
    """Find jobs by their folder of outputs, or by a file in it."""
    for path in meanings(word, config):
        if jobs := views.at_final(path) or views.at_final(os.path.dirname(path)):  # noqa: PTH120 - any bytes, no Path
            return jobs
    return []


def _among(paths: list[tuple[int, str]], word: str, config: Config) -> list[int]:
    """Find the sources below a folder, else those that a glob fits."""
    tops = tuple(f"{top.rstrip('/')}/" for top in meanings(word, config) if os.path.isdir(top))  # noqa: PTH112 - any bytes
    below = [source_id for source_id, path in paths if tops and path.startswith(tops)]
    return below or list(_fitting(word, paths, config))


def _fitting(word: str, paths: list[tuple[int, str]], config: Config) -> Iterator[int]:
    """Find the sources that a glob fits: their name, their whole path, or their path below a place.

    Without a wildcard it is a file's name, and nothing else.
    """
    globs = Globs([word.lstrip("/")]) if any(mark in word for mark in "*?[") else None
    bases = ["/"] if word.startswith("/") else [f"{place}/" for place in _places(config)]
    for source_id, path in paths:
        name = path.rpartition("/")[2]
        below = (path.removeprefix(base) for base in bases if path.startswith(base))
        if name == word if globs is None else any(globs.match(relative, name) for relative in below):
            yield source_id


def _places(config: Config) -> list[Path]:
    return [Path.cwd(), *(folder.path for folder in config.folders)]
