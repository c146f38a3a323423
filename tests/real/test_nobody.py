"""Every command for somebody without a home, a name, an environment, or the right to look."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mvsep_watch.files.lock import StateLock
from mvsep_watch.store import Store

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")

AS_NOBODY = """
import contextlib, io, json, os, pkgutil, sys
from importlib import import_module
import mvsep_watch
from mvsep_watch.cli import main

def said(words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return [code, out.getvalue(), err.getvalue()]

# Afterwards Python's own files may be out of reach: whatever is imported late is imported now.
for module in pkgutil.walk_packages(mvsep_watch.__path__, "mvsep_watch."):
    if not module.name.endswith("__main__"):
        import_module(module.name)
for words in (["schema"], ["doctor", "--offline"], ["algorithms", "--offline", "piano"], ["site", "news"]):
    said(["-c", sys.argv[2], *words])
os.setgroups([]); os.setgid(54321); os.setuid(54321)
for words in json.loads(sys.argv[1]):
    print(json.dumps(said(words)))
"""
LOOKING = [["status"], ["status", "--json"], ["jobs"], ["show", "1"], ["plan", "--offline"], ["spend"]]
ACTING = [["approve", "--all"], ["retry", "1"], ["cancel", "1"], ["redo", "1"], ["forget", "x"], ["pause"], ["resume"]]
WORKING = [["once"], ["run"], ["rebuild", "--yes"]]
INIT = ["init", "--folder", "drop", "--model", "40", "--yes", "--offline"]
SEPARATE = ["separate", "x.wav", "--sep-type", "40"]
DOCTOR = ["doctor", "--offline"]
OTHERS = [
    INIT,
    SEPARATE,
    ["check"],
    ["config", "show"],
    ["schema"],
    ["completion", "bash"],
    ["algorithms", "--offline", "piano"],
    DOCTOR,
    ["get", "20261120-x"],
    ["account"],
    ["site", "news"],
    ["quality", "queue"],
]


@pytest.fixture
def folder(tmp_path_factory):
    """A folder that everybody may look into, on a way that everybody may go, with a configuration for root."""
    made = tmp_path_factory.mktemp("nobody")
    for place in (made, *list(made.parents)[:2]):
        place.chmod(0o755)
    return made


@pytest.fixture
def configured(folder):
    """A configuration in the folder, with a state of root's in a folder of a mode."""

    def make(name, *, mode):
        state = folder / name / "s.sqlite3"
        state.parent.mkdir(mode=mode)
        path = folder / f"{name}.yaml"
        path.write_text(
            f"mvsep: {{token: '${{MVSEP_API_TOKEN}}'}}\nstate: {state}\nfolders: [{{path: drop, sep_type: 40}}]\n"
        )
        with StateLock(state):
            Store(state).close()
        return path, state

    (folder / "drop").mkdir()
    return make


@pytest.fixture
def as_nobody(folder, configured):
    """Run commands as a user that the machine does not know, and give code, output and errors of each."""
    warm, _ = configured("warm", mode=0o700)

    def run(*commands, **environ):
        base = {"PATH": "/usr/bin:/bin", "MVSEP_BASE_URL": "http://127.0.0.1:9", "MVSEP_API_TOKEN": "t"}
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, json.dumps(commands), str(warm)],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
            env={**base, **environ},
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_without_a_home_every_command_has_an_answer(as_nobody):
    """No configuration, no home, no name: each says what it lacks, and none is taken by surprise."""
    needing = [*LOOKING, *ACTING, *WORKING]
    commands = [*needing, *OTHERS]
    answers = as_nobody(*commands)

    surprised = [words for words, (code, _, err) in zip(commands, answers, strict=True) if code == 1 or "bug" in err]
    assert surprised == []
    assert all("there is no configuration file" in err for _, _, err in answers[: len(needing)])
    assert "there is no home folder to keep a state in" in answers[commands.index(SEPARATE)][2]
    assert "there is no home folder to put a configuration in" in answers[commands.index(INIT)][2]
    assert "there is no configuration" in answers[commands.index(DOCTOR)][1]


def test_a_state_of_somebody_else_is_named_with_its_owner(as_nobody, configured):
    """Whether its folder may be entered or not; what needs no state works."""
    for mode in (0o700, 0o755):
        path, state = configured(oct(mode), mode=mode)
        commands = [
            ["-c", str(path), *words] for words in (*LOOKING, *ACTING, *WORKING, ["check"], ["doctor", "--offline"])
        ]
        *answers, check, doctor = as_nobody(*commands)

        told = f"error: the state file {state} may not be read by you; it belongs to root.\n"
        told += "hint: Ask as the user that runs mvsep-watch: put `sudo -u root` before the command.\n"
        assert answers == [[4, "", told]] * len(answers)
        assert (check[0], doctor[0]) == (0, 4)
        assert "may not be read by you" in check[1]
        assert doctor[1].count("may not be read by you") == 1
        assert "cannot be examined" not in doctor[1]


def test_a_home_that_is_somebody_elses_is_no_surprise(as_nobody, folder):
    """As `su` without `-` leaves it."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    answers = as_nobody(
        ["status"], ["check"], ["doctor", "--offline"], ["algorithms", "--offline", "piano"], HOME=str(home)
    )

    assert [code for code, _, _ in answers] == [4, 4, 4, 0]
    assert (
        f"the configuration {home}/.config/mvsep-watch/config.yaml cannot be read: Permission denied" in answers[0][2]
    )
