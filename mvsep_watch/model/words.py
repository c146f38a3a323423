"""The words of the glossary that are closed sets: states, gates, formats.

Each state is a durable fact and not an activity; what is in flight is known to the daemon's memory alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SeparationState(StrEnum):
    """What is durably known of a separation, the paid unit."""

    INTENDED = "intended"
    """Settings, tag, price and the reservation are committed; nothing that could be paid for has left."""
    RELEASED = "released"
    """Committed just before the last chunk of the body is sent: from here the outcome can be unknown."""
    SUBMITTED = "submitted"
    """The server gave a hash."""
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"

    @property
    def is_unfinished(self) -> bool:
        """True while it may hold one of the account's slots."""
        return self in UNFINISHED


UNFINISHED = (SeparationState.INTENDED, SeparationState.RELEASED, SeparationState.SUBMITTED)


class JobState(StrEnum):
    """What is durably known of a job: one source and one rule, from being queued to its outputs being published."""

    QUEUED = "queued"
    SUBMITTED = "submitted"
    SEPARATED = "separated"
    FETCHED = "fetched"
    PUBLISHED = "published"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"

    @property
    def is_live(self) -> bool:
        """True while something is still to be done, by the daemon or, for `held`, by a person."""
        return self not in FINISHED


FINISHED = (JobState.PUBLISHED, JobState.FAILED, JobState.CANCELLED)


class GateName(StrEnum):
    """Why no new spending may start now."""

    CREDITS = "credits"
    TOKEN = "token"  # noqa: S105 - the name of a gate
    ACCOUNT = "account"
    DISK = "disk"
    HOURS = "hours"
    PAUSED = "paused"
    STOPPING = "stopping"
    SERVICE = "service"
    STATE = "state"


class HoldKind(StrEnum):
    """What a held job waits for; it decides which command frees it."""

    PRICE = "price"
    """`approve`: the price is unknown or above `approve_job_above`. Belongs to the work."""
    BATCH = "batch"
    """`approve`: the batch it came with is above `approve_batch_above`."""
    SENT_BEFORE = "sent_before"
    """`approve` or `retry --hash`: a link, a text or a pair that may have been sent before the state was begun anew.
    Belongs to the work."""
    UNKNOWN = "unknown"
    """The outcome of a submission is not known; looked for by itself. Belongs to the work."""
    ENDED = "ended"
    """The separation ended without results; `redo` is a new attempt and pays."""
    OUTPUTS_GONE = "outputs_gone"
    """Done and paid before, but the outputs are found nowhere; `redo` pays."""
    SHORT = "short"
    """`approve` or `retry`: a result is markedly shorter than its source. Belongs to the work; nothing is paid."""
    ELSEWHERE = "elsewhere"
    """The separation belongs to another account or host than the configured one."""
    MISFIT = "misfit"
    """The rule does not fit what the service offers; it goes on by itself once it does. `retry` tries at once."""
    TROUBLE = "trouble"
    """`retry`: anything else that a person can mend without paying."""


class InputKind(StrEnum):
    """What a rule sends for a source."""

    FILE = "file"
    LINK = "link"
    """The address that the source holds; the service fetches it."""
    TEXT = "text"
    """The source's words, as the prompt of a model that needs no audio."""
    PAIR = "pair"
    """The source and the rule's reference."""

    @property
    def is_tagged(self) -> bool:
        """True where the tag is sent along and an absence from the history may be believed: ordinary uploads.

        What becomes of a pair's names in the service's hash is not known.
        """
        return self is InputKind.FILE


class BatchOrigin(StrEnum):
    """What brought a batch's jobs together."""

    SCAN = "scan"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One of the service's six output formats.

    Source: MVSEP API page, separation/create, 2026: 0 mp3 320 kbps, 1 wav 16 bit, 2 flac 16 bit, 3 m4a, 4 wav 32 bit,
    5 flac 24 bit; 4 and 5 are for premium accounts.
    """

    number: int
    name: str
    extension: str
    needs_premium: bool = False


FORMATS = (
    OutputFormat(0, "mp3", "mp3"),
    OutputFormat(1, "wav", "wav"),
    OutputFormat(2, "flac", "flac"),
    OutputFormat(3, "m4a", "m4a"),
    OutputFormat(4, "wav32", "wav", needs_premium=True),
    OutputFormat(5, "flac24", "flac", needs_premium=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A closed gate.

    Args:
        scope: Empty for the whole daemon, else what it is about: for `paused` the name of a watched folder, for the
            others an output root (escaped path).
    """

    name: GateName
    reason: str
    hint: str = ""
    since: float = 0.0
    scope: str = ""

    def concerns(self, *, root: str, folder: str) -> bool:
        """Say whether it keeps the work of a watched folder from starting, whose outputs go to a root."""
        return self.scope in ("", folder if self.name == GateName.PAUSED else root)
