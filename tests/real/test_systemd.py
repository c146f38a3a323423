"""The unit, as far as it can be tried without an init: its syntax, its hardening, and what the daemon tells systemd."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mvsep_watch.data
from mvsep_watch.cli.installing import Asked, install
from mvsep_watch.sandbox import Sandbox

UNITS = Path(mvsep_watch.data.__file__).parent / "systemd"
UNIT = UNITS / "system" / "mvsep-watch.service"
USER_UNIT = UNITS / "user" / "mvsep-watch.service"

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@needs_analyze
def test_the_unit_is_valid():
    """systemd reads it without a word."""
    done = subprocess.run(["systemd-analyze", "verify", UNIT], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


@needs_analyze
def test_the_users_unit_is_valid(tmp_path):
    """A user's own manager reads it without a word, and finds nothing in it that needs root."""
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", USER_UNIT],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_both_units_run_the_daemon_alike():
    """What is not about users and folders is the same in both: restarts, time-outs, reloading."""
    keys = ("Type", "ExecReload", "Restart", "RestartSec", "RestartPreventExitStatus", "NotifyAccess", "WatchdogSec")
    said = [
        {key: re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE) for key in keys}
        for unit in (UNIT, USER_UNIT)
    ]

    assert said[0] == said[1]
    assert said[0]["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


@needs_analyze
def test_the_unit_is_hardened():
    """The offline exposure stays under 2.0, of 10."""
    command = ["systemd-analyze", "security", "--offline=true", UNIT]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1])
    assert exposure < 2.0


@needs_analyze
def test_what_is_installed_for_a_configuration_is_valid_and_as_hardened(tmp_path):
    """With odd names, a configuration elsewhere and a token; the folders that it may write in are the only way out."""
    drop = tmp_path / 'my "drop" 100%'
    drop.mkdir()
    (tmp_path / "c.yaml").write_text(f"folders: [{{path: {json.dumps(str(drop))}, sep_type: 40, source: delete}}]\n")
    installed = install(
        Asked(config=tmp_path / "c.yaml", environ={}, is_users=False, yes=True, units=(tmp_path / "units",))
    )
    verified = subprocess.run(
        ["systemd-analyze", "verify", installed.unit], check=False, capture_output=True, text=True
    )
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", installed.unit], check=False, capture_output=True, text=True
    )

    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", judged.stdout)[1])
    assert len(installed.needs.writes) == 3
    assert (verified.returncode, verified.stderr) == (0, "")
    assert exposure < 2.0


@pytest.fixture
def notify_socket(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(15)
        yield path, listener


def messages_until(listener, wanted, heard):
    """Listen until a message with each of the beginnings was heard; at most 20 s."""
    deadline = time.monotonic() + 20
    while not all(any(message.startswith(start) for message in heard) for start in wanted):
        assert time.monotonic() < deadline, f"of {wanted} only {heard} came"
        heard.append(listener.recv(4096).decode())


def test_systemd_hears_ready_status_and_life(tmp_path, notify_socket):
    """READY after the first scan, WATCHDOG while everything makes progress, STOPPING at the end."""
    path, listener = notify_socket
    (tmp_path / "drop").mkdir()
    config = tmp_path / "c.yaml"
    with Sandbox(speed=50) as sandbox:
        service = f"mvsep: {{token: {sandbox.token}, base_url: {sandbox.base_url}}}\n"
        config.write_text(service + "folders: [{path: drop, sep_type: 40}]\n")
        config.chmod(0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", "mvsep_watch", "-c", config, "run"],
            env={**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"},
            stderr=subprocess.DEVNULL,
        )
        try:
            heard = []
            messages_until(listener, ["READY=1", "WATCHDOG=1", "STATUS="], heard)
            process.send_signal(signal.SIGTERM)
            messages_until(listener, ["STOPPING=1"], heard)
            code = process.wait(8)
        finally:
            process.kill()
            process.wait()

    assert code == 0
    assert heard.index("READY=1") < heard.index("STOPPING=1")
