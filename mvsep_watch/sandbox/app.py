"""The sandbox over HTTP: the endpoints, and the faults where they strike.

Decides nothing about jobs. Every endpoint takes one road: the body is received to its end, the rate is counted, faults
`before` strike, the endpoint does its work, faults `after` strike. The calls below `/sandbox` are for tests: what was
seen, how to misbehave, and what the account has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mvsep_watch.errors import UsageError
from mvsep_watch.sandbox import shapes
from mvsep_watch.sandbox.endpoints import Endpoints
from mvsep_watch.sandbox.faults import Fault, FaultKind, Faults
from mvsep_watch.sandbox.orders import RefusalError
from mvsep_watch.sandbox.receive import Ask, receive
from mvsep_watch.sandbox.record import Record
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.shapes import PhpJsonResponse
from mvsep_watch.sandbox.storage import StoredFile
from mvsep_watch.sandbox.throttle import Throttle

ERROR_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"

Drop = Callable[[Request], None]
Handler = Callable[[Ask], Response]


def break_off(request: Request) -> None:
    """Stand in for a broken connection where there is none, as under a test client."""
    raise ConnectionAbortedError(f"connection of {request.url.path} dropped")


class Api:
    """The endpoints.

    Args:
        service: The rules.
        folder: For uploads and results.
        faults: How to misbehave.
        rate_limit: Requests a minute.
        wake: Called when jobs may have something to do.
        drop: Breaks a request's connection.
    """

    def __init__(
        self,
        service: Service,
        folder: Path,
        *,
        faults: Faults,
        rate_limit: int = 120,
        wake: Callable[[], None] = lambda: None,
        drop: Drop = break_off,
    ) -> None:
        self.service = service
        self.faults = faults
        self.record = Record()
        self._uploads = folder
        self._throttle = Throttle(rate_limit, service.now)
        self._drop = drop
        self._endpoints = Endpoints(service, self.faults, wake)

    def app(self) -> Starlette:
        """Build the ASGI application."""
        endpoints = self._endpoints
        table: tuple[tuple[str, str, str, Handler], ...] = (
            ("create", "POST", "/api/separation/create", endpoints.create),
            ("get", "GET", "/api/separation/get", endpoints.get),
            ("cancel", "POST", "/api/separation/cancel", endpoints.cancel),
            ("delete", "POST", "/api/separation/delete", endpoints.delete),
            ("user", "GET", "/api/app/user", endpoints.user),
            ("history", "GET", "/api/app/separation_history", endpoints.history),
            ("algorithms", "GET", "/api/app/algorithms", endpoints.algorithms),
            ("queue", "GET", "/api/app/queue", endpoints.queue),
        )
        routes = [Route(path, self._endpoint(name, handler), methods=[method]) for name, method, path, handler in table]
        routes += [
            Route("/storage/{area}/{name}", self._download, methods=["GET", "HEAD"]),
            Route("/sandbox/faults", self._set_faults, methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/account", self._set_account, methods=["POST"]),
            Route("/sandbox/state", self._state, methods=["GET"]),
        ]
        return Starlette(routes=routes)

    def _endpoint(self, name: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self.record.requests[name] += 1
            try:
                response = await self._answer(name, handler, request)
            except ClientDisconnect:
                return Response(status_code=499)
            response.headers.update(self._throttle.headers())
            response.headers["Cache-Control"] = "no-cache, private"
            return response

        return endpoint

    async def _answer(self, name: str, handler: Handler, request: Request) -> Response:
        if name == "create" and (fault := self.faults.take(FaultKind.DROP_UPLOAD)):
            return await self._break_off_upload(request, int(fault.value))
        ask = await receive(request, self._uploads)
        if ask.received:
            self.record.received.append(ask.received)
        try:
            return await self._answer_received(name, handler, request, ask)
        finally:
            if ask.received and not ask.received.hash:
                for upload in ask.uploads.values():
                    upload.path.unlink(missing_ok=True)

    async def _answer_received(self, name: str, handler: Handler, request: Request, ask: Ask) -> Response:
        wait_s = self._throttle.take()
        if wait_s is not None:
            return _too_many(wait_s)
        early = await self._misbehave(name, "before", request)
        if early is not None:
            return early
        response = await run_in_threadpool(self._handled, handler, ask)
        return await self._misbehave(name, "after", request) or response

    def _handled(self, handler: Handler, ask: Ask) -> Response:
        try:
            return handler(ask)
        except RefusalError as refusal:
            in_data = self.faults.take(FaultKind.DATA_MESSAGE) is not None
            return PhpJsonResponse(shapes.failure(refusal.text, in_data=in_data), refusal.http_status)

    async def _misbehave(self, name: str, when: str, request: Request) -> Response | None:
        fault = self.faults.take_on(name, when)
        match fault:
            case None:
                return None
            case Fault(kind=FaultKind.DROP):
                return await self._broken_off(request)
            case Fault(kind=FaultKind.SLOW_ANSWER):
                await anyio.sleep(float(fault.value))
                return None
            case Fault(kind=FaultKind.RATE_LIMIT):
                return _too_many(fault.value)
            case Fault(kind=FaultKind.HTML):
                return HTMLResponse(ERROR_PAGE.format("Just a moment..."))
            case _:
                return HTMLResponse(ERROR_PAGE.format(fault.value), int(fault.value))

    async def _break_off_upload(self, request: Request, size_bytes: int) -> Response:
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
            if received >= size_bytes:
                break
        return await self._broken_off(request)

    async def _broken_off(self, request: Request) -> Response:
        """Break the connection and wait until the server has noticed, so that nothing is sent into it."""
        self._drop(request)
        while (await request.receive())["type"] != "http.disconnect":
            continue
        return Response(status_code=499)

    async def _download(self, request: Request) -> Response:
        self.record.requests["download"] += 1
        early = await self._misbehave("download", "before", request)
        if early is not None:
            return early
        path = self._endpoints.stored(request.path_params["area"], request.path_params["name"])
        if path is None or not path.is_file():
            return HTMLResponse(ERROR_PAGE.format("404 Not Found"), 404)
        return StoredFile(path, faults=self.faults, drop=lambda: self._drop(request))

    async def _set_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        if request.method == "POST":
            asked = await request.json()
            try:
                for fault in [Fault.parse(raw) for raw in (asked if isinstance(asked, list) else [asked])]:
                    self.faults.add(fault)
            except UsageError as error:
                return JSONResponse({"error": error.message, "hint": error.hint}, 400)
        return JSONResponse(self.faults.listed())

    async def _set_account(self, request: Request) -> Response:
        """Change credits, premium_enabled, email or name of the first account."""
        account = self.service.first_account
        for key, value in (await request.json()).items():
            if key in {"credits", "premium_enabled", "email", "name"}:
                setattr(account, key, value)
        return await self._state(request)

    async def _state(self, request: Request) -> Response:  # noqa: ARG002 - a route's signature
        return JSONResponse(self.record.state(self.service, self.service.first_account))


def _too_many(wait_s: float | None) -> Response:
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return PhpJsonResponse({"message": "Too Many Attempts."}, 429, headers)
