"""`run` and `once` as processes: signals, a second instance, a kill, and a terminal."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.daemon.world import write_wav

TOKEN = "CanaryTokenOfTheProcesses01234"
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
folders:
  - {{path: drop, output: stems, settle: 0.2s, sep_type: 40, format: wav}}
"""


@pytest.fixture
def sandbox():
    with Sandbox(token=TOKEN, speed=50, rate_limit=6000) as server:
        yield server


@pytest.fixture
def home(tmp_path, sandbox):
    (tmp_path / "drop").mkdir()
    config = tmp_path / "mvsep-watch.yaml"
    config.write_text(CONFIG.format(token=TOKEN, base_url=sandbox.base_url))
    config.chmod(0o600)
    return tmp_path


@pytest.fixture
def start(home):
    """Start a command in its own process; what still runs at the end is killed."""
    processes = []

    def start(*words, **kwargs):
        command = [sys.executable, "-m", "mvsep_watch", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **kwargs}
        processes.append(subprocess.Popen(command, cwd=home, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(claim, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def read_until(process, text):
    """Read the log up to the line with a text."""
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"the log ended without {text}")


def end(process, number, timeout_s=8.0):
    """Send a signal: (exit code, stdout, stderr, seconds until the end)."""
    before = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=timeout_s)
    return process.returncode, out, err, time.monotonic() - before


def tree(folder: Path):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_run_separates_what_is_dropped_and_ends_with_0_on_sigterm(start, home):
    """The service's way: an event, the stems, a stop."""
    process = start("run")
    read_until(process, "ready")

    write_wav(home / "drop" / "song.wav")
    read_until(process, "job_published")
    code, _, err, took_s = end(process, signal.SIGTERM)

    assert (code, took_s < 8) == (0, True)
    assert {"song/Vocals.wav", "song/mvsep-watch.json"} <= set(tree(home / "stems"))
    assert "Traceback" not in err


def test_run_ends_with_130_on_ctrl_c(start):
    """As every program that a person interrupts."""
    process = start("run")
    read_until(process, "ready")

    code, _, err, took_s = end(process, signal.SIGINT)

    assert (code, took_s < 8, "Traceback" in err) == (130, True, False)


def test_a_second_signal_ends_at_once(start, home, sandbox):
    """Even while the answer to an upload is awaited; the unknown outcome is found again."""
    sandbox.faults.add({"kind": "slow_answer", "on": "create", "when": "after", "value": 8})
    write_wav(home / "drop" / "song.wav")
    process = start("run")
    wait_for(lambda: sandbox.service.jobs)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    is_waiting = process.poll() is None

    code, _, err, took_s = end(process, signal.SIGTERM)

    assert (is_waiting, code, "Traceback" in err, took_s < 3) == (True, 0, False, True)


@pytest.mark.parametrize(
    ("number", "words", "code"), [("TERM", ["run"], 0), ("INT", ["run"], 130), ("INT", ["jobs"], 130)]
)
@pytest.mark.parametrize("after_s", [0.0, 0.15])
def test_a_stop_in_the_first_moments_is_one_like_any_other(start, home, number, words, code, after_s):
    """While modules are imported, while the state is opened: no traceback, and the exit code of a stop.

    Python that was interrupted in the making of a dataclass ends by the signal itself, which a shell calls 130 as well.
    """
    process = start(*words, env={**os.environ, "PYTHONPATH": str(heard_from_the_first_line(home))})
    assert process.stdout.readline() == "heard\n"
    time.sleep(after_s)

    got, _, err, _ = end(process, getattr(signal, f"SIG{number}"))

    assert (got in {code, 4, -signal.SIGINT} if words == ["jobs"] else got == code, "Traceback" in err) == (True, False)


def heard_from_the_first_line(home):
    """Give a folder that lets a process say when its signals are heard, which is the moment that it is told to stop."""
    (home / "said").mkdir(exist_ok=True)
    (home / "said" / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "def told(mask, numbers, real=signal.pthread_sigmask):\n"
        "    real(mask, numbers)\n"
        "    signal.pthread_sigmask = real\n"
        "    print('heard', flush=True)\n"
        "signal.pthread_sigmask = told\n"
    )
    return home / "said"


def test_a_word_to_reload_in_the_first_moments_ends_nothing(start, home):
    """It is read as soon as it can be."""
    process = start("--json", "run", env={**os.environ, "PYTHONPATH": str(heard_from_the_first_line(home))})
    assert process.stdout.readline() == "heard\n"
    process.send_signal(signal.SIGHUP)

    read_until(process, "ready")

    assert end(process, signal.SIGTERM)[0] == 0


def test_a_second_instance_exits_with_5_and_names_the_first(start):
    """Two daemons on one state would pay twice."""
    first = start("run")
    read_until(first, "ready")

    second = start("once")
    _, err = second.communicate(timeout=10)

    assert second.returncode == 5
    assert f"is in use by process {first.pid} (" in err


def test_once_after_a_kill_goes_on_and_pays_once(start, home, sandbox):
    """kill -9 while the server has the work; the rest is done by the next."""
    write_wav(home / "drop" / "song.wav")
    killed = start("once", "--debug")
    read_until(killed, "separation_submitted")
    killed.kill()
    killed.communicate()

    again = start("once", "--json")
    out, _ = again.communicate(timeout=20)

    told = json.loads(out)
    assert (again.returncode, len(told["published"]), told["left"]) == (0, 1, [])
    assert len(sandbox.service.jobs) == 1


def test_once_a_second_time_has_nothing_to_do(start, home, sandbox):
    """It uploads nothing and says so."""
    write_wav(home / "drop" / "song.wav")
    first = start("once").communicate(timeout=20)

    second = start("once").communicate(timeout=20)

    assert first[0] == "1 published\n1 credit spent, 99 left\n"
    assert second[0] == "nothing to do: everything is done\n"
    assert sandbox.api.record.requests["create"] == 1


def test_once_in_a_pipe_tells_each_thing_once(start, home):
    """A line for what is published, and the sum; a mail from cron has no more."""
    write_wav(home / "drop" / "song.wav")

    out, err = start("once").communicate(timeout=20)

    assert err == f"published  song.wav, 2 stems in {home}/stems/song\n"
    assert out.startswith("1 published\n")


def test_once_with_a_refused_token_needs_a_person(start, home):
    """Exit code 4, the reason, and the token nowhere."""
    config = home / "mvsep-watch.yaml"
    config.write_text(config.read_text().replace(TOKEN, "WrongTokenOfTheProcesses012345"))
    write_wav(home / "drop" / "song.wav")

    process = start("once")
    out, err = process.communicate(timeout=20)

    assert process.returncode == 4
    assert "gate token is closed" in out
    assert "WrongToken" not in out + err


def test_once_shows_what_is_under_way_in_a_terminal(start, home):
    """And logs nothing into it."""
    write_wav(home / "drop" / "song.wav")
    ours, theirs = os.openpty()

    process = start("once", stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
    os.close(ours)
    process.communicate(timeout=20)

    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert process.returncode == 0
    assert "song.wav: " in text
    assert "published  song.wav, 2 stems in " in text
    assert "job_published" not in text


def test_the_sandbox_says_how_to_use_it_and_ends_on_a_signal(start):
    """One line for programs; 0 on SIGTERM."""
    process = start("sandbox", "--json", "--token", TOKEN, "--plan", "free", "--credits", "7")
    facts = json.loads(process.stdout.readline())

    code, _, err, _ = end(process, signal.SIGTERM)

    assert (code, err) == (0, "")
    assert (facts["token"], facts["plan"], facts["credits"]) == (TOKEN, "free", 7)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", facts["base_url"])
