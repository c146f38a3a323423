"""A state in a fresh folder, and short ways to put work into it."""

import pytest

from mvsep_watch.model import BatchOrigin, FileStat, Settings, Work
from mvsep_watch.store import Store

DAY = "2026-03-01"
WORK = Work(realm="mvsep", input_key="sha256:" + "a" * 64, settings=Settings(sep_type=40))


class Desk:
    """Puts sources, jobs and separations into a store, with values that a test does not care about."""

    def __init__(self, store):
        self.store = store

    def stat(self, **changes):
        return FileStat(**{"size_bytes": 10, "mtime_ns": 1, "ctime_ns": 2} | changes)

    def source(self, path="/drop/a.wav", **changes):
        values = {"folder": "drop", "stat": self.stat(), "state": "known", "now": 1.0, "bytes_key": WORK.input_key}
        return self.store.sources.see(path, **values | changes)

    def job(self, *, source_id=None, batch_id=None, **changes):
        values = {
            "source_id": source_id or self.source(),
            "folder": "drop",
            "rule": "vocals",
            "realm": "mvsep",
            "input_key": WORK.input_key,
            "bytes_key": WORK.input_key,
            "asked": "[40]",
            "priority": 0,
            "output_root": "/out",
            "final": "/out/a",
            "batch_id": batch_id or self.store.approvals.open_batch("drop", BatchOrigin.SCAN, now=1.0),
            "now": 1.0,
        }
        return self.store.jobs.get(self.store.jobs.add(**values | changes))

    def intent(self, work=WORK, **changes):
        values = {
            "attempt": 1,
            "upload_name": "mw-a.wav",
            "host": "https://mvsep.com",
            "account": "me",
            "watermark": 0,
            "size_bytes": 10,
            "duration_s": 60.0,
            "price": 5,
            "day": DAY,
            "now": 1.0,
        }
        return self.store.separations.get(self.store.separations.intend(work, **values | changes))

    def again(self, row):
        return self.store.separations.get(row.id)

    def transitions(self):
        rows = self.store.db.all("SELECT subject, from_state, to_state, reason FROM transitions ORDER BY id")
        return [tuple(row) for row in rows]

    def ledger(self):
        return [tuple(row) for row in self.store.db.all("SELECT day, entry, credits FROM ledger ORDER BY id")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.sqlite3"


@pytest.fixture
def store(path):
    store = Store(path)
    yield store
    store.close()


@pytest.fixture
def desk(store):
    return Desk(store)
