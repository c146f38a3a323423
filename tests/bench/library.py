"""A large library and a daemon that knows it: a tree of files, a state in which each is known, and who is to serve."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch.config import load
from mvsep_watch.daemon.engine import Engine
from mvsep_watch.model import Config, FileStat
from mvsep_watch.store import Store
from tests.fakes.service import FakeService

FILES_A_FOLDER = 100
CONFIGURATION = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 60s}}
state: state.sqlite3
limits:
  credits: {{approve_batch_above: null}}
schedule: {{rescan: {rescan}}}
folders:
  - path: drop
    settle: {settle}
    watch: {watch}
    sep_type: 40
    format: wav
"""


@dataclass(frozen=True, slots=True)
class Library:
    """A folder with a configuration and, below `drop`, the files."""

    base: Path

    @property
    def drop(self) -> Path:
        """The watched folder."""
        return self.base / "drop"

    def configure(self, **words: str) -> Config:
        """Write the configuration, and give it as it is read."""
        service = FakeService()
        settings = {"token": service.token, "base_url": service.base_url, "rescan": "1h", "settle": "0s"}
        path = self.base / "mvsep-watch.yaml"
        path.write_text(CONFIGURATION.format(**{**settings, "watch": "events", **words}))
        path.chmod(0o600)
        return load(path, environ={})

    def fill(self, files: int) -> None:
        """Make so many small files, a hundred to a folder."""
        for start in range(0, files, FILES_A_FOLDER):
            folder = self.drop / f"album {start // FILES_A_FOLDER:05}"
            folder.mkdir(parents=True)
            for number in range(start, min(files, start + FILES_A_FOLDER)):
                (folder / f"{number:06}.wav").write_bytes(b"RIFF")

    def learn(self) -> None:
        """Write a state in which every file is known as it is."""
        store = Store(self.base / "state.sqlite3")
        with store.transaction():
            for number, path in enumerate(walk(self.drop)):
                stat, key = FileStat.of(path.stat(follow_symlinks=False)), f"sha256:{number:064x}"
                store.sources.see(path.path, folder="drop", stat=stat, state="known", now=1.0, bytes_key=key)
            store.sources.scanned("drop", 1.0)
        store.close()


def end_by_sigterm() -> None:
    """Let a SIGTERM end this process as a Ctrl-C does: its folders are removed and its processes ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def walk(root: Path | str) -> Iterator[os.DirEntry[str]]:
    """Give every file below a folder: the least that a scan can do."""
    pending = [os.fspath(root)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    yield entry


@contextmanager
def library(files: int = 0) -> Iterator[Library]:
    """Give a library of so many files, for as long as it is measured."""
    with tempfile.TemporaryDirectory(prefix="mvsep-watch-bench-") as name:
        made = Library(Path(name).resolve())
        made.drop.mkdir()
        made.fill(files)
        yield made


@contextmanager
def engine_of(config: Config, service: FakeService | None = None) -> Iterator[Engine]:
    """Give an engine with real hands and a service in memory."""
    service = service or FakeService()
    store = Store(config.state)
    client = service.client(token=config.service.token, base_url=config.service.base_url)
    engine = Engine(config, store, client)
    try:
        engine.begin()
        yield engine
    finally:
        engine.stopping.set()
        client.stop_waiting()
        client.close()
        store.close()
