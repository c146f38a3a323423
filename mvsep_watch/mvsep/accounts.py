"""The calls about accounts: whose token it is, what is on the account, and what it did."""

from __future__ import annotations

from mvsep_watch.model import Account, HistoryRow
from mvsep_watch.mvsep.base import Calls
from mvsep_watch.mvsep.paging import PAGE_ROWS
from mvsep_watch.mvsep.parse import read_account, read_history


class Accounts(Calls):
    """`app/user` and its neighbours."""

    def user(self) -> Account:
        """Ask whose token it is, and what the account has."""
        return read_account(self._account_get("app/user"))

    def separation_history_page(self, *, start: int = 0, limit: int = PAGE_ROWS) -> tuple[HistoryRow, ...]:
        """Read one page of the account's separations, newest first.

        Args:
            start: How many of the newest rows to skip.
            limit: Rows, at most 20.

        Raises:
            ServiceError: Also where a single row cannot be read: then nothing may be called absent.
        """
        return read_history(self._account_get("app/separation_history", start=str(start), limit=str(limit)))
