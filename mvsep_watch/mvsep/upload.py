"""The body of an upload: a multipart form that streams a file in constant memory and hashes it as it goes.

The text fields come first and the file last. Nothing that the service could work with has left until the last chunk
does: it holds bytes of the file as well as the closing boundary, and before it the file is looked at again and the
caller is asked. It never retries and never sends anything itself.

The surprise: a file that fits into one chunk is withheld whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mvsep_watch.errors import SourceBusyError, SourceChangedError, SourceRefusedError, StoppedError
from mvsep_watch.model import Settings

CHUNK_BYTES = 256 * 1024
"""Large enough that the loop costs nothing, small enough that a stop is noticed soon on a slow uplink."""
MAX_NAME = 120
"""The service makes the separation's hash and its files' names from it; 255 bytes is what file systems take."""

BeforeLastChunk = Callable[[str, os.stat_result], None]
Progress = Callable[[int, int], None]


class UploadBody:
    """A multipart body for one open file; iterating it streams it, once.

    Args:
        file: Open for reading, at its start.
        size_bytes: The file's size at opening; what the Content-Length promises.
        before_last_chunk: Given the sha256 of the whole file and a fresh `fstat`; what it raises ends the upload.
        progress: Given the file's bytes sent and the size.
        stopping: Asked between chunks.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        size_bytes: int,
        fields: Mapping[str, str],
        name: str,
        before_last_chunk: BeforeLastChunk | None = None,
        progress: Progress | None = None,
        stopping: Callable[[], bool] | None = None,
    ) -> None:
        self._file = file
        self._size_bytes = size_bytes
        self._before_last_chunk = before_last_chunk
        self._progress = progress
        self._stopping = stopping
        self._boundary = secrets.token_hex(16)
        self._head = self._form(fields, name)
        self._tail = f"\r\n--{self._boundary}--\r\n".encode("ascii")
        self.raised: BaseException | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the body."""
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(len(self._head) + self._size_bytes + len(self._tail)),
        }

    def __iter__(self) -> Iterator[bytes]:
        """Stream the body; what it raises itself is kept in `raised`, so that a caller can tell it from others."""
        try:
            yield from self._chunks()
        except Exception as exc:
            self.raised = exc
            raise

    def _chunks(self) -> Iterator[bytes]:
        yield self._head
        digest = hashlib.sha256()
        sent_bytes = 0
        last_bytes = (self._size_bytes - 1) % CHUNK_BYTES + 1
        while sent_bytes < self._size_bytes - last_bytes:
            chunk = self._read(CHUNK_BYTES)
            digest.update(chunk)
            yield chunk
            sent_bytes += len(chunk)
            self._report(sent_bytes)
        chunk = self._read(last_bytes)
        digest.update(chunk)
        self._ask_for_release(digest.hexdigest())
        yield chunk + self._tail
        self._report(self._size_bytes)

    def _read(self, size_bytes: int) -> bytes:
        if self._stopping is not None and self._stopping():
            raise StoppedError("told to stop in the middle of an upload; nothing was made of it")
        chunk = _read_exactly(self._file, size_bytes)
        if len(chunk) < size_bytes:
            raise SourceChangedError("the file became shorter while it was uploaded", hint=CHANGED_HINT)
        return chunk

    def _ask_for_release(self, sha256_hex: str) -> None:
        if _read_exactly(self._file, 1):
            raise SourceChangedError("the file became longer while it was uploaded", hint=CHANGED_HINT)
        if self._before_last_chunk is not None:
            self._before_last_chunk(sha256_hex, os.fstat(self._file.fileno()))

    def _report(self, sent_bytes: int) -> None:
        if self._progress is not None:
            self._progress(sent_bytes, self._size_bytes)

    def _form(self, fields: Mapping[str, str], name: str) -> bytes:
        parts = [
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        ]
        parts.append(
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="audiofile"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return "".join(parts).encode()


CHANGED_HINT = "nothing was made of it; the file is looked at anew once it has settled"


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a source for an upload and give it with its size.

    Raises:
        SourceChangedError: It is gone, or no regular file any more.
        SourceRefusedError: It is empty.
        SourceBusyError: It cannot be opened just now.
    """
    try:
        file = open(path, "rb", buffering=0, opener=_open_without_waiting)  # noqa: SIM115 - Path has no opener
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
        raise SourceChangedError(f"{path.name!r} is gone", hint=CHANGED_HINT) from exc
    except OSError as exc:
        raise SourceBusyError(f"{path.name!r} cannot be opened: {exc.strerror}", hint="tried again by itself") from exc
    with file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise SourceChangedError(f"{path.name!r} is no regular file", hint=CHANGED_HINT)
        if not found.st_size:
            raise SourceRefusedError(f"{path.name!r} is empty", hint="there is nothing to separate in it")
        yield file, found.st_size


def fields_of(settings: Settings, *, token: str) -> dict[str, str]:
    """Give the form's text fields: the settings said in full, because the service's own defaults drift."""
    return {
        "api_token": token,
        "sep_type": str(settings.sep_type),
        **dict(settings.options),
        "output_format": str(settings.output_format),
        "is_demo": "1" if settings.is_demo else "0",
    }


def safe_name(name: str) -> str:
    """Make an upload's name of plain ASCII, without anything that a header or a path could trip over."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    stem, dot, extension = re.sub(r"[^A-Za-z0-9._ -]", "_", plain).rpartition(".")
    stem, ending = (stem, dot + extension[:10]) if dot else (extension, "")
    return (stem[: MAX_NAME - len(ending)].strip(" .") or "audio") + ending


def _open_without_waiting(path: str, flags: int) -> int:
    """Open so that a FIFO or a lease does not block; for a regular file it makes no difference."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _read_exactly(file: BinaryIO, size_bytes: int) -> bytes:
    """Read so many bytes, fewer only at the end of the file."""
    try:
        chunk = file.read(size_bytes)
        while len(chunk) < size_bytes and (more := file.read(size_bytes - len(chunk))):
            chunk += more
    except OSError as exc:
        raise SourceBusyError(f"the file cannot be read: {exc.strerror}", hint="tried again by itself") from exc
    return chunk
