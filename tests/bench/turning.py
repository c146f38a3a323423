"""A turn of the loop with a long queue and a long past, against one with hardly any of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mvsep_watch.daemon.engine import Engine
from mvsep_watch.model import BatchOrigin, FileStat, Settings, Work
from mvsep_watch.planner import in_line
from mvsep_watch.store import Store
from tests.bench.library import engine_of, library
from tests.bench.table import Line, cpu_s

MOST_TIMES = 1.5
FEW, MANY = (10, 0), (10_000, 100_000)
TURNS = 300
STAT = FileStat(size_bytes=1, mtime_ns=1, ctime_ns=1)


def measure() -> Iterator[Line]:
    """Give the cost of a turn; nothing starts, for the day's separations are used up."""
    few_s, many_s = (_turn_s(queued=queued, finished=finished) for queued, finished in (FEW, MANY))
    against = f"{FEW[0]} queued and {FEW[1]} finished ({few_s * 1000:.2f} ms)"
    what = f"a turn with {MANY[0]} queued and {MANY[1]} finished jobs, CPU"
    yield Line(what=what, found=many_s / few_s, most=MOST_TIMES, against=against)


def _turn_s(*, queued: int, finished: int) -> float:
    with library() as here:
        config = here.configure()
        config = replace(config, limits=replace(config.limits, per_day_jobs=0))
        _remember(config.state, here.drop, queued=queued, finished=finished)
        with engine_of(config) as engine:
            while not engine.is_at_rest(gated_for_s=0.0):
                engine.turn(longest_nap_s=0.02)
            return cpu_s(lambda: _turns(engine), rounds=5) / TURNS


def _turns(engine: Engine) -> None:
    for _ in range(TURNS):
        engine.turn(longest_nap_s=0)


def _remember(state: Path, drop: Path, *, queued: int, finished: int) -> None:
    """Write a state with so many jobs, each of a source of its own; the oldest are published."""
    store = Store(state)
    with store.transaction():
        batch_id = store.approvals.open_batch("drop", BatchOrigin.SCAN, now=1.0)
        for number in range(queued + finished):
            _add(store, drop, number, batch_id=batch_id, is_published=number < finished)
        store.approvals.close_batch(batch_id, now=1.0)
        store.sources.scanned("drop", 1.0)
    store.close()


def _add(store: Store, drop: Path, number: int, *, batch_id: int, is_published: bool) -> None:
    key, path = f"sha256:{number:064x}", drop / f"{number:06}.wav"
    source_id = store.sources.see(
        path, folder="drop", stat=STAT, state="known", now=1.0, bytes_key=key, duration_s=60.0
    )
    job_id = store.jobs.add(
        source_id=source_id, bytes_key=key, folder="drop", rule="default", realm="mvsep", input_key=key, asked="",
        priority=0, output_root=drop.with_name("drop-stems"), final=drop.with_name("drop-stems") / path.stem,
        batch_id=batch_id, now=1.0, line=in_line(batch_id, path.name),
    )  # fmt: skip
    if is_published:
        work = Work(realm="mvsep", input_key=key, settings=Settings(sep_type=40))
        separation_id = store.separations.adopt(
            work, attempt=1, hash_=f"h{number}", host="https://mvsep.com", account="me", watermark=0, size_bytes=1,
            duration_s=60.0, day="2026-01-01", now=1.0,
        )  # fmt: skip
        store.db.run("UPDATE separations SET state = 'done', ended_at = 1.0 WHERE id = ?", (separation_id,))
        values = ("published", separation_id, job_id)
        store.db.run("UPDATE jobs SET state = ?, separation_id = ?, finished_at = 1.0 WHERE id = ?", values)
