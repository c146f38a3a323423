"""A place to run the installed command in: a configuration, folders, real songs, and processes that can be killed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import av
import numpy as np

RATE = 44_100
CODECS = {
    ".wav": ("wav", "pcm_s16le", "s16"),
    ".flac": ("flac", "flac", "s16"),
    ".mp3": ("mp3", "libmp3lame", "s16p"),
    ".ogg": ("ogg", "vorbis", "fltp"),
    ".m4a": ("ipod", "aac", "fltp"),
}
SIDECAR = "mvsep-watch.json"
STOP_WITHIN_S = 8.0


def write_song(path: Path, *, seconds: float, pitch: int) -> Path:
    """Write a real song, stereo, in the container that its name says; its bytes depend on the pitch."""
    container, codec, kind = CODECS[path.suffix.lower()]
    path.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(round(seconds * RATE)) / RATE
    voices = np.stack([np.sin(2 * np.pi * (100 + 7 * pitch) * at), np.sin(2 * np.pi * (150 + 11 * pitch) * at)]) * 0.3
    samples = voices.astype("float32") if kind == "fltp" else (voices * 32767).astype("int16")
    with path.open("wb") as file, av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE, layout="stereo", options={"strict": "-2"})  # vorbis is experimental
        stream.format = kind
        size = stream.codec_context.frame_size or 4608
        for start in range(0, samples.shape[1], size):
            part = samples[:, start : start + size]
            planes = part if kind.endswith("p") else part.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), kind, "stereo")
            frame.sample_rate, frame.pts = RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_below(root: Path) -> dict[str, str]:
    """Give every file below a folder with its sha256: a tree before and a tree after."""
    return {str(path.relative_to(root)): sha256(path) for path in sorted(root.rglob("*")) if path.is_file()}


class Place:
    """A folder with a configuration, and the command run in it."""

    def __init__(self, base: Path, configuration: str) -> None:
        self.base = base
        self.config = base / "mvsep-watch.yaml"
        self.config.write_text(configuration)
        self.config.chmod(0o600)
        self.log = base / "log"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "mvsep_watch", "-c", str(self.config), *words]

    def once(self) -> subprocess.CompletedProcess:
        """Do everything there is to do; everything must be published then."""
        done = subprocess.run(self.command("once"), check=False, capture_output=True, cwd=self.base)
        with self.log.open("ab") as log:
            log.write(done.stderr)
        assert done.returncode == 0, f"{done.stdout.decode()}\n{self.last_words()}"
        return done

    def start(self) -> subprocess.Popen:
        with self.log.open("ab") as log:
            return subprocess.Popen(self.command("run"), stdout=log, stderr=log, cwd=self.base)

    def stop(self, process: subprocess.Popen) -> float:
        """Stop it as a service manager would; give the seconds that it took."""
        begun_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        return time.monotonic() - begun_s

    def ask(self, command: str) -> list | dict:
        done = subprocess.run(self.command(command, "--json"), check=True, capture_output=True, cwd=self.base)
        return json.loads(done.stdout)

    def jobs(self) -> list[dict]:
        return self.ask("jobs")

    def states(self) -> Counter[str]:
        """Count the jobs by state: from the file, since a command for each look would take a core from the daemon."""
        uri = f"{self.config.with_name('mvsep-watch.state.sqlite3').as_uri()}?mode=ro"
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(uri, uri=True)) as state:
            return Counter(row[0] for row in state.execute("SELECT state FROM jobs"))
        return Counter()

    def until_published(self, count: int, *, within_s: float) -> None:
        """Run until so many jobs are published and no other job is left."""
        process = self.start()
        try:
            until(lambda: self.states() == {"published": count}, within_s=within_s, tell=self.tell)
        finally:
            took_s = self.stop(process)
        assert took_s < STOP_WITHIN_S

    def tell(self) -> str:
        return f"{self.jobs()}\n{self.last_words()}"

    def last_words(self) -> str:
        return self.log.read_text()[-5000:]


def until(holds: Callable[[], bool], *, within_s: float, tell: Callable[[], str] = str) -> None:
    """Wait until something holds, looking ten times a second."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, tell()
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Give free ports, below those that the kernel gives away: nobody gets one by chance before it is listened at."""
    first_given_away = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    for port in random.Random(os.getpid()).sample(range(10_000, first_given_away), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.2", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise AssertionError(f"not {count} free ports among a hundred")


def peak_memory_bytes(pid: int) -> int:
    """Give the most memory that a process ever had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} is gone")


def kills(default: int) -> int:
    return int(os.environ.get("MVSEP_WATCH_KILLS", str(default)))
