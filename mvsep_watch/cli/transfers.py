"""Uploads and downloads as they go: bars on a terminal, a line for each that is done elsewhere. On stderr, always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from mvsep_watch.cli import rendering
from mvsep_watch.mvsep import Download
from mvsep_watch.naming import display


class Transfers:
    """Shows transfers by name; entered before the first, left after the last."""

    def __init__(self) -> None:
        self._console = rendering.console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def upload(self, name: str) -> Callable[[int, int], None]:
        """Give what is to be told of an upload: (bytes sent, bytes in all)."""
        task = self._bars.add_task(display(name), total=None)

        def tell(sent_bytes: int, size_bytes: int) -> None:
            self._bars.update(task, completed=sent_bytes, total=size_bytes)
            if sent_bytes == size_bytes:
                self._line(name, "uploaded", size_bytes)

        return tell

    def download(self, name: str, download: Download) -> Iterator[bytes]:
        """Give the chunks of a download, and show how they pass; a name that comes again goes on with its bar."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(display(name), total=None)
        task = self._tasks[name]
        self._bars.update(task, total=download.size_bytes, completed=download.offset)
        arrived_bytes = download.offset
        for chunk in download.chunks:
            yield chunk
            arrived_bytes += len(chunk)
            self._bars.update(task, completed=arrived_bytes)
        self._line(name, "downloaded", arrived_bytes)

    def _line(self, name: str, done: str, size_bytes: int) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{done} {display(name)}, {rendering.size(size_bytes)}")
