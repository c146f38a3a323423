"""A rescan of what is known, by the whole engine, against a bare walk that stats every file."""

from __future__ import annotations

from collections.abc import Iterator

from mvsep_watch.daemon.engine import Engine
from tests.bench.library import Library, engine_of, walk
from tests.bench.table import Line, cpu_s

MOST_TIMES_THE_WALK = 3.0


def measure(known: Library) -> Iterator[Line]:
    """Give the rescan's cost; it must neither open a file nor write anything."""
    walk_s = cpu_s(lambda: [entry.stat(follow_symlinks=False) for entry in walk(known.drop)])
    with engine_of(known.configure()) as engine:
        _rest(engine)
        rescan_s = cpu_s(lambda: _rescan(engine))
        before, files = engine.context.store.db.value("SELECT total_changes()"), len(list(walk(known.drop)))
        _rescan(engine)
        written = engine.context.store.db.value("SELECT total_changes()") - before
    against = f"a walk with `scandir` and `stat` ({walk_s:.2f} s of CPU for {files} files)"
    yield Line(what="rescan of known files, CPU", found=rescan_s / walk_s, most=MOST_TIMES_THE_WALK, against=against)
    yield Line(what="rows written by a rescan", found=written, most=0)


def _rescan(engine: Engine) -> None:
    engine.desks.scans.want_scan("drop")
    _rest(engine)


def _rest(engine: Engine) -> None:
    while not (engine.desks.scans.is_idle and engine.desks.intake.is_idle):
        engine.turn(longest_nap_s=0.02)
