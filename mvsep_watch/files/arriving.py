"""One file arriving in a staging: its bytes, their hash, and how many of them would survive a crash.

Every few megabytes the bytes are made durable and their number recorded, and only what is recorded counts when the
download goes on: after a power cut a file can have its length and not its content. The surprise: the record itself is
not made durable. An older one, or none, only means fetching a little more.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from mvsep_watch.errors import RetryableError
from mvsep_watch.files.reading import blocks
from mvsep_watch.files.trouble import never, shown, stop_if

_CHECKPOINT_BYTES = 16 << 20
"""How much of a download a crash may cost; each checkpoint costs one fsync."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """Where a download can go on: bytes that are durable, and the server's validator for `If-Range`."""

    offset_bytes: int = 0
    validator: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that is on its way, and the small record beside it."""

    path: Path
    record: Path

    def resume_point(self) -> ResumePoint:
        """Say where it can go on; at 0 where nothing durable is there."""
        record = load_record(self.record)
        offset_bytes, validator = record.get("offset_bytes"), record.get("validator")
        if not isinstance(offset_bytes, int) or not isinstance(validator, str | None):
            return ResumePoint()
        try:
            there = 0 < offset_bytes <= self.path.lstat().st_size
        except FileNotFoundError:
            there = False
        return ResumePoint(offset_bytes=offset_bytes, validator=validator) if there else ResumePoint()

    def receive(
        self,
        chunks: Iterable[bytes | memoryview],
        *,
        start: ResumePoint,
        limit_bytes: int | None = None,
        stopping: Callable[[], bool] = never,
    ) -> tuple[int, str]:
        """Write a stream to its end, or until it is longer than `limit_bytes`.

        Whatever else ends it, what arrived is durable and recorded.

        Returns:
            The size, and the sha256 in hex, of the whole file.

        Raises:
            RetryableError: What should be there to go on from is not.
            StoppedError: `stopping` said so.
            OSError: It cannot be written.
        """
        with _opened_to_write(self.path, fresh=start.offset_bytes == 0) as file:
            stream = _Stream(file, self.record, start.validator)
            stream.skip(start.offset_bytes, stopping)
            try:
                for chunk in chunks:
                    stream.write(chunk)
                    if limit_bytes is not None and stream.size_bytes > limit_bytes:
                        break
                    stop_if(stopping, what="writing an output")
            finally:
                stream.checkpoint()
        return stream.size_bytes, stream.digest.hexdigest()

    def drop(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)


class _Stream:
    def __init__(self, file: FileIO, record: Path, validator: str | None) -> None:
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self._durable_bytes = 0
        self._file = file
        self._record = record
        self._validator = validator

    def skip(self, offset_bytes: int, stopping: Callable[[], bool]) -> None:
        """Hash what is there, cutting off what is not known to be durable."""
        os.ftruncate(self._file.fileno(), min(offset_bytes, os.fstat(self._file.fileno()).st_size))
        for block in blocks(self._file, stopping=stopping):
            self.digest.update(block)
            self.size_bytes += len(block)
        if self.size_bytes != offset_bytes:
            raise RetryableError(f"{shown(Path(str(self._file.name)))} is shorter than it was.")
        self._durable_bytes = offset_bytes

    def write(self, chunk: bytes | memoryview) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.digest.update(chunk)
        self.size_bytes += len(chunk)
        if self.size_bytes - self._durable_bytes >= _CHECKPOINT_BYTES:
            self.checkpoint()

    def checkpoint(self) -> None:
        os.fsync(self._file.fileno())
        self._durable_bytes = self._file.tell()
        save_record(self._record, {"offset_bytes": self._durable_bytes, "validator": self._validator})


def save_record(path: Path, record: dict[str, Any]) -> None:
    """Write a small record whole, but not durably.

    Raises:
        OSError: It cannot be written.
    """
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(record, file)
    new.replace(path)


def load_record(path: Path) -> dict[str, Any]:
    """Read a small record; empty where it is missing or damaged."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _opened_to_write(path: Path, *, fresh: bool) -> FileIO:
    """Open a file made anew, or the one that is there; never through a link."""
    if fresh:
        path.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if fresh else 0)
    return FileIO(path, "r+b", opener=lambda name, _: os.open(name, flags, 0o666))
