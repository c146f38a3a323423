"""What the endpoints of separations do, once a request has been received: ask the service, shape the answer.

Translates between requests and the service and decides nothing about jobs; the faults that change one endpoint's answer
strike here. A refusal travels as an exception to the road that all requests take.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mvsep_watch.sandbox import refusals, shapes
from mvsep_watch.sandbox.faults import DEFAULT_VALUES, FaultKind, Faults
from mvsep_watch.sandbox.jobs import Account, Job, Status
from mvsep_watch.sandbox.links import Link
from mvsep_watch.sandbox.orders import FILE_FIELDS, TRUE, Order
from mvsep_watch.sandbox.receive import Ask, looked_at
from mvsep_watch.sandbox.refusals import Envelope, RefusalError
from mvsep_watch.sandbox.service import Service


class Endpoints:
    """The endpoints below `/separation`, each a request in and JSON out.

    Args:
        service: The rules.
        faults: How to misbehave.
        wake: Called when jobs may have something to do.
        fetch: Called with a link that is to be fetched.
    """

    def __init__(
        self, service: Service, faults: Faults, *, wake: Callable[[], None], fetch: Callable[[Link], None]
    ) -> None:
        self.service = service
        self.faults = faults
        self._wake = wake
        self._fetch = fetch
        self._hostile = itertools.count()

    def create(self, ask: Ask) -> Any:
        """Accept an order, or refuse it."""
        try:
            hash_, call = self._accepted(ask)
        except RefusalError as refusal:
            ask.received.refused = str(refusal.text)
            raise
        ask.received.hash = hash_
        self._wake()
        as_string = self.faults.take(FaultKind.STRING_SUCCESS) is not None
        return shapes.created(hash_, ask.base_url, call=call, as_string=as_string)

    def get(self, ask: Ask) -> Any:
        """Say how far a job is; a mirror tells only who has a token."""
        is_mirrored = ask.fields.get("mirror", "").lower() in TRUE
        payer = self.service.accounts.known(ask.token) if is_mirrored else None
        self.service.advance_done()
        job = self.service.find(ask.hash)
        if job is None:
            return shapes.not_found()
        progress = self.service.progress(job)
        match progress.status:
            case Status.DONE:
                return self._done(job, ask, payer)
            case Status.FAILED:
                return shapes.failed(job)
            case Status.WAITING:
                is_bare = self.faults.take(FaultKind.BARE_WAITING) is not None
                return shapes.unfinished(progress, has_message=not is_bare)
            case _:
                return shapes.unfinished(progress, has_message=True)

    def get_remote(self, ask: Ask) -> Any:
        """Say how far a link is."""
        self.service.take_links()
        link = self.service.links.find(ask.hash)
        if link is None:
            return shapes.not_found()
        progress = self.service.links.progress(link)
        if progress:
            return shapes.remote(link, progress, ask.base_url)
        is_denied = self.faults.take(FaultKind.REMOTE_NOT_FOUND) is not None
        return shapes.not_found() if is_denied else shapes.being_downloaded()

    def cancel(self, ask: Ask) -> Any:
        """Cancel a job."""
        self.service.cancel(ask.token, ask.hash)
        return {"success": True, "data": {"message": "successfully cancelled"}}

    def delete(self, ask: Ask) -> Any:
        """Remove a job and its files."""
        job = self.service.delete(ask.token, ask.hash)
        for path in job.paths:
            path.unlink(missing_ok=True)
        return {"success": True, "data": {"message": "successfully deleted"}}

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

    def _accepted(self, ask: Ask) -> tuple[str, str]:
        """Make a job, or a link that is going to be one; give its hash, and which call tells of it."""
        refusal = self.faults.take(FaultKind.REFUSE)
        if refusal:
            raise RefusalError(str(refusal.value))
        if str(self.faults.value(FaultKind.MODEL_GONE)) == ask.fields.get("sep_type"):
            raise RefusalError(refusals.NO_TYPE)
        uploads = {name: looked_at(upload) for name, upload in ask.uploads.items()}
        order = Order(token=ask.token, fields=ask.fields, uploads=uploads)
        failing = self.faults.take(FaultKind.FAIL_JOB)
        fails_with = str(failing.value) if failing else None
        if ask.fields.get("url") and not uploads:
            link = self.service.create_link(order, fails_with=fails_with)
            self._fetch(link)
            return link.hash, "get-remote"
        job = self.service.create(order, fails_with=fails_with)
        for unused in set(ask.uploads) - set(FILE_FIELDS[job.model.input_kind]):
            ask.uploads[unused].path.unlink()
        return job.hash, "get"

    def _done(self, job: Job, ask: Ask, payer: Account | None) -> dict[str, Any]:
        job.done_polls += 1
        empty = self.faults.take(FaultKind.EMPTY_DONE)
        is_empty = empty is not None and (empty.value is None or job.done_polls <= int(empty.value))
        files = None if is_empty else self._files(job, self._folder_url(ask, payer))
        return shapes.done(self.service, job, ask.base_url, files=files)

    def _files(self, job: Job, folder_url: str) -> list[dict[str, Any]]:
        has_bytes = self.faults.take(FaultKind.NO_BYTES) is None
        has_peaks = self.faults.take(FaultKind.EXTRA_KEYS) is not None
        return [
            shapes.file(result, name, folder_url, has_bytes=has_bytes, has_peaks=has_peaks)
            for result, name in zip(job.results, self._names(job), strict=True)
        ]

    def _names(self, job: Job) -> list[str]:
        hostile = self.faults.take(FaultKind.HOSTILE_NAMES)
        if hostile:
            return [hostile.value[next(self._hostile) % len(hostile.value)] for _ in job.results]
        return [result.name for result in job.results]

    def _folder_url(self, ask: Ask, payer: Account | None) -> str:
        """Say where results are served: here, or on another host, which a mirror is too, for a credit."""
        other = self.faults.take(FaultKind.OTHER_HOST)
        host = other.value if other else None
        if payer:
            self._pay_for_mirror(payer)
            host = host or DEFAULT_VALUES[FaultKind.OTHER_HOST]
        subfolder = self.faults.take(FaultKind.SUBFOLDER)
        base_url = f"http://{host}:{urlsplit(ask.base_url).port}" if host else ask.base_url
        return f"{base_url}/storage/processed" + (f"/{subfolder.value}" if subfolder else "")

    def _pay_for_mirror(self, payer: Account) -> None:
        if not self.service.charge(payer, 1):
            raise RefusalError("Insufficient credits", envelope=Envelope.DATA)
