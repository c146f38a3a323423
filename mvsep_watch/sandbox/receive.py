"""Requests as they come in: fields, and uploaded files, streamed to disk.

Touches the folder for uploads; never holds more than a piece of a body, whatever its size. The surprise: a body is
always received to its end before anything is decided, as behind the service's web server: a refusal costs the upload.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from mvsep_watch.sandbox.audio import UnreadableAudioError, probe
from mvsep_watch.sandbox.jobs import Upload
from mvsep_watch.sandbox.record import Received

Row = TypeVar("Row")
ROWS_BY_DEFAULT, ROWS_AT_MOST = 10, 20
CHUNK_BYTES = 1024 * 1024
UPLOAD_FIELDS = frozenset({"audiofile", "target_audiofile", "reference_audiofile", "zipfile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request, received.

    Args:
        fields: Text fields of query and form.
        uploads: Files, by their fields.
        received: What is noted about the input.
        base_url: Where the caller found us.
    """

    fields: dict[str, str]
    uploads: dict[str, Upload]
    received: Received
    base_url: str

    @property
    def token(self) -> str:
        """The caller's token, or nothing."""
        return self.fields.get("api_token", "")

    @property
    def hash(self) -> str:
        """The hash that is asked for, or nothing."""
        return self.fields.get("hash", "")

    def page(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Give the part of a list that is asked for."""
        start = self.number("start", 0)
        return rows[start : start + min(self.number("limit", ROWS_BY_DEFAULT), ROWS_AT_MOST)]

    def number(self, name: str, default: int) -> int:
        """Read a number that may be missing, or none."""
        text = self.fields.get(name, "")
        return int(text) if text.isdecimal() else default


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
        received=Received.of(next(iter(uploads.values()), None), link=fields.get("url", "")),
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
