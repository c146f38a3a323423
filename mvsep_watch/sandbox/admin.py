"""The calls below `/sandbox`, which no service has: what was seen, how to misbehave, and what an account has.

For tests and for people who try things. They need no token, since whoever can call them is on this machine.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mvsep_watch.errors import UsageError
from mvsep_watch.sandbox.faults import Fault, Faults
from mvsep_watch.sandbox.quirks import expanded
from mvsep_watch.sandbox.record import Record
from mvsep_watch.sandbox.service import Service

ACCOUNT_KEYS = frozenset({"credits", "premium_enabled", "long_filenames_enabled", "email", "name"})


class Admin:
    """The calls.

    Args:
        service: Whose accounts and jobs they are.
        faults: What is in force.
        record: What was seen.
    """

    def __init__(self, service: Service, faults: Faults, record: Record) -> None:
        self._service = service
        self._faults = faults
        self._record = record

    def routes(self) -> list[Route]:
        """Say where the calls are."""
        return [
            Route("/sandbox/faults", self._set_faults, methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/account", self._set_account, methods=["POST"]),
            Route("/sandbox/state", self._state, methods=["GET"]),
        ]

    async def _set_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            asked = await request.json()
            try:
                for fault in [Fault.parse(expanded(raw)) for raw in (asked if isinstance(asked, list) else [asked])]:
                    self._faults.add(fault)
            except UsageError as error:
                return JSONResponse({"error": error.message, "hint": error.hint}, 400)
        return JSONResponse(self._faults.listed())

    async def _set_account(self, request: Request) -> Response:
        """Change what an account has: the first one, or the one that `of` names by its e-mail or token."""
        asked = await request.json()
        account = self._service.accounts.named(str(asked["of"])) if "of" in asked else self._service.accounts.first
        if account is None:
            return JSONResponse({"error": "no account is called that", "hint": "of is an e-mail or a token"}, 400)
        for key in ACCOUNT_KEYS & set(asked):
            setattr(account, key, asked[key])
        return await self._state(request)

    async def _state(self, request: Request) -> Response:  # noqa: ARG002 - a route's signature
        return JSONResponse(self._record.state(self._service, self._service.accounts.first))
