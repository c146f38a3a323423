"""What goes into an upload's form: which text fields, which files, and what those go by.

    a file      audiofile
    a link      url, remote_type
    a pair      target_audiofile, reference_audiofile
    nothing     the settings alone: a text prompt is one of them

Source: MVSEP API page, separation/create, 2026.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO, assert_never

from mvsep_watch.errors import SourceBusyError, SourceChangedError, SourceRefusedError
from mvsep_watch.model import Link, Pair, Settings
from mvsep_watch.mvsep.upload import CHANGED_HINT, FilePart

MAX_NAME = 120
"""The service makes the separation's hash and its files' names from it; 255 bytes is what file systems take."""

Source = Path | Link | Pair | None


def fields_of(source: Source, settings: Settings, *, token: str) -> dict[str, str]:
    """Give the form's text fields: the settings said in full, because the service's own defaults drift."""
    link = {"url": source.url, "remote_type": source.remote_type} if isinstance(source, Link) else {}
    return {
        "api_token": token,
        "sep_type": str(settings.sep_type),
        **dict(settings.options),
        "output_format": str(settings.output_format),
        "is_demo": "1" if settings.is_demo else "0",
        **link,
    }


def files_of(source: Source, upload_name: str | None) -> dict[str, tuple[str, Path]]:
    """Give the form's files: field → what it goes by, and where it is."""
    match source:
        case None | Link():
            return {}
        case Pair(target=target, reference=reference):
            return {
                "target_audiofile": (upload_name or target.name, target),
                "reference_audiofile": (_reference_name(reference, upload_name), reference),
            }
        case Path():
            return {"audiofile": (upload_name or source.name, source)}
        case _:
            assert_never(source)


@contextmanager
def opened(files: Mapping[str, tuple[str, Path]]) -> Iterator[list[FilePart]]:
    """Open the files of a form.

    Raises:
        SourceChangedError: One is gone, or no regular file any more.
        SourceRefusedError: One is empty.
        SourceBusyError: One cannot be opened just now.
    """
    with ExitStack() as stack:
        parts = []
        for field, (name, path) in files.items():
            file = stack.enter_context(_open(path))
            parts.append(FilePart(field, safe_name(name), file, _size_of(file, path)))
        yield parts


def safe_name(name: str) -> str:
    """Make an upload's name of plain ASCII, without anything that a header or a path could trip over."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    stem, dot, extension = re.sub(r"[^A-Za-z0-9._ -]", "_", plain).rpartition(".")
    stem, ending = (stem, dot + extension[:10]) if dot else (extension, "")
    return (stem[: MAX_NAME - len(ending)].strip(" .") or "audio") + ending


def _reference_name(reference: Path, upload_name: str | None) -> str:
    """Let the tag that the upload's name begins with stand on both files, whichever the service makes the hash from."""
    if upload_name is None:
        return reference.name
    return f"{PurePath(upload_name).stem.partition('-')[0]}-reference{reference.suffix}"


def _open(path: Path) -> BinaryIO:
    try:
        return open(path, "rb", buffering=0, opener=_open_without_waiting)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
        raise SourceChangedError(f"{path.name!r} is gone", hint=CHANGED_HINT) from exc
    except OSError as exc:
        raise SourceBusyError(f"{path.name!r} cannot be opened: {exc.strerror}", hint="tried again by itself") from exc


def _open_without_waiting(path: str, flags: int) -> int:
    """Open so that a FIFO or a lease does not block; for a regular file it makes no difference."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _size_of(file: BinaryIO, path: Path) -> int:
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise SourceChangedError(f"{path.name!r} is no regular file", hint=CHANGED_HINT)
    if not found.st_size:
        raise SourceRefusedError(f"{path.name!r} is empty", hint="there is nothing to separate in it")
    return found.st_size
