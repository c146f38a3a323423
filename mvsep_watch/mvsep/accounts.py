"""The calls about accounts: whose token it is, what is on the account, and what it did."""

from __future__ import annotations

from collections.abc import Iterator

from mvsep_watch.model import Account, HistoryRow, Login
from mvsep_watch.mvsep.base import Calls
from mvsep_watch.mvsep.paging import PAGE_ROWS, paged
from mvsep_watch.mvsep.parse import read_account, read_history, read_login
from mvsep_watch.mvsep.refusals import account_error, form_error


class Accounts(Calls):
    """`app/user` and its neighbours."""

    def login(self, email: str, password: str) -> Login:
        """Ask for an account's token by its password; the client goes on with its own.

        Raises:
            RequestRefusedError: The service does not accept them, in its own words.
            ServiceError: Also where it does not say whose account it is.
        """
        form = {"email": email, "password": password}
        return read_login(self._post("app/login", form, refusal=form_error, secret=password))

    def register(self, *, name: str, email: str, password: str) -> str:
        """Open an account; it is usable once the link in the e-mail has been followed.

        Returns:
            The server's words.

        Raises:
            RequestRefusedError: The form is refused; the message names its fields.

        Source: MVSEP API page, app/register, 2026; its example says GET, but it is a POST.
        """
        form = {"name": name, "email": email, "password": password, "password_confirmation": password}
        return self._post("app/register", form, refusal=form_error, secret=password).words

    def user(self) -> Account:
        """Ask whose token it is, and what the account has."""
        return read_account(self._account_get("app/user"))

    def separation_history(self, *, start: int = 0, limit: int | None = None) -> Iterator[HistoryRow]:
        """Walk through the account's separations, newest first, page by page as far as it is read.

        Args:
            start: How many of the newest rows to skip.
            limit: Rows at most; None goes to the end.
        """
        return paged(
            lambda skipped, rows: self.separation_history_page(start=skipped, limit=rows),
            key=lambda row: row.id,
            start=start,
            limit=limit,
        )

    def separation_history_page(self, *, start: int = 0, limit: int = PAGE_ROWS) -> tuple[HistoryRow, ...]:
        """Read one page of the account's separations, newest first.

        Args:
            start: How many of the newest rows to skip.
            limit: Rows, at most 20.

        Raises:
            ServiceError: Also where a single row cannot be read: then nothing may be called absent.
        """
        return read_history(self._account_get("app/separation_history", start=str(start), limit=str(limit)))

    def enable_premium(self) -> str:
        """Let separations cost credits, and come first; gives the server's words."""
        return self._switch("app/enable_premium")

    def disable_premium(self) -> str:
        """Let separations cost nothing, and wait with the others; gives the server's words."""
        return self._switch("app/disable_premium")

    def enable_long_filenames(self) -> str:
        """Have results named after model and options; gives the server's words."""
        return self._switch("app/enable_long_filenames")

    def disable_long_filenames(self) -> str:
        """Have results named shortly; gives the server's words."""
        return self._switch("app/disable_long_filenames")

    def _switch(self, call: str) -> str:
        return self._post(call, {"api_token": self._token_for(call)}, refusal=account_error).words
