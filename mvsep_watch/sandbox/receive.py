"""Requests as they come in: fields, and uploaded files, streamed to disk.

Touches the folder for uploads; never holds more than a piece of a body, whatever its size. The surprise: a body is
always received to its end before anything is decided, as behind the service's web server: a refusal costs the upload.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from mvsep_watch.sandbox.audio import UnreadableAudioError, probe
from mvsep_watch.sandbox.jobs import Upload
from mvsep_watch.sandbox.record import Received

CHUNK_BYTES = 1024 * 1024
UPLOAD_FIELDS = frozenset({"audiofile", "target_audiofile", "reference_audiofile", "zipfile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request, received.

    Args:
        fields: Text fields of query and form.
        uploads: Files, by their fields.
        received: The note about the first of them.
        base_url: Where the caller found us.
    """

    fields: dict[str, str]
    uploads: dict[str, Upload]
    received: Received | None
    base_url: str


async def receive(request: Request, folder: Path) -> Ask:
    """Receive a request to its end.

    Args:
        request: The request.
        folder: Where an uploaded file is kept, under a name of its own.

    Raises:
        ClientDisconnect: The client went away in the middle.
    """
    fields = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields[name] = value
            elif name in UPLOAD_FIELDS and name not in uploads:
                uploads[name] = await run_in_threadpool(_keep, value, folder)
    return Ask(
        fields=fields,
        uploads=uploads,
        received=next((Received.of(upload) for upload in uploads.values()), None),
        base_url=str(request.base_url).rstrip("/"),
    )


def looked_at(upload: Upload) -> Upload:
    """Find out how long an upload plays; what is no audio stays without a duration."""
    try:
        duration_s, tags = probe(upload.path)
    except UnreadableAudioError:
        return upload
    return replace(upload, duration_s=duration_s, tags=tags)


def _keep(file: UploadFile, folder: Path) -> Upload:
    path = folder / secrets.token_hex(8)
    digest = hashlib.sha256()
    with path.open("wb") as kept:
        while chunk := file.file.read(CHUNK_BYTES):
            digest.update(chunk)
            kept.write(chunk)
    return Upload(path=path, name=file.filename or "audio", size_bytes=path.stat().st_size, sha256=digest.hexdigest())
