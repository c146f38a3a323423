"""Result files: over HTTP, with ranges and validators, the ways in which a download can go wrong, and their end.

Serves one file that was looked up already. The surprise: damage is done to the messages on their way out, so that
ranges, lengths and validators stay those of a healthy server until the moment it breaks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from mvsep_watch.sandbox.faults import FaultKind, Faults
from mvsep_watch.sandbox.service import Service


def drop_expired(service: Service) -> None:
    """Remove the files of every job whose time is over."""
    for job in service.swept():
        for path in job.paths:
            path.unlink(missing_ok=True)


class StoredFile(FileResponse):
    """A stored file.

    Args:
        path: The file.
        faults: Asked once, when the file is sent.
        drop: Breaks the connection.
    """

    def __init__(self, path: Path, *, faults: Faults, drop: Callable[[], None]) -> None:
        super().__init__(path)
        self._cut = faults.take(FaultKind.CUT_DOWNLOAD)
        self._short = faults.take(FaultKind.SHORT_DOWNLOAD)
        self._slow = faults.take(FaultKind.SLOW_DOWNLOAD)
        self._drop = drop
        self._left: int | None = None
        self._is_over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or what the faults leave of it."""

        async def damaged(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._plan_damage(message)
                await send(message)
            else:
                await self._send_piece(message, receive, send)

        await super().__call__(scope, receive, damaged)

    def _plan_damage(self, start: Message) -> None:
        """Decide how many bytes go out, by the length that this answer announces."""
        headers = MutableHeaders(raw=start["headers"])
        length = int(headers.get("content-length", 0))
        if self._cut:
            self._left = int(length * float(self._cut.value))
        elif self._short:
            self._left = int(length * float(self._short.value))
            headers["content-length"] = str(self._left)

    async def _send_piece(self, message: Message, receive: Receive, send: Send) -> None:
        body = message.get("body", b"")
        if self._slow:
            await anyio.sleep(len(body) / float(self._slow.value))
        if self._left is None:
            await send(message)
        elif not self._is_over:
            self._is_over = len(body) >= self._left or not message.get("more_body", False)
            body, self._left = body[: self._left], max(0, self._left - len(body))
            await send({**message, "body": body, "more_body": bool(self._cut) or not self._is_over})
            if self._is_over and self._cut:
                await self._broken_off(receive)

    async def _broken_off(self, receive: Receive) -> None:
        self._drop()
        while (await receive())["type"] != "http.disconnect":
            continue
