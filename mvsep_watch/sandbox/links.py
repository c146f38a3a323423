"""Jobs by link, before they are jobs: being fetched, waiting to be taken in, or refused.

Keeps the list of them; fetching is `fetching`'s business and taking in the service's. The surprise: a link's size
and length are known only once it was fetched, so what a plan does not include shows here as a failure and not as a
refusal of the create.
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mvsep_watch.sandbox.faults import FaultKind
from mvsep_watch.sandbox.jobs import Account, Job, Status
from mvsep_watch.sandbox.line import Line, Progress
from mvsep_watch.sandbox.orders import Wish

FETCH_S = 2.0
"""How long a link is being fetched at least, and how long it then waits, at speed 1."""
HASH_CHARS = 16


class LinkStage(StrEnum):
    """What has happened to a link."""

    FETCHING = "fetching"
    FETCHED = "fetched"
    TAKEN = "taken"
    FAILED = "failed"

    @property
    def is_unfinished(self) -> bool:
        """True while it counts against the account's limit by itself; later its job does."""
        return self in {LinkStage.FETCHING, LinkStage.FETCHED}


@dataclass(slots=True, kw_only=True, eq=False)
class Link:
    """One accepted link. Times are seconds since the epoch, by the sandbox's clock.

    Args:
        hash: The short one.
        max_bytes: How large the file may be that is behind it.
        due_at: When it is taken in at the earliest.
        wish: What is to be done with the file, once that is known.
        message: Why it failed.
    """

    hash: str
    account: Account
    url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    max_bytes: int
    created_at: float
    due_at: float = 0.0
    stage: LinkStage = LinkStage.FETCHING
    wish: Wish | None = None
    job: Job | None = None
    message: str = ""
    fails_with: str | None = None


class Links:
    """All links.

    Args:
        line: Whose clock counts.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._links: list[Link] = []
        self._lock = threading.RLock()

    def add(self, account: Account, fields: Mapping[str, str], *, max_bytes: int, fails_with: str | None) -> Link:
        """Accept a link."""
        link = Link(
            hash=_new_hash(),
            account=account,
            url=fields["url"],
            fields=fields,
            max_bytes=max_bytes,
            created_at=self._line.now(),
            fails_with=fails_with,
        )
        self._links.append(link)
        return link

    def hold(self, link: Link, wish: Wish) -> None:
        """Let a link wait whose file is here."""
        slow_s = float(self._line.faults.value(FaultKind.SLOW_REMOTE, self._step_s()))
        with self._lock:
            arrived_at = max(self._line.now(), link.created_at + slow_s)
            link.wish, link.stage, link.due_at = wish, LinkStage.FETCHED, arrived_at + self._step_s()

    def give_up(self, link: Link, message: str) -> None:
        """End a link without a job."""
        link.stage, link.message = LinkStage.FAILED, message

    def take(self, link: Link, job: Job) -> None:
        """Remember the job that a link has become."""
        link.stage, link.job = LinkStage.TAKEN, job

    def due(self) -> Iterator[tuple[Link, Wish]]:
        """Give the links that have waited, with what is to be done with them."""
        for link in self._in(LinkStage.FETCHED):
            if link.wish and link.due_at <= self._line.now():
                yield link, link.wish

    def find(self, hash_: str) -> Link | None:
        """Find a link that is not older than what is kept."""
        link = next((link for link in self._links if link.hash == hash_), None)
        return link if link and not self._line.is_old(link.created_at) else None

    def unfinished(self, account: Account) -> int:
        """Count an account's links that are no jobs yet."""
        return sum(link.stage.is_unfinished and link.account is account for link in self._links)

    def seconds_to_next(self) -> float | None:
        """Say when the next one is due."""
        times = [link.due_at for link in self._in(LinkStage.FETCHED)]
        return max(0.0, min(times) - self._line.now()) if times else None

    def progress(self, link: Link) -> Progress | None:
        """Say how far a link is; None while it is being fetched."""
        with self._lock:
            match link.stage:
                case LinkStage.TAKEN:
                    return Progress(Status.DONE)
                case LinkStage.FAILED:
                    return Progress(Status.FAILED)
                case LinkStage.FETCHED if self._line.now() >= link.due_at - self._step_s():
                    waiting = self._in(LinkStage.FETCHED)
                    return Progress(Status.WAITING, len(waiting), 1 + waiting.index(link))
                case _:
                    return None

    def _step_s(self) -> float:
        return FETCH_S / self._line.speed

    def _in(self, stage: LinkStage) -> list[Link]:
        return [link for link in self._links if link.stage is stage]


def _new_hash() -> str:
    """Make the hash of a link: 16 letters and digits, as recorded."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(HASH_CHARS))
