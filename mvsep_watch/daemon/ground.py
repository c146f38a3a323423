"""What the watched folders stand on: what each was when it was last looked through, and whether it is there just now.

A folder that is not there, or whose disk is away, takes nothing from anybody: what is missing in it is not gone, so no
job on it ends, nothing of it is disposed of or taken for renamed, and nothing new of it is begun.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files.watched import FolderNote, PartAwayError, PartNote
from mvsep_watch.model import Folder
from mvsep_watch.naming import escape_path


class Ground:
    """Remembers watched folders; what must outlive the process is in the store."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._trouble: dict[str, MvsepWatchError] = {}
        self._away: dict[str, tuple[PartNote, ...]] = {}
        self.asides: set[Path] = set()
        """The folders in which a scan saw something set aside."""

    def note_of(self, folder: Folder) -> FolderNote | None:
        """Say what a folder was when it was last looked through; None where that is not known."""
        return FolderNote.of(self._context.store.memory.meta(folder_key(folder)) or "")

    def seen(self, folder: Folder, note: FolderNote, away: tuple[PartNote, ...] = ()) -> None:
        """Take note that a folder was looked through, of what it is, and of its parts that are away.

        A part that is away is forgotten once nothing waits for a file in it: a stick that was there one day.
        """
        memory, key = self._context.store.memory, folder_key(folder)
        note = replace(note, below=tuple(part for part in note.below if part not in away or self._is_missed(part)))
        if memory.meta(key) != note.text():
            self._tell_mounted(folder, note)
            memory.set_meta(key, note.text())
        was_away, self._away[folder.name] = self._away.get(folder.name, ()), away
        if self._trouble.pop(folder.name, None) or set(was_away) - set(away):
            self._context.store.jobs.wake()

    def _is_missed(self, part: PartNote) -> bool:
        return self._context.store.sources.is_any_needed_below(part.path)

    def _tell_mounted(self, folder: Folder, note: FolderNote) -> None:
        """Say what was mounted below a folder since it was last looked through."""
        if (before := self.note_of(folder)) is not None:
            known = {part.path for part in before.below}
            for part in note.below:
                if part.path not in known:
                    self._context.log.info("part_mounted", folder=folder.name, path=part.path, what=part.source)

    def failed(self, folder: Folder, error: MvsepWatchError) -> None:
        """Take note that a folder, or a part of it, is away or cannot be looked through."""
        if isinstance(error, PartAwayError):
            before = self._away.get(folder.name, ())
            self._away[folder.name] = before if error.part in before else (*before, error.part)
        else:
            self._trouble[folder.name] = error

    def forget(self) -> None:
        """Take the folders as they are: a person said so."""
        for folder in self._context.config.folders:
            self._context.store.memory.set_meta(folder_key(folder), "")

    def trouble_at(self, path: Path) -> MvsepWatchError | None:
        """Say what was last the matter with the folder, or the part of one, that a source lies in."""
        names = [folder.name for folder in self._around(path)]
        away = (part for name in names for part in self._away.get(name, ()) if path.is_relative_to(part.path))
        whole = (self._trouble[name] for name in names if name in self._trouble)
        return next(whole, None) or next(map(PartAwayError, away), None)

    def look_at(self, path: Path, eyes: Eyes) -> MvsepWatchError | None:
        """Look whether the folder that a source lies in is there: for who misses the source."""
        for folder in self._around(path):
            if error := eyes.trouble_with(folder.path, self.note_of(folder), at=path):
                self.failed(folder, error)
                return error
        return None

    def within(self, path: Path) -> tuple[tuple[Path, FolderNote | None], ...]:
        """Give the watched folders that a source lies in, with what each was: for a hand that looks itself."""
        return tuple((folder.path, self.note_of(folder)) for folder in self._around(path))

    def _around(self, path: Path) -> list[Folder]:
        return [folder for folder in self._context.config.folders if path.is_relative_to(folder.path)]


def folder_key(folder: Folder) -> str:
    """Name the note that says what a watched folder was: another path is another folder."""
    return f"watched {folder.name} {escape_path(folder.path)}"
