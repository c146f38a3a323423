"""A daemon that knows a large library and has nothing to do: how soon it is ready, what it holds, what it takes.

The command itself, in a process of its own, against a service on this machine.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.library import Library
from tests.bench.table import Line
from tests.real.emulator import Emulator, Quirks
from tests.real.helpers import Place, peak_memory_bytes, until

MOST_MIB = 80.0
MOST_START_S = 3.0
MOST_IDLE, MOST_POLLING = 0.002, 0.015
IDLE_S, RESCAN_S = 60.0, 300.0
LEARNT_S = 100.0
"""After so long a daemon that polls has listed every directory often enough to know which of them change."""


def measure(known: Library) -> Iterator[Line]:
    """Give the figures with events, then the CPU without them."""
    with Emulator(Quirks()) as emulator:
        with running(known, emulator, watch="events", rescan="1h") as (process, ready_s):
            yield Line(what="start to ready, s", found=ready_s, most=MOST_START_S)
            share = _share_of_a_core(process.pid, after_s=5.0, for_s=IDLE_S)
            resident = _resident_bytes(process.pid) / 2**20
            peak = peak_memory_bytes(process.pid) / 2**20
            yield Line(what="memory, MiB resident", found=resident, most=MOST_MIB, against=f"{peak:.0f} at its peak")
            yield Line(what="idle with events, % of a core", found=share * 100, most=MOST_IDLE * 100)
        with running(known, emulator, watch="poll", rescan=f"{RESCAN_S:.0f}s") as (process, _):
            share = _share_of_a_core(process.pid, after_s=LEARNT_S, for_s=RESCAN_S)
            what = "idle with a look every 30 s and a whole scan every 5 min, % of a core"
            yield Line(what=what, found=share * 100, most=MOST_POLLING * 100)


@contextmanager
def running(known: Library, emulator: Emulator, **words: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Run the command, and give its process with how long it took to be ready."""
    known.configure(token=emulator.account.token, base_url=emulator.base_url, **words)
    here = Place(known.base, (known.base / "mvsep-watch.yaml").read_text())
    here.log.write_bytes(b"")
    begun_s = time.monotonic()
    process = here.start()
    try:
        until(lambda: b" ready " in here.log.read_bytes(), within_s=60, tell=here.last_words)
        yield process, time.monotonic() - begun_s
    finally:
        here.stop(process)


def _share_of_a_core(pid: int, *, after_s: float, for_s: float) -> float:
    """Give what a process takes of a core while nothing happens, once it has come to rest."""
    time.sleep(after_s)
    before_s, begun_s = _cpu_s(pid), time.monotonic()
    time.sleep(for_s)
    return (_cpu_s(pid) - before_s) / (time.monotonic() - begun_s)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
