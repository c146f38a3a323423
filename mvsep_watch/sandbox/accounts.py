"""The sandbox's accounts: who has a token, who may log in, who wants to register.

Keeps them in memory and decides on forms only; what an account may have separated is the service's business. The
surprise: an account can be used as soon as it is registered, since no mail is ever sent.
"""

from __future__ import annotations

import re
import secrets
import string
import threading
from collections.abc import Callable, Iterable, Mapping

from mvsep_watch.sandbox.jobs import Account
from mvsep_watch.sandbox.refusals import BadTokenError, Envelope, RefusalError

TOKEN_CHARS = 30
PASSWORD_CHARS = 8
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
WRONG_LOGIN = "These credentials do not match our records."
"""Laravel's own text; the service's is not recorded."""


def new_token() -> str:
    """Make a token as the service's are: 30 letters and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(TOKEN_CHARS))


class Accounts:
    """All accounts.

    Args:
        accounts: The ones that are there from the start.
        now: Seconds since the epoch.
    """

    def __init__(self, accounts: Iterable[Account], now: Callable[[], float]) -> None:
        self._accounts = list(accounts)
        self._now = now
        self._lock = threading.Lock()

    @property
    def first(self) -> Account:
        """The one that the sandbox was started for."""
        return self._accounts[0]

    def find(self, token: str | None) -> Account | None:
        """Find whose token this is."""
        return next((each for each in self._accounts if token and each.token == token), None)

    def named(self, name: str) -> Account | None:
        """Find an account by its token or its e-mail."""
        return self.find(name) or self._of_email(name)

    def known(self, token: str | None) -> Account:
        """Find whose token this is.

        Raises:
            BadTokenError: It is nobody's.
        """
        account = self.find(token)
        if account is None:
            raise BadTokenError
        return account

    def login(self, form: Mapping[str, str]) -> Account:
        """Find the account of an e-mail and its password.

        Raises:
            RefusalError: A field is missing, or they do not belong together.
        """
        _check({name: _missing(form, name) for name in ("email", "password")})
        account = self._of_email(form["email"])
        if account is None or account.password != form["password"]:
            raise RefusalError(WRONG_LOGIN, envelope=Envelope.MESSAGE)
        return account

    def register(self, form: Mapping[str, str]) -> Account:
        """Open an account of the free plan, without credits.

        Raises:
            RefusalError: What is wrong with which field.
        """
        _check(
            {
                "name": _missing(form, "name"),
                "email": _missing(form, "email") or self._bad_email(form["email"]),
                "password": _missing(form, "password") or _bad_password(form),
            }
        )
        account = Account(
            token=new_token(),
            email=form["email"],
            name=form["name"],
            password=form["password"],
            credits=0,
            premium_enabled=False,
            made_at=self._now(),
        )
        with self._lock:
            _check({"email": self._bad_email(account.email)})
            self._accounts.append(account)
        return account

    def _of_email(self, email: str) -> Account | None:
        return next((each for each in self._accounts if each.email.lower() == email.lower()), None)

    def _bad_email(self, email: str) -> str:
        if not EMAIL.fullmatch(email):
            return "The email must be a valid email address."
        return "The email has already been taken." if self._of_email(email) else ""


def _check(found: Mapping[str, str]) -> None:
    bad = {name: [text] for name, text in found.items() if text}
    if bad:
        raise RefusalError(bad, envelope=Envelope.MESSAGE)


def _missing(form: Mapping[str, str], name: str) -> str:
    return "" if form.get(name) else f"The {name} field is required."


def _bad_password(form: Mapping[str, str]) -> str:
    if form["password"] != form.get("password_confirmation"):
        return "The password confirmation does not match."
    is_short = len(form["password"]) < PASSWORD_CHARS
    return f"The password must be at least {PASSWORD_CHARS} characters." if is_short else ""
