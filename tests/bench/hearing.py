"""From a file's appearance to its having been seen, by events: at rest, and while a large library is rescanned."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator

from mvsep_watch.daemon.engine import Engine
from mvsep_watch.watcher import Watcher
from tests.bench.library import Library, engine_of
from tests.bench.table import Line

MOST_MS = 20.0
FILES = 200
PAUSE_S = 0.02


def measure(known: Library) -> Iterator[Line]:
    """Give the 95th percentile of both."""
    with engine_of(known.configure(settle="1h")) as engine:
        watcher = Watcher(engine.inbox.path_touched, lambda *_: None)
        watcher.watch(engine.context.config.folders[0])
        numbers = itertools.count()
        try:
            _turn_until(engine, lambda: engine.desks.scans.is_idle and engine.desks.intake.is_idle)
            yield _line("event to seen at rest, ms at the 95th percentile", _delays_s(known, engine, numbers))
            rescans = _delays_s(known, engine, numbers, is_rescanning=True)
            yield _line("the same during a rescan", rescans)
        finally:
            watcher.stop()


def _line(what: str, delays_s: list[float]) -> Line:
    at_95 = statistics.quantiles(delays_s, n=20)[-1]
    return Line(what=what, found=at_95 * 1000, most=MOST_MS, against=f"median {statistics.median(delays_s) * 1000:.1f}")


def _delays_s(known: Library, engine: Engine, numbers: Iterator[int], *, is_rescanning: bool = False) -> list[float]:
    """Write files one by one, from another thread, and note when each is a candidate."""
    written: dict[str, float] = {}
    paths = [known.drop / f"fresh {next(numbers)}.wav" for _ in range(FILES)]

    def write() -> None:
        for path in paths:
            time.sleep(PAUSE_S)
            written[str(path)] = time.monotonic()
            path.write_bytes(b"RIFF")

    writer = threading.Thread(target=write)
    seen = _noting(engine)
    writer.start()
    while len(seen.keys() & written.keys()) < FILES:
        if is_rescanning and engine.desks.scans.first_is_done:
            engine.desks.scans.want_scan("drop")
        engine.turn(longest_nap_s=engine.rest.nap_s())
    writer.join()
    return [seen[path] - at_s for path, at_s in written.items()]


def _noting(engine: Engine) -> dict[str, float]:
    """Note when each path is first taken for a candidate."""
    seen: dict[str, float] = {}
    touched, found = engine.desks.intake.touched, engine.desks.intake.found

    def note_touched(folder: str, path: str) -> None:
        touched(folder, path)
        seen.setdefault(path, time.monotonic())

    def note_found(folder: str, files: tuple) -> None:
        found(folder, files)
        for path in {path for path, *_ in files} & set(engine.desks.candidates):
            seen.setdefault(path, time.monotonic())

    engine.desks.intake.touched, engine.desks.intake.found = note_touched, note_found
    return seen


def _turn_until(engine: Engine, holds: Callable[[], bool]) -> None:
    while not holds():
        engine.turn(longest_nap_s=0.02)
