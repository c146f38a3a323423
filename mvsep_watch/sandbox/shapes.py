"""The JSON that the service answers with, in its recorded shapes.

Pure: values in, dictionaries out. The surprises: sizes are texts for people, times are UTC without a zone, `time_left`
counts hours truncated toward zero, and a failed job is a success.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from mvsep_watch.sandbox.audio import FORMATS
from mvsep_watch.sandbox.jobs import MEBIBYTE, Account, Job, Result, Stage, Status
from mvsep_watch.sandbox.line import Progress
from mvsep_watch.sandbox.links import Link
from mvsep_watch.sandbox.refusals import NOT_FOUND
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.waveform import peaks

ALGORITHM_KEYS = (
    "name",
    "algorithm_group_id",
    "orientation",
    "render_id",
    "order_id",
    "created_at",
    "updated_at",
)
BEING_DOWNLOADED = "Your audio file is being downloaded, please wait a while..."
MESSAGES = {
    Status.WAITING: "Your file is in the queue, please wait",
    Status.PROCESSING: "Your file is being processed",
    Status.DISTRIBUTING: "Your file is being distributed",
    Status.MERGING: "The parts of your file are being merged",
}


def encode(content: Any, *, plain_slashes: bool) -> bytes:
    """Write JSON as PHP does: nothing but ASCII, and a backslash before every slash, unless told otherwise."""
    text = json.dumps(content, separators=(",", ":"))
    return (text if plain_slashes else text.replace("/", "\\/")).encode()


def created(hash_: str, base_url: str, *, call: str, as_string: bool) -> dict[str, Any]:
    """Answer a create; some clients have met `success` as a string.

    Args:
        hash_: Of the job, or the short one of a link.
        base_url: Where the caller found us.
        call: What is to be polled: `get`, or `get-remote` for a link.
        as_string: Whether `success` is one.
    """
    return {"success": "true" if as_string else True, "data": _polled(hash_, base_url, call)}


def not_found() -> dict[str, Any]:
    """Answer a poll for a hash that is not known, or not any more."""
    return {"success": False, "status": Status.NOT_FOUND, "data": {"message": NOT_FOUND}}


def being_downloaded() -> dict[str, Any]:
    """Answer a poll for a link that is being fetched: no success, although nothing is wrong."""
    return {"success": False, "data": {"message": BEING_DOWNLOADED}}


def remote(link: Link, progress: Progress, base_url: str) -> dict[str, Any]:
    """Answer a poll for a link that waits, has become a job, or has failed."""
    if progress.status is Status.FAILED:
        return _failed(link.message)
    if link.job is None:
        return unfinished(progress, has_message=False)
    return {"success": True, "status": Status.DONE, "data": _polled(link.job.hash, base_url, "get")}


def unfinished(progress: Progress, *, has_message: bool) -> dict[str, Any]:
    """Answer a poll for a job that waits or is being processed."""
    counts = {
        "queue_count": progress.queue_count,
        "current_order": progress.current_order,
        "finished_chunks": progress.finished_chunks,
        "all_chunks": progress.all_chunks,
    }
    known = {key: value for key, value in counts.items() if value is not None}
    message = {"message": MESSAGES[progress.status]} if has_message else {}
    return {"success": True, "status": progress.status, "data": {**known, **message}}


def failed(job: Job) -> dict[str, Any]:
    """Answer a poll for a failed job: a success that failed."""
    return _failed(job.message)


def done(service: Service, job: Job, base_url: str, *, files: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Answer a poll for a job that is done.

    Args:
        service: For its way to write times.
        job: The job.
        base_url: Where the input is served.
        files: As `file` gives them; None leaves everything out, as the service does for a moment.
    """
    data = {
        "message": "Your file is ready",
        "hash": job.hash,
        "algorithm": job.model.name,
        "algorithm_description": job.model.row["description"],
        **_input(job, base_url),
        "output_format": FORMATS[job.output_format].label,
        "files": files or [],
        "transcription": (job.transcription if files else None) or [],
        "date": service.stamp(job.started_at),
    }
    return {"success": True, "status": Status.DONE, "data": data}


def account(service: Service, account: Account) -> dict[str, Any]:
    """Describe an account, as `app/login` and `app/user` do."""
    return {
        "name": account.name,
        "email": account.email,
        "api_token": account.token,
        "created_at": service.stamp(account.made_at),
        "updated_at": service.stamp(account.made_at),
        "premium_minutes": account.credits,
        "premium_enabled": int(account.premium_enabled),
        "long_filenames_enabled": int(account.long_filenames_enabled),
    }


def queued(service: Service, account: Account) -> list[dict[str, Any]]:
    """List an account's unfinished jobs. What the service says of each is unknown."""
    return [{"hash": job.hash, "created_at": service.stamp(job.created_at)} for job in service.unfinished(account)]


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
        "time_left": int((service.kept_s() - (service.now() - job.created_at)) / 3600),
        "algorithm": {**_algorithm(job), "algorithm_group": job.model.row["algorithm_group"]},
    }


def demo_row(service: Service, job: Job, base_url: str) -> dict[str, Any]:
    """Give one row of the demo page; its date has no seconds."""
    return {
        "hash": job.hash,
        "date": service.stamp(job.created_at)[:-3],
        "input_audio": _input_url(job, base_url) if job.inputs else None,
        "algorithm": _algorithm(job),
    }


def queue(service: Service, account: Account | None) -> dict[str, Any]:
    """Answer `app/queue`: counts by plan, and the caller's own."""
    counts = {"in_process": 0, "premium": 0, "registered": 0, "unregistered": 0}
    for job in service.unfinished():
        counts["in_process" if job.stage is Stage.STARTED else service.plan(job.account).name] += 1
    plan = service.plan(account).name if account else "unregistered"
    return {"queue": counts, "plan": {"plan": plan, "queue": counts[plan]}}


def human_size(size_bytes: int) -> str:
    """Write a size for people, in MB."""
    return f"{size_bytes / MEBIBYTE:.2f} MB"


def file(result: Result, name: str, folder_url: str, *, has_bytes: bool, has_peaks: bool) -> dict[str, Any]:
    """Describe a result.

    Args:
        result: The result.
        name: What to suggest as its name.
        folder_url: Where it is served.
        has_bytes: Whether its size comes in bytes as well.
        has_peaks: Whether its waveform comes along.
    """
    size_bytes = result.path.stat().st_size
    return {
        "type": result.label,
        "url": f"{folder_url}/{quote(result.path.name)}",
        "size": human_size(size_bytes),
        **({"bytes": str(size_bytes)} if has_bytes else {}),
        **({"peaks": peaks(result.path)} if has_peaks else {}),
        "image": None,
        "download": name,
    }


def _polled(hash_: str, base_url: str, call: str) -> dict[str, Any]:
    return {"link": f"{base_url}/api/separation/{call}?hash={quote(hash_)}", "hash": hash_}


def _failed(message: str) -> dict[str, Any]:
    return {"success": True, "status": Status.FAILED, "data": {"message": message}}


def _algorithm(job: Job) -> dict[str, Any]:
    return {key: job.model.row[key] for key in ALGORITHM_KEYS}


def _input(job: Job, base_url: str) -> dict[str, Any]:
    """Describe the input; what the service says where there is none is unknown."""
    if not job.inputs:
        return {"size": human_size(0), "tags": [], "input_file": None}
    size = human_size(job.upload.size_bytes)
    download = f"{job.stem}_[mvsep.com].{job.hash.rpartition('.')[2]}"
    return {
        "size": size,
        "tags": job.upload.tags,
        "input_file": {"url": _input_url(job, base_url), "size": size, "download": download},
    }


def _input_url(job: Job, base_url: str) -> str:
    return f"{base_url}/storage/temp/{quote(job.hash)}"
