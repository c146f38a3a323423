"""The connections to the service: who is asked, how long is waited, at what pace. It knows no endpoint.

Every request gets explicit time-outs and passes the pace; every answer is read whole, up to a size, and taught to the
pace. API calls follow no redirect. The library's log of addresses is silenced at import, because they hold the token.

The surprise: an upload has a connection of its own that dies hard. Unsent bytes are thrown away when it closes or the
process ends, so that a dropped upload cannot arrive later.
"""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import httpx

from mvsep_watch import __version__
from mvsep_watch.errors import RetryableError, ServiceError
from mvsep_watch.model import is_loopback
from mvsep_watch.mvsep.address import check_download, checked_base_url, host_of
from mvsep_watch.mvsep.download import Download, opened_download
from mvsep_watch.mvsep.envelope import Answer, decode
from mvsep_watch.mvsep.headers import content_type_of, retry_after_of, whole_header
from mvsep_watch.mvsep.network import Addresses, SocketOption
from mvsep_watch.mvsep.pace import Pace, Patience
from mvsep_watch.mvsep.rate import Rate
from mvsep_watch.mvsep.tally import Tally
from mvsep_watch.mvsep.transport import Transport, proxy_of, trusted
from mvsep_watch.mvsep.trouble import translated
from mvsep_watch.mvsep.upload import UploadBody

ANSWER_WAIT_S = 600.0
"""After an upload's last chunk waiting is free, and giving up makes an unknown outcome."""
MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""The longest real answer, the whole catalogue, has about 2 MB; beyond this it is no answer but a flood."""
MAX_REDIRECTS = 5
USER_TIMEOUT_SHARE = 0.4
"""Of the window in which an upload whose connection broke may still arrive; it must stay below half."""

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)
logging.getLogger("httpx").addFilter(lambda record: record.levelno >= logging.WARNING)


class Wire:
    """All connections of one client; thread-safe.

    Args:
        token: Blotted out of whatever the server says.
        timeout_s: To connect, and between reads and writes.
        transport: Used for everything instead of the network.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        timeout_s: float,
        linger_window_s: float,
        pace: Pace,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self.base_url = checked_base_url(base_url)
        self.pace = pace
        self.tally = Tally()
        self._token = token
        self._timeout_s = timeout_s
        self._loopback_ok = is_loopback(urlsplit(self.base_url).hostname or "")
        ordinary, uploads = (transport, transport) if transport else _transports(self.base_url, linger_window_s)
        self._api = self._client(ordinary)
        self._uploads = self._client(uploads)
        self._downloads = self._client(ordinary, follow_redirects=True, hooks=[self._check_download])

    def call(
        self,
        call: str,
        *,
        method: str = "GET",
        base_url: str | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secret: str = "",
        patience: Patience = Patience.ORDINARY,
    ) -> Answer:
        """Ask an endpoint and give its answer, whatever it says; `secret` is blotted out of it, as the token is.

        Raises:
            TransportError: There was no answer.
            ServiceError: The answer is too large or broken.
        """
        base = self.base_url if base_url is None else checked_base_url(base_url)
        url, secrets = f"{base}/api/{call}", (self._token, secret)
        self.pace.take(patience)
        with (
            self.tally.noting_silence(),
            translated(host=host_of(base), call=call, secrets=secrets),
            self._api.stream(method, url, params=params, data=form, headers=headers) as response,
        ):
            return self._answer(response, call=call, host=host_of(base), secrets=secrets)

    def upload(self, call: str, body: UploadBody, *, hint: str, secret: str = "") -> Answer:
        """Send a body to an endpoint; what the body itself raises passes through untouched.

        `hint` says what to do when nobody knows whether it arrived; `secret` is blotted out of the answer.
        """
        host, secrets = host_of(self.base_url), (self._token, secret)
        wait_s = max(ANSWER_WAIT_S, self._timeout_s)
        self.pace.take(Patience.UPLOAD)
        try:
            with (
                self.tally.noting_silence(),
                translated(host=host, call=call, secrets=secrets, hint=hint),
                self._uploads.stream(
                    "POST",
                    f"{self.base_url}/api/{call}",
                    content=body,
                    headers={**body.headers, "Connection": "close"},
                    timeout=httpx.Timeout(self._timeout_s, read=wait_s),
                ) as response,
            ):
                return self._answer(response, call=call, host=host, secrets=secrets)
        except RetryableError:
            if body.raised is not None:
                raise body.raised from body.raised.__cause__
            raise

    def download(self, url: str, *, offset: int, validator: str | None, rate: Rate) -> AbstractContextManager[Download]:
        """Open a result's address; see `Client.download`."""
        check_download(url, loopback_ok=self._loopback_ok)
        return opened_download(
            self._downloads, url, offset=offset, validator=validator, secrets=(self._token,), rate=rate
        )

    def close(self) -> None:
        """Close every connection."""
        for client in (self._api, self._uploads, self._downloads):
            client.close()

    def _client(
        self,
        transport: httpx.BaseTransport,
        *,
        follow_redirects: bool = False,
        hooks: list[Callable[..., None]] | None = None,
    ) -> httpx.Client:
        return httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(self._timeout_s),
            follow_redirects=follow_redirects,
            max_redirects=MAX_REDIRECTS,
            event_hooks={"request": hooks or []},
            headers={"Accept": "application/json, */*;q=0.5", "User-Agent": f"mvsep-watch/{__version__}"},
            trust_env=False,
        )

    def _check_download(self, request: httpx.Request) -> None:
        check_download(str(request.url), loopback_ok=self._loopback_ok)

    def _answer(self, response: httpx.Response, *, call: str, host: str, secrets: tuple[str, ...]) -> Answer:
        retry_after_s = retry_after_of(response)
        limit, remaining = (whole_header(response, f"X-RateLimit-{name}") for name in ("Limit", "Remaining"))
        if response.status_code == 429:
            self.pace.learn(limit=limit, remaining=None)  # that nothing is left is no news, and would pause by a guess
            retry_after_s = self.pace.pause(retry_after_s)
        else:
            self.pace.learn(limit=limit, remaining=remaining)
        payload = decode(_read_whole(response, host))
        self.tally.answered(response.status_code)
        return Answer(
            call=call,
            host=host,
            status=response.status_code,
            payload=payload,
            content_type=content_type_of(response),
            retry_after_s=retry_after_s,
            etag=str(response.headers.get("ETag", "")),
            secrets=secrets,
        )


def _read_whole(response: httpx.Response, host: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ServiceError(f"{host} sent an answer without end", hint="asked again by itself")
    return bytes(body)


def _transports(base_url: str, linger_window_s: float) -> tuple[Transport, Transport]:
    """Make what everything goes through, and what uploads do; a proxy that cannot be used is told of at once."""
    proxy_of(base_url)
    addresses, trust = Addresses(), trusted()
    options = upload_socket_options(linger_window_s)
    uploads = Transport(trust, addresses=addresses, options=options, is_kept=False)
    return Transport(trust, addresses=addresses), uploads


def upload_socket_options(linger_window_s: float) -> list[SocketOption]:
    """Give what makes an upload's connection die hard.

    SO_LINGER (1, 0) throws unsent bytes away on close and on the process's end; TCP_USER_TIMEOUT ends a connection
    whose bytes nobody acknowledges.
    """
    user_timeout_ms = int(linger_window_s * 1000 * USER_TIMEOUT_SHARE)
    return [
        (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, user_timeout_ms),
    ]
