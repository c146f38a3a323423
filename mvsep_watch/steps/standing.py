"""Whether what a hand misses is gone, or the folder that it was in is away: looked at by the hand that misses it."""

from __future__ import annotations

from pathlib import Path

from mvsep_watch.errors import MvsepWatchError, RetryableError
from mvsep_watch.files.watched import FolderNote, trouble_with

Within = tuple[tuple[Path, FolderNote | None], ...]
"""The watched folders that a source lies in, with what each was when it was last looked through."""


class AwayError(RetryableError):
    """A watched folder is away, or cannot be looked at: nothing that is missing in it is known to be gone."""

    def __init__(self, folder: Path, trouble: MvsepWatchError) -> None:
        super().__init__(trouble.message, hint=trouble.hint)
        self.folder = folder
        self.trouble = trouble


def away(within: Within, path: Path) -> AwayError | None:
    """Look whether the folders that a source lies in are there; say what is the matter with the first that is not."""
    for folder, note in within:
        if trouble := trouble_with(folder, note, at=path):
            return AwayError(folder, trouble)
    return None
