"""`init`: from nothing to a configuration that works, by questions or by options."""

import json
import os
import pwd
import stat
from pathlib import Path

import pytest

from mvsep_watch import config
from mvsep_watch.cli import check as checking
from mvsep_watch.cli import init as starting
from mvsep_watch.cli import installing
from mvsep_watch.config import places
from mvsep_watch.data import algorithms_json
from mvsep_watch.mvsep import Client, Pace, read_catalogue

TOKEN = "CanaryTokenOfTheFirstDay012345"


@pytest.fixture
def newcomer(service, nowhere, monkeypatch):
    """Somebody who is not root, with a home, a service that answers, and their token in the environment."""

    def client(token, **given):
        return Client(token, transport=service.transport(), pace=Pace(sleep=lambda _: None), **given)

    monkeypatch.setattr(checking, "Client", client)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("MVSEP_API_TOKEN", service.token)
    return nowhere


def home(nowhere):
    return nowhere.parent / "home" / ".config" / "mvsep-watch"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_options_are_enough(newcomer, run, service, typed):
    """In a pipe: what is written is a configuration, checked with the service."""
    typed("")

    code, out, err = run("init", "--folder", "drop", "--model", "40", "--format", "wav", "--yes")

    written = config.load(home(newcomer) / "config.yaml", environ={})
    assert (code, err) == (0, "")
    assert (written.folders[0].path, written.folders[0].output) == (newcomer / "drop", newcomer / "drop-stems")
    assert (written.folders[0].rules[0].sep_type, written.folders[0].rules[0].output_format) == (40, 1)
    assert (written.service.token, written.service.base_url) == (service.token, "https://mvsep.com")
    assert "No problem was found." in out
    assert (newcomer / "drop").is_dir()


def test_the_token_is_in_a_file_of_its_own_and_nowhere_else(newcomer, run, service, typed):
    """Only its owner can read it."""
    typed("")

    _, out, err = run("init", "--folder", "drop", "--model", "40", "--yes")

    folder = home(newcomer)
    assert (folder / "mvsep-token").read_text() == f"{service.token}\n"
    assert (mode(folder / "mvsep-token"), mode(folder / "config.yaml")) == (0o600, 0o600)
    assert service.token not in out + err + (folder / "config.yaml").read_text()


def test_questions_are_few_and_the_best_models_are_offered(newcomer, run, typed, service, monkeypatch):
    """A folder, what to take out (again, if nothing does), which model, where to, the token, which is typed unseen."""
    monkeypatch.delenv("MVSEP_API_TOKEN")
    typed("", at_terminal=True)
    answers = iter(["drop", "zither", "vocals", "1", "", TOKEN])
    asked = []

    def prompt(text, default=None, hide_input=False, **_):
        asked.append((text, hide_input))
        return next(answers) or default

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    service.token = TOKEN

    _, _, err = run("init")

    assert [hidden for _, hidden in asked] == [*[False] * 5, True]
    assert 'no model fits "zither": ' in err
    assert "credits a minute" in err
    assert TOKEN not in err
    assert (home(newcomer) / "mvsep-token").read_text() == f"{TOKEN}\n"


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ((), "--folder"),
        (("--folder", "drop"), "--model"),
        (("--folder", "drop", "--model", "40"), "--token-file"),
    ],
)
def test_a_pipe_says_which_option_is_missing(newcomer, run, typed, monkeypatch, words, missing):
    """And nothing is written."""
    monkeypatch.delenv("MVSEP_API_TOKEN")
    typed("")

    code, _, err = run("init", *words)

    assert (code, missing in err) == (2, True)
    assert not home(newcomer).exists()


def test_words_that_fit_several_models_need_a_yes_or_a_number(newcomer, run, typed):
    """In a pipe nobody chooses; with --yes it is the first that is offered."""
    typed("")

    refused = run("init", "--folder", "drop", "--model", "vocals")
    taken = run("init", "--folder", "drop", "--model", "vocals", "--yes", "--json")

    assert (refused[0], "give the number of one of them" in refused[2]) == (2, True)
    assert taken[0] == 0


def test_what_is_taken_unasked_is_for_every_account(newcomer, run, typed):
    """The best that is for premium accounts alone would hold every job of the others."""
    typed("")

    _, out, _ = run("init", "--folder", "drop", "--model", "vocals", "--offline", "--yes", "--json")

    offered = {algorithm.sep_type: algorithm for algorithm in read_catalogue(algorithms_json()).values()}
    assert not offered[json.loads(out)["sep_type"]].needs_premium


def test_what_is_there_is_never_lost(newcomer, run, typed):
    """Refused; with --force the old one keeps its words under another name, and the token stays."""
    typed("")
    words = ("init", "--folder", "drop", "--model", "40", "--yes")
    run(*words)
    path = home(newcomer) / "config.yaml"
    path.write_text("folders: []  # mine\n")

    refused = run(*words)
    before = path.read_text()
    run(*words, "--force")

    (kept,) = home(newcomer).glob("config.yaml.before-*")
    assert (refused[0], before) == (2, "folders: []  # mine\n")
    assert "--force" in refused[2]
    assert kept.read_text() == before
    assert "sep_type: 40" in path.read_text()
    assert sorted(found.name for found in home(newcomer).iterdir()) == ["config.yaml", kept.name, "mvsep-token"]


def test_a_token_file_that_is_there_is_used_and_not_asked_for(newcomer, run, typed, service, monkeypatch):
    """Its name is what the configuration has."""
    monkeypatch.delenv("MVSEP_API_TOKEN")
    typed("")
    token_file = newcomer / "my token"
    token_file.write_text(service.token)
    token_file.chmod(0o600)

    code, _, _ = run("init", "--folder", "drop", "--model", "40", "--token-file", token_file, "--yes")

    assert (code, config.load(home(newcomer) / "config.yaml", environ={}).service.token) == (0, service.token)


def test_root_writes_for_the_service(newcomer, run, typed, monkeypatch):
    """The service's user reads the configuration; the token is handed over by systemd."""
    typed("")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(places, "SYSTEM_STATE_FOLDER", newcomer)
    monkeypatch.setattr(places, "_may_be_there", Path.exists)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(places.SYSTEM_FOLDER))

    code, out, _ = run("init", "--folder", newcomer / "drop", "--model", "40", "--yes")

    path = places.SYSTEM_FOLDER / "config.yaml"
    assert (code, mode(path), mode(places.SYSTEM_FOLDER / "mvsep-token")) == (0, 0o644, 0o600)
    assert "token_file" not in path.read_text()
    assert "init --service" in out


def test_root_gets_the_service_with_the_configuration(newcomer, run, typed, monkeypatch, tmp_path):
    """In one go: the folder is made for whoever runs it, and what is left to do is told."""
    typed("")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(places, "SYSTEM_STATE_FOLDER", newcomer)
    monkeypatch.setattr(places, "_may_be_there", Path.exists)
    monkeypatch.setattr(installing, "UNIT_FOLDERS", (tmp_path / "units",))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(places.SYSTEM_FOLDER))
    me = pwd.getpwuid(os.getuid()).pw_name

    code, out, err = run(
        "init", "--folder", newcomer / "drop", "--model", "40", "--service", "--user", me, "--yes", "--json"
    )

    said = json.loads(out)["service"]
    assert (err, said["user"]) == ("", me)
    assert str(newcomer / "drop-stems") in said["writes"]
    assert (newcomer / "drop").is_dir()
    assert (newcomer / "drop-stems").is_dir()
    assert code == (4 if said["problems"] else 0)
    assert (tmp_path / "units/system/mvsep-watch.service.d/init.conf").exists()


@pytest.mark.parametrize("words", [("--sandbox",), ("--token-file", "token"), ("-c", "elsewhere/c.yaml")])
def test_whoever_runs_the_service_may_read_what_root_writes(newcomer, run, typed, monkeypatch, tmp_path, words):
    """Whatever is asked for besides, and whatever root's own mask takes away; the token stays root's."""
    typed("")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(places, "SYSTEM_STATE_FOLDER", newcomer)
    monkeypatch.setattr(places, "_may_be_there", Path.exists)
    monkeypatch.setattr(installing, "UNIT_FOLDERS", (tmp_path / "units",))
    monkeypatch.setattr(os, "environ", {**os.environ})
    me = pwd.getpwuid(os.getuid()).pw_name
    before = os.umask(0o077)

    try:
        run("init", "--folder", newcomer / "drop", "--model", "40", "--service", "--user", me, "--yes", *words)
    finally:
        os.umask(before)

    path = newcomer / words[1] if "-c" in words else places.SYSTEM_FOLDER / "config.yaml"
    token = newcomer / "token" if "token" in words else path.parent / "mvsep-token"
    drop_in = tmp_path / "units/system/mvsep-watch.service.d/init.conf"
    written = drop_in.read_text()
    run("-c", path, "init", "--service", "--user", me, "--yes")
    assert (mode(path.parent), mode(path), mode(token)) == (0o755, 0o644, 0o600)
    assert written == drop_in.read_text()
    assert f"LoadCredential={'' if 'token' in words else f'mvsep-token:{token}'}\n" in written


def test_in_a_pipe_all_that_is_missing_is_named_at_once(newcomer, run, typed, service, monkeypatch):
    """With how it is given; nothing is asked, neither of a person nor of the service."""
    typed("")
    monkeypatch.delenv("MVSEP_API_TOKEN")

    code, _, err = run("init")

    assert (code, service.requests) == (2, [])
    assert all(word in err for word in ("--folder", "--model", "MVSEP_API_TOKEN"))


def test_a_service_for_nobody_leaves_no_configuration(newcomer, run, typed, monkeypatch):
    """Who is to run it is known before anything is written."""
    typed("")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(places, "_may_be_there", Path.exists)
    words = ("init", "--folder", newcomer / "drop", "--model", "40", "--service", "--yes")

    code, _, err = run(*words, "--user", "nobody-at-all")

    assert (code, 'there is no user "nobody-at-all"' in err) == (2, True)
    assert not (places.SYSTEM_FOLDER / "config.yaml").exists()


def test_without_a_home_it_says_where_to(newcomer, run, typed, monkeypatch):
    """-c names a place."""
    typed("")
    monkeypatch.delenv("HOME")

    code, _, err = run("init", "--folder", newcomer / "drop", "--model", "40", "--yes")

    assert (code, "-c PATH" in err) == (4, True)


def test_a_sandbox_is_configured_with_its_token(newcomer, run, typed):
    """And the command that starts it is told."""
    typed("")

    code, out, _ = run("-c", "try.yaml", "init", "--folder", "drop", "--model", "40", "--sandbox", "--yes")

    written = config.load(newcomer / "try.yaml", environ={})
    assert (code, written.service.base_url, written.service.token) == (0, starting.SANDBOX_URL, starting.SANDBOX_TOKEN)
    assert "sandbox --port 8642 --token try-it" in out


def test_offline_it_says_so(newcomer, run, typed, service):
    """The list that comes along has the models; nobody is asked."""
    typed("")

    code, out, _ = run("init", "--folder", "drop", "--model", "40", "--offline", "--yes")

    assert (code, service.requests) == (0, [])
    assert "The service was not asked" in out


def test_answers_that_make_no_configuration_leave_nothing(newcomer, run, typed):
    """Outputs in the watched folder would be taken for new files."""
    typed("")

    code, _, err = run("init", "--folder", "drop", "--model", "40", "--output", "drop/stems", "--yes")

    assert (code, "the answers make no configuration" in err) == (4, True)
    assert list(home(newcomer).iterdir()) == []


def test_a_token_file_that_cannot_be_written_leaves_no_configuration(newcomer, run, typed):
    """Both or none."""
    typed("")

    code, _, err = run("init", "--folder", "drop", "--model", "40", "--token-file", "no/such/place", "--yes")

    assert (code, "no/such/place cannot be written" in err) == (4, True)
    assert list(home(newcomer).iterdir()) == []


def test_odd_paths_are_read_again_as_they_are(newcomer, run, typed):
    """Dollars, quotes, colons, umlauts."""
    typed("")
    odd = newcomer / 'a $HOME: "b" # ü'

    code, _, _ = run("init", "--folder", odd, "--model", "40", "--yes", "--json")

    assert (code, config.load(home(newcomer) / "config.yaml", environ={}).folders[0].path) == (0, odd)


def test_what_people_say_finds_models_that_say_it_otherwise(newcomer, run, typed):
    """Somebody who wants a transcription does not know the model's name."""
    typed("")

    code, out, _ = run("init", "--folder", "drop", "--model", "transcribe", "--offline", "--yes", "--json")

    assert (code, "Whisper" in out) == (0, True)
