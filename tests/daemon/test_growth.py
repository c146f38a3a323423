"""A daemon that has nothing new to do for a year remembers no more at its end than at its beginning."""

from dataclasses import replace

import pytest

from mvsep_watch.daemon.inbox import Bell
from mvsep_watch.model import CreditLimits, Limits
from mvsep_watch.store import requests
from tests.daemon.test_requests import append
from tests.daemon.world import write_wav

DAY_S = 86_400.0
WARM_UP, WHILE = 3, 9
"""Months: what is bounded has reached its bound after the first few."""


@pytest.fixture
def house(world):
    """One job published, one that the service failed on, one that waits for a limit, one file refused."""
    world.limits = Limits(max_duration_s=10.0, credits=CreditLimits(approve_batch_above=None))
    write_wav(world.drop / "fine.wav", seconds=1.0, pitch=1)
    write_wav(world.drop / "failing.wav", seconds=2.0, pitch=2)
    write_wav(world.drop / "long.wav", seconds=11.0, pitch=3)
    (world.drop / "words.wav").write_text("no music")
    world.start()
    world.pass_time(20.0)
    failing = next(hash_ for hash_, job in world.service.jobs.items() if "failing" in hash_)
    world.service.finish(failing, status="failed", message="Job failed")
    world.finish()
    assert sorted(world.states()) == ["held", "published", "queued"]
    return world


def rows(world):
    """Count the rows of every table, and the pages of the file."""
    tables = [row[0] for row in world.store.db.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {name: world.store.db.value(f"SELECT count(*) FROM {name}") for name in tables}
    return {**counts, "pages": world.store.db.value("PRAGMA page_count")}


def live_for_a_month(world):
    """Scans, probes and polls; the service away and back; a folder away and back; a reload; commands; a restart."""
    for _ in range(3):
        world.clock.at += 10 * DAY_S
        world.engine.inbox.put(Bell("rescan"))
        world.engine.inbox.put(Bell("account"))
        world.settle()
    world.service.fault("user", *["http_503"] * 5)
    world.engine.inbox.put(Bell("account"))
    world.pass_time(120.0, step_s=30.0)
    aside = world.drop.rename(world.base / "aside")
    world.rescan()
    aside.rename(world.drop)
    world.engine.reload(replace(world.config(), rescan_s=world.clock.at))
    world.rescan()
    for command in ("pause", "resume"):
        append(world, command, folders=["drop"])
    held = next(job for job in world.jobs() if job.state == "held")
    append(world, "retry", jobs=[{"id": held.id}])
    append(world, "explain", path=str(world.drop / "words.wav"))
    world.settle()
    world.restart()
    world.settle()


def test_a_year_of_nothing_new_leaves_the_state_as_large_as_it_was(house, monkeypatch):
    """Whatever is rung, looked through, asked for and refused."""
    monkeypatch.setattr(requests, "ANSWERED_KEPT", 8)
    for _ in range(WARM_UP):
        live_for_a_month(house)
    before = rows(house)

    for _ in range(WHILE):
        live_for_a_month(house)

    assert rows(house) == before
    assert before["requests"] == requests.ANSWERED_KEPT
