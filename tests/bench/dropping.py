"""Thousands of files dropped at once: how soon all are identified, against sha256sum over the same files.

The files are silent WAVs, told apart by a few bytes; 10 GB of them. Nothing is sent: the day's separations are used up.
"""

from __future__ import annotations

import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.bench.library import Library, engine_of, library
from tests.bench.table import Line

FILES, FILE_BYTES = 5_000, 2_000_000
MOST_TIMES = 1 / 0.8
ROUNDS = 2


def measure() -> Iterator[Line]:
    """Give the time from the drop to the last identified file, and how much was ever waiting on the inbox."""
    with library() as here:
        for number in range(FILES):
            _write(here.drop / f"{number:05}.wav", number)
        paths = sorted(map(str, here.drop.iterdir()))
        hashed_s, taken_s, longest = [], [], 0
        for _ in range(ROUNDS):
            hashed_s.append(_sha256sum_s(paths))
            wall_s, waiting = _taken_s(here)
            taken_s.append(wall_s)
            longest = max(longest, waiting)
    gigabytes = FILES * FILE_BYTES / 1e9
    against = f"sha256sum ({min(hashed_s):.1f} s for {gigabytes:.0f} GB)"
    yield Line(
        what=f"{FILES} files at once, time", found=min(taken_s) / min(hashed_s), most=MOST_TIMES, against=against
    )
    yield Line(what="the same, most messages on the inbox", found=longest, most=100)


def _write(path: Path, number: int) -> None:
    data_bytes = FILE_BYTES - 44
    header = b"RIFF" + struct.pack("<I", 36 + data_bytes) + b"WAVE"
    header += struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 2, 44_100, 176_400, 4, 16, b"data", data_bytes)
    with path.open("wb") as file:
        file.write(header + struct.pack("<I", number) + bytes(data_bytes - 4))  # holes would be waited for


def _sha256sum_s(paths: list[str]) -> float:
    begun_s = time.perf_counter()
    subprocess.run(["xargs", "-0", "sha256sum"], input="\0".join(paths).encode(), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun_s


def _taken_s(here: Library) -> tuple[float, int]:
    for state in here.base.glob("state.sqlite3*"):
        state.unlink()
    config = here.configure()
    config = replace(config, limits=replace(config.limits, per_day_jobs=0))
    longest, begun_s = 0, time.perf_counter()
    with engine_of(config) as engine:
        while sum(engine.context.store.jobs.counts().values()) < FILES:
            longest = max(longest, engine.inbox._messages.qsize())
            engine.turn(longest_nap_s=0.02)
    return time.perf_counter() - begun_s, longest
