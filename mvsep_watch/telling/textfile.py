"""Writes a small text file whole, by a rename: whoever reads it never sees a part of it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mvsep_watch.errors import NotToldError

MODE = 0o644
"""Its reader is somebody else."""


def write(path: Path, text: str) -> None:
    """Write a file, or write it anew. It is not synced: the next one is written soon.

    Raises:
        NotToldError: It cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)  # what others may have put there is not written into
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            os.fchmod(descriptor, MODE)
            file.write(text)
        beside.replace(path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise NotToldError(
            f"{path} cannot be written: {exc.strerror}", hint="make its folder writable, or change metrics.file"
        ) from exc
