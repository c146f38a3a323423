"""Steps that tell others: notices, pings, numbers. No work ever waits for one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mvsep_watch.model import Destination, Message
from mvsep_watch.steps.base import Pool, Tools
from mvsep_watch.telling import textfile

START, SUCCESS, FAIL = "start", "success", "fail"
"""What a ping says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Send a notice to one destination.

    Args:
        kind: What notice it is; of each kind one at a time is on its way.
    """

    pool: ClassVar[Pool] = Pool.NOTICES

    kind: str
    destination: Destination
    message: Message

    @property
    def key(self) -> tuple[str, str, str]:
        """One of a kind to each destination."""
        return ("tell", self.kind, self.destination.name)

    def perform(self, tools: Tools) -> None:
        """Send it.

        Raises:
            NotToldError: It was not taken.
        """
        tools.teller.tell(self.destination, self.message, is_stopping=tools.stopping.is_set)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPing:
    """Ask an address of a watching service.

    Args:
        what: What that says: `start`, `success` or `fail`.
        url: The address; never in a repr.
        reason: What is sent along; empty sends nothing.
        begun_s: When it was found out, monotonic.
    """

    pool: ClassVar[Pool] = Pool.PINGS

    what: str
    url: str = field(repr=False)
    reason: str
    begun_s: float

    @property
    def key(self) -> str:
        """One at a time, in their order."""
        return "ping"

    def perform(self, tools: Tools) -> None:
        """Ask.

        Raises:
            NotToldError: There was no success.
        """
        tools.teller.ping(self.url, reason=self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteNumbers:
    """Write the numbers where they are looked for.

    Args:
        is_last: Whether they are the last of this process, which wait for others that are being written.
    """

    pool: ClassVar[Pool] = Pool.NUMBERS

    path: Path
    text: str = field(repr=False)
    is_last: bool = False

    @property
    def key(self) -> tuple[str, Path, bool]:
        """One at a time in each place, and the last ones."""
        return ("numbers", self.path, self.is_last)

    def perform(self, _: Tools) -> None:
        """Write them.

        Raises:
            NotToldError: They cannot be written.
        """
        textfile.write(self.path, self.text)
