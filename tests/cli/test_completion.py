"""Completion: the scripts, and what they are told when they ask."""

import subprocess

import pytest

from mvsep_watch.cli.context import COMPLETE_VARIABLE
from tests.daemon.world import write_wav


@pytest.fixture
def suggested(run, monkeypatch):
    """Ask as bash's script asks: what is suggested for the last of the words."""

    def suggested(*words):
        monkeypatch.setenv("COMP_WORDS", " ".join(["mvsep-watch", *map(str, words)]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        monkeypatch.setenv(COMPLETE_VARIABLE, "bash_complete")
        code, out, err = run()
        assert (code, err) == (0, "")
        return [line.partition(",")[2] for line in out.splitlines() if line.startswith("plain,")]

    return suggested


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_by_the_variable_that_the_program_answers_to(run, shell):
    """And names the program as it is installed."""
    code, out, _ = run("completion", shell)

    assert code == 0
    assert COMPLETE_VARIABLE in out
    assert f"{shell}_complete" in out
    assert "mvsep-watch" in out


def test_bash_takes_its_script(run):
    """Without a word."""
    _, out, _ = run("completion", "bash")

    done = subprocess.run(["bash", "-eun"], input=out, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_another_shell_is_a_matter_of_usage(run):
    """With those that there are."""
    code, _, err = run("completion", "tcsh")

    assert code == 2
    assert "'bash', 'zsh', 'fish'" in err


def test_commands_are_suggested(suggested):
    """By how they begin."""
    assert suggested("re") == ["retry", "redo", "resume", "rebuild"]


def test_options_are_suggested(suggested):
    """A command's own, and those that all share."""
    assert suggested("check", "--on") == ["--online"]
    assert suggested("--js") == ["--json"]


def test_a_command_that_is_none_suggests_no_error(suggested):
    """Nobody asked for one."""
    assert "--config" in suggested("nonsense", "--")


def test_the_ids_of_jobs_are_suggested(suggested, world, tmp_path):
    """Of the configuration that the words name."""
    write_wav(world.drop / "a.wav")
    world.start()
    world.finish()
    path = tmp_path / "c.yaml"
    path.write_text(f"state: {world.config().state}\nfolders: [{{path: drop, sep_type: 40}}]\n")

    assert suggested("-c", path, "show", "''") == ["1"]
    assert suggested("-c", path, "retry", "2") == []


def test_folders_rules_and_states_are_suggested(suggested, tmp_path):
    """As the configuration names them."""
    path = tmp_path / "c.yaml"
    path.write_text("folders: [{path: drop, rules: [{name: band, sep_type: 63}]}, {path: podcasts, sep_type: 40}]\n")

    assert suggested("-c", path, "pause", "d") == suggested("-c", path, "jobs", "--folder", "d") == ["drop"]
    assert suggested("-c", path, "jobs", "--rule", "''") == ["band", "default"]
    assert suggested("-c", path, "jobs", "--state", "fe") == ["fetched"]


def test_without_a_configuration_no_id_is_suggested(suggested, nowhere):
    """And nothing is said."""
    assert suggested("show", "1") == []
