"""A form read from a socket in constant memory: fields kept, the file hashed as it passes."""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qsl

from tests.real.emulator.sound import duration

BLOCK = 64 * 1024
HEAD = 64 * 1024
"""As much of a file as is kept in memory: enough for a WAV's header."""


class BrokenUploadError(Exception):
    """The client went away, or sent something that is no form."""


@dataclass
class Form:
    """What was sent."""

    fields: dict[str, str] = field(default_factory=dict)
    name: str = ""
    sha256: str = ""
    size: int = 0
    seconds: float = 0.0


def read_form(stream: BinaryIO, headers: dict[str, str], *, pause_s: float = 0.0) -> Form:
    """Read a form of either kind to its end."""
    left = int(headers.get("content-length", "0"))
    kind = headers.get("content-type", "")
    blocks = _blocks(stream, left, pause_s)
    if found := re.search(r'boundary="?([^";]+)', kind):
        return _Reader(blocks, found[1]).form()
    return Form(dict(parse_qsl(b"".join(blocks).decode(), keep_blank_values=True)))


def _blocks(stream: BinaryIO, left: int, pause_s: float) -> Iterator[bytes]:
    while left:
        if pause_s:
            time.sleep(pause_s)
        block = stream.read(min(BLOCK, left))
        if not block:
            raise BrokenUploadError("the body ended early")
        left -= len(block)
        yield block


class _Reader:
    """Cuts a multipart body at its boundary, whatever blocks it comes in."""

    def __init__(self, blocks: Iterator[bytes], boundary: str) -> None:
        self._blocks = blocks
        self._boundary = f"\r\n--{boundary}".encode()
        self._buffer = bytearray(b"\r\n")
        self._form = Form()

    def form(self) -> Form:
        self._skip(self._until_boundary())
        while self._take(2) == b"\r\n":
            self._part(self._headers())
        self._skip(self._blocks)
        return self._form

    def _part(self, headers: str) -> None:
        name = re.search(r'name="([^"]*)"', headers)
        file_name = re.search(r'filename="([^"]*)"', headers)
        if name is None:
            raise BrokenUploadError("a part without a name")
        if file_name is None:
            self._form.fields[name[1]] = b"".join(self._until_boundary()).decode()
        else:
            self._form.name = file_name[1]
            self._file()

    def _file(self) -> None:
        """Hash the file; only what is no WAV has to be opened for its length."""
        digest, head, size = hashlib.sha256(), bytearray(), 0
        with tempfile.NamedTemporaryFile() as kept:
            for piece in self._until_boundary():
                digest.update(piece)
                size += len(piece)
                if len(head) < HEAD:
                    head += piece
                if not head.startswith(b"RIFF"):
                    kept.write(piece)
            kept.flush()
            self._form.seconds = duration(bytes(head), Path(kept.name), size)
        self._form.sha256, self._form.size = digest.hexdigest(), size

    def _headers(self) -> str:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        return self._take(end + 4).decode()

    def _until_boundary(self) -> Iterator[bytes]:
        keep = len(self._boundary) - 1
        while (at := self._buffer.find(self._boundary)) < 0:
            if len(self._buffer) > keep:
                yield self._take(len(self._buffer) - keep)
            self._more()
        yield self._take(at)
        self._take(len(self._boundary))

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _more(self) -> None:
        block = next(self._blocks, None)
        if block is None:
            raise BrokenUploadError("no closing boundary")
        self._buffer += block

    @staticmethod
    def _skip(pieces: Iterator[bytes]) -> None:
        for _ in pieces:
            pass
