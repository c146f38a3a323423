"""What the watched folders stand on: what each was when it was last looked through, and whether it is there just now.

A folder that is not there, or whose disk is away, takes nothing from anybody: what is missing in it is not gone, so no
job on it ends, nothing of it is disposed of or taken for renamed, and nothing new of it is begun.
"""

from __future__ import annotations

from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files.watched import FolderNote, trouble_with
from mvsep_watch.model import Folder
from mvsep_watch.naming import escape_path


class Ground:
    """Remembers watched folders; what must outlive the process is in the store."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._trouble: dict[str, MvsepWatchError] = {}
        self.asides: set[Path] = set()
        """The folders in which a scan saw something set aside."""

    def note_of(self, folder: Folder) -> FolderNote | None:
        """Say what a folder was when it was last looked through; None where that is not known."""
        return FolderNote.of(self._context.store.memory.meta(_key(folder)) or "")

    def seen(self, folder: Folder, note: FolderNote) -> None:
        """Take note that a folder was looked through, and of what it is."""
        memory, key = self._context.store.memory, _key(folder)
        if memory.meta(key) != note.text():
            memory.set_meta(key, note.text())
        if self._trouble.pop(folder.name, None):
            self._context.store.jobs.wake()

    def failed(self, folder: Folder, error: MvsepWatchError) -> None:
        """Take note that a folder could not be looked through."""
        self._trouble[folder.name] = error

    def forget(self) -> None:
        """Take the folders as they are: a person said so."""
        for folder in self._context.config.folders:
            self._context.store.memory.set_meta(_key(folder), "")

    def trouble_at(self, path: Path) -> MvsepWatchError | None:
        """Say what was last the matter with the folder that a source lies in."""
        return next((self._trouble[folder.name] for folder in self._around(path) if folder.name in self._trouble), None)

    def look_at(self, path: Path) -> MvsepWatchError | None:
        """Look whether the folder that a source lies in is there: for who misses the source."""
        for folder in self._around(path):
            if error := trouble_with(folder.path, self.note_of(folder)):
                self.failed(folder, error)
                return error
        return None

    def within(self, path: Path) -> tuple[tuple[Path, FolderNote | None], ...]:
        """Give the watched folders that a source lies in, with what each was: for a hand that looks itself."""
        return tuple((folder.path, self.note_of(folder)) for folder in self._around(path))

    def _around(self, path: Path) -> list[Folder]:
        return [folder for folder in self._context.config.folders if path.is_relative_to(folder.path)]


def _key(folder: Folder) -> str:
    """Name the note that says what a watched folder was: another path is another folder."""
    return f"watched {folder.name} {escape_path(folder.path)}"
