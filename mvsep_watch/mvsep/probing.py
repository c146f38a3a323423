"""How far the way to the service goes: proxy, name, connection, encryption, answer. Nothing secret is sent.

Each stage is tried by itself, so that whoever mends it knows where it ends. Behind a proxy only the proxy knows the
service's name, and the stages between are its own.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

import httpx

from mvsep_watch import __version__
from mvsep_watch.errors import CertificateError, ConfigError, RetryableError
from mvsep_watch.mvsep.address import checked_base_url, host_of
from mvsep_watch.mvsep.encryption import Unencrypted, unencrypted
from mvsep_watch.mvsep.envelope import decode, one_line
from mvsep_watch.mvsep.headers import content_type_of, date_of
from mvsep_watch.mvsep.transport import Transport, proxy_of, trusted
from mvsep_watch.mvsep.trouble import translated

CALL = "app/queue"
"""What the service tells everybody, in a few bytes."""
LONGEST_ANSWER_BYTES = 1_000_000
PORTS = {"http": 80, "https": 443}


class Stage(StrEnum):
    """A part of the way."""

    PROXY = "proxy"
    NAME = "name"
    CONNECTION = "connection"
    ENCRYPTION = "encryption"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far it goes.

    Args:
        base_url: The service's.
        host: Its host, with its port where that is not the usual one.
        proxy: The proxy's, the same; empty without one.
        addresses: What the name stands for.
        encryption: Such as `TLSv1.3`; empty without.
        ends_at: The stage that fails; None where all goes well.
        trouble: In what way it fails.
        hint: What to do about it, where more is known than the stage.
        status: Of the answer; 0 without one.
        content_type: As the answer announced it.
        location: The host that a redirect leads to.
        is_service: Whether the answer is one of the service's own.
        date: What its clock said, seconds since 1970; None where it did not say.
    """

    base_url: str
    host: str
    proxy: str = ""
    addresses: tuple[str, ...] = ()
    encryption: str = ""
    ends_at: Stage | None = None
    trouble: str = ""
    hint: str = ""
    status: int = 0
    content_type: str = ""
    location: str = ""
    is_service: bool = False
    date: float | None = None


class _EndError(Exception):
    """The way ends here."""


def probe(base_url: str, *, timeout_s: float) -> Reached:
    """Go the way to the service, stage by stage, until one fails.

    Raises:
        ConfigError: The base URL cannot be used.
    """
    base = checked_base_url(base_url)
    probing = _Probing(base, timeout_s)
    with suppress(_EndError):
        probing.go()
    return probing.reached


class _Probing:
    """One go; `reached` grows with every stage."""

    def __init__(self, base: str, timeout_s: float) -> None:
        self.reached = Reached(base_url=base, host=host_of(base))
        self._base = base
        self._timeout_s = timeout_s
        self._proxy: str | None = None

    def go(self) -> None:
        with self._stage(Stage.PROXY):
            self._proxy = proxy_of(self._base)
        if self._proxy:
            self._learn(proxy=host_of(self._proxy))
        target = urlsplit(self._proxy or self._base)
        host, port = target.hostname or "", target.port or PORTS.get(target.scheme, 443)
        with self._stage(Stage.NAME):
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self._learn(addresses=tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))
        with self._stage(Stage.CONNECTION):
            connection = socket.create_connection((host, port), timeout=self._timeout_s)
        with connection:
            if target.scheme == "https":
                self._encrypt(connection, host)
        self._ask()

    def _encrypt(self, connection: socket.socket, host: str) -> None:
        with self._stage(Stage.ENCRYPTION), trusted().wrap_socket(connection, server_hostname=host) as encrypted:
            self._learn(encryption=encrypted.version() or "")

    def _ask(self) -> None:
        """Ask for something that everybody may know; what is said without JSON, the service has not said."""
        host = self.reached.host
        with (
            self._stage(Stage.ANSWER),
            translated(host=host, call=CALL, secrets=()),
            httpx.Client(
                transport=Transport(trusted()),
                timeout=self._timeout_s,
                headers={"Accept": "application/json", "User-Agent": f"mvsep-watch/{__version__}"},
                trust_env=False,
            ) as client,
            client.stream("GET", f"{self._base}/api/{CALL}") as response,
        ):
            self._learn(
                status=response.status_code,
                content_type=content_type_of(response),
                location=host_of(str(response.headers.get("Location", ""))),
                date=date_of(response),
                is_service=decode(_beginning(response)) is not None,
            )

    @contextmanager
    def _stage(self, stage: Stage) -> Iterator[None]:
        """End the way at a stage that fails."""
        try:
            yield
        except (ConfigError, CertificateError) as error:
            self._end(stage, error.message, error.hint)
        except RetryableError as error:
            self._end(stage, error.message)
        except (OSError, UnicodeError) as error:
            found = unencrypted(error) or Unencrypted(one_line(getattr(error, "strerror", None) or str(error)))
            self._end(stage, found.what, found.hint)

    def _end(self, stage: Stage, trouble: str, hint: str = "") -> None:
        self._learn(ends_at=stage, trouble=trouble, hint=hint)
        raise _EndError

    def _learn(self, **news: object) -> None:
        self.reached = replace(self.reached, **news)  # type: ignore[arg-type] # a field's own type each


def _beginning(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > LONGEST_ANSWER_BYTES:
            break
    return bytes(body)
