"""A running daemon takes another configuration: by a signal, by a save, by another token; and never a bad one."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.daemon.world import write_wav
from tests.real.helpers import Place, until

TOKEN, OTHER_TOKEN = "CanaryTokenOfReloads0123456789", "AnotherTokenOfReloads012345678"
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
schedule: {{rescan: 10m}}
limits: {{credits: {{approve_batch_above: null}}}}
folders:
"""
FOLDER = "  - {{path: {name}, settle: {settle}s, sep_type: 40, format: wav}}\n"
WITHIN_S = 30.0


@pytest.fixture
def sandbox():
    with Sandbox(token=TOKEN, speed=50, rate_limit=60_000) as server:
        yield server


class Reloading(Place):
    """A daemon whose configuration is saved again and again."""

    def __init__(self, base: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.token = TOKEN
        super().__init__(base, self.text("drop"))
        (base / "drop").mkdir()

    def text(self, *names: str, settle: float = 0.2) -> str:
        folders = "".join(FOLDER.format(name=name, settle=settle) for name in names)
        return CONFIG.format(token=self.token, base_url=self.sandbox.base_url) + folders

    def save(self, text: str) -> None:
        """Save as an editor does: beside it, then over it."""
        beside = self.config.with_suffix(".new")
        beside.touch(0o600)
        beside.write_text(text)
        beside.rename(self.config)

    def events(self) -> list[dict]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def count(self, event: str) -> int:
        return sum(line.get("event") == event for line in self.events())

    def until_logged(self, event: str, count: int = 1) -> None:
        until(lambda: self.count(event) >= count, within_s=WITHIN_S, tell=self.last_words)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "mvsep_watch", "-c", str(self.config), "--json", *words]


@pytest.fixture
def place(tmp_path, sandbox):
    return Reloading(tmp_path, sandbox)


@pytest.fixture
def daemon(place):
    process = place.start()
    place.until_logged("ready")
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def test_fifty_reloads_while_files_are_dropped_lose_none(place, daemon):
    """Saved and signalled in turn; the folders are heard, not only scanned: the rescan is ten minutes away."""
    (place.base / "more").mkdir()
    for number in range(50):
        write_wav(place.base / ("more" if number % 3 == 0 else "drop") / f"{number:02}.wav", pitch=number + 1)
        place.save(place.text("drop", *([] if number % 2 else ["more"]), settle=0.2 + number % 3 / 10))
        daemon.send_signal(signal.SIGHUP)
        place.until_logged("configuration_taken", number + 1)
    place.save(place.text("drop", "more"))

    until(lambda: place.states() == {"published": 50}, within_s=120, tell=place.tell)

    assert len(place.jobs()) == 50
    assert place.stop(daemon) < 8
    assert [place.count(event) for event in ("bug_met", "thread_died", "configuration_refused")] == [0, 0, 0]


def test_a_folder_that_is_added_is_heard(place, daemon):
    """Its files come as events from then on; one that lay there is found by the scan."""
    (place.base / "more").mkdir()
    write_wav(place.base / "more" / "a.wav", pitch=1)

    place.save(place.text("drop", "more"))
    place.until_logged("configuration_taken")
    until(lambda: place.states() == {"published": 1}, within_s=WITHIN_S, tell=place.tell)
    write_wav(place.base / "more" / "b.wav", pitch=2)

    until(lambda: place.states() == {"published": 2}, within_s=WITHIN_S, tell=place.tell)


def test_a_bad_configuration_is_told_everywhere_and_changes_nothing(place, daemon):
    """In the log, by `status` and by `check`; the one in force works on, and the next good one is taken."""
    place.save(place.text("drop").replace("settle", "setle"))
    place.until_logged("configuration_refused")
    write_wav(place.base / "drop" / "a.wav")
    until(lambda: "published" in place.log.read_text(), within_s=WITHIN_S, tell=place.last_words)

    status = place.ask("status")

    assert status["running"] is True
    assert status["counts"]["published"] == 1
    assert 'did you mean "settle"?' in status["configuration"]["problems"][0]

    place.save(place.text("drop", settle=0.3))
    place.until_logged("configuration_taken")

    assert place.ask("status")["configuration"] is None
    assert daemon.poll() is None


def test_another_service_and_token_begin_anew_as_the_same_process(place, daemon):
    """What was published stays known; what comes is sent with the other token, which no log shows."""
    write_wav(place.base / "drop" / "a.wav", pitch=1)
    until(lambda: place.states() == {"published": 1}, within_s=WITHIN_S, tell=place.tell)

    with Sandbox(token=OTHER_TOKEN, speed=50, rate_limit=60_000) as other:
        place.sandbox, place.token = other, OTHER_TOKEN
        place.save(place.text("drop"))
        place.until_logged("ready", 2)
        write_wav(place.base / "drop" / "b.wav", pitch=2)
        until(lambda: place.states() == {"published": 2}, within_s=WITHIN_S, tell=place.tell)
        pid = place.ask("status")["process"]["pid"]
        took_s = place.stop(daemon)

    assert (pid, place.count("begins_anew")) == (daemon.pid, 1)
    assert took_s < 8
    assert TOKEN not in place.log.read_text()
    assert OTHER_TOKEN not in place.log.read_text()


def test_an_older_state_that_is_put_back_under_a_daemon_is_taken_and_stops_all_spending(place, daemon):
    """What it wrote would be gone with it otherwise; the outputs tell that the other one is older."""
    state = place.base / "mvsep-watch.state.sqlite3"
    with sqlite3.connect(state) as live, sqlite3.connect(place.base / "backup") as copy:
        live.backup(copy)
    write_wav(place.base / "drop" / "a.wav", pitch=1)
    until(lambda: place.states() == {"published": 1}, within_s=WITHIN_S, tell=place.tell)

    (place.base / "backup").rename(state)
    place.until_logged("ready", 2)
    write_wav(place.base / "drop" / "b.wav", pitch=2)
    until(lambda: len(place.jobs()) == 2, within_s=WITHIN_S, tell=place.tell)

    status = place.ask("status")
    assert ([gate["name"] for gate in status["gates"]], status["process"]["pid"]) == (["state"], daemon.pid)
    assert place.count("begins_anew") == 1


def test_a_log_of_the_state_that_is_deleted_loses_nothing(place, daemon):
    """Its owner still has it, and writes it back before it begins anew."""
    write_wav(place.base / "drop" / "a.wav", pitch=1)
    until(lambda: place.states() == {"published": 1}, within_s=WITHIN_S, tell=place.tell)

    (place.base / "mvsep-watch.state.sqlite3-wal").unlink()
    place.until_logged("ready", 2)

    assert place.states() == {"published": 1}
    assert place.ask("status")["gates"] == []


def test_another_token_in_its_file_is_taken_without_a_word(place):
    """As a secret is rotated; the new process is the old one's."""
    token = place.base / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    place.save(place.text("drop").replace(f"token: {TOKEN}", "token_file: token"))
    process = place.start()
    try:
        place.until_logged("ready")
        token.write_text(OTHER_TOKEN)
        place.until_logged("ready", 2)
    finally:
        place.stop(process)

    assert place.count("begins_anew") == 1
    assert OTHER_TOKEN not in place.log.read_text()


def test_once_outside_of_the_hours_says_so(place):
    """And exits with what says that not everything is done."""
    minute = time.localtime(time.time() + 7200).tm_hour
    hours = f'schedule: {{rescan: 10m, hours: "{minute:02}:00-{minute:02}:01"}}'
    place.save(place.text("drop").replace("schedule: {rescan: 10m}", hours))
    write_wav(place.base / "drop" / "a.wav")

    done = subprocess.run(place.command("once"), check=False, capture_output=True, cwd=place.base)
    came_of_it = json.loads(done.stdout)

    assert done.returncode == 3
    assert [gate["name"] for gate in came_of_it["gates"]] == ["hours"]
    assert "uploads begin again at" in came_of_it["gates"][0]["reason"]
    assert [job["state"] for job in came_of_it["left"]] == ["queued"]


def test_systemd_hears_that_it_reloads_and_that_it_is_ready(place, tmp_path, monkeypatch):
    """As sd_notify(3) wants it, with the instant."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(WITHIN_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        process = place.start()
        try:
            said = hear_until(heard, "READY=1")
            place.save(place.text("drop", settle=0.4))
            process.send_signal(signal.SIGHUP)
            said = hear_until(heard, "READY=1")
        finally:
            place.stop(process)

    assert any(line.startswith("RELOADING=1\nMONOTONIC_USEC=") for line in said)


def hear_until(heard, word):
    said = []
    while word not in said:
        said.append(heard.recv(4096).decode())
    return said


def test_a_daemon_whose_terminal_hangs_up_stops(place):
    """What was started by hand does not go on unseen."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mvsep_watch", "-c", str(place.config), "run"],
        cwd=place.base, stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    said = b""
    while b"ready" not in said:
        said += os.read(leader, 4096)

    os.close(leader)
    process.send_signal(signal.SIGHUP)

    assert process.wait(20) == 0


def test_a_configuration_at_a_dead_disk_holds_nothing_up(place, daemon, dead_disk):
    """Files of the folder in force go their way, and a configuration without the disk is taken."""
    (place.base / "more").mkdir()
    place.save(place.text("drop", "dead/music"))
    daemon.send_signal(signal.SIGHUP)
    write_wav(place.base / "drop" / "a.wav", pitch=1)
    until(lambda: place.states() == {"published": 1}, within_s=WITHIN_S, tell=place.last_words)

    place.save(place.text("drop", "more"))

    place.until_logged("configuration_taken")
    assert place.stop(daemon) < 8


def test_a_start_at_a_dead_disk_says_so_and_can_be_stopped(place, dead_disk):
    """It waits for its folder; the disk may come back."""
    place.save(place.text("drop", "dead/music"))
    process = place.start()
    until(lambda: "configuration_waits" in place.last_words(), within_s=WITHIN_S, tell=place.last_words)

    took_s = place.stop(process)

    assert took_s < 2
