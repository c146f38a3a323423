"""Stems that say which song they are of: the source's tags, written into a copy of each output before it is staged.

A copy, because what was downloaded must stay as the service gave it until the other is known to be whole: it is what a
broken download goes on with, and what is published where a file cannot be tagged. The surprise: nothing here fails. A
source that is gone, or another file by now, leaves its stems without tags.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from mvsep_watch import audio
from mvsep_watch.errors import MvsepWatchError, StoppedError
from mvsep_watch.files.reading import opened
from mvsep_watch.files.trouble import never, stop_if
from mvsep_watch.model import FileStat, Tags

PATIENCE_S = 10.0
"""How long a source is waited for: its mount may hang, and results that are paid for do not wait for that."""
_READERS = threading.BoundedSemaphore(16)
"""More than read at once, unless most of them hang."""
_COPY_BYTES = 16 << 20
"""How much is copied between two looks at whether to stop."""


def _always(_: int) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A source, and what it looked like when it was identified."""

    path: Path
    stat: FileStat

    def tags(self) -> Tags:
        """Read its tags; none where it is not there, not what it was, or cannot be read in time."""
        if not _READERS.acquire(blocking=False):
            return Tags()
        found: list[Tags] = []

        def read() -> None:
            try:
                found.append(self._read())
            finally:
                _READERS.release()

        thread = threading.Thread(target=read, name="tags", daemon=True)
        thread.start()
        thread.join(PATIENCE_S)
        return found[0] if found else Tags()

    def _read(self) -> Tags:
        try:
            with opened(self.path) as raw, BufferedReader(raw) as file:
                there = FileStat.of(os.fstat(raw.fileno()))
                if (there.size_bytes, there.mtime_ns) != (self.stat.size_bytes, self.stat.mtime_ns):
                    return Tags()
                return audio.read_tags(file)
        except (MvsepWatchError, OSError):
            return Tags()


@dataclass(slots=True, kw_only=True)
class Tagger:
    """Tags outputs.

    Args:
        tags: The source's.
        stopping: Asked while a copy is made.
        has_room: Says whether so many bytes more may be written for a while.
        trouble: Why an output has none, if one has none that could have; the first of it.
    """

    tags: Tags
    stopping: Callable[[], bool] = never
    has_room: Callable[[int], bool] = _always
    trouble: str = field(default="", init=False)

    def tagged(self, path: Path, *, stem: str, check: Callable[[Path], object]) -> Path | None:
        """Give a copy of an output that has the tags, beside it; None where it is to stay as it is.

        Args:
            path: The complete output.
            stem: What it is called in the title.
            check: What the copy must pass as well.

        Raises:
            StoppedError: `stopping` said so.
        """
        if not self.tags or not audio.can_carry_tags(path.name):
            return None
        copy = path.with_name(f".tagged{path.suffix}")
        try:
            self._copy(path, copy)
            audio.write_tags(copy, self.tags.for_stem(stem))
            check(copy)
        except StoppedError:
            raise
        except (MvsepWatchError, OSError, ValueError) as error:
            self.trouble = self.trouble or f"{path.name}: {error}"
            with suppress(OSError):
                copy.unlink(missing_ok=True)
            return None
        return copy

    def _copy(self, path: Path, copy: Path) -> None:
        copy.unlink(missing_ok=True)
        if not self.has_room(path.stat().st_size):
            raise OSError(errno.ENOSPC, "there is no room for a copy")
        with path.open("rb", buffering=0) as source, copy.open("xb", buffering=0) as target:
            while os.sendfile(target.fileno(), source.fileno(), None, _COPY_BYTES):
                stop_if(self.stopping, what="copying an output")
