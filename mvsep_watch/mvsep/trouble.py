"""What an exception of the HTTP library means: one table from every class of it to the project's errors.

The surprise: the library's own words are passed on without the address, because an address carries the token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from mvsep_watch.errors import CertificateError, RetryableError, ServiceError, TransportError
from mvsep_watch.model import is_loopback
from mvsep_watch.mvsep.encryption import unencrypted
from mvsep_watch.mvsep.envelope import one_line, redact

TROUBLE: dict[type[Exception], tuple[type[RetryableError], str]] = {
    httpx.ConnectTimeout: (TransportError, "no connection in time"),
    httpx.ReadTimeout: (TransportError, "no answer in time"),
    httpx.WriteTimeout: (TransportError, "took no further bytes in time"),
    httpx.PoolTimeout: (TransportError, "no free connection in time"),
    httpx.TimeoutException: (TransportError, "out of time"),
    httpx.ConnectError: (TransportError, "no connection"),
    httpx.ReadError: (TransportError, "the connection broke while reading"),
    httpx.WriteError: (TransportError, "the connection broke while sending"),
    httpx.CloseError: (TransportError, "the connection broke while closing"),
    httpx.NetworkError: (TransportError, "the connection broke"),
    httpx.LocalProtocolError: (TransportError, "the request could not be sent"),
    httpx.RemoteProtocolError: (TransportError, "the connection ended within an answer"),
    httpx.ProtocolError: (TransportError, "the connection did not keep to HTTP"),
    httpx.ProxyError: (TransportError, "the proxy did not connect"),
    httpx.UnsupportedProtocol: (ServiceError, "an address that is not http or https"),
    httpx.TransportError: (TransportError, "the connection failed"),
    httpx.DecodingError: (ServiceError, "an answer that cannot be unpacked"),
    httpx.TooManyRedirects: (ServiceError, "redirects without end"),
    httpx.RequestError: (TransportError, "the request failed"),
    httpx.HTTPStatusError: (ServiceError, "an answer that says no"),
    httpx.HTTPError: (TransportError, "the request failed"),
    httpx.InvalidURL: (ServiceError, "an address that is none"),
    httpx.CookieConflict: (ServiceError, "cookies that contradict each other"),
    httpx.StreamConsumed: (TransportError, "the answer was read twice"),
    httpx.StreamClosed: (TransportError, "the client was closed"),
    httpx.ResponseNotRead: (TransportError, "the answer was not read"),
    httpx.RequestNotRead: (TransportError, "the request was not read"),
    httpx.StreamError: (TransportError, "the answer's stream failed"),
    # Raised by the name look-up for a host name whose labels are too long.
    UnicodeError: (ServiceError, "a host name that is none"),
}

_FOREIGN = tuple(TROUBLE)
PLACE = r"_ssl\.c:\d+: "
"""Where in its own source the library for encryption ran out of time, of which nobody learns anything."""
PROXY_HINT = "tried again by itself; look at the proxy, and at https_proxy and no_proxy in this process's environment"
HINT = "tried again by itself; check this machine's connection if it lasts"


@contextmanager
def translated(*, host: str, call: str, secrets: tuple[str, ...], hint: str = HINT) -> Iterator[None]:
    """Turn what the HTTP library raises into the project's errors; all else passes through untouched."""
    try:
        yield
    except _FOREIGN as exc:
        raise _translate(exc, host=host, call=call, secrets=secrets, hint=hint) from exc


def _translate(exc: Exception, *, host: str, call: str, secrets: tuple[str, ...], hint: str) -> RetryableError:
    kind, meaning = next(TROUBLE[base] for base in type(exc).__mro__ if base in TROUBLE)
    if (found := unencrypted(exc)) is not None:
        error = CertificateError if found.is_certificate else kind
        return error(f"{host}, {call}: {meaning}: {found.what}", hint=found.hint or hint)
    detail = one_line(redact(re.sub(PLACE, "", str(exc)), secrets))
    advice = PROXY_HINT if isinstance(exc, httpx.ProxyError) else _hint(detail, host)
    return kind(f"{host}, {call}: {meaning}" + (f" ({detail})" if detail else ""), hint=advice or hint)


def _hint(detail: str, host: str) -> str:
    name, _, port = host.rpartition(":")
    if name and is_loopback(name.strip("[]")) and "refused" in detail:
        return f"nothing serves there; if it is to be a sandbox: mvsep-watch sandbox --port {port}"
    return ""
