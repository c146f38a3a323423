"""Thousands of files dropped at once: how soon all are identified, against sha256sum over the same files.

The files are silent WAVs, told apart by a few bytes. Nothing is sent: the day's separations are used up.
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

FILES = 5_000
SIZES = {2_000_000: 1 / 0.8, 400_000: 1 / 0.8, 100_000: 4.0}
"""Bytes, and how many times as long as sha256sum it may take: small ones show what a file costs beside its bytes."""
ROUNDS = 3


def measure() -> Iterator[Line]:
    """Give the time from the drop to the last identified file, and how much was ever waiting on the inbox."""
    longest = 0
    for size_bytes, most in SIZES.items():
        with library() as here:
            for number in range(FILES):
                _write(here.drop / f"{number:05}.wav", number, size_bytes)
            paths = sorted(map(str, here.drop.iterdir()))
            hashed_s, taken_s = [], []
            for _ in range(ROUNDS):
                hashed_s.append(_sha256sum_s(paths))
                wall_s, waiting = _taken_s(here)
                taken_s.append(wall_s)
                longest = max(longest, waiting)
        what = f"{FILES} files of {size_bytes / 1e6:.1f} MB at once, time"
        yield Line(
            what=what, found=min(taken_s) / min(hashed_s), most=most, against=f"sha256sum ({min(hashed_s):.1f} s)"
        )
    yield Line(what="the same, most messages on the inbox", found=longest, most=100)


def _write(path: Path, number: int, size_bytes: int) -> None:
    data_bytes = size_bytes - 44
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
