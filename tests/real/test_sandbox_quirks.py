"""The daemon against the service's quirks: whatever answers look like, a file becomes stems, and is paid for once."""

import os
import subprocess
import sys

import pytest

from mvsep_watch.sandbox import Sandbox, write_song

TOKEN = "q1" * 15
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
  reconcile: {{window: 4s, interval: 1s}}
folders:
  - path: drop
    output: stems
    settle: 0.2s
    sep_type: 40
"""
SHAPES = ("string_success", "data_message", "plain_slashes", "bare_waiting", "empty_done", "other_host", "subfolder")
NEWER = ("extra_keys", "split", "algorithms_2024", "model_renamed")


@pytest.mark.parametrize(
    "faults",
    [
        [{"quirk": name} for name in SHAPES],
        [{"quirk": name} for name in NEWER],
        [{"quirk": "html_503", "on": "get", "every": 2}, {"quirk": "no_bytes"}],
        [{"quirk": "rate_limit", "on": "get", "every": 2}],
        [{"quirk": "lost_create"}],
    ],
    ids=["shapes", "newer", "outage", "rate_limit", "lost_create"],
)
def test_a_file_becomes_stems_and_is_paid_for_once(tmp_path, faults):
    """In one go, with nothing left to a person."""
    write_song(tmp_path / "drop.wav", seconds=1)
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop.wav").rename(tmp_path / "drop" / "song.wav")
    with Sandbox(token=TOKEN, speed=50, rate_limit=6000, faults=tuple(faults)) as sandbox:
        config = tmp_path / "mvsep-watch.yaml"
        config.write_text(CONFIG.format(token=TOKEN, base_url=sandbox.base_url))
        config.chmod(0o600)

        done = subprocess.run(
            [sys.executable, "-m", "mvsep_watch", "once"],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

        state = sandbox.state()

    stems = {path.name for path in (tmp_path / "stems" / "song").glob("*.mp3")}
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stdout + done.stderr
    assert stems == {"Vocals.mp3", "Other.mp3"}
    assert (len(state["jobs"]), state["credits"]) == (1, 99)
