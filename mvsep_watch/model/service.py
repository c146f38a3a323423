"""What the service says, as frozen values. `mvsep` reads them from its JSON; decisions take them as they are.

Facts about shapes are documented where they are parsed, in `mvsep.parse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What `app/user` says.

    Args:
        identity: The e-mail, else the name: whose account it is.
        credits: `premium_minutes`, rounded down; None when the service did not say.
        queue_is_empty: True or False where `current_queue` says so, None where its shape is not understood.
        current_queue: The hashes of the unfinished separations, where `current_queue` names any.
        long_filenames_enabled: Whether results are named after model and options; None where not said.
    """

    identity: str
    name: str = ""
    email: str = ""
    credits: int | None = None
    premium_enabled: bool = False
    queue_is_empty: bool | None = None
    current_queue: tuple[str, ...] = ()
    long_filenames_enabled: bool | None = None
    created_at: str = ""

    @property
    def has_premium(self) -> bool:
        """True where work is paid for: premium on and credits left. Anything else is an account without premium.

        An unknown balance counts as credits left: what might be paid for is treated as if it were.
        """
        return self.premium_enabled and (self.credits is None or self.credits > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A row of `app/separation_history`, newest first in every listing.

    Args:
        credits: What was charged; None is unknown, not 0.
        hours_left: Hours until the results expire, negative afterwards; None where not said.
        exists: `job_exists`; False when the job is gone.
    """

    id: int
    hash: str
    created_at: str = ""
    exists: bool = True
    credits: int | None = None
    hours_left: int | None = None
    sep_type: int | None = None
    algorithm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The answer to `separation/create`: the job was made.

    Args:
        hash: What `get` takes; for a link what `get_remote` takes until that gives the long one.
        link: The address that the service wants polled.
    """

    hash: str
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file of a finished separation.

    Args:
        name: A suggestion of the server's; never becomes a path.
        is_labelled: Whether the label is the server's, and not a number for want of one.
    """

    label: str
    url: str
    name: str = ""
    size_bytes: int | None = None
    is_labelled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What `separation/get` says.

    Args:
        status: One of the seven documented words, or whatever else the server says.
        transcription: Text results by kind (`srt`, ...), for the models that have them.
        size: The input's, human text.
        input_file: The upload as the service keeps it, once done.
        tags: What the service read from the input's own tags, as it wrote them.
        date: When processing began, the service's own text.
    """

    hash: str
    status: str
    message: str = ""
    queue_count: int | None = None
    current_order: int | None = None
    finished_chunks: int | None = None
    all_chunks: int | None = None
    algorithm: str = ""
    output_format: str = ""
    files: tuple[RemoteFile, ...] = ()
    transcription: Mapping[str, str] = field(default_factory=dict)
    size: str = ""
    input_file: RemoteFile | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""

    @property
    def is_done(self) -> bool:
        """True once results are listed: for a short while `done` can come without files. Source: ABLE, 2026."""
        return self.status == "done" and bool(self.files or self.transcription)

    @property
    def is_unfinished(self) -> bool:
        """True while the server still has it and it has not ended; an unknown status counts as unfinished."""
        return self.status not in {"done", "failed", "not_found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One option field of an algorithm, in the server's order.

    Args:
        name: `add_optN`.
        options: Option key → label; empty for a text input.
        multipliers: Option key → what it multiplies the price coefficient by.
        conditions: What must hold for the field to be shown.
        output_overrides: Option key → the stems that it brings.
    """

    name: str
    label: str
    options: Mapping[str, str]
    default_key: str | None = None
    server_key: str = ""
    input_type: str = "select"
    required: bool = False
    multipliers: Mapping[str, float] = field(default_factory=dict)
    conditions: tuple[FieldCondition, ...] = ()
    output_overrides: Mapping[str, OutputOverride] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCondition:
    """Shows or hides a field by the value of another, named by its `add_optN`."""

    depends_on: str
    values: tuple[str, ...]
    shows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOverride:
    """The stems that one option brings, slug → label: besides what the model gives, or instead of it."""

    outputs: Mapping[str, str]
    adds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputVariant:
    """The stems that a combination of options gives: `match` maps server keys to option keys."""

    match: Mapping[str, str]
    outputs: Mapping[str, str]


class Scope(StrEnum):
    """How a model is fed; the words of `app/algorithms?scopes=`. Source: MVSEP API page, 2026."""

    SINGLE_UPLOAD = "single_upload"
    NO_UPLOAD = "no_upload"
    MATCHERING_UPLOAD = "matchering_upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the service writes about a model in one language; `long` is HTML."""

    short: str
    long: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """A model of the catalogue.

    Args:
        sep_type: `render_id`.
        scope: How it is fed; an unknown word of the server counts as the ordinary upload.
        price_coefficient: What a minute costs, in credits; None where it is not known.
        orientation: 0 for everybody, 1 for registered users, 2 for premium; None where it is not known.
        outputs: Stem slug → label; empty where the catalogue does not say.
        takes_audio: False for models without an audio upload of the ordinary kind.
        rating: The users' average, 1 to 5; None where nobody voted.
        usage: Separations a month; None where not said.
        descriptions: By language code (`en`, `ru`, ...).
    """

    sep_type: int
    name: str
    group: str = ""
    price_coefficient: float | None = None
    orientation: int | None = None
    is_active: bool = True
    takes_audio: bool = True
    fields: tuple[Field, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    output_variants: tuple[OutputVariant, ...] = ()
    scope: Scope = Scope.SINGLE_UPLOAD
    group_id: int | None = None
    rating: float | None = None
    votes: int = 0
    usage: int | None = None
    descriptions: Mapping[str, Description] = field(default_factory=dict)

    @property
    def stem_tables(self) -> tuple[Mapping[str, str], ...]:
        """Every table of stems, slug → label, that some choice of options may draw on."""
        return (
            self.outputs,
            *(variant.outputs for variant in self.output_variants),
            *(override.outputs for field_ in self.fields for override in field_.output_overrides.values()),
        )

    @property
    def needs_premium(self) -> bool:
        """True where only premium accounts may use it. Source: recorded refusal for orientation 2, 2026."""
        return self.orientation == 2


Catalogue = Mapping[int, Algorithm]
"""The models by `sep_type`, in the server's order."""
