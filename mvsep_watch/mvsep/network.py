"""The network below HTTP: which of a host's addresses is asked, and what a connection is before a byte goes over it.

A host may have several addresses, and the first may be one that nobody can reach from here. None but the last is
waited for long, and the one that answered is asked first the next time.

The surprise: while a body is sent, what the server says meanwhile is taken off the connection, so that a refusal ends
an upload at once. A polite server would listen to the rest of it for hours.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress

import httpcore

ADDRESS_S = 5.0
"""How long an address is tried while there is another: time for a lost packet to be sent twice again."""
RECORD_BYTES = 16 * 1024
"""What a record of TLS holds at most. Source: RFC 8446, 5.1."""
WORDS_BYTES = 64 * 1024
ANNOUNCEMENT = b"HTTP/1.1 1"
"""How an answer begins that only says that another will come."""
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Addresses:
    """Remembers which of a host's addresses answered; shared by threads."""

    def __init__(self) -> None:
        self._answered: dict[str, str] = {}

    def of(self, host: str, port: int) -> list[str]:
        """Look a name up; what answered last comes first.

        Raises:
            OSError: Nobody knows the name.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        last = self._answered.get(host)
        return sorted(dict.fromkeys(str(entry[4][0]) for entry in found), key=lambda address: address != last)

    def answered(self, host: str, address: str) -> None:
        """Remember it."""
        self._answered[host] = address


class Network(httpcore.NetworkBackend):
    """Connects over TCP.

    Args:
        options: Of every socket. The HTTP library forgets them behind a proxy.
        layers: Of encryption that lie between a proxy and what is said to the service; 0 without a proxy. Below the
            last of them nothing is waited for longer than for a connection.
    """

    def __init__(self, addresses: Addresses, *, options: Iterable[SocketOption] = (), layers: int = 0) -> None:
        self._tcp = httpcore.SyncBackend()
        self._addresses = addresses
        self._options = tuple(options)
        self._layers = layers

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - the library's parameters
        socket_options: Iterable[SocketOption] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        try:
            return self._connected(host, port, timeout)
        except (OSError, httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
            if self._layers:
                raise httpcore.ProxyError(f"no connection to {host}: {exc}") from exc
            if isinstance(exc, OSError):
                raise httpcore.ConnectError(str(exc)) from exc
            raise

    def _connected(self, host: str, port: int, timeout_s: float | None) -> httpcore.NetworkStream:
        *others, last = self._addresses.of(host, port)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._stream(host, address, port, min(timeout_s or ADDRESS_S, ADDRESS_S), longest_s=timeout_s)
        return self._stream(host, last, port, timeout_s, longest_s=timeout_s)

    def _stream(
        self, host: str, address: str, port: int, timeout_s: float | None, *, longest_s: float | None
    ) -> httpcore.NetworkStream:
        stream = self._tcp.connect_tcp(address, port, timeout_s, socket_options=self._options)
        self._addresses.answered(host, address)
        return Stream(stream, layers=self._layers, longest_s=longest_s)


class Stream(httpcore.NetworkStream):
    """A connection.

    Args:
        encrypted: Its socket, if that is what encrypts it; within an encrypted proxy's connection it is not.
        layers: Of encryption that are still to come on the way through a proxy.
        longest_s: As long as some are, nothing is waited for longer than this.
    """

    def __init__(
        self,
        inner: httpcore.NetworkStream,
        *,
        encrypted: ssl.SSLSocket | None = None,
        layers: int = 0,
        longest_s: float | None = None,
    ) -> None:
        self._inner = inner
        self._encrypted = encrypted
        self._layers = layers
        self._longest_s = longest_s
        self._said = b""
        self._broke: OSError | None = None
        self._records = memoryview(bytearray())

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, at least a byte; nothing at the end."""
        if self._said:
            words, self._said = self._said[:max_bytes], self._said[max_bytes:]
            return words
        self._check()
        if self._layers and self._longest_s is not None and timeout is not None:
            timeout = min(timeout, self._longest_s)
        if self._encrypted is None:
            return self._inner.read(max_bytes, timeout)
        if len(self._records) < max_bytes:
            self._records = memoryview(bytearray(max_bytes))
        first = self._inner.read(min(max_bytes, RECORD_BYTES), timeout)
        self._records[: len(first)] = first
        return bytes(self._records[: self._filled(self._encrypted, len(first), max_bytes) if first else 0])

    def _check(self) -> None:
        """Tell of the end that was met behind what was read last, so that whoever asks finds what it was."""
        try:
            if self._broke is not None:
                raise self._broke
        except OSError as exc:
            raise httpcore.ReadError(str(exc)) from exc

    def _filled(self, connection: ssl.SSLSocket, filled: int, max_bytes: int) -> int:
        """Take the records that are here already: each comes by itself, and to pass each on by itself is dear."""
        connection.settimeout(0)
        try:
            while filled < max_bytes and (more := connection.recv_into(self._records[filled:max_bytes])):
                filled += more
        except ssl.SSLWantReadError:
            pass
        except OSError as exc:
            self._broke = exc
        return filled

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything.

        Raises:
            WriteError: The connection broke; or the server has given its answer already, which is to be read.
        """
        if not buffer:  # the end of a request: what has come is its answer, and in time
            return
        if self._inner.get_extra_info("is_readable") and len(self._said) < WORDS_BYTES:
            self._hear()
        if self._said and not self._said.startswith(ANNOUNCEMENT):
            raise httpcore.WriteError("answered before everything was sent")
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        """Close it."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Encrypt it. An end that is not announced is an error then: it may be that of a broken connection."""
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        encrypted = None if self._encrypted else inner.get_extra_info("socket")
        if encrypted:
            encrypted.suppress_ragged_eofs = False  # documented as a parameter only
        return Stream(inner, encrypted=encrypted, layers=max(0, self._layers - 1), longest_s=self._longest_s)

    def get_extra_info(self, info: str) -> object:
        """Tell about the connection."""
        return self._inner.get_extra_info(info)

    def _hear(self) -> None:
        """Take what has come, without waiting: words of the server, or the encryption's own."""
        try:
            words = self._inner.read(WORDS_BYTES, timeout=0)
        except httpcore.ReadError as exc:
            if isinstance(exc.__cause__, (BlockingIOError, ssl.SSLWantReadError)):
                return
            raise httpcore.WriteError(str(exc)) from exc
        if not words:
            raise httpcore.WriteError("the connection was closed from the other side")
        self._said += words
