"""Thousands of files dropped at once: how soon all are identified, against sha256sum over the same files.

The files are silent WAVs, told apart by a few bytes. Nothing is sent: the day's separations are used up.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.bench.library import Library, engine_of, library
from tests.bench.measuring import Measured
from tests.bench.measuring import measure as measure_command
from tests.bench.resting import running
from tests.bench.table import Line
from tests.real.emulator import Emulator, Quirks
from tests.real.helpers import peak_memory_bytes, until

DROPS = ((1_000, 2_000_000, 1 / 0.8), (5_000, 400_000, 1 / 0.8), (5_000, 100_000, 4.0))
"""Files, bytes, and how many times as long as sha256sum: small ones show what a file costs beside its bytes."""
ROUNDS = 3
MOST_MESSAGES, MOST_OF_THE_TIME, MOST_MIB = 100, 0.5, 100.0


def measure() -> Iterator[Line]:
    """Give what it takes with files of each size; where it is sent, by the command itself."""
    for files, size_bytes, most in DROPS:
        with library() as here:
            for number in range(files):
                _write(here.drop / f"{number:05}.wav", number, size_bytes)
            yield from _measure(here, files, f"{files} files of {size_bytes / 1e6:.1f} MB at once", most)


def _measure(here: Library, files: int, what: str, most: float) -> Iterator[Line]:
    paths = sorted(map(str, here.drop.iterdir()))
    hashed, taken, longest = [], [], 0
    for _ in range(ROUNDS):
        hashed.append(_sha256sum(paths))
        measured, waiting = _taken(here, files)
        taken.append(measured)
        longest = max(longest, waiting)
    for unit, seconds in (("time", "wall_s"), ("CPU", "cpu_s")):
        least, base_s = (min(getattr(each, seconds) for each in both) for both in (taken, hashed))
        against = f"sha256sum ({base_s:.1f} s)"
        yield Line(what=f"{what}: all are queued, {unit}", found=least / base_s, most=most, against=against)
    yield Line(what="the same: most messages on the inbox", found=longest, most=MOST_MESSAGES)
    first_s, last_s, peak_mib = _sent(here, files)
    yield Line(what="the same: the first is sent, of the time until the last is queued", found=first_s / last_s,
               most=MOST_OF_THE_TIME, against=f"{last_s:.1f} s")  # fmt: skip
    yield Line(what="the same: memory, MiB at its peak", found=peak_mib, most=MOST_MIB)


def _write(path: Path, number: int, size_bytes: int) -> None:
    data_bytes = size_bytes - 44
    header = b"RIFF" + struct.pack("<I", 36 + data_bytes) + b"WAVE"
    header += struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 2, 44_100, 176_400, 4, 16, b"data", data_bytes)
    with path.open("wb") as file:
        file.write(header + struct.pack("<I", number) + bytes(data_bytes - 4))  # holes would be waited for


def _sha256sum(paths: list[str]) -> Measured:
    return measure_command(["sh", "-c", 'printf "%s\\0" "$@" | xargs -0 sha256sum', "sh", *paths])


def _taken(here: Library, files: int) -> tuple[Measured, int]:
    _forget(here)
    config = here.configure()
    config = replace(config, limits=replace(config.limits, per_day_jobs=0))
    longest, begun_s, cpu_s = 0, time.perf_counter(), time.process_time()
    with engine_of(config) as engine:
        while sum(engine.context.store.jobs.counts().values()) < files:
            longest = max(longest, engine.inbox._messages.qsize())
            engine.turn(longest_nap_s=0.02)
    return Measured(time.perf_counter() - begun_s, time.process_time() - cpu_s), longest


def _sent(here: Library, files: int) -> tuple[float, float, float]:
    """Let the command take them: when the first was with the service, when all were queued, and the memory it took."""
    _forget(here)
    with (
        Emulator(Quirks(processing_s=3600.0, rate_limit=1_000_000)) as emulator,
        running(here, emulator, watch="events") as (process, _),
    ):
        begun_s = time.monotonic()
        until(lambda: bool(emulator.account.separations), within_s=300.0)
        first_s = time.monotonic() - begun_s
        until(lambda: _queued(here) == files, within_s=300.0)
        return first_s, time.monotonic() - begun_s, peak_memory_bytes(process.pid) / 2**20


def _queued(here: Library) -> int:
    with closing(sqlite3.connect(f"{(here.base / 'state.sqlite3').as_uri()}?mode=ro", uri=True)) as state:
        return int(state.execute("SELECT sum(n) FROM job_counts").fetchone()[0] or 0)


def _forget(here: Library) -> None:
    """Begin anew: without a state, and without the claim of the one before."""
    shutil.rmtree(here.base / "drop-stems", ignore_errors=True)
    for state in here.base.glob("state.sqlite3*"):
        state.unlink()
