"""A small form, read whole: its parts in their order, as a test wants to see them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Part:
    """A field of a form; `file_name` is None where it has none."""

    name: str
    content: bytes
    file_name: str | None = None
    content_type: str = ""


def read_parts(body: bytes, content_type: str) -> tuple[Part, ...]:
    """Read a form of either kind; anything else has no parts."""
    if found := re.search(r'boundary="?([^";]+)', content_type):
        pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
        assert pieces[-1].startswith(b"--"), "a form without its end"
        return tuple(_part(piece.removeprefix(b"\r\n")) for piece in pieces[1:-1])
    if content_type.startswith("application/x-www-form-urlencoded"):
        return tuple(Part(name, text.encode()) for name, text in parse_qsl(body.decode(), keep_blank_values=True))
    return ()


def _part(piece: bytes) -> Part:
    head, _, content = piece.partition(b"\r\n\r\n")
    name, file_name = (re.search(rf'\b{key}="([^"]*)"'.encode(), head) for key in ("name", "filename"))
    kind = re.search(rb"(?i)content-type: *([^\r\n]+)", head)
    assert name, "a part without a name"
    return Part(
        name[1].decode(), content, file_name[1].decode() if file_name else None, kind[1].decode() if kind else ""
    )
