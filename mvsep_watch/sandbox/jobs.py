"""The sandbox's nouns: plans, accounts, uploads, jobs, and how a server names them.

Values and small pure functions; no queue, no clock, no file. The surprise: the ten hexadecimal digits of a hash come
from the upload's *name*, as they do at the service, so two uploads of one name within a second need a salt to differ.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from mvsep_watch.sandbox.catalogue import Model

MEBIBYTE = 1024 * 1024
RETENTION_S = 72 * 3600
SPLIT_FROM_S = 15 * 60
"""Audio from this length on is handed out to several machines. Source: the site's news, January 2024."""
MAX_SLUG_CHARS = 120
"""A file name may have 255 bytes, and a result's adds the model, the stem and the ending to the slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an account may do. Source: the site's credits page, 2026; the limit a day from clients' notes."""

    name: str
    size_bytes: int
    duration_s: float
    per_day: int | None
    unfinished: int
    formats: frozenset[int]


FREE = Plan(
    name="registered",
    size_bytes=100 * MEBIBYTE,
    duration_s=600,
    per_day=50,
    unfinished=1,
    formats=frozenset(range(4)),
)
PREMIUM = Plan(
    name="premium",
    size_bytes=1000 * MEBIBYTE,
    duration_s=6000,
    per_day=None,
    unfinished=10,
    formats=frozenset(range(6)),
)


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """An account; without premium switched on, or without credits, it is one of the free plan."""

    token: str
    email: str = "sandbox@localhost"
    name: str = "Sandbox"
    credits: int = 100
    premium_enabled: bool = True
    long_filenames_enabled: bool = False
    made_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A received file. `duration_s` is None until it was looked at, or when it is no audio."""

    path: Path
    name: str
    size_bytes: int
    sha256: str
    duration_s: float | None = None
    tags: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One file of a result, in the storage folder. `name` is the one that is suggested to the downloader."""

    label: str
    path: Path
    name: str


class Status(StrEnum):
    """The documented statuses of a job."""

    NOT_FOUND = "not_found"
    WAITING = "waiting"
    PROCESSING = "processing"
    DISTRIBUTING = "distributing"
    MERGING = "merging"
    DONE = "done"
    FAILED = "failed"


class Stage(StrEnum):
    """What has happened to a job; the status shown follows from it and the clock."""

    WAITING = "waiting"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    REMOVED = "removed"
    """Cancelled or deleted."""

    @property
    def is_unfinished(self) -> bool:
        """True while it counts against the account's limit."""
        return self in {Stage.WAITING, Stage.STARTED}


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One accepted separation. Times are seconds since the epoch, by the sandbox's clock."""

    id: int
    hash: str
    account: Account
    upload: Upload
    model: Model
    options: dict[str, str]
    output_format: int
    charged: int
    created_at: float
    stage: Stage = Stage.WAITING
    started_at: float = 0.0
    processing_s: float = 0.0
    is_worked_off: bool = False
    message: str = ""
    fails_with: str | None = None
    results: tuple[Result, ...] = ()
    transcription: dict[str, str] = field(default_factory=dict)

    @property
    def ends_at(self) -> float:
        """When a started job may be done at the earliest."""
        return self.started_at + self.processing_s

    @property
    def is_split(self) -> bool:
        """True for audio that is so long that several machines share it."""
        return (self.upload.duration_s or 0) >= SPLIT_FROM_S

    @property
    def stem(self) -> str:
        """The hash without its extension: what names of results begin with."""
        return self.hash.rpartition(".")[0] or self.hash


def price(*, duration_s: float, coefficient: float) -> int:
    """Give the price in credits: rounded down, and 1 where that is 0."""
    return int(duration_s * coefficient / 60) or 1


def slug(text: str) -> str:
    """Make a slug as the recorded hashes have them: lower case, everything else to single hyphens."""
    ascii_text = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:MAX_SLUG_CHARS].strip("-")


def make_hash(*, stamp: str, name: str, salt: int) -> str:
    """Make a job's hash: time, digest of the upload's name, slug of the name, extension.

    Args:
        stamp: `YYYYMMDDHHMMSS`.
        name: The upload's file name, as sent.
        salt: 0, or more where the plain hash is taken.
    """
    path = Path(name.replace("\\", "/").replace("\0", ""))
    digest = hashlib.sha256(f"{name}{salt or ''}".encode("utf-8", "surrogateescape")).hexdigest()[:10]
    extension = slug(path.suffix) or "bin"
    return f"{stamp}-{digest}-{slug(path.stem) or 'audio'}.{extension}"
