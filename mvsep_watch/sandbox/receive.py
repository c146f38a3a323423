"""Requests as they come in: fields, and at most one uploaded file, streamed to disk.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request, received: text fields of query and form, the audio file and its note, where the caller found us."""

    fields: dict[str, str]
    upload: Upload | None
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
    upload = None
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields[name] = value
            elif name == "audiofile":
                upload = await run_in_threadpool(_keep, value, folder)
    return Ask(
        fields=fields,
        upload=upload,
        received=Received.of(upload) if upload else None,
        base_url=str(request.base_url).rstrip("/"),
    )


def looked_at(upload: Upload | None) -> Upload | None:
    """Find out how long an upload plays; what is no audio stays without a duration."""
    if upload is None:
        return None
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
