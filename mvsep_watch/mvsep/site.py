"""The calls about the service itself: its models, its queues, what it publishes. They work without a token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from mvsep_watch.model import Algorithm, Demo, NewsItem, Queue, QueueSummary, Scope
from mvsep_watch.mvsep.base import Calls
from mvsep_watch.mvsep.catalogue import NOT_MODIFIED, CatalogueText, read_algorithms, read_catalogue_text
from mvsep_watch.mvsep.envelope import Answer
from mvsep_watch.mvsep.paging import paged
from mvsep_watch.mvsep.parse_site import read_demos, read_news, read_queue, read_queue_summary
from mvsep_watch.mvsep.refusals import service_error

ORDINARY = (Scope.SINGLE_UPLOAD,)


class Site(Calls):
    """`app/algorithms`, `app/news` and their neighbours."""

    def algorithms(self, scopes: Iterable[str] = ORDINARY) -> dict[int, Algorithm]:
        """Read the catalogue of models, by sep_type, in the server's order.

        Args:
            scopes: Of which kinds; see `Scope`.
        """
        return read_algorithms(self._algorithms(scopes))

    def algorithms_text(self, scopes: Iterable[str] = ORDINARY, *, etag: str = "") -> CatalogueText:
        """Read the catalogue as a text to be kept, which `read_catalogue` reads.

        Args:
            scopes: Of which kinds; see `Scope`.
            etag: What an earlier answer gave; where the list is still the same, its text is not sent again.

        Raises:
            ServiceError: Also where the answer holds no algorithms; such a text is not worth keeping.
        """
        return read_catalogue_text(self._algorithms(scopes, etag=etag))

    def news(self, *, lang: str = "en", start: int = 0, limit: int | None = None) -> Iterator[NewsItem]:
        """Walk through the site's news, newest first, page by page as far as it is read.

        Args:
            lang: `en`, `ru`, …
            start: How many of the newest to skip.
            limit: How many at most; None goes to the end.
        """
        return paged(
            lambda skipped, rows: read_news(self._page("app/news", skipped, rows, lang=lang)),
            key=lambda item: item.id,
            start=start,
            limit=limit,
        )

    def demos(self, *, start: int = 0, limit: int | None = None, sep_type: int | None = None) -> Iterator[Demo]:
        """Walk through what users published, newest first, page by page as far as it is read.

        Args:
            start: How many of the newest to skip.
            limit: How many at most; None goes to the end.
            sep_type: Only those of this model. They are picked out here: that the service can do it is known, but not
                by which of a model's two numbers.
        """
        listed = paged(
            lambda skipped, rows: read_demos(self._page("app/demo", skipped, rows)),
            key=lambda demo: demo.hash,
            start=start,
            limit=limit if sep_type is None else None,
        )
        return islice((demo for demo in listed if sep_type in {None, demo.sep_type}), limit)

    def queue(self) -> Queue:
        """Ask how long the service's queues are; with a token, also for this account's plan."""
        return read_queue(self._public_get("app/queue", {"api_token": self._token}))

    def queue_summary(self) -> QueueSummary:
        """Ask when it is this account's turn. Source: three public clients, 2026; no page documents it."""
        return read_queue_summary(self._public_get("app/queue/summary", {"api_token": self._token}))

    def _algorithms(self, scopes: Iterable[str], *, etag: str = "") -> Answer:
        headers = {"If-None-Match": etag} if etag else None
        answer = self._wire.call("app/algorithms", params={"scopes": ",".join(scopes)}, headers=headers)
        if answer.is_ok or (etag and answer.status == NOT_MODIFIED):
            return answer
        raise service_error(answer)

    def _page(self, call: str, start: int, limit: int, **params: str) -> Answer:
        return self._public_get(call, {"start": str(start), "limit": str(limit), **params})
