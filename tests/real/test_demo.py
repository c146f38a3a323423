"""The demo as a new user meets it: twice, and interrupted."""

import json
import signal
import subprocess
import sys
import time

COMMAND = [sys.executable, "-m", "mvsep_watch", "demo"]
STEMS = ["Bass", "Drums", "Guitar", "Instrumental", "Other", "Piano", "Vocals"]


def demo(folder, *words):
    began = time.monotonic()
    ended = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=40, check=False)
    return ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began


def test_the_first_demo_makes_stems_and_the_second_finds_them(tmp_path):
    """Within 30 seconds, with a tree, what it cost, and what to do next; then nothing is uploaded."""
    code, out, err, took_s = demo(tmp_path)
    song = tmp_path / "mvsep-watch-demo" / "stems" / "Paper Boats"
    before = {path: path.stat().st_mtime_ns for path in song.iterdir()}

    code_again, out_again, err_again, _ = demo(tmp_path)

    assert (code, err, took_s < 30) == (0, "", True)
    assert sorted(path.stem for path in song.glob("*.flac")) == STEMS
    assert all(f"{stem}.flac" in out for stem in STEMS)
    assert "Paper Boats.wav: uploading" in out
    assert "1 credit spent, 99 left" in out
    assert "What to do next" in out
    assert (code_again, err_again) == (0, "")
    assert "Everything was done before: nothing was uploaded, and nothing was spent." in out_again
    assert {path: path.stat().st_mtime_ns for path in song.iterdir()} == before


def test_an_interrupted_demo_ends_cleanly_and_the_next_begins_anew(tmp_path):
    """Its sandbox took the work with it; nobody has to tidy up."""
    with subprocess.Popen([*COMMAND, "--dir", "here"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        next(line for line in process.stdout if "in the queue" in line or "being separated" in line)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=10)

    code, out, _, _ = demo(tmp_path, "--dir", "here", "--json")

    told = json.loads(out)
    assert (process.returncode, "interrupted" in rest) == (130, True)
    assert (code, told["uploads"], len(told["files"])) == (0, 1, 8)
    assert (tmp_path / "here" / "interrupted-1").is_dir()
