"""Reads a small file whole: its bytes and its permissions, of one and the same file. Never waits for a pipe."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read(path: Path, *, largest_bytes: int) -> tuple[bytes, int]:
    """Give a regular file's bytes, at most one more than `largest_bytes`, and its mode.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ValueError("is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(largest_bytes + 1), mode
    finally:
        os.close(descriptor)
