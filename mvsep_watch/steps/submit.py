"""The step that can cost money: send one separation, and know for certain what is known of its outcome.

Before the last chunk it compares what was sent with what was identified, waits for the owner to commit `released`, and
writes the release's generation into the claim. Whatever goes wrong before that is harmless; whatever goes wrong after
it, short of the service's own refusal, is an unknown outcome, and `Sent` says which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, TypeVar

import xxhash

from mvsep_watch.errors import (
    MvsepWatchError,
    NeedsUserError,
    RetryableError,
    SourceBusyError,
    SourceChangedError,
    SourceRefusedError,
    StoppedError,
)
from mvsep_watch.files import claim as claims
from mvsep_watch.files import dropped, roots
from mvsep_watch.model import (
    AS_MADE,
    Access,
    Created,
    FileStat,
    InputKind,
    Link,
    Pair,
    Settings,
    file_key,
    kind_of,
    link_key,
    pair_key,
    text_key,
)
from mvsep_watch.mvsep import SentFile
from mvsep_watch.steps.base import Denied, Pool, Tools
from mvsep_watch.steps.standing import Within, away

T = TypeVar("T")


class DeniedError(RetryableError):
    """The owner did not let the last chunk go; nothing was sent that could be paid for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a submission: an answer, or an error and whether the last chunk may have left before it."""

    created: Created | None = None
    error: Exception | None = None
    may_have_left: bool = False

    @classmethod
    def lost(cls, error: Exception | None) -> Sent:
        """Say that nothing is known of what came of it."""
        return cls(error=error, may_have_left=True)


@dataclass(slots=True)
class Meter:
    """How much of an upload has left: written by its hand, read by whoever shows it, decided upon by nobody."""

    sent_bytes: int = 0

    def count(self, sent_bytes: int, _size_bytes: int) -> None:
        """Take note of what has left so far."""
        self.sent_bytes = sent_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Send an input as one separation.

    Args:
        send: The send number; the owner grants the release only while it is current.
        input_key: What is to be sent; anything else that the source holds is not.
        path, stat: The source, and what it looked like when it was identified.
        xxh3: What its bytes were then; None has them compared by the input key's own hash, which costs far more.
        reference: The other file of a pair.
        prompt: The field that a text fills.
        access: How the root's claim is to be.
        is_free: The price is 0; the account is read again before the release.
        claim: What is written into the claim of `root`, with the release's generation.
        note: What `root` was when it was last seen to be itself.
        within: The watched folders that the source lies in.
    """

    pool: ClassVar[Pool] = Pool.UPLOADS

    separation_id: int
    send: int
    input_key: str
    path: str
    stat: FileStat
    settings: Settings
    upload_name: str
    is_free: bool
    root: Path
    claim: claims.Claim
    note: roots.RootNote | None = None
    xxh3: str | None = None
    reference: Path | None = None
    prompt: str = ""
    access: Access = AS_MADE
    within: Within = ()
    meter: Meter = field(default_factory=Meter, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, int]:
        """One upload of a separation at a time."""
        return ("submit", self.separation_id)

    def perform(self, tools: Tools) -> Sent:
        """Send it; never raises one of the project's errors, since only it knows what had left by then."""
        release = _Release(self, tools)
        try:
            source, settings = self._request()
            created = tools.client.create(
                source,
                settings,
                upload_name=self.upload_name,
                before_last_chunk=release,
                digest=hashlib.sha256 if self.xxh3 is None else xxhash.xxh3_128,
                progress=self.meter.count,
                stopping=tools.stopping.is_set,
            )
        except Exception as error:  # noqa: BLE001 - even a bug must not lose what is known of the outcome
            missed = (
                away(self.within, Path(self.path)) if isinstance(error, SourceChangedError | SourceBusyError) else None
            )
            return Sent(error=missed or error, may_have_left=release.is_open)
        return Sent(created=created, may_have_left=release.is_open)

    def _request(self) -> tuple[Path | Link | Pair | None, Settings]:
        """Give what is sent. A link and a text are read once more, and are only sent if they are still the same."""
        path = Path(self.path)
        match kind_of(self.input_key):
            case InputKind.LINK:
                return self._unchanged(dropped.read_link, lambda link: link_key(link.url)), self.settings
            case InputKind.TEXT:
                text = self._unchanged(dropped.read_text, text_key)
                return None, self.settings.with_option(self.prompt, text)
            case InputKind.PAIR if self.reference is not None:
                return Pair(target=path, reference=self.reference), self.settings
            case InputKind.PAIR:
                raise NeedsUserError(
                    f"{path.name} was to be sent with a reference, and its rule names none any more",
                    hint="give the rule its `reference` back, then `retry`: nothing was sent",
                )
            case _:
                return path, self.settings

    def _unchanged(self, read: Callable[[Path], T], key_of: Callable[[T], str]) -> T:
        """Read what the source holds, and require that it is what was identified."""
        try:
            found = read(Path(self.path))
        except SourceRefusedError as exc:
            raise self.changed() from exc
        if key_of(found) != self.input_key:
            raise self.changed()
        return found

    def is_as_identified(self, files: tuple[SentFile, ...]) -> bool:
        """Say whether the files that were read for sending are what was identified; without files nothing is read."""
        digests = [file.digest for file in files]
        match kind_of(self.input_key):
            case InputKind.FILE if self.xxh3 is not None:
                is_same = digests == [self.xxh3]
            case InputKind.FILE:
                is_same = file_key(*digests) == self.input_key
            case InputKind.PAIR:
                is_same = pair_key(*digests) == self.input_key
            case _:
                return not files
        return is_same and FileStat.of(files[0].stat) == self.stat

    def changed(self) -> SourceChangedError:
        """Give the error for a source that is not what was identified any more."""
        return SourceChangedError(f"{Path(self.path).name} changed while it was sent; it was not submitted")


class _Release:
    """Stands before the last chunk; open once everything says yes."""

    def __init__(self, task: Submit, tools: Tools) -> None:
        self._task = task
        self._tools = tools
        self.is_open = False

    def __call__(self, files: tuple[SentFile, ...]) -> None:
        task, tools = self._task, self._tools
        if not task.is_as_identified(files):
            raise task.changed()
        account = tools.client.user() if task.is_free else None
        answer = tools.ask_release(task.separation_id, task.send, account)
        if isinstance(answer, Denied):
            raise DeniedError(answer.reason)
        self._claim(answer.generation)
        if tools.stopping.is_set():
            raise StoppedError("told to stop before the last chunk")
        self.is_open = True

    def _claim(self, generation: int) -> None:
        """Let the output root know of this release, so that an older backup of the state is recognised."""
        roots.require_same(self._task.root, self._task.note)
        claims.renew(self._task.root, replace(self._task.claim, generation=generation), access=self._task.access)


def is_harmless(sent: Sent) -> bool:
    """Say whether nothing can have been made: nothing left, or the service itself refused it."""
    if sent.created is not None:
        return False
    return not sent.may_have_left or (isinstance(sent.error, MvsepWatchError) and sent.error.refused)
