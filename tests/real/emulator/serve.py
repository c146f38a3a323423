"""The emulator as a server on loopback: the API on 127.0.0.1, the files on `localhost`.

JSON comes packed and without a length. What a well-behaved client would never do is kept as a violation; nothing is
refused for it, so that a test sees all of them at the end.
"""

from __future__ import annotations

import gzip
import json
import re
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from tests.real.emulator import answers
from tests.real.emulator.account import FIRST_ID, Account, Quirks, Refused
from tests.real.emulator.catalogue import BY_ID, listing
from tests.real.emulator.forms import BLOCK, BrokenUploadError, Form, read_form

TOKEN = "abcdefghijklmnopqrstuvwxyz0123"
WINDOW_S = 60.0
TAG = re.compile(r"mw[a-z2-7]{12}[-.]")
GONE = (BrokenPipeError, ConnectionResetError, BrokenUploadError, TimeoutError, ssl.SSLError)

Violation = str


@dataclass
class Books:
    """Everything that came in, by the second."""

    seconds: list[float] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    uploads_begun: int = 0
    downloads_begun: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> tuple[int, int]:
        """Note a request to the API; give its ordinal, and how many came in the last minute."""
        with self.lock:
            now_s = time.monotonic()
            self.seconds.append(now_s)
            return len(self.seconds), sum(at > now_s - WINDOW_S for at in self.seconds[-2000:])

    def most_in_a_minute(self) -> int:
        window: deque[float] = deque()
        most = 0
        for at in self.seconds:
            window.append(at)
            while window[0] <= at - WINDOW_S:
                window.popleft()
            most = max(most, len(window))
        return most


class Emulator:
    """Serves while it is entered.

    Args:
        quirks: May be changed while it serves.
        encryption: Serves by https, with its certificate.
    """

    def __init__(
        self, quirks: Quirks | None = None, *, token: str = TOKEN, encryption: ssl.SSLContext | None = None
    ) -> None:
        self.quirks = quirks or Quirks()
        self.account = Account(token, self.quirks)
        self.books = Books()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"emulator": self}))
        self._server.daemon_threads = True
        self._scheme = "https" if encryption else "http"
        if encryption:  # each connection's own thread shakes hands
            self._server.socket = encryption.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def files_url(self) -> str:
        return f"{self._scheme}://localhost:{self.port}"

    @property
    def paid_twice(self) -> dict[tuple[str, str], int]:
        """Works that were made more than once."""
        return {work: times for work, times in self.account.creates.items() if times > 1}

    def check_create(self, form: Form, headers: dict[str, str]) -> None:
        """Keep what a create leaves to the service's changing defaults."""
        said, violations = form.fields, self.books.violations
        violations += [f"create without {key}" for key in ("sep_type", "output_format", "is_demo") if key not in said]
        if "content-length" not in headers:
            violations.append("create without a length")
        if not TAG.match(form.name):
            violations.append(f"upload without a tag: {form.name!r}")
        if model := BY_ID.get(said.get("sep_type", "")):
            violations += [
                f"create without a valid {option.name} for {model.name}"
                for option in model.must_be_said(said)
                if said.get(option.name) not in option.options
            ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    emulator: Emulator

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        """Serve a connection; clients that are killed just go away."""
        try:
            super().handle()
        except GONE:
            self.close_connection = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if not url.path.startswith("/api/"):
            self._send_file(url.path, query)
        elif self._passes_limit():
            self._answer(*self._get(url.path.removeprefix("/api/"), query))

    def do_POST(self) -> None:
        quirks, headers = self.emulator.quirks, {key.lower(): value for key, value in self.headers.items()}
        is_create = self.path == "/api/separation/create"
        self.emulator.books.uploads_begun += is_create
        form = read_form(self.rfile, headers, pause_s=quirks.upload_pause_s if is_create else 0.0)
        if not self._passes_limit():
            return
        if is_create:
            self.emulator.check_create(form, headers)
            self._create(form)
        else:
            self._answer(*self._post(self.path.removeprefix("/api/"), form.fields))

    def _passes_limit(self) -> bool:
        """Count a request; some are refused, and all over the limit are."""
        quirks = self.emulator.quirks
        ordinal, in_window = self.emulator.books.count()
        self.remaining = max(0, quirks.rate_limit - in_window)
        if in_window > quirks.rate_limit:
            self.emulator.books.violations.append("more requests than announced")
        elif ordinal not in quirks.refuses:
            return True
        self.remaining = 0
        self._answer(429, {"success": False, "message": "Too Many Attempts."}, {"Retry-After": "1"})
        return False

    def _get(self, path: str, query: dict[str, str]) -> tuple[int, object]:
        account = self.emulator.account
        with account.lock:
            match path:
                case "app/algorithms":
                    return 200, listing()
                case "separation/get":
                    return 200, answers.separation(
                        account, account.find(query.get("hash", "")), self.emulator.files_url
                    )
                case "app/queue":
                    return 200, answers.queue(account)
                case "app/user" | "app/separation_history" if query.get("api_token") != account.token:
                    return 400, {"success": False, "message": "Invalid API key"}
                case "app/user":
                    return 200, answers.user(account)
                case "app/separation_history":
                    start, limit = int(query.get("start", 0)), min(20, int(query.get("limit", 10)))
                    return 200, answers.history(account.history()[start : start + limit])
        return 404, answers.no("Not found")

    def _post(self, path: str, fields: dict[str, str]) -> tuple[int, object]:
        account = self.emulator.account
        if fields.get("api_token") != account.token:
            return 400, answers.no("invalid token")
        if path == "separation/cancel":
            done = account.cancel(fields.get("hash", ""))
            return 200, {"success": True} if done else answers.no("The job can not be cancelled")
        return 404, answers.no("Not found")

    def _create(self, form: Form) -> None:
        account = self.emulator.account
        if form.fields.get("api_token") != account.token:
            self._answer(400, answers.no("Invalid API key"))
            return
        try:
            made = account.create(form.fields, name=form.name, sha256=form.sha256, size=form.size, seconds=form.seconds)
        except Refused as no:
            self._answer(no.status, answers.no(no.text))
            return
        time.sleep(self.emulator.quirks.answer_pause_s)
        if made.id - FIRST_ID + 1 in self.emulator.quirks.lose_answers:
            self.close_connection = True
            return
        self._answer(200, answers.created(made, self.emulator.base_url))

    def _answer(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        """Send JSON, packed if it may be, in chunks."""
        body = json.dumps(value).replace("/", "\\/").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("X-RateLimit-Limit", str(self.emulator.quirks.rate_limit))
        self.send_header("X-RateLimit-Remaining", str(self.remaining))
        for key, text in (headers or {}).items():
            self.send_header(key, text)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            self.send_header("Content-Encoding", "gzip")
            body = gzip.compress(body, 1)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        half = len(body) // 2
        for piece in (body[:half], body[half:], b""):
            self._chunk(piece)

    def _chunk(self, piece: bytes) -> None:
        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def _send_file(self, path: str, query: dict[str, str]) -> None:
        emulator, quirks = self.emulator, self.emulator.quirks
        if "api_token" in query or emulator.account.token in str(self.headers):
            emulator.books.violations.append("the token went to the storage")
        if not self.headers.get("Host", "").startswith("localhost:"):
            emulator.books.violations.append("a file was asked for from the API's host")
        found = answers.stem_at(emulator.account, path)
        if found is None:
            self.send_error(404)
            return
        emulator.books.downloads_begun += 1
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and not quirks.chunks_downloads else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("ETag", f'"{abs(hash(path)):x}"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{found.size - 1}/{found.size}")
        if quirks.chunks_downloads:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(found.size - start))
        self.end_headers()
        for block in found.blocks(start):
            self._send_block(block)
        if quirks.chunks_downloads:
            self._chunk(b"")

    def _send_block(self, block: bytes) -> None:
        quirks = self.emulator.quirks
        step = BLOCK if quirks.download_pause_s else len(block)
        for at in range(0, len(block), step):
            if quirks.download_pause_s:
                time.sleep(quirks.download_pause_s)
            piece = block[at : at + step]
            if quirks.chunks_downloads:
                self._chunk(piece)
            else:
                self.wfile.write(piece)
