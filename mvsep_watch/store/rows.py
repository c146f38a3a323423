"""Rows as frozen values: what the store gives out, one class a table that others read."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mvsep_watch.model import (
    FileStat,
    GateName,
    HoldKind,
    InputKind,
    JobState,
    SeparationState,
    Settings,
    Work,
    kind_of,
)
from mvsep_watch.naming import OutputPlace
from mvsep_watch.planner import Attempt

T = TypeVar("T")
_ENCODING = (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A file as last seen. `state` is one of known, refused, skipped, ignored; only known has a bytes key.

    Args:
        xxh3: The XXH3-128 (hex) of the same bytes; None where an earlier version read them.
    """

    id: int
    path: Path
    folder: str
    state: str
    reason: str
    hint: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    bytes_key: str | None
    xxh3: str | None
    duration_s: float | None
    dispose_pending: bool
    seen_at: float

    @property
    def stat(self) -> FileStat:
        """The stat under which it was last read."""
        return FileStat(
            size_bytes=self.size_bytes,
            mtime_ns=self.mtime_ns,
            ctime_ns=self.ctime_ns,
        )

    @property
    def sha256(self) -> str:
        """The hex digest within the bytes key; empty while the file was never read."""
        return (self.bytes_key or "").removeprefix("sha256:")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationRow:
    """A separation, the paid unit. `settings` is the canonical JSON; instants are seconds since 1970.

    `asked` counts the service's answers about it; `polls` begins anew where the next is due soon.
    """

    id: int
    realm: str
    input_key: str
    settings: str
    attempt: int
    state: SeparationState
    tag: str
    upload_name: str
    host: str
    account: str
    hash: str | None
    link_hash: str | None
    send: int
    releases: int
    watermark: int
    size_bytes: int
    duration_s: float | None
    credits_estimated: int
    credits_charged: int | None
    reserved_day: str
    keeps_slot: bool
    cancel_wanted: bool
    balance_read: bool
    delete_pending: bool
    deleted_at: float | None
    is_doubted: bool
    began_for: int | None
    server_says: str
    algorithm: str
    reason: str
    failures: int
    polls: int
    asked: int
    not_before: float
    intended_at: float
    released_at: float | None
    submitted_at: float | None
    ended_at: float | None

    @property
    def server_words(self) -> dict[str, Any]:
        """What the server said last, as an object; empty before the first answer."""
        words: dict[str, Any] = json.loads(self.server_says or "{}")
        return words

    @property
    def kind(self) -> InputKind:
        """What kind of input it was sent."""
        return kind_of(self.input_key)

    @property
    def was_refused(self) -> bool:
        """True where the service did not take it: it never had a hash, and nothing was paid."""
        return self.state == SeparationState.FAILED and self.hash is None

    @property
    def as_attempt(self) -> Attempt:
        """What the planner knows of it as an attempt of its work."""
        return Attempt(id=self.id, number=self.attempt, state=self.state, was_refused=self.was_refused)

    @property
    def is_being_linked(self) -> bool:
        """True while the service fetches its link: its own hash is not known yet."""
        return self.hash is not None and self.hash == self.link_hash

    @property
    def work(self) -> Work:
        """What it separates."""
        return Work(realm=self.realm, input_key=self.input_key, settings=Settings.from_canonical(self.settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job: one source and one rule. `final` is the base of the reserved place, absolute; see `place`.

    `bytes_key` is the file key of the source's bytes, `input_key` that of what is sent of them. `takes_short`: a person
    takes its results although they are shorter than the source.
    """

    id: int
    source_id: int
    bytes_key: str
    folder: str
    rule: str
    realm: str
    input_key: str
    asked: str
    settings: str | None
    separation_id: int | None
    state: JobState
    priority: int
    output_root: Path
    final: Path
    is_flat: bool
    batch_id: int
    reason: str
    hint: str
    hold: HoldKind | None
    resume: JobState | None
    price: int | None
    redo_of: int | None
    attempt_wanted: int | None
    replaces: bool
    takes_short: bool
    failures: int
    not_before: float
    queued_at: float
    fetched_at: float | None
    finished_at: float | None

    @property
    def place(self) -> OutputPlace:
        """Where its outputs lie, or will."""
        return OutputPlace(self.final, is_flat=self.is_flat)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "Path": lambda value: Path(os.fsdecode(value)),
    "bool": bool,
    "SeparationState": SeparationState,
    "JobState": JobState,
    "GateName": GateName,
    "JobState | None": lambda value: None if value is None else JobState(value),
    "HoldKind | None": lambda value: None if value is None else HoldKind(value),
}


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple((field.name, _CONVERTERS.get(str(field.type))) for field in dataclasses.fields(kind))


def read(kind: type[T], row: sqlite3.Row) -> T:
    """Make a value of `kind` from a row that has its columns (and perhaps more)."""
    columns: Any = _fields(kind)  # type: ignore[arg-type]  # a class is hashable
    return kind(**{name: convert(row[name]) if convert else row[name] for name, convert in columns})


def path_blob(path: Path | str) -> bytes:
    """Give the bytes under which a path is stored."""
    return path.encode(*_ENCODING) if isinstance(path, str) else os.fsencode(path)
