import os
import traceback
from pathlib import Path

import pytest

from mvsep_watch.config import credentials, load
from mvsep_watch.errors import ConfigError

CANARY = "c4nary-t0ken"
FOLDERS = "folders: [{path: /music/drop, sep_type: 40}]\n"


def token(config, mvsep, **kwargs):
    return config.load(f"mvsep: {{{mvsep}}}\n{FOLDERS}", **kwargs).service.token


def test_a_token_comes_from_the_environment(config):
    """Also from a file that everybody may read: nothing is in it."""
    environ = {"MVSEP_API_TOKEN": CANARY}

    assert token(config, "token: '${MVSEP_API_TOKEN}'", environ=environ, mode=0o644) == CANARY


@pytest.mark.parametrize(("written", "found"), [("abc", "abc"), ("a$$b", "a$b"), ("x${A}", "xa")])
def test_a_token_may_stand_in_a_private_file(config, written, found):
    """With the dollar and the variables of all texts."""
    assert token(config, f"token: '{written}'", environ={"A": "a"}, mode=0o600) == found


@pytest.mark.parametrize(("mode", "who"), [(0o644, "everybody"), (0o640, "its group"), (0o604, "everybody")])
@pytest.mark.parametrize("written", [CANARY, f"{CANARY}${{A}}"])
def test_a_token_in_a_file_that_others_can_read_is_refused(config, written, mode, who):
    """The problem holds the command that mends it."""
    problem = config.problem(f"mvsep: {{token: '{written}'}}\n{FOLDERS}", environ={"A": "a"}, mode=mode)

    assert problem.endswith(f"{who} can read the token in {config.path}; run: chmod 600 {config.path}")
    assert CANARY not in problem


def test_a_token_file_is_read_relative_to_the_configuration(config, tmp_path):
    """Without the line's end that editors leave."""
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    (tmp_path / "secret").chmod(0o600)

    assert token(config, "token_file: secret", mode=0o644) == CANARY


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_token_file_that_others_can_read_is_refused(config, tmp_path, mode):
    """As a key to the house would be; the command is one to be copied."""
    (tmp_path / "my secret").write_text(CANARY)
    (tmp_path / "my secret").chmod(mode)

    problem = config.problem(f"mvsep: {{token_file: my secret}}\n{FOLDERS}")

    assert problem.startswith("1:21: mvsep.token_file: ")
    assert problem.endswith(f"run: chmod 600 '{tmp_path / 'my secret'}'")


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    """A folder of a container's secrets, as its runtime makes it: root's, and not writable for others."""
    folder = tmp_path / "run" / "secrets"
    folder.mkdir(parents=True, mode=0o755)
    monkeypatch.setattr(credentials, "SECRETS_FOLDERS", (folder,))
    monkeypatch.setattr(Path, "stat", lambda path, stat=Path.stat: roots(stat(path)))
    return folder


def roots(found):
    """The same file, as root's."""
    return os.stat_result((*found[:4], 0, *found[5:]))


def test_a_secret_of_a_container_may_be_readable_for_all(config, secrets):
    """That is how Docker, Podman and Kubernetes mount it, for whoever the container runs as."""
    (secrets / "mvsep").write_text(CANARY)
    (secrets / "mvsep").chmod(0o444)

    assert token(config, f"token_file: {secrets / 'mvsep'}") == CANARY


@pytest.mark.parametrize(("name", "mode", "folder"), [("t", 0o664, 0o755), ("../t", 0o444, 0o755), ("t", 0o444, 0o777)])
def test_what_only_looks_like_a_secret_of_a_container_is_refused(config, secrets, name, mode, folder):
    """One that others may write, or that is elsewhere, or where everybody may put things."""
    (secrets / name).write_text(CANARY)
    (secrets / name).chmod(mode)
    secrets.chmod(folder)

    assert "everybody can read the token" in config.problem(f"mvsep: {{token_file: {secrets / name}}}\n{FOLDERS}")


def test_the_credential_of_systemd_is_taken_when_nothing_else_is_given(config, tmp_path):
    """Its permissions are systemd's business."""
    (tmp_path / "mvsep-token").write_text(f"{CANARY}\n")
    (tmp_path / "mvsep-token").chmod(0o644)

    loaded = config.load(FOLDERS, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert loaded.service.token == CANARY


@pytest.mark.parametrize(
    ("mvsep", "problem"),
    [
        (f"token: {CANARY}, token_file: x", "both token and token_file are given"),
        ("base_url: https://mvsep.com", "mvsep: there is no token; write `token: ${MVSEP_API_TOKEN}`"),
        ("token: '${NOT_SET}'", "mvsep.token: the environment variable NOT_SET is not set"),
        ("token: '${EMPTY}'", "mvsep.token: the token is empty"),
        (f"token: '{CANARY} {CANARY}'", "the token holds spaces"),
        (f"token: '{CANARY}ü'", "characters that no token has"),
        (f"token: '${CANARY}'", "found a dollar by itself"),
        (f"token: [{CANARY}]", "mvsep.token: found a list; allowed: text, or null"),
        ("token: 12345678", "mvsep.token: found a value; allowed: text, or null"),
        ("token: 012345678", "mvsep.token: found a value without quotes"),
        (f"token: *{CANARY}", "this is not YAML"),
        (f"token: !{CANARY} x", "mvsep.token: tags"),
        (f"tokn: {CANARY}, token: x", 'mvsep.tokn: unknown key; did you mean "token"?'),
        ("api_key: 012345678, token: x", "mvsep.api_key: found a value without quotes"),
        ("api_key: 12345678, token: x", "mvsep.api_key: unknown key; allowed: token"),
        ("token_file: /nowhere/t", "the token file /nowhere/t cannot be read: No such file or directory"),
        ("token_file: /", "the token file / cannot be read: Is a directory"),
    ],
)
def test_a_token_that_cannot_be_used_is_told_without_showing_it(config, mvsep, problem):
    """Not in the problem, and not in the traceback either."""
    with pytest.raises(ConfigError) as raised:
        token(config, mvsep, environ={"EMPTY": ""})

    assert problem in "\n".join(raised.value.problems)
    shown = "\n".join(traceback.format_exception(raised.value)) + "\n".join(raised.value.problems)
    assert CANARY not in shown
    assert "12345678" not in shown


def test_a_token_in_place_of_the_section_is_not_shown(config):
    """A slip of indentation must not print a secret."""
    assert config.problem(f"mvsep: {CANARY}\n{FOLDERS}").endswith(
        "mvsep: found a value; allowed: a mapping of keys such as token and token_file, or null"
    )


def test_a_token_at_the_top_of_the_file_is_not_shown_and_is_sent_home(config):
    """The key is right, the place is not."""
    problems = config.problems(f"token: 012345678\n{config.mvsep}{FOLDERS}")

    assert problems[0] == "1:1: token: unknown key here; it belongs under mvsep"
    assert "12345678" not in problems[1]


def test_a_token_file_that_is_no_token_is_refused(config, tmp_path):
    """Too large, no plain text, or more than the token: probably another file was meant."""
    for content, says in (
        (b"x" * 5000, "is too large for a token"),
        (b"\xff\xfe", "characters that no token has"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (f"user\n{CANARY}\n".encode(), "has 2 lines; it must hold the token alone"),
    ):
        (tmp_path / "secret").write_bytes(content)
        (tmp_path / "secret").chmod(0o600)
        problem = config.problem(f"mvsep: {{token_file: secret}}\n{FOLDERS}")

        assert "mvsep.token_file: the " in problem
        assert says in problem
        assert CANARY not in problem


def test_a_pipe_in_place_of_a_file_is_not_waited_for(config, tmp_path):
    """Nobody may ever write into it."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    assert "is not a regular file" in config.problem(f"mvsep: {{token_file: pipe}}\n{FOLDERS}")
    with pytest.raises(ConfigError, match="is not a regular file"):
        load(tmp_path / "pipe", environ={})


def test_a_configuration_that_is_shown_has_no_token_in_it(config):
    """Frozen values end up in logs and tracebacks."""
    loaded = config.load(f"mvsep: {{token: {CANARY}}}\n{FOLDERS}")

    assert CANARY not in repr(loaded)
