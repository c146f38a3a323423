"""The whole API on loopback, for one call after another: what it says may be scripted, and what came in is kept.

The API is on 127.0.0.1 and the files on 127.0.0.2. A separation goes through its phases poll by poll. It judges
nothing: a test scripts an answer, or reads what was sent.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.real.emulator import shapes
from tests.real.emulator.parts import Part, read_parts

GET = "GET"
POST = "POST"


@dataclass(kw_only=True)
class Said:
    """An answer to be given; what is no bytes goes out as JSON."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    breaks_after: int | None = None

    def packed(self, *, escapes: bool) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        text = json.dumps(self.body)
        return (text.replace("/", "\\/") if escapes else text).encode()


@dataclass(frozen=True)
class Came:
    """A request as it came in."""

    method: str
    call: str
    query: dict[str, str]
    parts: tuple[Part, ...]
    headers: dict[str, str]
    line: str

    @property
    def fields(self) -> dict[str, str]:
        return {part.name: part.content.decode() for part in self.parts if part.file_name is None}


class Stranger:
    """Serves while it is entered; `script` says what a call answers instead of what it would."""

    def __init__(self, *, packs: bool = False, escapes: bool = True) -> None:
        self.packs, self.escapes = packs, escapes
        self.script: dict[str, Said] = {}
        self.came: list[Came] = []
        self.phases: deque[dict[str, Any]] = deque()
        self.remote_phases: deque[dict[str, Any]] = deque()
        self._servers = [_Server((host, 0), self) for host in ("127.0.0.1", "127.0.0.2")]
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in self._servers]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def files_url(self) -> str:
        return f"http://127.0.0.2:{self._servers[1].server_port}"

    def live(self) -> None:
        """Let the next separation, and the next link, go through every phase."""
        self.remote_phases.extend([shapes.being_downloaded(), shapes.not_found(), shapes.waiting(said=False),
                                   shapes.processing(), shapes.remote_done(self.base_url)])  # fmt: skip
        self.phases.extend([shapes.waiting(said=False), shapes.waiting(), shapes.processing(), shapes.distributing(),
                            shapes.merging(), shapes.done(self.files_url, with_files=False),
                            shapes.done(self.files_url)])  # fmt: skip

    def answer(self, came: Came) -> Said:
        if came.call in self.script:
            return self.script[came.call]
        wanted_method, usual = self._usual().get(came.call, ("", None))
        if wanted_method != came.method:
            return Said(body=b"<html>404</html>", status=404, content_type="text/html; charset=UTF-8")
        return Said(body=_next(self.phases, usual) if came.call == "separation/get" else
                    _next(self.remote_phases, usual) if came.call == "separation/get-remote" else usual)  # fmt: skip

    def _usual(self) -> dict[str, tuple[str, Any]]:
        base = self.base_url
        yes, switched = {"success": True}, {"success": True, "message": "successfully enabled"}
        told = {"success": True, "message": "Account verification email sent to e@example.com"}
        added = {"id": 7772, "link": f"{base}/api/quality_checker/entry?id=7772"}
        return {
            "separation/create": (POST, shapes.created(base)),
            "separation/get": (GET, shapes.done(self.files_url)),
            "separation/get-remote": (GET, shapes.remote_done(base)),
            "separation/cancel": (POST, yes),
            "separation/delete": (POST, {**yes, "data": []}),
            "app/algorithms": (GET, shapes.algorithms()),
            "app/news": (GET, shapes.news()),
            "app/queue": (GET, shapes.queue()),
            "app/queue/summary": (GET, shapes.summary()),
            "app/demo": (GET, shapes.demos()),
            "app/login": (POST, shapes.user()),
            "app/register": (POST, told),
            "app/user": (GET, shapes.user()),
            "app/separation_history": (GET, shapes.history()),
            **{f"app/{way}_{what}": (POST, switched) for way in ("enable", "disable")
               for what in ("premium", "long_filenames")},
            "quality_checker/queue": (GET, [shapes.quality_entry()]),
            "quality_checker/entry": (GET, {"success": True, "data": shapes.quality_entry()}),
            "quality_checker/leaderboard": (GET, shapes.leaderboard()),
            "quality_checker/add": (POST, {"success": True, "data": added}),
            "quality_checker/delete": (POST, {"success": True, "data": {"message": "successfully deleted"}}),
        }  # fmt: skip


def _next(phases: deque[dict[str, Any]], usual: Any) -> Any:
    return phases.popleft() if phases else usual


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], stranger: Stranger) -> None:
        super().__init__(address, _Handler)
        self.stranger = stranger

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        stranger = self.server.stranger
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        came = Came(
            method=self.command,
            call=address.path.removeprefix("/api/"),
            query=dict(parse_qsl(address.query, keep_blank_values=True)),
            parts=read_parts(body, self.headers.get("Content-Type", "")),
            headers=dict(self.headers),
            line=self.requestline,
        )
        stranger.came.append(came)
        if address.path.startswith("/storage/") and address.path not in stranger.script:
            slug = address.path.rpartition("_")[2].removesuffix(".flac")
            self._send(Said(body=shapes.content(slug), content_type="audio/flac"), packs=False)
        else:
            self._send(stranger.answer(came), packs=stranger.packs)

    def _send(self, said: Said, *, packs: bool) -> None:
        body = said.packed(escapes=self.server.stranger.escapes)
        body = gzip.compress(body, 1) if packs else body
        self.send_response(said.status)
        headers = {"Content-Type": said.content_type, "Cache-Control": "no-cache, private",
                   "X-RateLimit-Limit": "120", "X-RateLimit-Remaining": "119",
                   **({"Content-Encoding": "gzip"} if packs else {}), **said.headers}  # fmt: skip
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: said.breaks_after])
        self.close_connection = self.close_connection or said.breaks_after is not None
