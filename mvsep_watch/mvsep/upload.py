"""The body of an upload: a multipart form of text fields and any number of files, streamed in constant memory.

The text fields come first and the files last, hashed as they go where somebody asks for the hash. One piece is always
kept back until the next is there, so that the last one waits: before it leaves, every file is looked at again and the
caller is asked. It never retries and never sends anything itself.

The surprise: what is kept back is bytes of the last file with the closing boundary; a form without files is kept back
whole. Nothing that the service could work with has left before the caller agrees.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from mvsep_watch.errors import RequestRefusedError, SourceBusyError, SourceChangedError, StoppedError
from mvsep_watch.mvsep.rate import Rate

CHUNK_BYTES = 256 * 1024
"""Large enough that the loop costs nothing, small enough that a stop is noticed soon on a slow uplink."""
CHANGED_HINT = "nothing was made of it; the file is looked at anew once it has settled"


class Digest(Protocol):
    """A hash in the making, as those of `hashlib` are."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        ...

    def hexdigest(self) -> str:
        """Give the hash of all of them."""
        ...


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was read: the digest (hex) of its bytes, and an `fstat` made after the last of them."""

    digest: str
    stat: os.stat_result


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a form.

    Args:
        field: The form's field.
        name: What the file goes by.
        file: Open for reading, at its start.
        size_bytes: Its size at opening; what the Content-Length promises.
    """

    field: str
    name: str
    file: BinaryIO
    size_bytes: int


BeforeLastChunk = Callable[[tuple[SentFile, ...]], None]
Progress = Callable[[int, int], None]


class UploadBody:
    """A multipart body of text fields and open files; iterating it streams it, once.

    Args:
        fields: At least one.
        before_last_chunk: Given the files as they were read, in order; what it raises ends the upload.
        digest: Begins the hash that it is given of each file.
        progress: Given the files' bytes sent and their size.
        stopping: Asked between chunks.
        rate: What the files' bytes wait for; the last of them before the caller is asked, and not after.

    Raises:
        RequestRefusedError: A text field holds what is no text.
    """

    def __init__(
        self,
        fields: Mapping[str, str],
        files: Sequence[FilePart] = (),
        *,
        before_last_chunk: BeforeLastChunk | None = None,
        digest: Callable[[], Digest] = hashlib.sha256,
        progress: Progress | None = None,
        stopping: Callable[[], bool] | None = None,
        rate: Rate | None = None,
    ) -> None:
        self._files = [(part, digest()) for part in files]
        self._before_last_chunk = before_last_chunk
        self._progress = progress
        self._stopping = stopping
        self._rate = rate or Rate()
        self._boundary = secrets.token_hex(16)
        self._head = b"\r\n".join(self._text_part(name, value) for name, value in fields.items())
        self._tail = f"\r\n--{self._boundary}--\r\n".encode("ascii")
        self._size_bytes = sum(part.size_bytes for part in files)
        self.raised: BaseException | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the body."""
        framing_bytes = len(self._head) + sum(len(self._file_header(part)) for part, _ in self._files) + len(self._tail)
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(framing_bytes + self._size_bytes),
        }

    def __iter__(self) -> Iterator[bytes]:
        """Stream the body; what it raises itself is kept in `raised`, so that a caller can tell it from others."""
        try:
            yield from self._chunks()
        except Exception as exc:
            self.raised = exc
            raise

    def _chunks(self) -> Iterator[bytes]:
        held, file_bytes = self._head, 0
        for piece, file_bytes_then in self._pieces():
            yield held
            self._report(file_bytes)
            held, file_bytes = piece, file_bytes_then
        self._ask_for_release()
        yield held + self._tail
        self._report(file_bytes)

    def _pieces(self) -> Iterator[tuple[bytes, int]]:
        """Read the files; with each piece goes how many bytes of them have left once it has."""
        read_bytes = 0
        for part, digest in self._files:
            prefix, left_bytes = self._file_header(part), part.size_bytes
            while left_bytes:
                chunk = self._read(part.file, min(self._rate.piece_bytes(CHUNK_BYTES), left_bytes))
                if self._before_last_chunk is not None:
                    digest.update(chunk)
                left_bytes -= len(chunk)
                read_bytes += len(chunk)
                yield prefix + chunk, read_bytes
                prefix = b""

    def _read(self, file: BinaryIO, size_bytes: int) -> bytes:
        self._rate.take(size_bytes)
        self._check_stop()
        chunk = _read_exactly(file, size_bytes)
        if len(chunk) < size_bytes:
            raise SourceChangedError("the file became shorter while it was uploaded", hint=CHANGED_HINT)
        return chunk

    def _ask_for_release(self) -> None:
        self._check_stop()
        if any(_read_exactly(part.file, 1) for part, _ in self._files):
            raise SourceChangedError("the file became longer while it was uploaded", hint=CHANGED_HINT)
        if self._before_last_chunk is not None:
            self._before_last_chunk(
                tuple(SentFile(digest.hexdigest(), os.fstat(part.file.fileno())) for part, digest in self._files)
            )

    def _check_stop(self) -> None:
        if self._stopping is not None and self._stopping():
            raise StoppedError("told to stop in the middle of an upload; nothing was made of it")

    def _report(self, file_bytes: int) -> None:
        if file_bytes and self._progress is not None:
            self._progress(file_bytes, self._size_bytes)

    def _text_part(self, name: str, value: str) -> bytes:
        try:
            return (
                f'--{self._boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}'.encode()
            )
        except UnicodeEncodeError as exc:
            raise RequestRefusedError(
                f"the field {name!r} holds what is no text", hint="write it as UTF-8; nothing was sent"
            ) from exc

    def _file_header(self, part: FilePart) -> bytes:
        return (
            f"\r\n--{self._boundary}\r\n"
            f'Content-Disposition: form-data; name="{_quoted(part.field)}"; filename="{_quoted(part.name)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()


def _quoted(name: str) -> str:
    """Write a name so that it cannot end its quotes or its line. Source: WHATWG HTML, multipart/form-data, 2026."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _read_exactly(file: BinaryIO, size_bytes: int) -> bytes:
    """Read so many bytes, fewer only at the end of the file."""
    try:
        chunk = file.read(size_bytes)
        while len(chunk) < size_bytes and (more := file.read(size_bytes - len(chunk))):
            chunk += more
    except OSError as exc:
        raise SourceBusyError(f"the file cannot be read: {exc.strerror}", hint="tried again by itself") from exc
    return chunk
