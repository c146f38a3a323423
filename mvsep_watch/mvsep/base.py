"""What all calls share: the connections, the token and who may get it, and what an answer that says no becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import httpx

from mvsep_watch.errors import ConfigError, MvsepWatchError, TokenRefusedError
from mvsep_watch.model import realm_of
from mvsep_watch.mvsep.address import checked_base_url, host_of
from mvsep_watch.mvsep.envelope import Answer
from mvsep_watch.mvsep.pace import Pace
from mvsep_watch.mvsep.rate import Rate
from mvsep_watch.mvsep.refusals import TOKEN_HINT, account_error, public_error
from mvsep_watch.mvsep.tally import Tally
from mvsep_watch.mvsep.wire import Wire

Refusal = Callable[[Answer], MvsepWatchError]
"""What an answer that is not a yes means."""


class Calls:
    """The part of a client that every room of its methods builds on; see `Client` for the parameters."""

    def __init__(
        self,
        token: str = "",
        *,
        base_url: str = "https://mvsep.com",
        timeout_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        upload_linger_window_s: float = 120.0,
        pace: Pace | None = None,
        upload_rate: Rate | None = None,
        download_rate: Rate | None = None,
    ) -> None:
        self._token = token
        self.pace = pace or Pace()
        self.upload_rate = upload_rate or Rate()
        self.download_rate = download_rate or Rate()
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

    @property
    def tally(self) -> Tally:
        """What became of the requests so far."""
        return self._wire.tally

    def __repr__(self) -> str:
        return f"Client(base_url={self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def stop_waiting(self) -> None:
        """End every wait for a turn or for room, now and later, with StoppedError."""
        for limiter in (self.pace, self.upload_rate, self.download_rate):
            limiter.stop()

    def close(self) -> None:
        """Close every connection; what is under way ends with a TransportError."""
        self._wire.close()

    def _token_for(self, call: str, *, base_url: str | None = None) -> str:
        """Give the token to a call that needs it, and to no other realm than the client's."""
        if base_url is not None and realm_of(checked_base_url(base_url)) != self.realm:
            raise ConfigError(
                f"{host_of(base_url)} is not of the realm {self.realm}, and gets no token of it",
                hint="ask with a configuration whose base_url is of that realm",
            )
        if not self._token:
            raise TokenRefusedError(f"{call} needs a token, and there is none", hint=TOKEN_HINT)
        return self._token

    def _account_get(self, call: str, **params: str) -> Answer:
        answer = self._wire.call(call, params={"api_token": self._token_for(call), **params})
        return _accepted(answer, account_error)

    def _public_get(self, call: str, params: Mapping[str, str], *, refusal: Refusal = public_error) -> Answer:
        """Ask what needs no token; what is empty is left out. Some of these answers have no envelope."""
        answer = self._wire.call(call, params={key: value for key, value in params.items() if value})
        if answer.is_ok and not answer.says_no:
            return answer
        raise refusal(answer)

    def _post(
        self, call: str, form: Mapping[str, str], *, refusal: Refusal, base_url: str | None = None, secret: str = ""
    ) -> Answer:
        answer = self._wire.call(call, method="POST", base_url=base_url, form=form, secret=secret)
        return _accepted(answer, refusal)


def _accepted(answer: Answer, refusal: Refusal) -> Answer:
    """Give an answer that says yes, and raise what any other means."""
    if answer.is_ok and answer.succeeded:
        return answer
    raise refusal(answer)
