"""Sources and outputs as values: what a file looked like, what it holds, and where outputs come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mvsep_watch.model.rules import Asking

_new = tuple.__new__  # a third of what the class itself takes; a rescan makes one for every file
REMOTE_HOSTS = {
    "mega": ("mega.nz", "mega.co.nz", "mega.io"),
    "drive": ("drive.google.com", "docs.google.com"),
    "dropbox": ("dropbox.com", "db.tt"),
}
"""Whose links the service fetches in a way of their own. Source: MVSEP API page, separation/create, 2026."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address that the service fetches its input from. `remote_type`: `direct`, `mega`, `drive` or `dropbox`."""

    url: str
    remote_type: str = "direct"

    @classmethod
    def to(cls, url: str) -> Link:
        """Take an address, its remote type inferred from the host."""
        host = (urlsplit(url).hostname or "").lower()
        for remote_type, hosts in REMOTE_HOSTS.items():
            if any(host == known or host.endswith(f".{known}") for known in hosts):
                return cls(url=url, remote_type=remote_type)
        return cls(url=url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two files for one separation: what is to be changed, and what it is to sound like (Matchering)."""

    target: Path
    reference: Path


class FileStat(NamedTuple):
    """What `stat` says of a regular file, as far as it tells one content from another; a scan makes very many.

    The numbers of inode and device do not belong to it: on FAT, in user space and on some shares the kernel makes them
    up, and others after each mount, and whenever it has forgotten a file.
    """

    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileStat:
        """Take the three that matter."""
        return _new(cls, (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a source holds: its bytes, and how long it plays.

    Args:
        xxh3: The XXH3-128 of its bytes, in hex: what tells at little cost that they are still the same.
        duration_s: Seconds, or None where the container does not say: then its price is unknown.
        stat: As it was while the bytes were read.
        keys: The input key for each way in which the rules take it; empty where it cannot be taken so.
    """

    sha256: str
    xxh3: str
    duration_s: float | None
    stat: FileStat
    keys: Mapping[Asking, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a song says of itself; false where it says nothing.

    Args:
        texts: Pairs of a name (title, artist, album, albumartist, tracknumber, discnumber, date, genre, composer) and
            what is said under it.
        cover: A picture, JPEG or PNG.
    """

    texts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    cover: bytes | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self.texts)

    def for_stem(self, stem: str) -> Tags:
        """Give those of a stem: its name is in the title."""

        def of_stem(name: str, said: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(f"{text} ({stem})" for text in said) if name == "title" else said

        return replace(self, texts=tuple((name, of_stem(name, said)) for name, said in self.texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One published (or staged) output: its stem's label, its file name within the job's folder, its bytes."""

    stem: str
    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a sidecar says: where the outputs beside it come from. Times are ISO 8601 in UTC.

    Args:
        source_name: The source's path relative to its watched folder, undecodable bytes escaped.
        settings: The settings' canonical JSON.
        algorithm: The model as the server named it.
        credits_estimated: What was reserved for the separation.
        credits_charged: None while unknown.
    """

    state_id: str
    job_id: int
    source_name: str
    source_size_bytes: int
    source_sha256: str
    folder: str
    rule: str
    realm: str
    host: str
    account: str
    input_key: str
    settings: str
    attempt: int
    algorithm: str
    hash: str
    tag: str
    queued_at: str
    submitted_at: str
    fetched_at: str
    credits_estimated: int | None
    credits_charged: int | None
    outputs: tuple[Output, ...]

    def is_of(self, other: Provenance) -> bool:
        """Say whether this tells of the same job and separation; a restored state gives the numbers of jobs again."""
        return (self.state_id, self.job_id, self.hash) == (other.state_id, other.job_id, other.hash)
