"""The step that looks through a watched folder and reports what is there in chunks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mvsep_watch.model import FileStat, Folder
from mvsep_watch.steps.base import Pool, Tools
from mvsep_watch.watcher import Found, scan

CHUNK_FILES = 500
"""Compared with what is known in two milliseconds: an event waits no longer for its turn during a rescan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanEnd:
    """What came of a scan besides its finds: sentences about what could not be read."""

    files: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Look through a folder; `skip_dirs` are our own output roots."""

    pool: ClassVar[Pool] = Pool.SCANNING

    folder: Folder
    skip_dirs: tuple[Path, ...]

    @property
    def key(self) -> tuple[str, str]:
        """One scan of a folder at a time."""
        return ("scan", self.folder.name)

    def perform(self, tools: Tools) -> ScanEnd:
        """Report the finds chunk by chunk; `tools.found` holds the scan up while the owner is behind.

        Raises:
            RetryableError: The root cannot be read just now.
            NeedsUserError: The root is not there, or may not be read.
        """
        chunk: list[tuple[str, FileStat]] = []
        unreadable: list[str] = []
        count = 0
        for seen in scan(self.folder, stopping=tools.stopping.is_set, skip_dirs=self.skip_dirs):
            if not isinstance(seen, Found):
                unreadable.append(f"{seen.path}: {seen.error.message}")
                continue
            count += 1
            chunk.append((seen.path, seen.stat))
            if len(chunk) == CHUNK_FILES:
                tools.found(self.folder.name, tuple(chunk))
                chunk = []
        tools.found(self.folder.name, tuple(chunk))
        return ScanEnd(files=count, unreadable=tuple(unreadable))
