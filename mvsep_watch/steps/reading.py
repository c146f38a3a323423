"""Steps that read sources: look at candidates, and identify stable files by their bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import xxhash

from mvsep_watch import audio
from mvsep_watch.errors import MvsepWatchError, SourceBusyError, SourceChangedError, StoppedError
from mvsep_watch.files import dropped, reading, watched
from mvsep_watch.model import Asking, FileStat, Identity, InputKind, file_key, link_key, pair_key, text_key
from mvsep_watch.naming import display
from mvsep_watch.steps.base import Pool, Tools


@dataclass(frozen=True, slots=True)
class Look:
    """What a candidate looks like now: its stat, or why there is none, whether somebody holds it open, and holes."""

    path: str
    stat: FileStat | None
    held_open: bool
    error: MvsepWatchError | None = None
    has_holes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt:
    """Stat a chunk of candidates; one that is gone or odd does not keep the others."""

    pool: ClassVar[Pool] = Pool.LOOKING

    paths: tuple[str, ...]
    number: int

    @property
    def key(self) -> tuple[str, int]:
        """Each look is its own."""
        return ("look_at", self.number)

    def perform(self, _: Tools) -> tuple[Look, ...]:
        """Look at each."""
        return tuple(_look(path) for path in self.paths)


def _look(path: str) -> Look:
    try:
        stat = reading.stat_of(Path(path))
    except MvsepWatchError as error:
        return Look(path, None, held_open=False, error=error)
    held_open = bool(reading.is_open_for_writing(Path(path)))
    return Look(path, stat, held_open=held_open, has_holes=reading.is_unfilled(Path(path)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """Read stable files of one folder; one that cannot be taken does not keep the others.

    Args:
        folder: The watched folder that they lie in, and what that was when it was last looked through; None for what
            was named by a person.
    """

    pool: ClassVar[Pool] = Pool.READING

    files: tuple[Unread, ...]
    number: int
    folder: tuple[Path, watched.FolderNote | None] | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, int]:
        """Each is its own; no path is in two of them."""
        return ("identify", self.number)

    def perform(self, tools: Tools) -> tuple[Identity | Exception, ...]:
        """Read each, and give what it holds, or why that is not known.

        Raises:
            SourceBusyError: The folder cannot be looked at just now.
            NeedsUserError: It is not on the disk that it was on, or may not be looked at.
        """
        if self.folder:
            watched.require_same(*self.folder)
        return tuple(_read(file, tools) for file in self.files)


def _read(file: Unread, tools: Tools) -> Identity | Exception:
    try:
        return file.read(tools)
    except Exception as error:  # noqa: BLE001 - a bug with one file must not take the others along
        return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A stable file that is to be read: its sha256, how long it plays, and what of it is sent.

    Args:
        stat: As it was when it was found stable; anything else sends it back to settle.
        askings: The ways in which the rules take it. Where one of them cannot, none does; what some rules take for a
            link and others for a text is one of them.
    """

    path: str
    stat: FileStat
    askings: frozenset[Asking] = frozenset({(InputKind.FILE, None)})

    def read(self, tools: Tools) -> Identity:
        """Probe first, since that is cheap, then hash.

        Raises:
            SourceRefusedError: It is no audio, or not the one link or text, that can be sent.
            SourceChangedError: It is not as it was when it was found stable.
            SourceBusyError: It, or a rule's reference, cannot be read just now.
            NeedsUserError: It may not be read.
        """
        path = Path(self.path)
        askings = self._narrowed(path)
        is_audio = any(kind in {InputKind.FILE, InputKind.PAIR} for kind, _ in askings)
        duration_s = audio.probe(path) if is_audio else None
        words = {kind: _WORDS[kind](path) for kind, _ in askings if kind in _WORDS}
        xxh3 = xxhash.xxh3_128()
        sha256, stat = reading.hash_file(path, also=xxh3, stopping=tools.stopping.is_set)
        if stat != self.stat:
            raise SourceChangedError(f"{path.name} changed while it was read")
        keys = {asking: words.get(asking[0]) or _key(asking, sha256, tools) for asking in askings}
        return Identity(
            sha256=sha256,
            xxh3=xxh3.hexdigest(),
            duration_s=duration_s,
            stat=stat,
            keys=dict.fromkeys(self.askings, "") | keys,
        )

    def _narrowed(self, path: Path) -> frozenset[Asking]:
        """Decide for what can be both a link and a text: nothing but a link is one, and all else is a text."""
        if {(InputKind.LINK, None), (InputKind.TEXT, None)} <= self.askings:
            other = InputKind.TEXT if dropped.is_only_a_link(path) else InputKind.LINK
            return self.askings - {(other, None)}
        return self.askings


_WORDS: dict[InputKind, Callable[[Path], str]] = {
    InputKind.LINK: lambda path: link_key(dropped.read_link(path).url),
    InputKind.TEXT: lambda path: text_key(dropped.read_text(path)),
}
"""The input keys of what is not sent as bytes."""


def _key(asking: Asking, sha256: str, tools: Tools) -> str:
    _, reference = asking
    return file_key(sha256) if reference is None else pair_key(sha256, _hash_of(reference, tools))


@functools.lru_cache(maxsize=32)
def _hash_at(reference: Path, _: FileStat, stopping: Callable[[], bool]) -> str:
    """Read a reference once for all the songs that it goes with, as long as it looks the same."""
    audio.probe(reference)
    return reading.hash_file(reference, stopping=stopping)[0]


def _hash_of(reference: Path, tools: Tools) -> str:
    """Hash a rule's reference; whatever is the matter with it, the source waits for it."""
    try:
        return _hash_at(reference, reading.stat_of(reference), tools.stopping.is_set)
    except StoppedError:
        raise
    except MvsepWatchError as error:
        raise SourceBusyError(
            f"the rule's reference cannot be sent: {error}", hint=f"put a whole audio file at {display(reference)}"
        ) from error
