"""The JSON that the service answers with, in its recorded shapes.

Pure: values in, dictionaries out. The surprises: sizes are texts for people, times are UTC without a zone, `time_left`
counts hours truncated toward zero, and a failed job is a success.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse

from mvsep_watch.sandbox.audio import FORMATS
from mvsep_watch.sandbox.jobs import MEBIBYTE, RETENTION_S, Account, Job, Result, Stage, Status
from mvsep_watch.sandbox.orders import NOT_FOUND
from mvsep_watch.sandbox.service import Progress, Service

ALGORITHM_KEYS = (
    "name",
    "algorithm_group_id",
    "orientation",
    "render_id",
    "order_id",
    "created_at",
    "updated_at",
    "algorithm_group",
)
MESSAGES = {
    Status.WAITING: "Your file is in the queue, please wait",
    Status.PROCESSING: "Your file is being processed",
    Status.DISTRIBUTING: "Your file is being distributed",
    Status.MERGING: "The parts of your file are being merged",
}


class PhpJsonResponse(JSONResponse):
    """JSON as PHP writes it: slashes escaped, nothing but ASCII."""

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode()


def created(job: Job, base_url: str, *, as_string: bool) -> dict[str, Any]:
    """Answer a create; some clients have met `success` as a string."""
    link = f"{base_url}/api/separation/get?hash={quote(job.hash)}"
    return {"success": "true" if as_string else True, "data": {"link": link, "hash": job.hash}}


def not_found() -> dict[str, Any]:
    """Answer a poll for a hash that is not known, or not any more."""
    return {"success": False, "status": Status.NOT_FOUND, "data": {"message": NOT_FOUND}}


def unfinished(progress: Progress) -> dict[str, Any]:
    """Answer a poll for a job that waits or is being processed."""
    counts = {
        "queue_count": progress.queue_count,
        "current_order": progress.current_order,
        "finished_chunks": progress.finished_chunks,
        "all_chunks": progress.all_chunks,
    }
    known = {key: value for key, value in counts.items() if value is not None}
    return {"success": True, "status": progress.status, "data": {**known, "message": MESSAGES[progress.status]}}


def failed(job: Job) -> dict[str, Any]:
    """Answer a poll for a failed job."""
    return {"success": True, "status": Status.FAILED, "data": {"message": job.message}}


def done(service: Service, job: Job, base_url: str, *, names: Iterable[str], is_empty: bool) -> dict[str, Any]:
    """Answer a poll for a job that is done.

    Args:
        service: For its way to write times.
        job: The job.
        base_url: Where the files are served.
        names: What to suggest as file names, one for each result.
        is_empty: Leave the files out, as the service does for a moment.
    """
    files = [_file(result, name, base_url) for result, name in zip(job.results, names, strict=True)]
    data = {
        "message": "Your file is ready",
        "hash": job.hash,
        "algorithm": job.model.name,
        "algorithm_description": job.model.row["description"],
        **_input(job, base_url),
        "output_format": FORMATS[job.output_format].label,
        "files": [] if is_empty else files,
        "transcription": [] if is_empty else job.transcription or [],
        "date": service.stamp(job.started_at),
    }
    return {"success": True, "status": Status.DONE, "data": data}


def user(service: Service, account: Account) -> dict[str, Any]:
    """Answer `app/user`."""
    data = {
        "name": account.name,
        "email": account.email,
        "api_token": account.token,
        "created_at": service.stamp(account.made_at),
        "updated_at": service.stamp(account.made_at),
        "premium_minutes": account.credits,
        "premium_enabled": int(account.premium_enabled),
        "long_filenames_enabled": int(account.long_filenames_enabled),
        "current_queue": [
            {"hash": job.hash, "created_at": service.stamp(job.created_at)} for job in service.unfinished(account)
        ],
    }
    return {"success": True, "data": data}


def history_row(service: Service, job: Job) -> dict[str, Any]:
    """Give one row of the history."""
    exists = job.stage is not Stage.REMOVED
    return {
        "id": job.id,
        "hash": job.hash,
        "created_at": service.stamp(job.created_at),
        "updated_at": service.stamp(job.created_at),
        "job_exists": exists,
        "credits": job.charged if exists else None,
        "time_left": int((RETENTION_S - (service.now() - job.created_at)) / 3600),
        "algorithm": {key: job.model.row[key] for key in ALGORITHM_KEYS},
    }


def queue(service: Service, account: Account | None) -> dict[str, Any]:
    """Answer `app/queue`: counts by plan, and the caller's own."""
    counts = {"in_process": 0, "premium": 0, "registered": 0, "unregistered": 0}
    for job in service.unfinished():
        counts["in_process" if job.stage is Stage.STARTED else service.plan(job.account).name] += 1
    plan = service.plan(account).name if account else "unregistered"
    return {"queue": counts, "plan": {"plan": plan, "queue": counts[plan]}}


def failure(text: str, *, in_data: bool) -> Mapping[str, Any]:
    """Give a failure in one of the two envelopes."""
    return {"success": False, "data": {"message": text}} if in_data else {"success": False, "errors": [text]}


def human_size(size_bytes: int) -> str:
    """Write a size for people, in MB."""
    return f"{size_bytes / MEBIBYTE:.2f} MB"


def _input(job: Job, base_url: str) -> dict[str, Any]:
    """Describe the input; what the service says where there is none is unknown."""
    if not job.inputs:
        return {"size": human_size(0), "tags": [], "input_file": None}
    size = human_size(job.upload.size_bytes)
    file = {
        "url": f"{base_url}/storage/temp/{quote(job.hash)}",
        "size": size,
        "download": f"{job.stem}_[mvsep.com].{job.hash.rpartition('.')[2]}",
    }
    return {"size": size, "tags": job.upload.tags, "input_file": file}


def _file(result: Result, name: str, base_url: str) -> dict[str, Any]:
    size_bytes = result.path.stat().st_size
    return {
        "type": result.label,
        "url": f"{base_url}/storage/processed/{quote(result.path.name)}",
        "size": human_size(size_bytes),
        "bytes": str(size_bytes),
        "image": None,
        "download": name,
    }
