"""Steps that ask the service small questions: how far a separation is, the history, the account, the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import Account, HistoryRow, Remote, RemoteLink
from mvsep_watch.mvsep import Client, Patience
from mvsep_watch.mvsep.cached import FRESH_S, CatalogueCache, KnownCatalogue
from mvsep_watch.steps.base import Pool, Tools

PAGE_ROWS = 20
"""The most that the service lists at once. Source: MVSEP API page, separation_history, 2025 and 2026."""
RESTARTS = 3
"""How often a history that moves under the look is begun again before the look counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutSeparation:
    """Asks about one separation, on the host that has it; one question at a time."""

    pool: ClassVar[Pool] = Pool.ASKING

    separation_id: int
    hash: str
    base_url: str

    @property
    def key(self) -> tuple[str, int]:
        """One question about a separation at a time."""
        return ("poll", self.separation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll(AboutSeparation):
    """Ask how far a separation is, on the host that made it."""

    def perform(self, tools: Tools) -> tuple[Remote, float]:
        """Give what the service says, and when the question was begun (monotonic)."""
        begun_s = tools.monotonic()
        return tools.client.get(self.hash, base_url=self.base_url, patience=Patience.POLL), begun_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PollLink(AboutSeparation):
    """Ask how far the service is with a link that it fetches, on the host that took it."""

    def perform(self, tools: Tools) -> RemoteLink:
        """Give what the service says."""
        return tools.client.get_remote(self.hash, base_url=self.base_url, patience=Patience.POLL)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRead:
    """A complete read of the history down to a row that was known, newest row first; instants are monotonic."""

    rows: tuple[HistoryRow, ...]
    begun_s: float
    answered_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHistory:
    """Read the history from its newest row down to `down_to`, an id; 0 reads it to its end.

    Args:
        newest_known: The newest id that was ever seen; a history that does not reach it was begun anew and is read
            to its end.
    """

    pool: ClassVar[Pool] = Pool.ASKING

    down_to: int
    newest_known: int

    @property
    def key(self) -> str:
        """One look serves everybody."""
        return "read_history"

    def perform(self, tools: Tools) -> HistoryRead:
        """Read page by page, each overlapping the last by one row.

        Raises:
            ServiceError: The history kept moving under the look.
        """
        begun_s = tools.monotonic()
        for _ in range(RESTARTS):
            if (rows := self._rows(tools.client)) is not None:
                return HistoryRead(rows=rows, begun_s=begun_s, answered_s=tools.monotonic())
        raise ServiceError("the history kept moving while it was read")

    def _rows(self, client: Client) -> tuple[HistoryRow, ...] | None:
        """Give the rows, or None where a joint between two pages is missing.

        Only a page without a further row is the end: a server may give fewer rows a page than it was asked for.
        """
        rows: list[HistoryRow] = []
        page = client.separation_history_page(start=0, limit=PAGE_ROWS)
        down_to = self.down_to if page and page[0].id >= self.newest_known else 0
        while True:
            if rows and (not page or page[0].id != rows[-1].id):
                return None
            fresh = page[1:] if rows else page
            rows += fresh
            if not fresh or rows[-1].id <= down_to:
                return tuple(rows)
            page = client.separation_history_page(start=len(rows) - 1, limit=PAGE_ROWS)


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """Ask whose token it is, and what is left on the account."""

    pool: ClassVar[Pool] = Pool.ASKING

    @property
    def key(self) -> str:
        """One at a time."""
        return "read_account"

    def perform(self, tools: Tools) -> tuple[Account, float]:
        """Give what the service says, and when the question was begun (seconds since 1970)."""
        begun_at = tools.now()
        return tools.client.user(), begun_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCatalogue:
    """Read the models with their options and prices: as they are kept, or from the service.

    Args:
        cache: Where they are kept.
        fresh_s: From which age on, in seconds, the service is asked.
    """

    pool: ClassVar[Pool] = Pool.ASKING

    cache: CatalogueCache
    fresh_s: float = FRESH_S

    @property
    def key(self) -> str:
        """One at a time."""
        return "read_catalogue"

    def perform(self, tools: Tools) -> KnownCatalogue:
        """Read, or ask; what is kept is given, whatever its age, where the service cannot be asked."""
        return self.cache.current(tools.client, now=tools.now(), fresh_s=self.fresh_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRemote(AboutSeparation):
    """Ask the service to cancel a separation."""

    def perform(self, tools: Tools) -> None:
        """Ask; a refusal is raised with the service's own words."""
        tools.client.cancel(self.hash, base_url=self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRemote(AboutSeparation):
    """Ask the service to delete a separation with its files."""

    def perform(self, tools: Tools) -> None:
        """Ask; a refusal is raised with the service's own words."""
        tools.client.delete(self.hash, base_url=self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOther:
    """Ask the service to cancel a second separation of the same work, which still waits."""

    pool: ClassVar[Pool] = Pool.ASKING

    hash: str
    base_url: str

    @property
    def key(self) -> tuple[str, str]:
        """Once at a time."""
        return ("cancel", self.hash)

    def perform(self, tools: Tools) -> None:
        """Ask."""
        tools.client.cancel(self.hash, base_url=self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Ask how far each of several history rows with the same tag is."""

    pool: ClassVar[Pool] = Pool.ASKING

    separation_id: int
    rows: tuple[HistoryRow, ...]
    base_url: str

    @property
    def key(self) -> tuple[str, int]:
        """One question about a separation at a time."""
        return ("poll", self.separation_id)

    def perform(self, tools: Tools) -> tuple[tuple[HistoryRow, str], ...]:
        """Give each row with its status."""
        return tuple((row, tools.client.get(row.hash, base_url=self.base_url).status) for row in self.rows)
