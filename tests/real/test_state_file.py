"""The state file on a real disk that fills up, under real processes that are killed, and beside a deleted lock file."""

import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.daemon.world import write_wav
from tests.real.helpers import until

TOKEN = "CanaryTokenOfTheStateFile01234"
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
state: {state}
schedule: {{rescan: 2s}}
folders:
  - {{path: drop, output: stems, settle: 0.2s, sep_type: 40, format: wav}}
"""


@pytest.fixture
def sandbox():
    with Sandbox(token=TOKEN, speed=50, rate_limit=6000) as server:
        yield server


@pytest.fixture
def disk(tmp_path):
    """A disk of 40 MB of its own."""
    point = tmp_path / "disk"
    point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", point], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"mount refused: {mounted.stderr.strip()}")
    yield point
    subprocess.run(["umount", "--lazy", point], check=True)


class Home:
    """A configured place, and commands run in it."""

    def __init__(self, base: Path, sandbox: Sandbox, state: Path) -> None:
        self.base, self.state, self.processes = base, state, []
        self.drop = base / "drop"
        self.drop.mkdir()
        self.config = base / "mvsep-watch.yaml"
        self.config.write_text(CONFIG.format(token=TOKEN, base_url=sandbox.base_url, state=state))
        self.config.chmod(0o600)
        self.log = base / "log"

    def start(self, *words):
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "mvsep_watch", *words]
            self.processes.append(subprocess.Popen(command, cwd=self.base, stdout=log, stderr=log))
        return self.processes[-1]

    def run(self, *words):
        command = [sys.executable, "-m", "mvsep_watch", *words]
        return subprocess.run(command, cwd=self.base, check=False, capture_output=True, text=True, timeout=60)

    def said(self, text):
        return self.log.exists() and text in self.log.read_text()

    def tell(self):
        return self.log.read_text()[-4000:]

    def end(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        return process.wait(20)


@pytest.fixture
def homes(tmp_path, sandbox):
    made = []

    def make(state=tmp_path / "state.sqlite3"):
        made.append(Home(tmp_path, sandbox, state))
        return made[-1]

    yield make
    for home in made:
        for process in home.processes:
            process.kill()
            process.wait()


def fill(path):
    """Write until the disk is full to its last byte; it must be one of its own."""
    assert path.parent.is_mount()
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass


def test_a_full_disk_under_the_state_is_waited_for(homes, disk, sandbox):
    """Nothing is sent, the daemon lives, one notice; with space again everything goes on."""
    home = homes(disk / "state.sqlite3")
    write_wav(home.drop / "first.wav", pitch=1)
    process = home.start("run")
    until(lambda: home.said("job_published"), within_s=40, tell=home.tell)
    ballast = disk / "ballast"
    fill(ballast)
    until(lambda: home.said("hardly any space"), within_s=20, tell=home.tell)
    write_wav(home.drop / "second.wav", pitch=2)
    is_alive = process.poll() is None
    sent = len(sandbox.service.jobs)

    ballast.unlink()
    until(lambda: home.log.read_text().count("job_published") == 2, within_s=40, tell=home.tell)
    code = home.end(process)

    assert (is_alive, sent, code, len(sandbox.service.jobs)) == (True, 1, 0, 2)
    assert home.log.read_text().count("hardly any space") == 1
    assert "Traceback" not in home.log.read_text()


@pytest.mark.parametrize("has_run", [True, False], ids=["known", "new"])
def test_a_disk_that_is_full_already_at_start_is_waited_for(homes, disk, sandbox, has_run):
    """One notice, no end; what is known can be read; with space the work is taken up, in the same process."""
    home = homes(disk / "state.sqlite3")
    write_wav(home.drop / "first.wav", pitch=1)
    if has_run:
        assert home.run("once").returncode == 0
    ballast = disk / "ballast"
    fill(ballast)
    write_wav(home.drop / "second.wav", pitch=2)
    ended = home.run("once").returncode
    process = home.start("run")
    until(lambda: home.said("hardly any space"), within_s=20, tell=home.tell)
    status = json.loads(home.run("status", "--json").stdout)
    is_alive = process.poll() is None

    ballast.unlink()
    until(lambda: home.log.read_text().count("job_published") == 2 - has_run, within_s=40, tell=home.tell)
    code = home.end(process)

    assert (ended, is_alive, status["counts"]["published"], code) == (4, True, int(has_run), 0)
    assert (home.log.read_text().count("hardly any space"), len(sandbox.service.jobs)) == (1, 2)


def test_a_daemon_that_waits_for_space_can_be_told_to_stop(homes, disk):
    """It ends as it always does; and not by a word to reload."""
    home = homes(disk / "state.sqlite3")
    fill(disk / "ballast")
    process = home.start("run")
    until(lambda: home.said("hardly any space"), within_s=20, tell=home.tell)

    process.send_signal(signal.SIGHUP)
    assert home.end(process) == 0
    assert "told_to_stop" in home.log.read_text()


def test_two_daemons_never_run_on_one_state_though_the_lock_file_is_deleted(homes):
    """The second says that it is in use."""
    home = homes()
    first = home.start("run")
    until(lambda: home.said("ready"), within_s=20, tell=home.tell)
    home.state.with_name(f"{home.state.name}.lock").unlink()

    second = home.run("once")

    assert (second.returncode, first.poll()) == (5, None)
    assert "is in use by" in second.stderr
    assert home.end(first) == 0


def test_a_state_that_is_damaged_and_lost_pays_nothing_again(homes, sandbox):
    """Healed by the next `once`; and after the file is gone, by `rebuild`."""
    home = homes()
    write_wav(home.drop / "song.wav")
    assert home.run("once").returncode == 0
    home.state.write_bytes(home.state.read_bytes()[:9000])

    looked = home.run("status")
    healed = home.run("once")
    home.state.unlink()
    gated = home.run("once")
    rebuilt = home.run("rebuild", "--yes", "--json")
    again = home.run("once")

    assert (looked.returncode, healed.returncode, gated.returncode) == (4, 0, 4)
    assert "state_damaged" in healed.stderr
    assert "mvsep-watch rebuild" in gated.stdout
    assert (rebuilt.returncode, json.loads(rebuilt.stdout)["jobs_restored"], again.returncode) == (0, 1, 0)
    assert len(sandbox.service.jobs) == 1


def test_a_rebuild_that_is_interrupted_is_finished_by_the_next(homes):
    """Killed at some moment; the gate is closed until then."""
    home = homes()
    write_wav(home.drop / "song.wav")
    assert home.run("once").returncode == 0
    home.state.unlink()
    process = home.start("rebuild", "--yes")
    until(home.state.exists, within_s=20, tell=home.tell)
    process.kill()
    process.wait()

    between = home.run("once").returncode
    code = home.run("rebuild", "--yes").returncode

    assert between in (0, 4)
    assert (code, home.run("once").returncode) == (0, 0)
