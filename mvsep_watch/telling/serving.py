"""Serves one text to whoever asks for `/metrics`: one thread that sleeps until somebody does.

A browser may be led to ask this machine on behalf of a stranger's page, by a name that leads here; so the name that is
asked for must be one that no stranger can own: an address, `localhost`, this machine's own, or the configured one.
"""

from __future__ import annotations

import contextlib
import http.server
import ipaddress
import platform
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CLOSED_WITHIN_S = 0.5
"""How long is waited for the port to be free; a client that is slow keeps it for longer."""
AGAIN_S = 0.1
PATIENCE_S = 5.0
"""How long a client may take for its request; it keeps only other measurers waiting."""


class Serving:
    """A server of one text.

    Args:
        address: Host and port to listen at; port 0 is any.
        text: Gives the text as it is now; called in the server's thread.

    Raises:
        OSError: It cannot be listened there.
    """

    def __init__(self, address: tuple[str, int], text: Callable[[], str]) -> None:
        self._is_closed = False
        self._server = _Server(address, text)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._thread.join(CLOSED_WITHIN_S)

    def _serve(self) -> None:
        with self._server:
            while not self._is_closed:
                self._server.handle_request()


class _Server(socketserver.TCPServer):
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], text: Callable[[], str]) -> None:
        self.text = text
        self.names = {address[0].lower(), "localhost", platform.node().lower()}
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a client in; one that there is no descriptor for stays in the queue, and is asked for now and then."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(AGAIN_S)
            raise

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave a client that went away in the middle; it is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE_S
    server_version = "mvsep-watch"
    sys_version = ""

    def do_GET(self) -> None:
        """Give the text."""
        if not self._is_ours(self.headers.get("Host", "")):
            self.send_error(403, "Ask by an address, or by this machine's name")
        elif self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
        else:
            self._answer(self.server.text().encode(errors="backslashreplace"))

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _is_ours(self, asked: str) -> bool:
        """Say whether a host is asked for that no stranger's name can be."""
        try:
            name = (urlsplit(f"//{asked}").hostname or "").lower()
        except ValueError:
            return False
        if name in self.server.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def log_message(self, *_: object) -> None:
        """Say nothing: somebody asks every few seconds."""
