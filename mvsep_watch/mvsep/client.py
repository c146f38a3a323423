"""The endpoints of the service as typed methods. One method per endpoint; what an answer means is decided elsewhere.

    Client → wire (connections, pace, time-outs) → service
           ← envelope (status, JSON, words) ← parse, catalogue (values) or refusals (errors)

It keeps no state of its own, retries nothing, and is safe to use from several threads.

The surprise: `get` goes to whichever host made the separation, and so it goes without the token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Account, Algorithm, Created, HistoryRow, Queue, Remote, Settings, realm_of
from mvsep_watch.mvsep.address import checked_base_url, host_of
from mvsep_watch.mvsep.catalogue import read_algorithms
from mvsep_watch.mvsep.download import Download
from mvsep_watch.mvsep.envelope import Answer
from mvsep_watch.mvsep.pace import Pace
from mvsep_watch.mvsep.parse import read_account, read_created, read_history, read_queue, read_remote
from mvsep_watch.mvsep.refusals import account_error, cancel_error, create_error, service_error
from mvsep_watch.mvsep.upload import BeforeLastChunk, Progress, UploadBody, fields_of, opened, safe_name
from mvsep_watch.mvsep.wire import Wire

MAX_HISTORY_ROWS = 20
"""Per page. Source: MVSEP API page, app/separation_history, 2025."""


class Client:
    """A client of the MVSEP API.

    Args:
        token: The account's API token; it appears in no message, log or repr.
        base_url: The service, one of its mirrors, or a sandbox. Plain http only on this machine.
        timeout_s: To connect, and between reads and writes, seconds. An upload has no total limit, and after its last
            byte the answer is waited for at least 10 minutes.
        transport: Used for everything instead of the network.
        upload_linger_window_s: How long after a broken upload its outcome is looked for; bounds how long unacknowledged
            bytes may live.
        pace: The shared limiter, where several clients ask for one account.

    Raises:
        ConfigError: The base URL cannot be used.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str = "https://mvsep.com",
        timeout_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        upload_linger_window_s: float = 120.0,
        pace: Pace | None = None,
    ) -> None:
        self._token = token
        self.pace = pace or Pace()
        self._wire = Wire(
            base_url=base_url,
            token=token,
            timeout_s=timeout_s,
            linger_window_s=upload_linger_window_s,
            pace=self.pace,
            transport=transport,
        )
        self.base_url = self._wire.base_url
        self.host = host_of(self.base_url)
        self.realm = realm_of(self.base_url)

    def __repr__(self) -> str:
        return f"Client(base_url={self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; what is under way ends with a TransportError."""
        self._wire.close()

    def create(
        self,
        audiofile: Path,
        settings: Settings,
        *,
        upload_name: str | None = None,
        progress: Progress | None = None,
        before_last_chunk: BeforeLastChunk | None = None,
        stopping: Callable[[], bool] | None = None,
    ) -> Created:
        """Upload a file and have it separated; this is what can be paid for.

        Args:
            audiofile: Read once, in constant memory.
            settings: Sent in full.
            upload_name: Defaults to the file's name; made ASCII-safe either way.
            progress: Given bytes of the file sent and its size.
            before_last_chunk: Given the sha256 (hex) of the whole file and an `fstat` made after its last byte was
                read. Nothing can have been made before it returns; what it raises drops the connection and passes
                through untouched.
            stopping: Asked between chunks.

        Raises:
            MvsepWatchError: With `refused` where the service itself did not take the work. Any other error that is
                raised after `before_last_chunk` returned leaves the outcome unknown.
            SourceChangedError: The file is gone or changed its size; nothing was made.
            SourceBusyError: The file cannot be read just now; nothing was made.
            StoppedError: `stopping` said so; nothing was made.
        """
        with opened(audiofile) as (file, size_bytes):
            body = UploadBody(
                file,
                size_bytes=size_bytes,
                fields=fields_of(settings, token=self._token),
                name=safe_name(upload_name or audiofile.name),
                before_last_chunk=before_last_chunk,
                progress=progress,
                stopping=stopping,
            )
            answer = self._wire.upload("separation/create", body)
        created = read_created(answer)
        if created is None:
            raise create_error(answer)
        return created

    def get(self, hash_: str, *, base_url: str | None = None) -> Remote:
        """Ask how a separation is doing; `not_found` is a status and no error.

        Args:
            hash_: As `create` gave it.
            base_url: The host that the separation was made on; defaults to the client's.
        """
        answer = self._wire.call("separation/get", base_url=base_url, params={"hash": hash_})
        remote = read_remote(answer, hash_=hash_, base_url=base_url or self.base_url)
        if remote is None:
            raise service_error(answer)
        return remote

    def cancel(self, hash_: str, *, base_url: str | None = None) -> None:
        """Cancel a separation; the service gives the credits back if it had not begun.

        Args:
            hash_: As `create` gave it.
            base_url: The host that the separation was made on; only of this client's realm, for it gets the token.

        Raises:
            RequestRefusedError: The service says no, in its own words.
        """
        if base_url is not None and realm_of(checked_base_url(base_url)) != self.realm:
            raise ConfigError(
                f"{host_of(base_url)} is not of the realm {self.realm}, and gets no token of it",
                hint="cancel with a configuration whose base_url is of that realm",
            )
        form = {"api_token": self._token, "hash": hash_}
        answer = self._wire.call("separation/cancel", method="POST", base_url=base_url, form=form)
        if not (answer.is_ok and answer.succeeded):
            raise cancel_error(answer)

    def user(self) -> Account:
        """Ask whose token it is, and what the account has."""
        return read_account(self._account_call("app/user"))

    def separation_history(self, *, start: int = 0, limit: int = MAX_HISTORY_ROWS) -> tuple[HistoryRow, ...]:
        """Read one page of the account's separations, newest first.

        Args:
            start: How many of the newest rows to skip.
            limit: Rows, at most 20.

        Raises:
            ServiceError: Also where a single row cannot be read: then nothing may be called absent.
        """
        return read_history(self._account_call("app/separation_history", start=str(start), limit=str(limit)))

    def algorithms(self, scopes: Iterable[str] = ("single_upload",)) -> dict[int, Algorithm]:
        """Read the catalogue of models, by sep_type, in the server's order."""
        answer = self._wire.call("app/algorithms", params={"scopes": ",".join(scopes)})
        if not answer.is_ok:
            raise service_error(answer)
        return read_algorithms(answer)

    def queue(self) -> Queue:
        """Ask how long the service's queues are; with the token, for this account's plan."""
        answer = self._wire.call("app/queue", params={"api_token": self._token})
        if not answer.is_ok:
            raise service_error(answer)
        return read_queue(answer)

    def download(self, url: str, *, offset: int = 0, validator: str | None = None) -> AbstractContextManager[Download]:
        """Open a result's file, from an offset where that is safe.

        Args:
            url: As the service gave it; nothing is added to it.
            offset: How many bytes are here already.
            validator: What the earlier attempt's `Download.validator` was; without one it starts at 0.

        Raises:
            LinkExpiredError: The link is dead; `get` gives fresh ones.
            OutputDamagedError: It is a web page, or longer than announced.
            TransportError: It ended early; raised while reading `chunks`.
            RequestRefusedError: The address is not one to ask.
        """
        return self._wire.download(url, offset=offset, validator=validator)

    def _account_call(self, call: str, **params: str) -> Answer:
        answer = self._wire.call(call, params={"api_token": self._token, **params})
        if not (answer.is_ok and answer.succeeded):
            raise account_error(answer)
        return answer
