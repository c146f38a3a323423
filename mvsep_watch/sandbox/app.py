"""The sandbox over HTTP: one road for every endpoint, and the faults where they strike.

Decides nothing about jobs. On the road, the body is received to its end, the rate is counted, faults `before` strike,
the endpoint does its work, faults `after` strike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mvsep_watch.sandbox.admin import Admin
from mvsep_watch.sandbox.endpoints import Endpoints
from mvsep_watch.sandbox.faults import Fault, FaultKind, Faults
from mvsep_watch.sandbox.links import Link
from mvsep_watch.sandbox.quality import Quality
from mvsep_watch.sandbox.receive import Ask, receive
from mvsep_watch.sandbox.record import Record
from mvsep_watch.sandbox.refusals import BadTokenError, Envelope, RefusalError
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.shapes import encode
from mvsep_watch.sandbox.site import SWITCHES, Site
from mvsep_watch.sandbox.storage import StoredFile
from mvsep_watch.sandbox.throttle import Throttle

ERROR_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"

Drop = Callable[[Request], None]
Handler = Callable[[Ask], Any]
Endpoint = tuple[str, str, str, Handler]
"""The name that faults and counts know it by, the method, the path, and what it does."""


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
        fetch: Called with a link that is to be fetched.
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
        fetch: Callable[[Link], None] = lambda _: None,
        drop: Drop = break_off,
    ) -> None:
        self.service = service
        self.faults = faults
        self.record = Record()
        self.folder = folder
        self._throttle = Throttle(rate_limit, service.now)
        self._drop = drop
        self._endpoints = Endpoints(service, self.faults, wake=wake, fetch=fetch)
        self._site = Site(service, self.faults)
        self._quality = Quality(service, folder)

    def names(self) -> list[str]:
        """Name every endpoint."""
        return [name for name, *_ in self._table()]

    def app(self) -> Starlette:
        """Build the ASGI application."""
        routes = [
            Route(f"/api/{path}", self._endpoint(name, handler), methods=[method])
            for name, method, path, handler in self._table()
        ]
        routes += [
            Route("/storage/{area}/{name}", self._download, methods=["GET", "HEAD"]),
            Route("/storage/{area}/{subfolder}/{name}", self._download, methods=["GET", "HEAD"]),
            *Admin(self.service, self.faults, self.record).routes(),
        ]
        return Starlette(routes=routes)

    def _table(self) -> tuple[Endpoint, ...]:
        return (*self._separation(), *self._app(), *self._quality_checker())

    def _separation(self) -> tuple[Endpoint, ...]:
        endpoints = self._endpoints
        return (
            ("create", "POST", "separation/create", endpoints.create),
            ("get", "GET", "separation/get", endpoints.get),
            ("get_remote", "GET", "separation/get-remote", endpoints.get_remote),
            ("cancel", "POST", "separation/cancel", endpoints.cancel),
            ("delete", "POST", "separation/delete", endpoints.delete),
        )

    def _app(self) -> tuple[Endpoint, ...]:
        site = self._site
        return (
            ("algorithms", "GET", "app/algorithms", site.algorithms),
            ("news", "GET", "app/news", site.news),
            ("queue", "GET", "app/queue", site.queue),
            ("queue_summary", "GET", "app/queue/summary", site.queue_summary),
            ("demo", "GET", "app/demo", site.demo),
            ("login", "POST", "app/login", site.login),
            ("register", "POST", "app/register", site.register),
            ("user", "GET", "app/user", site.user),
            ("history", "GET", "app/separation_history", site.history),
            *((name, "POST", f"app/{name}", site.switch(name)) for name in SWITCHES),
        )

    def _quality_checker(self) -> tuple[Endpoint, ...]:
        quality = self._quality
        return (
            ("quality_queue", "GET", "quality_checker/queue", quality.queue),
            ("quality_entry", "GET", "quality_checker/entry", quality.entry),
            ("quality_leaderboard", "GET", "quality_checker/leaderboard", quality.leaderboard),
            ("quality_add", "POST", "quality_checker/add", quality.add),
            ("quality_delete", "POST", "quality_checker/delete", quality.delete),
        )

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
        ask = await receive(request, self.folder)
        if name == "create":
            self.record.received.append(ask.received)
        try:
            return await self._answer_received(name, handler, request, ask)
        finally:
            if name != "create" or not ask.received.hash:
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
            return self._json(handler(ask))
        except RefusalError as refusal:
            return self._json(refusal.body(self._envelope(refusal)), self._status(refusal))

    def _envelope(self, refusal: RefusalError) -> Envelope:
        if refusal.envelope is Envelope.ERRORS and self.faults.take(FaultKind.DATA_MESSAGE):
            return Envelope.DATA
        if refusal.envelope is Envelope.DATA and self.faults.take(FaultKind.ERROR_LIST):
            return Envelope.ERRORS
        return refusal.envelope

    def _status(self, refusal: RefusalError) -> int:
        is_token = isinstance(refusal, BadTokenError)
        fault = self.faults.take(FaultKind.TOKEN_STATUS) if is_token else None
        return int(fault.value) if fault else refusal.http_status

    def _json(self, content: Any, status: int = 200) -> Response:
        plain = self.faults.take(FaultKind.PLAIN_SLASHES) is not None
        return Response(encode(content, plain_slashes=plain), status, media_type="application/json")

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
        area, name = request.path_params["area"], request.path_params["name"]
        path = self._quality.stored(name) if area == "quality" else self._endpoints.stored(area, name)
        if path is None or not path.is_file():
            return HTMLResponse(ERROR_PAGE.format("404 Not Found"), 404)
        return StoredFile(path, faults=self.faults, drop=lambda: self._drop(request))


def _too_many(wait_s: float | None) -> Response:
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return Response(encode({"message": "Too Many Attempts."}, plain_slashes=False), 429, headers, "application/json")
