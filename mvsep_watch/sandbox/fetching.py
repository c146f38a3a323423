"""What is behind a link, brought to disk: over plain http, from this machine only.

Touches the network, but loopback alone, through every redirect; never holds more than a piece of a body. The surprise:
the kinds of links are all fetched the same way, since a page of a cloud drive is not on this machine.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import BaseHandler, OpenerDirector, ProxyHandler, Request, build_opener

from mvsep_watch.model import is_loopback
from mvsep_watch.sandbox.jobs import MEBIBYTE, Upload
from mvsep_watch.sandbox.links import Link
from mvsep_watch.sandbox.receive import looked_at
from mvsep_watch.sandbox.refusals import RefusalError
from mvsep_watch.sandbox.service import Service

CHUNK_BYTES = 1024 * 1024
TIMEOUT_S = 5.0
THREADS = 4


class FetchError(Exception):
    """What is behind a link could not be had."""


class Fetcher:
    """Threads that fetch links.

    Args:
        service: Whom to tell.
        folder: Where a file is kept, under a name of its own.
        wake: Called when a link may have something to do.
    """

    def __init__(self, service: Service, folder: Path, wake: Callable[[], None]) -> None:
        self._service = service
        self._folder = folder
        self._wake = wake
        self._is_stopping = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox-fetcher")

    def start(self, link: Link) -> None:
        """Have a link fetched."""
        self._pool.submit(self._run, link)

    def stop(self) -> None:
        """Stop within a piece of a file; what is being fetched stays unfetched."""
        self._is_stopping = True
        self._pool.shutdown(cancel_futures=True)

    def _run(self, link: Link) -> None:
        bring(self._service, link, self._folder, is_stopping=lambda: self._is_stopping)
        self._wake()


def bring(service: Service, link: Link, folder: Path, *, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """Fetch a link and tell the service what came of it.

    Args:
        service: Whom to tell.
        link: An accepted link.
        folder: Where the file is kept, under a name of its own.
        is_stopping: Asked for each piece; once it says yes, the file is given up.
    """
    path = folder / secrets.token_hex(8)
    try:
        service.fetched(link, looked_at(_fetched(link, path, is_stopping)))
        return
    except (FetchError, RefusalError) as error:
        message = str(error)
    except (OSError, HTTPException, ValueError) as error:
        message = f"Unable to download the file: {error.reason if isinstance(error, URLError) else error}"
    path.unlink(missing_ok=True)
    service.links.give_up(link, message)


def check_url(url: str) -> None:
    """Check that a link leads to this machine.

    Raises:
        FetchError: It does not.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        raise FetchError("Unable to download the file: the sandbox follows http links on this machine only")


class _Guard(BaseHandler):
    """Looks at every request before it is sent, those of redirects too."""

    def http_request(self, request: Request) -> Request:
        check_url(request.full_url)
        return request


def _fetched(link: Link, path: Path, is_stopping: Callable[[], bool]) -> Upload:
    check_url(link.url)
    digest = hashlib.sha256()
    size_bytes = 0
    with _opener().open(link.url, timeout=TIMEOUT_S) as response, path.open("wb") as kept:
        while chunk := response.read(CHUNK_BYTES):
            size_bytes += len(chunk)
            _check_size(link, max(size_bytes, int(response.headers["Content-Length"] or 0)))
            if is_stopping():
                raise FetchError("The sandbox was stopped")
            digest.update(chunk)
            kept.write(chunk)
        if size_bytes < int(response.headers["Content-Length"] or 0):
            raise FetchError("Unable to download the file: it ended early")
    return Upload(path=path, name=_name(link.url), size_bytes=size_bytes, sha256=digest.hexdigest())


def _opener() -> OpenerDirector:
    return build_opener(ProxyHandler({}), _Guard)


def _check_size(link: Link, size_bytes: int) -> None:
    if size_bytes > link.max_bytes:
        raise FetchError(f"File exceeds the {link.max_bytes // MEBIBYTE} MB limit")


def _name(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name or "audio"
