"""The calls about the service itself: its models, its queues, what it publishes."""

from __future__ import annotations

from collections.abc import Iterable

from mvsep_watch.model import Algorithm, Queue, Scope
from mvsep_watch.mvsep.base import Calls
from mvsep_watch.mvsep.catalogue import read_algorithms
from mvsep_watch.mvsep.parse import read_queue
from mvsep_watch.mvsep.refusals import service_error


class Site(Calls):
    """`app/algorithms`, `app/queue` and their neighbours; most of them need no token."""

    def algorithms(self, scopes: Iterable[str] = (Scope.SINGLE_UPLOAD,)) -> dict[int, Algorithm]:
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
