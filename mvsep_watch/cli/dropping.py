"""A link of the command line becomes a small file, as if it had been dropped: sources are files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from mvsep_watch.errors import StateError, UsageError
from mvsep_watch.files.dropped import MAX_URL
from mvsep_watch.naming import output_names


def link_file(url: str, state: Path) -> Path:
    """Give the file that holds a link, beside the state; the same link is always in the same file.

    Its folder is hidden, so that no watched folder around the state takes it for a source.

    Args:
        url: The address.
        state: The state file.

    Raises:
        UsageError: It is no link that the service could fetch.
        StateError: The file cannot be written.
    """
    path = _links_of(state) / f".{hashlib.sha256(url.encode(errors='replace')).hexdigest()[:8]}" / _name(url)
    content = f"[InternetShortcut]\nURL={url}\n".encode()
    try:
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
            part.write_bytes(content)
            part.replace(path)
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}", hint="run the command as the user whose state it is"
        ) from error
    return path.resolve()


def _links_of(state: Path) -> Path:
    return state.with_name(f"{state.name}.links")


def _name(url: str) -> str:
    """Name the file after the last part of the address, so that the folder of outputs is called so as well."""
    try:
        parts = urlsplit(url)
        is_web = bool(parts.hostname) and url.isprintable() and url.isascii() and " " not in url
    except ValueError:
        is_web = False
    if not is_web or len(url) > MAX_URL:
        raise UsageError("the link is none that the service could fetch", hint="quote it, with its blanks as %20")
    last = PurePosixPath(unquote(parts.path)).stem or parts.hostname or "link"
    return output_names([last], lambda _: "url")[0]
