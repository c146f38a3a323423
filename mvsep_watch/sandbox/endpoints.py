"""What each endpoint does, once a request has been received: ask the service, shape the answer.

Translates between requests and the service and decides nothing about jobs; the faults that change one endpoint's answer
strike here. A refusal travels as an exception to the road that all requests take.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.responses import Response

from mvsep_watch.sandbox import shapes
from mvsep_watch.sandbox.faults import FaultKind, Faults
from mvsep_watch.sandbox.jobs import Account, Job, Status
from mvsep_watch.sandbox.orders import Order, RefusalError
from mvsep_watch.sandbox.receive import Ask, looked_at
from mvsep_watch.sandbox.record import Received
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.shapes import PhpJsonResponse

BAD_KEY = "Invalid API key"
ROWS_BY_DEFAULT, ROWS_AT_MOST = 10, 20


class Endpoints:
    """The endpoints, each a request in and a response out.

    Args:
        service: The rules.
        faults: How to misbehave.
        wake: Called when jobs may have something to do.
    """

    def __init__(self, service: Service, faults: Faults, wake: Callable[[], None]) -> None:
        self.service = service
        self.faults = faults
        self._wake = wake
        self._hostile = itertools.count()

    def create(self, ask: Ask) -> Response:
        """Accept an order, or refuse it."""
        received = ask.received or Received()
        try:
            job = self._accepted(ask)
        except RefusalError as refusal:
            received.refused = refusal.text
            raise
        received.hash = job.hash
        self._wake()
        as_string = self.faults.take(FaultKind.STRING_SUCCESS) is not None
        return PhpJsonResponse(shapes.created(job, ask.base_url, as_string=as_string))

    def get(self, ask: Ask) -> Response:
        """Say how far a job is."""
        self.service.advance_done()
        job = self.service.find(ask.fields.get("hash", ""))
        if job is None:
            return PhpJsonResponse(shapes.not_found())
        progress = self.service.progress(job)
        match progress.status:
            case Status.DONE:
                return PhpJsonResponse(self._done(job, ask.base_url))
            case Status.FAILED:
                return PhpJsonResponse(shapes.failed(job))
            case _:
                return PhpJsonResponse(shapes.unfinished(progress))

    def cancel(self, ask: Ask) -> Response:
        """Cancel a job."""
        self.service.cancel(ask.fields.get("api_token"), ask.fields.get("hash", ""))
        return PhpJsonResponse({"success": True, "data": {"message": "successfully cancelled"}})

    def delete(self, ask: Ask) -> Response:
        """Remove a job and its files."""
        job = self.service.delete(ask.fields.get("api_token"), ask.fields.get("hash", ""))
        for path in job.paths:
            path.unlink(missing_ok=True)
        return PhpJsonResponse({"success": True, "data": {"message": "successfully deleted"}})

    def user(self, ask: Ask) -> Response:
        """Describe the account."""
        account = self.service.account(ask.fields.get("api_token"))
        return PhpJsonResponse(shapes.user(self.service, account)) if account else _bad_key()

    def history(self, ask: Ask) -> Response:
        """List the account's jobs, newest first."""
        account = self.service.account(ask.fields.get("api_token"))
        if account is None:
            return _bad_key()
        start = _number(ask.fields.get("start"), 0)
        limit = min(_number(ask.fields.get("limit"), ROWS_BY_DEFAULT), ROWS_AT_MOST)
        rows = self._listed(account)[start : start + limit]
        return PhpJsonResponse({"success": True, "data": [shapes.history_row(self.service, job) for job in rows]})

    def algorithms(self, ask: Ask) -> Response:
        """List the models of the asked-for scopes."""
        scopes = (ask.fields.get("scopes") or "single_upload").split(",")
        return PhpJsonResponse(self.service.catalogue.rows(frozenset(scope.strip() for scope in scopes)))

    def queue(self, ask: Ask) -> Response:
        """Count the jobs in the queue."""
        return PhpJsonResponse(shapes.queue(self.service, self.service.account(ask.fields.get("api_token"))))

    def stored(self, area: str, name: str) -> Path | None:
        """Find a file among the jobs that still exist, never on the disk, so that no name can lead elsewhere."""
        if area == "temp":
            job = self.service.find(name)
            return job.upload.path if job and job.inputs else None
        results = (
            result.path
            for job in self.service.jobs
            for result in job.results
            if result.path.name == name and self.service.find(job.hash)
        )
        return next(results, None) if area == "processed" else None

    def _accepted(self, ask: Ask) -> Job:
        refusal = self.faults.take(FaultKind.REFUSE)
        if refusal:
            raise RefusalError(str(refusal.value))
        uploads = {name: looked_at(upload) for name, upload in ask.uploads.items()}
        order = Order(token=ask.fields.get("api_token", ""), fields=ask.fields, uploads=uploads)
        failing = self.faults.take(FaultKind.FAIL_JOB)
        return self.service.create(order, fails_with=str(failing.value) if failing else None)

    def _done(self, job: Job, base_url: str) -> dict[str, Any]:
        is_empty = self.faults.take(FaultKind.EMPTY_DONE) is not None
        names = [result.name for result in job.results]
        hostile = self.faults.take(FaultKind.HOSTILE_NAMES)
        if hostile:
            names = [hostile.value[next(self._hostile) % len(hostile.value)] for _ in names]
        return shapes.done(self.service, job, base_url, names=names, is_empty=is_empty)

    def _listed(self, account: Account) -> list[Job]:
        jobs = self.service.history(account)
        lag = self.faults.take(FaultKind.HISTORY_LAG)
        if lag:
            jobs = [job for job in jobs if self.service.now() - job.created_at >= float(lag.value)]
        if self.faults.take(FaultKind.HISTORY_FINISHED_ONLY):
            jobs = [job for job in jobs if not job.stage.is_unfinished]
        return jobs


def _bad_key() -> Response:
    return PhpJsonResponse(shapes.failure(BAD_KEY, in_data=True), 400)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
