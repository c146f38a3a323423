"""The note beside a source: plain text that says why it is not separated, and what to do.

It is UTF-8 without a mark and has the line ends of Windows, so that any editor shows it right. Its first line says that
it is ours: a file that does not begin so is never written over and never removed. It appears whole, by a rename.
"""

from __future__ import annotations

import os
from pathlib import Path

from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files.access import dress
from mvsep_watch.files.reading import opened
from mvsep_watch.files.renaming import rename_new
from mvsep_watch.files.trouble import output_errors
from mvsep_watch.model import AS_MADE, Access
from mvsep_watch.naming import NEW_NOTE_NAME, note_name

MARK = "mvsep-watch wrote this note, and removes it when it is over."
_LIMIT_BYTES = 1 << 20


def note_of(source: Path) -> Path:
    """Give the note's place."""
    return source.with_name(note_name(source.name))


def put(source: Path, text: str, *, access: Access = AS_MADE) -> bool:
    """Write the note beside a source, unless it says so already; False where a file that is not ours is in its place.

    Raises:
        MvsepWatchError: The folder cannot be written.
    """
    note, content = note_of(source), f"{MARK}\n\n{text}".replace("\n", "\r\n").encode(errors="backslashreplace")
    there = _content(note)
    if there == content:
        return True
    if there is None and os.path.lexists(note):
        return False
    new = note.with_name(NEW_NOTE_NAME)
    with output_errors(note.parent):
        try:
            _write(new, content, access)
            if there is None:
                rename_new(new, note)
            else:
                new.replace(note)
        except FileExistsError:
            return False
        finally:
            new.unlink(missing_ok=True)
    return True


def remove(source: Path) -> None:
    """Remove the note beside a source, if it is ours; none is fine, and so is a folder that is gone.

    Raises:
        MvsepWatchError: It cannot be removed.
    """
    note = note_of(source)
    if _content(note) is not None:
        with output_errors(note.parent):
            note.unlink(missing_ok=True)


def _content(note: Path) -> bytes | None:
    """Read a note of ours; None where there is none, or it is not ours, or cannot be read."""
    try:
        with opened(note) as file:
            content = file.read(_LIMIT_BYTES)
    except (MvsepWatchError, OSError):
        return None
    return content if content and content.startswith(MARK.encode()) else None


def _write(path: Path, content: bytes, access: Access) -> None:
    """Write a file of ours; what a kill left under its name goes."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "wb") as file:  # noqa: PTH123 - only os.open refuses what is there
        file.write(content)
        file.flush()
        dress(path, access)
        os.fsync(file.fileno())
