"""Reads what is dropped instead of audio: files that hold one link, and texts. Never changes one.

A link comes as what the desktops make of it: `.url` (Windows), `.webloc` (macOS, XML or binary), `.desktop` (Linux), or
as a `.txt` written by hand. What holds several links is refused, since nobody can tell which was meant; what holds none
is refused as well. The surprise: a text is sent without its byte order mark and its outer white space, with plain line
feeds, so that the same words from another editor are the same input.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from mvsep_watch.errors import SourceRefusedError
from mvsep_watch.files.reading import opened
from mvsep_watch.files.trouble import shown, source_errors
from mvsep_watch.model import Link

MAX_BYTES = 64 * 1024
"""A prompt or a link is far shorter; what is longer was dropped by mistake."""
MAX_URL = 2000
"""Longer addresses are cut or refused by common servers."""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"']+", re.IGNORECASE)
_HINT = "Nothing was sent. Drop a .url, .webloc, .desktop or .txt that holds one http or https link."


def read_link(path: Path) -> Link:
    """Give the one link that a dropped file holds.

    Raises:
        SourceRefusedError: It holds none, several, or one that is no web address; the message says which.
        SourceChangedError: It is gone.
        SourceBusyError: It cannot be read just now.
    """
    found = list(dict.fromkeys(_LINKS_IN.get(path.suffix.lower(), _in_text)(_content(path), path)))
    if len(found) != 1:
        what = f"holds {len(found)} links, and only one can be meant" if found else "holds no link"
        raise SourceRefusedError(f"{shown(path)} {what}.", hint=_HINT)
    return _checked(found[0], path)


def read_text(path: Path) -> str:
    """Give the words of a dropped text as they are sent.

    Raises:
        SourceRefusedError: It is empty, too long, or no text.
        SourceChangedError: It is gone.
        SourceBusyError: It cannot be read just now.
    """
    text = "\n".join(_decoded(_content(path), path).splitlines()).strip()
    if not text:
        raise SourceRefusedError(f"{shown(path)} holds no words.", hint="Nothing was sent. Write the prompt into it.")
    return text


def is_only_a_link(path: Path) -> bool:
    """Say whether a text is one address and nothing else.

    Raises:
        SourceRefusedError: It is empty, too long, or no text.
        SourceChangedError: It is gone.
        SourceBusyError: It cannot be read just now.
    """
    return _ADDRESS.fullmatch(read_text(path)) is not None


def _content(path: Path) -> bytes:
    with opened(path) as file, source_errors(path):
        content = file.read(MAX_BYTES + 1) or b""
    if len(content) > MAX_BYTES:
        raise SourceRefusedError(
            f"{shown(path)} is longer than {MAX_BYTES // 1024} KiB: neither a link nor a prompt.",
            hint="Nothing was sent.",
        )
    return content


def _decoded(content: bytes, path: Path) -> str:
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise SourceRefusedError(f"{shown(path)} is no text in UTF-8.", hint="Nothing was sent. Save it as UTF-8.")
    return text


def _in_text(content: bytes, path: Path) -> Iterable[str]:
    return _ADDRESS.findall(_decoded(content, path))


def _in_shortcut(section: str) -> Callable[[bytes, Path], Iterable[str]]:
    """Read `URL=` from one section of the lines that Windows and Linux desktops write."""

    def read(content: bytes, path: Path) -> Iterable[str]:
        inside = False
        for line in _decoded(content, path).splitlines():
            if line.strip().startswith("["):
                inside = line.strip().lower() == section
            key, sign, value = line.partition("=")
            if inside and sign and key.strip().lower() == "url" and value.strip():
                yield value.strip()

    return read


def _in_webloc(content: bytes, path: Path) -> Iterable[str]:
    try:
        value = plistlib.loads(content)
    except (plistlib.InvalidFileException, ExpatError, ValueError, OverflowError, IndexError):
        raise SourceRefusedError(f"{shown(path)} is no .webloc that can be read.", hint=_HINT) from None
    url = value.get("URL") if isinstance(value, dict) else None
    return [url.strip()] if isinstance(url, str) and url.strip() else []


def _checked(url: str, path: Path) -> Link:
    try:
        parts = urlsplit(url)
        is_web = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web or not url.isprintable() or " " in url:
        raise SourceRefusedError(f"{shown(path)} holds no http or https link.", hint=_HINT)
    if len(url) > MAX_URL:
        raise SourceRefusedError(f"{shown(path)} holds a link of more than {MAX_URL} characters.", hint=_HINT)
    return Link.to(url)


_LINKS_IN: dict[str, Callable[[bytes, Path], Iterable[str]]] = {
    ".url": _in_shortcut("[internetshortcut]"),
    ".desktop": _in_shortcut("[desktop entry]"),
    ".webloc": _in_webloc,
}
