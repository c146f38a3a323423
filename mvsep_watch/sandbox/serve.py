"""The sandbox as a running server, on loopback only.

Owns the socket, the threads and the temporary folder, which is gone afterwards with everything in it. The surprise: a
connection can be broken on purpose, so the server keeps its transports at hand, by their ports.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from mvsep_watch.errors import UsageError
from mvsep_watch.sandbox.accounts import new_token
from mvsep_watch.sandbox.app import Api
from mvsep_watch.sandbox.faults import DEFAULT_VALUES, Fault, FaultKind, Faults
from mvsep_watch.sandbox.fetching import Fetcher
from mvsep_watch.sandbox.jobs import Account
from mvsep_watch.sandbox.quirks import expanded
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.worker import Dispatcher

HOST = "127.0.0.1"
OTHER_HOST = DEFAULT_VALUES[FaultKind.OTHER_HOST]
"""Where files are as well, as a mirror or the service's second host has them."""
START_S = 10.0
TRIES = 20
"""How often a port is looked for that is free on both hosts."""


class Sandbox:
    """A local MVSEP; a context manager, or `start` and `stop`.

    Args:
        port: Where to listen; 0 takes a free port.
        token: The account's token; None makes one.
        plan: `premium` or `free`: whether premium is switched on.
        credits: The account's balance.
        speed: Waiting and processing times are divided by it.
        slots: How many jobs are processed at once.
        concurrent: How many unfinished jobs a premium account may have; None is no limit, as the service has it.
        email: The account's e-mail.
        faults: How to misbehave from the start: faults, or quirks as `{"quirk": name}`.
        rate_limit: Requests a minute.

    Raises:
        UsageError: The plan or a fault is unknown, or the speed is not above 0.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str | None = None,
        plan: str = "premium",
        credits: int = 100,  # noqa: A002 - the service's word
        speed: float = 1.0,
        slots: int = 4,
        concurrent: int | None = None,
        email: str = "sandbox@localhost",
        faults: tuple[Fault | Mapping[str, Any], ...] = (),
        rate_limit: int = 120,
    ) -> None:
        if plan not in {"free", "premium"} or speed <= 0:
            raise UsageError(
                f"no sandbox with plan {plan} and speed {speed}", hint="plan is free or premium; speed > 0"
            )
        self.token = token or new_token()
        self.account = Account(token=self.token, email=email, credits=credits, premium_enabled=plan == "premium")
        self.faults = Faults(move_clock=self.move_clock)
        self.service = Service([self.account], slots=slots, unfinished=concurrent, speed=speed, faults=self.faults)
        self.account.made_at = self.service.now()
        self._dispatcher: Dispatcher | None = None
        for fault in faults:
            self.faults.add(fault if isinstance(fault, Fault) else expanded(fault))
        self._port = port
        self._rate_limit = rate_limit

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Listen.

        Raises:
            UsageError: The port is taken.
        """
        listeners = _listen(self._port)
        self._port = listeners[0].getsockname()[1]
        self._folder = tempfile.TemporaryDirectory(prefix="mvsep-watch-sandbox-")
        folder = Path(self._folder.name)
        self._dispatcher = dispatcher = Dispatcher(self.service, folder)
        self._fetcher = Fetcher(self.service, folder, dispatcher.wake)
        self.api = Api(
            self.service,
            folder,
            faults=self.faults,
            rate_limit=self._rate_limit,
            wake=dispatcher.wake,
            fetch=self._fetcher.start,
            drop=_break_off,
        )
        self._server = _Server(_config(self.api))
        self._thread = threading.Thread(target=self._server.run, args=(listeners,), name="sandbox-server", daemon=True)
        dispatcher.start()
        self._thread.start()
        self._server.is_up.wait(START_S)

    def stop(self) -> None:
        """Stop serving at once and remove everything."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._fetcher.stop()
        if self._dispatcher:
            self._dispatcher.stop()
        self._folder.cleanup()

    def move_clock(self, seconds: float) -> None:
        """Let time pass at once."""
        self.service.move_clock(seconds)
        if self._dispatcher:
            self._dispatcher.wake()

    def state(self) -> dict[str, Any]:
        """Give what `/sandbox/state` shows."""
        return self.api.record.state(self.service, self.account)


def serve_forever(sandbox: Sandbox, *, on_ready: Callable[[Sandbox], None]) -> int:
    """Serve until SIGINT or SIGTERM, and give the signal's number; to be called from the main thread.

    Args:
        sandbox: Not yet started.
        on_ready: Called once it listens, to tell people where.
    """
    told: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: told.put(number))
    with sandbox:
        on_ready(sandbox)
        return told.get()


class _Server(uvicorn.Server):
    """A server that says when it is up and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.is_up.set()


class _Breakable(H11Protocol):
    """A connection that can be found by its ends: the client's port, our host and port."""

    open: dict[tuple[int, str, int], asyncio.Transport] = {}  # noqa: RUF012 - one table for all connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.ends = (transport.get_extra_info("peername")[1], *transport.get_extra_info("sockname"))
        self.open[self.ends] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.pop(self.ends, None)
        super().connection_lost(exc)


def _break_off(request: Request) -> None:
    transport = _Breakable.open.get((request.scope["client"][1], *request.scope["server"]))
    if transport:
        transport.close()


def _config(api: Api) -> uvicorn.Config:
    return uvicorn.Config(
        api.app(),
        http=_Breakable,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


def _listen(port: int) -> list[socket.socket]:
    """Listen on both hosts; a port of one's own choice is one that is free on both."""
    for _ in range(TRIES if port == 0 else 1):
        listener = _listener(HOST, port)
        try:
            return [listener, _listener(OTHER_HOST, listener.getsockname()[1])]
        except UsageError:
            listener.close()
    raise UsageError(f"cannot listen on {OTHER_HOST}, port {port}", hint="name another port, or 0")


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on port {port}: {error.strerror}", hint="name another port, or 0") from error
    return listener
