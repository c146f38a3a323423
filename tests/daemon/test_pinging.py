"""The watching service hears that all is well only when it is."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from mvsep_watch.daemon.inbox import Heard, HeardFolder
from mvsep_watch.files.mounts import Mount
from mvsep_watch.model import Gate, GateName, Ping
from mvsep_watch.steps.base import Pool
from mvsep_watch.watcher import FolderHealth, Mode
from mvsep_watch.watcher import Trouble as Deaf
from tests.daemon.world import write_wav

GATE = Gate(name=GateName.CREDITS, reason="none left")
PING = Ping(success="ok", start="begin", fail="ill", interval_s=300.0)


@pytest.fixture
def watched(world):
    """A world that a service watches."""
    world.telling = {"ping": PING}
    return world


def begin(world):
    world.start()
    world.engine.desks.pinging.begin()
    world.settle()


def live(world, seconds):
    """Let time go by as it does in the daemon, with a full scan every five minutes."""
    for _ in range(int(seconds / 300)):
        world.pass_time(300, step_s=30)
        world.rescan()


def said(world):
    return [url for url, _ in world.letterbox.pings]


def test_it_says_that_it_starts_and_then_that_all_is_well_once_an_interval(watched):
    """Jobs that wait for a person, and an empty purse, are no illness."""
    begin(watched)
    watched.service.account.credits = 0
    write_wav(watched.drop / "a.wav")
    watched.store.memory.close_gate(GATE)

    live(watched, 900)

    assert said(watched) == ["begin", "ok", "ok", "ok", "ok"]


def test_nothing_is_well_without_a_complete_scan(watched):
    """The daemon lives, and its scans do not come back: the service hears nothing, and raises the alarm."""
    begin(watched)
    watched.hands.held = {Pool.SCANNING}

    live(watched, 1800)
    silent = said(watched)
    live(watched, 2400)

    assert (silent, said(watched)[2]) == (["begin", "ok"], "ill")
    assert "it hangs" in watched.letterbox.pings[2][1]


def test_a_folder_that_is_away_is_told_after_a_minute_and_again(watched):
    """With the reason; and at once that it is back."""
    begin(watched)
    away = watched.drop.rename(watched.base / "away")
    watched.rescan()
    watched.pass_time(50)
    early = said(watched)
    watched.pass_time(30)
    ill = said(watched)
    live(watched, 600)
    away.rename(watched.drop)
    watched.rescan()
    watched.pass_time(10)

    assert (early, ill) == (["begin", "ok"], ["begin", "ok", "ill"])
    assert said(watched) == ["begin", "ok", "ill", "ill", "ill", "ok"]
    assert "drop cannot be seen: " in watched.letterbox.pings[2][1]


def test_a_service_that_does_not_answer_is_told(watched):
    """The gate says so; nothing else is wrong."""
    begin(watched)
    watched.service.fault("user", *["drop"] * 100)

    live(watched, 600)

    assert said(watched)[:3] == ["begin", "ok", "ill"]
    assert "gate service is closed" in watched.letterbox.pings[2][1]
    assert "ok" not in said(watched)[2:]


def test_a_service_that_was_not_asked_is_no_service_that_answers(watched):
    """The bell that has the account read is dead: silence."""
    begin(watched)
    watched.engine.desks.service.check_account = lambda: None

    live(watched, 1800)

    assert said(watched) == ["begin", "ok", "ok"]


def test_a_watcher_that_is_dead_is_told(watched):
    """Although the folder is looked through meanwhile."""
    begin(watched)
    broken = FolderHealth(mode=Mode.EVENTS, alive=False, trouble=Deaf.BROKEN)
    mount = Mount(point="/", fs_type="ext4", source="x")
    watched.engine.inbox.put(Heard({"drop": HeardFolder(mount=mount, is_polled=False, health=broken)}))

    live(watched, 300)

    assert said(watched) == ["begin", "ok", "ill"]


def test_trouble_of_less_than_a_minute_is_not_told(watched):
    """Nor is it well meanwhile."""
    begin(watched)
    for _ in range(10):
        watched.engine.context.close_gate("disk", "away", scope="x")
        watched.pass_time(40)
        watched.engine.context.open_gate("disk", scope="x")
        watched.pass_time(40)

    assert set(said(watched)) == {"begin", "ok"}


def test_a_ping_that_is_not_taken_is_tried_again(watched):
    """Soon, and not in the next interval; the log is told once."""
    watched.letterbox.refused = {"ok"}
    with capture_logs() as logged:
        begin(watched)
        watched.pass_time(100)
        watched.letterbox.refused = set()
        watched.pass_time(120)

    assert said(watched) == ["begin", "ok"]
    assert [line["event"] for line in logged if line["event"].startswith("ping_")] == ["ping_not_taken", "ping_taken"]


def test_without_an_address_for_it_an_illness_is_kept_silent_about(world):
    """And so is the start."""
    world.telling = {"ping": replace(PING, start="", fail="")}
    begin(world)
    away = world.drop.rename(world.base / "away")
    world.rescan()
    live(world, 900)
    away.rename(world.drop)
    world.rescan()
    world.pass_time(10)

    assert said(world) == ["ok", "ok"]


def test_what_only_runs_once_pings_nobody(watched):
    """Its exit code says it."""
    watched.start()

    live(watched, 600)

    assert said(watched) == []


def test_another_address_is_taken_as_it_runs(watched):
    """With a start of its own."""
    begin(watched)
    watched.telling = {"ping": replace(PING, success="other")}

    watched.engine.reload(watched.config())
    watched.pass_time(60)

    assert said(watched) == ["begin", "ok", "begin", "other"]
