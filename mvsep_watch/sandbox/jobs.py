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

from mvsep_watch.sandbox.catalogue import InputKind, Model

MEBIBYTE = 1024 * 1024
RETENTION_S = 72 * 3600
SPLIT_FROM_S = 15 * 60
"""Audio from this length on is handed out to several machines. Source: the site's news, January 2024."""
MAX_SLUG_CHARS = 120
"""A file name may have 255 bytes, and a result's adds the model, the stem and the ending to the slug."""
MAX_OPTION_CHARS = 20
"""Some models take a whole text as their first option."""


PASSWORD = "sandbox"  # noqa: S105 - of an account that is on this machine only, and told
"""What the account that the sandbox is started for logs in with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an account may do. Source: the site's credits page, 2026; the limit a day from clients' notes."""

    name: str
    size_bytes: int
    duration_s: float
    per_day: int | None
    unfinished: int | None
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
    unfinished=None,
    formats=frozenset(range(6)),
)


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """An account; without premium switched on, or without credits, it is one of the free plan."""

    token: str = field(repr=False)
    email: str = "sandbox@localhost"
    name: str = "Sandbox"
    credits: int = 100
    premium_enabled: bool = True
    password: str = field(default=PASSWORD, repr=False)
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
    """One accepted separation. Times are seconds since the epoch, by the sandbox's clock.

    Args:
        inputs: The file that was sent or fetched; a pair's target and reference; nothing for options alone.
        options: Every field of the model, the defaults filled in.
        plan: The name of the plan under which it is done: whose queue it stands in.
        long_filenames: Whether the names of results tell the algorithm and the options.
        is_demo: Whether it is published on the demo page, which keeps it.
        split_from_s: From which length on several machines share it.
    """

    id: int
    hash: str
    account: Account
    input_kind: InputKind
    inputs: tuple[Upload, ...]
    model: Model
    options: dict[str, str]
    output_format: int
    charged: int
    created_at: float
    plan: str = PREMIUM.name
    long_filenames: bool = False
    is_demo: bool = False
    split_from_s: float = SPLIT_FROM_S
    stage: Stage = Stage.WAITING
    started_at: float = 0.0
    processing_s: float = 0.0
    is_worked_off: bool = False
    done_polls: int = 0
    is_swept: bool = False
    """Its files have been dropped."""
    message: str = ""
    fails_with: str | None = None
    results: tuple[Result, ...] = ()
    transcription: dict[str, str] = field(default_factory=dict)

    @property
    def upload(self) -> Upload:
        """The file to be worked on, of a pair the target; a job made from options alone has none."""
        return self.inputs[0]

    @property
    def reference(self) -> Upload:
        """What a pair's target is to sound like."""
        return self.inputs[1]

    @property
    def paths(self) -> list[Path]:
        """Every file that is kept for it."""
        return [*(upload.path for upload in self.inputs), *(result.path for result in self.results)]

    @property
    def duration_s(self) -> float:
        """How long its input plays; 0 without one."""
        return next((each.duration_s or 0.0 for each in self.inputs), 0.0)

    @property
    def ends_at(self) -> float:
        """When a started job may be done at the earliest."""
        return self.started_at + self.processing_s

    @property
    def is_split(self) -> bool:
        """True for audio that is so long that several machines share it."""
        return bool(self.inputs) and self.duration_s >= self.split_from_s

    @property
    def stem(self) -> str:
        """The hash without its extension: what names of results begin with."""
        return self.hash.rpartition(".")[0] or self.hash

    @property
    def slug(self) -> str:
        """The hash's readable part."""
        return self.stem.split("-", 2)[2]


def make_result(job: Job, storage: Path, *, label: str, stem: str, extension: str) -> Result:
    """Name a result as the service does: the hash, the model, the first option, the stem.

    With long file names, the one that is suggested tells the algorithm and every option. Nobody has recorded an example
    of those, so their order is the sandbox's own.

    Args:
        job: Whose result it is.
        storage: The folder that it is going to be written to.
        label: What the answer calls it.
        stem: Its slug.
        extension: Without the dot.
    """
    model = slug(job.model.name.partition("(")[0]).replace("-", "")
    ending = f"{model}_mt_{slug(job.options.get('add_opt1') or '0')[:MAX_OPTION_CHARS]}_{stem}.{extension}"
    name = f"{job.slug}_{_long_ending(job, stem, extension) if job.long_filenames else ending}"
    return Result(label=label, path=storage / f"{job.stem}_{ending}", name=name)


def _long_ending(job: Job, stem: str, extension: str) -> str:
    options = (slug(each.options.get(job.options[each.name], "")) for each in job.model.fields)
    told = "_".join([slug(job.model.name), *filter(None, options)])
    return f"{told[:MAX_SLUG_CHARS]}_{stem}.{extension}"


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
