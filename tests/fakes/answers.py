"""How the fake service says things: JSON, refusals, pages, files with ranges; and how it reads a form."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qs

import httpx

Row = TypeVar("Row")

TOO_MANY = "You already have unprocessed file in queue. Please wait before adding new file!"
PREMIUM = "Seperation type is unavailable until you purchase premium membership"
NOT_SET = "Seperation type is not set"


class Chunks(httpx.SyncByteStream):
    """A response's body in small pieces, so that a reader meets more than one; `broken` ends it with an error."""

    def __init__(self, content: bytes, *, broken: bool = False) -> None:
        self._content = content
        self._broken = broken

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), 64 * 1024):
            yield self._content[start : start + 64 * 1024]
        if self._broken:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def answer_json(payload: object, *, status: int = 200) -> httpx.Response:
    """Answer with JSON, slashes escaped as PHP does."""
    text = json.dumps(payload).replace("/", "\\/")
    return httpx.Response(status, content=text.encode(), headers={"Content-Type": "application/json"})


def refusal(text: str, *, status: int = 400) -> httpx.Response:
    """Refuse in the envelope that `create` really uses."""
    return answer_json({"success": False, "errors": [text]}, status=status)


def html(status: int) -> httpx.Response:
    """Answer with a page."""
    return httpx.Response(status, html="<html><body><h1>Please stand by</h1></body></html>")


def ranged(request: httpx.Request, content: bytes, *, content_type: str) -> httpx.Response:
    """Serve a file, with a strong ETag and ranges."""
    tag = f'"{hashlib.md5(content).hexdigest()}"'
    headers = {"ETag": tag, "Content-Type": content_type}
    found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    if found is None or request.headers.get("If-Range", tag) != tag:
        return httpx.Response(200, stream=Chunks(content), headers={**headers, "Content-Length": str(len(content))})
    start = int(found[1])
    if start >= len(content):
        return httpx.Response(416, stream=Chunks(b""), headers={"Content-Range": f"bytes */{len(content)}"})
    part = content[start:]
    headers |= {
        "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}",
        "Content-Length": str(len(part)),
    }
    return httpx.Response(206, stream=Chunks(part), headers=headers)


def multipart(request: httpx.Request, body: bytes) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    """Take a form apart: its text fields, and its files by field, each with its name and its bytes."""
    boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
    if int(request.headers["Content-Length"]) != len(body):
        raise ValueError("the body is not as long as its Content-Length")
    fields, files = {}, {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        described = dict(re.findall(r'(\w+)="([^"]*)"', head.decode()))
        if "filename" in described:
            files[described["name"]] = (described["filename"], value.removesuffix(b"\r\n"))
        else:
            fields[described["name"]] = value.removesuffix(b"\r\n").decode()
    return fields, files


def form_of(body: bytes) -> dict[str, str]:
    """Take an urlencoded form apart."""
    return {key: values[-1] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}


def page_of(request: httpx.Request, rows: Sequence[Row]) -> Sequence[Row]:
    """Give the rows that `start` and `limit` ask for: 10 unless told, 20 at most."""
    start, limit = int(request.url.params.get("start", 0)), min(20, int(request.url.params.get("limit", 10)))
    return rows[start : start + limit]


def slug_of(text: str) -> str:
    """Make a slug as Laravel does."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def stamp(seconds: float) -> str:
    """Write a time as the service does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
