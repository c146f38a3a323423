"""Numbers for Prometheus: right, few, and as many with ten thousand files as with none."""

import re
import socket

import pytest

from mvsep_watch.daemon.inbox import Heard, HeardFolder
from mvsep_watch.files.mounts import Mount
from mvsep_watch.model import BatchOrigin, FileStat, GateName, JobState, Metrics
from mvsep_watch.steps.base import Pool
from mvsep_watch.watcher import FolderHealth, Mode
from tests.daemon.world import write_wav

STAT = FileStat(size_bytes=1, mtime_ns=1, ctime_ns=1)
_NAME = r"[a-z_][a-z0-9_]*"
_SAMPLE = re.compile(rf'({_NAME})(?:\{{({_NAME}="(?:[^"\\]|\\.)*")\}})? (-?[0-9.e+]+)')


@pytest.fixture
def measured(world):
    """A world that writes its numbers to a file."""
    world.telling = {"metrics": Metrics(file=world.base / "numbers.prom")}
    return world


def numbers(world):
    """Read the file as Prometheus does: each family has help and type first, and no sample comes twice."""
    found, family = {}, ""
    for line in (world.base / "numbers.prom").read_text().splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert not [name for name in found if name.startswith(family + " ")]
        elif line.startswith("# TYPE "):
            assert line.split()[2:] in ([family, "gauge"], [family, "counter"])
            assert line.endswith("counter") == family.endswith("_total")
        else:
            name, label, value = _SAMPLE.fullmatch(line).groups()
            key = f"{name} {label or ''}".strip()
            assert (name, key in found) == (family, False)
            found[key.removeprefix("mvsep_watch_")] = float(value)
    return found


def again(world):
    world.pass_time(61)
    return numbers(world)


def test_what_was_done_and_spent_is_in_the_file(measured):
    """Written whole, once a minute."""
    measured.start()
    write_wav(measured.drop / "a.wav")
    measured.finish()
    found = again(measured)

    assert found['jobs state="published"'] == found['jobs_reached_total state="published"'] == 1
    assert (found['jobs state="held"'], found['separations state="submitted"']) == (0, 0)
    assert (found["balance_credits"], found["reserved_credits"]) == (999, 0)
    assert found['spent_credits period="day"'] == found['spent_credits period="month"'] == 1
    assert found["uploaded_bytes_total"] == (measured.drop / "a.wav").stat().st_size
    assert found["downloaded_bytes_total"] > 1000
    assert found['requests_total outcome="answered"'] > 5
    assert found['requests_total outcome="silent"'] == 0
    assert (found["running"], found['folder_visible folder="drop"']) == (1, 1)
    assert measured.clock.now() - found['folder_scanned_timestamp_seconds folder="drop"'] < 600
    assert measured.clock.now() - found["gathered_timestamp_seconds"] < 61
    assert [path.name for path in measured.base.glob(".*")] == []


def test_ten_thousand_files_are_not_one_number_more(measured):
    """No label holds a file's name."""
    measured.start()
    measured.pass_time(30)
    before = again(measured)
    source = measured.store.sources.see(
        str(measured.drop / "a.wav"), folder="drop", stat=STAT, state="known",
        now=1.0, bytes_key="b",
    )  # fmt: skip
    batch, now = measured.store.approvals.open_batch("drop", BatchOrigin.SCAN, now=1.0), measured.clock.now()
    with measured.store.transaction():
        for number in range(10_000):
            measured.store.jobs.add(
                source_id=source, bytes_key="b", folder=f"f{number}", rule=f"r{number}", realm="mvsep",
                input_key=f"i{number}", asked="", priority=0, output_root=measured.stems,
                final=measured.stems / str(number), batch_id=batch, now=now,
            )  # fmt: skip
        measured.store.db.run("UPDATE jobs SET state = 'failed'")
    after = again(measured)

    assert after.keys() == before.keys()
    assert len(after) < 60
    assert after['jobs state="failed"'] == 10_000


def test_trouble_is_in_the_numbers(measured):
    """A gate, a folder that is away, a service that does not answer, and dropped events."""
    measured.start()
    health = FolderHealth(mode=Mode.EVENTS, alive=True, watches=7, overflows=2)
    mount = Mount(point="/", fs_type="ext4", source="x")
    measured.engine.inbox.put(Heard({"drop": HeardFolder(mount=mount, is_polled=False, health=health)}))
    measured.pass_time(30)
    measured.drop.rename(measured.base / "away")
    measured.rescan()
    measured.service.fault("user", "drop", "drop")
    measured.engine.desks.service.check_account()
    found = again(measured)

    assert found['folder_visible folder="drop"'] == 0
    assert (found['folder_watches folder="drop"'], found['folder_overflows_total folder="drop"']) == (7, 2)
    assert found['requests_total outcome="silent"'] >= 1
    gates = {key.partition('"')[2][:-1] for key in found if key.startswith("gate_closed")}
    assert gates == set(GateName)


def test_held_and_failed_jobs_are_counted_as_they_come(measured):
    """From the start of the process, whatever becomes of them."""
    measured.start()
    write_wav(measured.drop / "a.wav")
    measured.rescan()
    measured.pass_time(30)
    for _ in range(3):
        job = measured.jobs()[0]
        measured.store.jobs.hold(job, "trouble", now=measured.clock.now(), reason="x", hint="")
        measured.store.jobs.move(measured.jobs()[0], JobState.QUEUED, now=measured.clock.now())

    found = again(measured)
    measured.restart()

    assert found['jobs_reached_total state="held"'] == 3
    assert again(measured)['jobs_reached_total state="held"'] == 0


def test_the_last_numbers_say_that_it_has_ended(measured):
    """So that a daemon that is gone is not taken for one that is well."""
    measured.start()
    measured.pass_time(10)
    measured.engine.desks.measuring.end()

    assert numbers(measured)["running"] == 0


def test_numbers_that_cannot_be_written_are_told_once(measured, capsys):
    """Each way for itself, and nothing else is the matter; they come as soon as they can."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = taken.getsockname()
        measured.telling = {"metrics": Metrics(file=measured.base / "later" / "numbers.prom", listen=listen)}
        measured.start()
        measured.engine.desks.measuring.begin()
        measured.pass_time(600)
    (measured.base / "later").mkdir()
    measured.pass_time(61)
    measured.engine.desks.measuring.end()

    assert capsys.readouterr().out.count("metrics_not_told") == 2
    assert (measured.base / "later" / "numbers.prom").stat().st_mode & 0o777 == 0o644


def test_a_file_that_is_not_done_in_a_minute_is_told_once(measured, capsys):
    """Its disk does not answer; no second one is begun there."""
    measured.start()
    measured.hands.held = {Pool.NUMBERS}
    measured.pass_time(600)

    assert capsys.readouterr().out.count("is still being written") == 1
    assert len(measured.hands.waiting) == 1


def test_without_the_section_nothing_is_gathered(world, monkeypatch):
    """It costs nothing."""
    world.start()
    monkeypatch.setattr(world.engine.desks.measuring, "_families", None)

    world.pass_time(120)

    assert world.engine.desks.measuring.text == ""
