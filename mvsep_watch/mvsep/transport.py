"""What requests go through: straight or by the environment's proxy, believing whom this machine believes.

The surprise: every host is asked for by itself whether it has a proxy, because results come from other hosts than the
service's; and this machine has none, whatever the environment says, because a sandbox is here.
"""

from __future__ import annotations

import os
import ssl
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import httpcore
import httpx

from mvsep_watch.errors import ConfigError
from mvsep_watch.model import is_loopback
from mvsep_watch.mvsep.network import Addresses, Network, SocketOption

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where the environment names whom https believes. Source: OpenSSL, X509_get_default_cert_file_env, 2026."""
KEPT_S = 5.0
PROXY_HINT = "write https_proxy like http://proxy:3128, with what is special in a password percent-encoded"


class Transport(httpx.BaseTransport):
    """Connections to any host; thread-safe.

    Args:
        trust: Whose certificates are believed; a proxy's as well.
        addresses: What is known of the hosts.
        options: Of every socket.
        is_kept: Whether a connection may serve another request.
    """

    def __init__(
        self,
        trust: ssl.SSLContext,
        *,
        addresses: Addresses | None = None,
        options: Iterable[SocketOption] = (),
        is_kept: bool = True,
    ) -> None:
        self._addresses = addresses or Addresses()
        self._trust = trust
        self._options = tuple(options)
        self._is_kept = is_kept
        self._lock = threading.Lock()
        self._pools: dict[str | None, httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and give the answer with its body to be read."""
        url = request.url
        pool = self._pool(_proxy_for(url.scheme, url.host))
        with spoken_as_httpx():
            answer = pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pools = tuple(self._pools.values())
        for pool in pools:
            pool.close()

    def _pool(self, proxy: str | None) -> httpcore.ConnectionPool:
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = self._behind(httpx.Proxy(proxy)) if proxy else self._direct()
            return self._pools[proxy]

    def _direct(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._trust,
            max_connections=None,
            max_keepalive_connections=None if self._is_kept else 0,
            keepalive_expiry=KEPT_S,
            network_backend=Network(self._addresses, options=self._options),
        )

    def _behind(self, proxy: httpx.Proxy) -> httpcore.ConnectionPool:
        return httpcore.HTTPProxy(
            httpcore.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/"),
            proxy_auth=proxy.raw_auth,
            ssl_context=self._trust,
            proxy_ssl_context=self._trust if proxy.url.scheme == "https" else None,
            max_connections=None,
            max_keepalive_connections=None if self._is_kept else 0,
            keepalive_expiry=KEPT_S,
            network_backend=Network(
                self._addresses, options=self._options, layers=2 if proxy.url.scheme == "https" else 1
            ),
        )


class _Body(httpx.SyncByteStream):
    """An answer's body, as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with spoken_as_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def spoken_as_httpx() -> Iterator[None]:
    """Raise what goes wrong below as the HTTP library does: it calls everything by the same name."""
    try:
        yield
    except Exception as exc:
        kind = getattr(httpx, type(exc).__name__, None) if type(exc).__module__ == "httpcore" else None
        if kind is None:
            raise
        raise kind(str(exc)) from exc


def trusted() -> ssl.SSLContext:
    """Give whom https believes: those whom the environment names, else those installed along and the system's own.

    Raises:
        ConfigError: Their certificates cannot be read, or are none.
    """
    file, folder = (os.environ.get(name) or None for name in CERTIFICATES)
    try:
        if file or folder:
            return ssl.create_default_context(cafile=file, capath=folder)
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()
    except OSError as exc:  # among them what the library says of a file that holds no certificates
        raise ConfigError(
            f"the certificates that https trusts cannot be read: {exc.strerror or exc}",
            hint="let this user read the installed package certifi, and where $SSL_CERT_FILE and $SSL_CERT_DIR point",
        ) from exc
    return context


def proxy_of(url: str) -> str | None:
    """Give the environment's proxy for a host; never for this machine.

    Raises:
        ConfigError: It is none that can be used. What is said holds nothing of it, for it may hold a password.
    """
    parts = urlsplit(url)
    return _proxy_for(parts.scheme, parts.hostname or "")


def _proxy_for(scheme: str, host: str) -> str | None:
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return _checked(proxy if "://" in proxy else f"http://{proxy}", host) if proxy else None


def _checked(proxy: str, host: str) -> str:
    with suppress(httpx.InvalidURL, ValueError):
        url = httpx.URL(proxy)
        if url.scheme not in {"http", "https"}:
            raise ConfigError(
                f"the environment's proxy for {host} is neither http nor https",
                hint=f"set https_proxy to an http proxy, or add {host} to no_proxy",
            )
        if url.host and (url.port or 0) < 65536 and url.path in {"", "/"} and not (url.query or url.fragment):
            return proxy
    raise ConfigError(f"the environment's proxy for {host} is no address", hint=PROXY_HINT)
