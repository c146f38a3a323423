"""Asks an address and looks at nothing but the number of the answer, within a limit for all of it.

The library's own reading has a limit for each read only, and an answer that comes a byte at a time would hold the
thread for hours; so the first line is read here, against the clock. No redirect is followed: an address that moved is
told of.
"""

from __future__ import annotations

import base64
import re
import time
import urllib.request
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from mvsep_watch import __version__
from mvsep_watch.errors import NotToldError
from mvsep_watch.model import is_loopback

LIMIT_S = 10.0
LONGEST_LINE = 4096


def ask(url: str, *, reason: str = "", limit_s: float = LIMIT_S) -> None:
    """Ask an address; a reason, if there is one, is sent as text.

    Raises:
        NotToldError: There was no answer in time, or one that is no success. It names the host alone.
    """
    parts = urlsplit(url)
    ends_s = time.monotonic() + limit_s
    connection = _connection(parts, limit_s)
    try:
        connection.request(
            "POST" if reason else "GET",
            f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}",
            body=reason.encode() if reason else None,
            headers={"User-Agent": f"mvsep-watch/{__version__}", "Content-Type": "text/plain; charset=utf-8"},
        )
        status = _status(connection, ends_s)
    except (OSError, HTTPException, UnicodeError) as exc:
        raise NotToldError(f"{parts.hostname} did not answer: {_words(exc)}", hint="look at the connection") from exc
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotToldError(
            f"{parts.hostname} answered {status}", hint="look whether the address is still the right one"
        )


def _connection(parts: SplitResult, limit_s: float) -> HTTPConnection:
    """Give a connection, not yet made; behind the environment's proxy, if there is one for the host."""
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=limit_s)
    proxies = {} if is_loopback(host) or urllib.request.proxy_bypass(host) else urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return HTTPSConnection(host, parts.port, timeout=limit_s)
    try:
        via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        connection = HTTPSConnection(via.hostname or "", via.port or 80, timeout=limit_s)
    except ValueError:
        raise NotToldError(
            f"{host} cannot be asked: the environment's proxy is no address", hint="mend https_proxy"
        ) from None  # whose words may hold a password
    connection.set_tunnel(host, parts.port or 443, headers=_introduced(via))
    return connection


def _introduced(via: SplitResult) -> dict[str, str]:
    """Give what a proxy wants to know of who asks."""
    if via.username is None:
        return {}
    known = f"{unquote(via.username)}:{unquote(via.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(known.encode()).decode('ascii')}"}


def _status(connection: HTTPConnection, ends_s: float) -> int:
    """Read the answer's first line.

    Raises:
        OSError: It did not come in time.
        HTTPException: It is no line of HTTP.
    """
    line = b""
    while b"\n" not in line and len(line) < LONGEST_LINE:
        left_s = ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        connection.sock.settimeout(left_s)
        if not (read := connection.sock.recv(LONGEST_LINE)):
            break
        line += read
    found = re.match(rb"HTTP/\d\.\d (\d{3})", line)
    if not found:
        raise HTTPException("no HTTP")
    return int(found[1])


def _words(error: Exception) -> str:
    """Say what was the matter, without an address; the library's longer words may hold one."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case OSError(strerror=str() as words):
            return words
        case _:
            return type(error).__name__
