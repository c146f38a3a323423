"""kill -9 at random moments, against a real server: published exactly once, paid exactly once, nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.daemon.world import write_wav

SERVER = """
import sys
from mvsep_watch.sandbox import Sandbox, serve_forever
sandbox = Sandbox(port=0, token="T" * 30, speed=40, credits=10_000, rate_limit=100_000, faults={faults})
serve_forever(sandbox, on_ready=lambda sandbox: print(sandbox.base_url, flush=True))
"""
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
  reconcile: {{window: 2s, interval: 0.4s}}
limits: {{credits: {{approve_batch_above: null}}}}
folders:
  - path: drop
    settle: 0.2s
    rules:
      - {{name: a, sep_type: 40, format: wav}}
      - {{name: b, sep_type: 40, format: wav}}
"""
SONGS = 6


@pytest.fixture
def server(request):
    """A sandbox in a process of its own, which outlives every kill."""
    code = SERVER.format(faults=getattr(request, "param", []))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def start(base: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "mvsep_watch", "-c", str(base / "mvsep-watch.yaml"), "run"]
    log = (base / "log").open("ab")
    with log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=base)


def jobs(base: Path) -> list[dict]:
    command = [sys.executable, "-m", "mvsep_watch", "-c", str(base / "mvsep-watch.yaml"), "jobs", "--all", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, cwd=base).stdout)


def prepare(base: Path, base_url: str) -> None:
    config = base / "mvsep-watch.yaml"
    config.write_text(CONFIG.format(token="T" * 30, base_url=base_url))
    config.chmod(0o600)
    (base / "drop").mkdir()


def wait_for_published(base: Path, count: int, *, within_s: float) -> None:
    """Let one last process finish what is left."""
    process = start(base)
    try:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if Counter(job["state"] for job in jobs(base)) == {"published": count}:
                return
            time.sleep(0.5)
        pytest.fail(f"not all published: {jobs(base)}\n{(base / 'log').read_text()[-5000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    "server",
    [[], [{"kind": "history_lag", "on": "history", "value": 1.5}]],
    ids=["prompt", "history-lags"],
    indirect=True,
)
def test_kills_at_random_moments_neither_lose_nor_repeat(tmp_path, server):
    """Each song is separated once for both of its rules, whatever the kills hit."""
    kills = int(os.environ.get("MVSEP_WATCH_KILLS", "8"))
    chance = random.Random(kills)
    prepare(tmp_path, server)
    write_wav(tmp_path / "drop" / "0.wav", pitch=100)
    wait_for_published(tmp_path, 2, within_s=30)
    for n in range(kills):
        if n < SONGS:
            write_wav(tmp_path / "drop" / f"{n + 1}.wav", pitch=n + 1)
        process = start(tmp_path)
        time.sleep(chance.uniform(0.3, 2.5))
        process.kill()
        process.wait(10)
    songs = min(SONGS, kills) + 1

    wait_for_published(tmp_path, 2 * songs, within_s=90)

    state = httpx.get(f"{server}/sandbox/state", timeout=10).json()
    assert state["creates"]["total"] == songs
    assert set(state["creates"]["by_sha256"].values()) == {1}
    stems = tmp_path / "drop-stems"
    assert sorted(str(path.relative_to(stems)) for path in stems.glob("*/*")) == [
        f"{n}/{rule}" for n in range(songs) for rule in "ab"
    ]
    assert list(stems.rglob("*.part")) == []
