"""`separate` as an installed command: alone, beside a daemon, killed, and interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.real.helpers import Place, until, write_song

CONFIGURATION = """\
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
folders:
  - {{path: drop, output: stems, settle: 1s, sep_type: 40, format: flac}}
"""


@pytest.fixture
def server():
    with Sandbox(speed=50, rate_limit=6000) as server:
        yield server


@pytest.fixture
def place(tmp_path, server):
    (tmp_path / "drop").mkdir()
    return Place(tmp_path, CONFIGURATION.format(token=server.token, base_url=server.base_url))


@pytest.fixture
def song(tmp_path):
    return write_song(tmp_path / "desk" / "Take Five.flac", seconds=5, pitch=2)


def words(place, song, *more):
    return place.command("separate", str(song), "--sep-type", "40", "--format", "flac", "-o", "out", *more)


def separate(place, song, *more):
    return subprocess.run(words(place, song, *more), check=False, capture_output=True, text=True, cwd=place.base)


def begin(place, song):
    return subprocess.Popen(words(place, song), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=place.base)


def outputs(place):
    return sorted(path.name for path in (place.base / "out" / "Take Five").iterdir())


def test_a_daemon_does_it_and_a_second_call_pays_nothing(place, song, server):
    """The command waits, and tells where the outputs are."""
    process = place.start()
    try:
        until(place.config.with_name("mvsep-watch.state.sqlite3.lock").exists, within_s=20)
        first = separate(place, song)
        second = separate(place, song, "--json")
    finally:
        place.stop(process)

    assert (first.returncode, second.returncode) == (0, 0), place.last_words() + first.stderr
    assert outputs(place) == ["Other.flac", "Vocals.flac", "mvsep-watch.json"]
    assert json.loads(second.stdout)["credits"]["spent"] == 0
    assert len(server.service.jobs) == 1


def test_a_command_that_is_killed_is_begun_again_and_pays_once(place, song, server):
    """Without a daemon: the state remembers."""
    server.service.speed = 2
    process = begin(place, song)
    until(lambda: place.states()["submitted"], within_s=30)
    process.kill()
    process.communicate()
    server.service.speed = 50

    again = separate(place, song)

    assert again.returncode == 0, again.stderr
    assert len(server.service.jobs) == 1


def test_a_daemon_that_is_killed_leaves_the_rest_to_the_command(place, song, server):
    """Which takes the state, and pays once."""
    server.service.speed = 2
    daemon = place.start()
    until(place.config.with_name("mvsep-watch.state.sqlite3.lock").exists, within_s=20)
    process = begin(place, song)
    until(lambda: place.states()["submitted"], within_s=30)
    daemon.kill()
    daemon.wait()
    server.service.speed = 50

    _, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    assert len(server.service.jobs) == 1


def test_ctrl_c_leaves_the_daemon_working(place, song):
    """The command ends with 130, and the outputs come all the same."""
    daemon = place.start()
    try:
        until(place.config.with_name("mvsep-watch.state.sqlite3.lock").exists, within_s=20)
        process = begin(place, song)
        until(lambda: "job_queued" in place.log.read_text(), within_s=30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        until(lambda: place.states() == {"published": 1}, within_s=60, tell=place.tell)
    finally:
        place.stop(daemon)

    assert (process.returncode, b"the daemon goes on with it" in said) == (130, True)


def test_without_a_configuration_it_is_the_users_own(tmp_path, song, server):
    """A token is all that it takes; the other commands find its state."""
    environ = {**os.environ, "HOME": str(tmp_path), "MVSEP_API_TOKEN": server.token, "MVSEP_BASE_URL": server.base_url}
    environ = {name: value for name, value in environ.items() if not name.startswith(("XDG_", "MVSEP_WATCH"))}
    command = [sys.executable, "-m", "mvsep_watch"]
    said = {"env": environ, "cwd": song.parent, "check": False, "capture_output": True, "text": True}

    done = subprocess.run([*command, "separate", song.name, "--sep-type", "40"], **said)  # noqa: PLW1510 - in `said`
    listed = subprocess.run([*command, "jobs", "--json"], **said)  # noqa: PLW1510 - in `said`

    assert done.returncode == 0, done.stderr
    assert sorted(path.suffix for path in (song.parent / "Take Five").iterdir()) == [".json", ".mp3", ".mp3"]
    assert [job["state"] for job in json.loads(listed.stdout)] == ["published"]
