"""The step that looks through a watched folder and reports what is there in chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mvsep_watch.files import watched
from mvsep_watch.model import FileStat, Folder
from mvsep_watch.steps.base import Pool, Tools
from mvsep_watch.watcher import Aside, Directories, Found, scan

CHUNK_FILES = 750
"""Few enough that an event waits hardly longer for its turn during a rescan; a third as many cost a fifth more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanEnd:
    """What came of a scan besides its finds: what could not be read, in sentences; what it learned; what it was in.

    `asides`: the folders in which something is set aside. `away`: the parts whose disk or share is away.
    """

    files: int
    unreadable: tuple[str, ...]
    asides: frozenset[Path] = frozenset()
    directories: Directories = field(default_factory=dict, repr=False)
    note: watched.FolderNote | None = None
    away: tuple[watched.PartNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Look through a folder.

    Args:
        skip_dirs: Our own output roots.
        known: What is known of its directories; None where nobody wants to know.
        is_whole: Whether directories are listed that are known and have not changed.
        parts: What of it is looked through, where that is not all.
        note: What the folder was when it was last looked through.
    """

    pool: ClassVar[Pool] = Pool.SCANNING

    folder: Folder
    skip_dirs: tuple[Path, ...]
    known: Directories | None = field(default=None, compare=False, repr=False)
    is_whole: bool = field(default=True, compare=False)
    parts: tuple[Path, ...] = field(default=(), compare=False)
    note: watched.FolderNote | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """One scan of a folder at a time."""
        return ("scan", self.folder.name)

    def perform(self, tools: Tools) -> ScanEnd:
        """Report the finds chunk by chunk; `tools.found` holds the scan up while the owner is behind.

        Raises:
            RetryableError: The root cannot be read just now.
            NeedsUserError: The root is not there, is not on the disk that it was on, or may not be read.
        """
        note = watched.require_same(self.folder.path, self.note)
        away = watched.away_below(self.folder.path, self.note) if self.folder.recursive else ()
        if self.folder.recursive:
            note = watched.with_parts(self.folder.path, note, away)
        chunk: list[tuple[str, FileStat]] = []
        unreadable: list[str] = []
        asides: set[Path] = set()
        directories: Directories = {}
        count = 0
        for seen in scan(
            self.folder,
            stopping=tools.stopping.is_set,
            skip_dirs=self.skip_dirs,
            known=self.known,
            learned=None if self.known is None else directories,
            is_whole=self.is_whole,
            parts=self.parts,
        ):
            if isinstance(seen, Aside):
                asides.add(Path(seen.path))
                continue
            if not isinstance(seen, Found):
                unreadable.append(f"{seen.path}: {seen.error.message}")
                continue
            count += 1
            chunk.append((seen.path, seen.stat))
            if len(chunk) == CHUNK_FILES:
                tools.found(self.folder.name, tuple(chunk))
                chunk = []
        tools.found(self.folder.name, tuple(chunk))
        return ScanEnd(
            files=count,
            unreadable=tuple(unreadable),
            asides=frozenset(asides),
            directories=directories,
            note=note,
            away=away,
        )
