"""One result's file on its way here: opened, checked at the head, streamed as it comes in constant memory.

It writes no file and never carries the token: the address is asked for as the service gave it. Redirects are followed,
each checked anew.

The surprise: a resumed download may start over. `Download.offset` says where the bytes really begin, and only a
validator that came with the first part allows anything but 0. And of a large body the HTTP library hands on only the
beginning: the rest is read from the connection itself, which costs a third less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpcore
import httpx

from mvsep_watch.errors import (
    LinkExpiredError,
    MvsepWatchError,
    OutputDamagedError,
    RateLimitedError,
    ServiceError,
    TransportError,
)
from mvsep_watch.mvsep.address import host_of
from mvsep_watch.mvsep.envelope import one_line
from mvsep_watch.mvsep.headers import content_type_of, retry_after_of, whole_header
from mvsep_watch.mvsep.rate import Rate
from mvsep_watch.mvsep.transport import spoken_as_httpx
from mvsep_watch.mvsep.trouble import translated

DEAD = frozenset({403, 404, 410})
"""Statuses of a link that has ended or expired. Source: the site's storage, public clients, 2025."""
LARGE_BYTES = 1 << 20
"""From here on it pays not to keep the connection: what was read past the HTTP library cannot serve again."""
READ_BYTES = 256 * 1024
"""Stays in a processor's own cache while it is hashed and written; four times as much takes a fifth longer."""
PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Download:
    """An open download.

    Args:
        size_bytes: Of the whole file, whatever the offset; None where the server does not say.
        offset: Where the bytes of `chunks` begin: what was asked for, or 0.
        validator: To be handed to the next attempt; None where the file cannot be resumed.
        chunks: The bytes as they come, once. Raises the project's errors, also when it ends early.
    """

    size_bytes: int | None
    offset: int
    validator: str | None
    content_type: str
    chunks: Iterator[bytes]


@contextmanager
def opened_download(
    client: httpx.Client, url: str, *, offset: int, validator: str | None, secrets: tuple[str, ...], rate: Rate
) -> Iterator[Download]:
    """Open a result's address; see `Client.download`."""
    with ExitStack() as stack:
        opener = _Opener(client, url, secrets, rate, stack)
        response = opener.get(_resume_headers(offset, validator))
        if response.status_code in {206, 416} and not _continues(response, offset, validator):
            response = opener.get({})
        if trouble := _trouble_of(response, host_of(url)):
            raise trouble
        yield _download_of(response, opener)


@dataclass(frozen=True, slots=True)
class _Opener:
    client: httpx.Client
    url: str
    secrets: tuple[str, ...]
    rate: Rate
    stack: ExitStack

    @property
    def host(self) -> str:
        return host_of(self.url)

    def get(self, headers: dict[str, str]) -> httpx.Response:
        self.stack.close()
        with translated(host=self.host, call="a result", secrets=self.secrets):
            stream = self.client.stream("GET", self.url, headers={"Accept-Encoding": "identity", **headers})
            return self.stack.enter_context(stream)

    def chunks(self, response: httpx.Response, expected_bytes: int | None) -> Iterator[bytes]:
        """Pass the bytes on."""
        received_bytes = 0
        with translated(host=self.host, call="a result", secrets=self.secrets):
            for chunk in self._read(response):
                self.rate.take(len(chunk))
                received_bytes += len(chunk)
                if expected_bytes is not None and received_bytes > expected_bytes:
                    raise OutputDamagedError(f"{self.host} sent more than the {expected_bytes} bytes it announced")
                yield chunk
        if expected_bytes is not None and received_bytes < expected_bytes:
            raise TransportError(f"{self.host} ended a result after {received_bytes} of {expected_bytes} bytes")

    def _read(self, response: httpx.Response) -> Iterator[bytes]:
        """Read a body; no chunk size is asked for, which would copy it once more."""
        pieces = response.iter_raw()
        if (stream := _stream_of(response)) is None:
            yield from pieces
            return
        left_bytes = whole_header(response, "Content-Length") or 0
        timeout_s = response.request.extensions["timeout"]["read"]
        piece = next(pieces, b"")  # what came with the headers; the library holds nothing back behind it
        while piece:
            left_bytes -= len(piece)
            yield piece
            size_bytes = min(self.rate.piece_bytes(READ_BYTES), left_bytes)
            with spoken_as_httpx():
                piece = stream.read(size_bytes, timeout=timeout_s) if size_bytes else b""


def _stream_of(response: httpx.Response) -> httpcore.NetworkStream | None:
    """Give the connection where nothing but so many bytes of a large body come on it; else None."""
    is_plain = response.http_version in {"HTTP/1.0", "HTTP/1.1"} and "Transfer-Encoding" not in response.headers
    is_large = (whole_header(response, "Content-Length") or 0) >= LARGE_BYTES
    return response.extensions.get("network_stream") if is_plain and is_large else None


def _resume_headers(offset: int, validator: str | None) -> dict[str, str]:
    if offset <= 0 or validator is None:
        return {}
    return {"Range": f"bytes={offset}-", "If-Range": validator}


def _continues(response: httpx.Response, offset: int, validator: str | None) -> bool:
    """Say whether a 206 is the rest of the same file."""
    if response.status_code != 206 or validator is None or _range_of(response)[0] != offset:
        return False
    tag = response.headers.get("ETag")
    return not (tag and validator.startswith('"') and tag != validator)


def _range_of(response: httpx.Response) -> tuple[int | None, int | None]:
    """Read the first byte's place and the whole size from a `Content-Range`."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if found is None:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _trouble_of(response: httpx.Response, host: str) -> MvsepWatchError | None:
    status = response.status_code
    if status in DEAD:
        return LinkExpiredError(f"the link to a result on {host} is dead ({status})", hint="a fresh one is asked for")
    if status == 429:
        return RateLimitedError(
            f"{host} answered 429 for a result", hint="tried again by itself", retry_after_s=retry_after_of(response)
        )
    if status not in {200, 206}:
        return ServiceError(f"{host} answered {status} for a result", hint="tried again by itself")
    if content_type_of(response) in PAGES:
        return OutputDamagedError(f"{host} gave a web page instead of a result", hint="tried again by itself")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        return OutputDamagedError(f"{host} packed a result as {one_line(encoding)}", hint="tried again by itself")
    return None


def _download_of(response: httpx.Response, opener: _Opener) -> Download:
    offset, size_bytes = (
        (_range_of(response)[0] or 0, _range_of(response)[1]) if response.status_code == 206 else (0, None)
    )
    body_bytes = whole_header(response, "Content-Length")
    if size_bytes is None and body_bytes is not None:
        size_bytes = offset + body_bytes
    if body_bytes is None and size_bytes is not None:
        body_bytes = size_bytes - offset
    return Download(
        size_bytes=size_bytes,
        offset=offset,
        validator=_validator_of(response),
        content_type=content_type_of(response),
        chunks=opener.chunks(response, body_bytes),
    )


def _validator_of(response: httpx.Response) -> str | None:
    """Take a strong ETag, else the time of the last change; a weak ETag does not stand for the same bytes."""
    tag = response.headers.get("ETag", "")
    if tag.startswith('"'):
        return str(tag)
    changed = response.headers.get("Last-Modified")
    return str(changed) if changed else None
