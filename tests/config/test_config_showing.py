from dataclasses import replace
from pathlib import Path

import pytest

from mvsep_watch.config import as_yaml, in_force, load
from mvsep_watch.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
CANARY = "c4nary-t0ken"
ENVIRON = {"MVSEP_API_TOKEN": CANARY, "HOME": "/home/u", "MUSIC": "/mnt/mu$ic"}
FULL = """
mvsep: {token: '${MVSEP_API_TOKEN}', base_url: 'http://127.0.0.1:8080', poll: {min: 0.5s}}
limits: {max_size: 2GiB, upload_rate: 2MB/s, credits: {reserve: 3}}
schedule: {hours: "sat,sun 00:00-24:00; mon-fri 22:00-06:00", rescan: 90}
defaults:
  format: flac
  sep_type: 40
  options: {add_opt1: 81}
  settle: 2s
folders:
  - path: ${MUSIC}/drop
    include: ["*.wav", "it's, {odd}: #1"]
    source: {move: "${MUSIC}/done"}
    rules:
      - {name: a, priority: 2}
      - {name: b, sep_type: "yes", options: {"A label": "no"}, stems: [vocals, "50%"]}
  - {path: ./other, name: "null", sep_type: 68, input: pair, reference: r.wav, recursive: false}
"""


def shown(config, text, environ=ENVIRON, mode=0o600):
    return {value.keys: value for value in in_force(config.write(text, mode), environ=environ)}


@pytest.mark.parametrize("text", [FULL, EXAMPLE.read_text()], ids=["full", "example"])
def test_what_is_shown_is_a_configuration_that_means_the_same(config, text, tmp_path):
    """It can be saved, mailed and compared; paths with a dollar, and words that are traps, are written so."""
    before = config.load(text, environ=ENVIRON)
    again = tmp_path / "again.yaml"
    again.write_text(as_yaml(in_force(config.path, environ=ENVIRON)))

    after = load(again, environ=ENVIRON)

    assert replace(after, path=before.path) == before


def test_every_value_says_where_it_comes_from(config):
    """The file and line, the defaults, the environment, or nobody."""
    name = config.path.name
    found = {keys: value.origin for keys, value in shown(config, FULL).items()}

    assert found["mvsep", "token"] == f"{name}:2, environment MVSEP_API_TOKEN"
    assert found["mvsep", "poll", "min"] == f"{name}:2"
    assert found["mvsep", "poll", "max"] == "default"
    assert found["state",] == "default"
    assert found["limits", "credits", "reserve"] == f"{name}:3"
    assert found["folders", 0, "path"] == f"{name}:11, environment MUSIC"
    assert found["folders", 0, "settle"] == f"defaults, {name}:9"
    assert found["folders", 0, "output"] == "default"
    assert found["folders", 0, "rules", 0, "name"] == f"{name}:15"
    assert found["folders", 0, "rules", 0, "sep_type"] == f"defaults, {name}:7"
    assert found["folders", 0, "rules", 0, "options"] == f"defaults, {name}:8"
    assert found["folders", 0, "rules", 1, "sep_type"] == f"{name}:16"
    assert found["folders", 1, "name"] == f"{name}:17"
    assert found["folders", 1, "rules", 0, "name"] == "default"
    assert found["folders", 1, "rules", 0, "sep_type"] == f"{name}:17"
    assert found["folders", 1, "rules", 0, "options"] == "default"
    assert found["folders", 1, "rules", 0, "format"] == f"defaults, {name}:6"


@pytest.mark.parametrize("written", [CANARY, "x${MVSEP_API_TOKEN}"])
def test_a_token_in_plain_words_is_hidden(config, written):
    """A variable stands in its place, so that what is shown can be used."""
    text = f"mvsep: {{token: '{written}'}}\nfolders: [{{path: /music/drop, sep_type: 40}}]\n"
    found = shown(config, text)["mvsep", "token"]

    assert found.value == "${MVSEP_API_TOKEN}"
    assert found.origin.endswith(", hidden")
    assert written not in as_yaml(in_force(config.path, environ=ENVIRON))


def test_a_token_file_and_a_credential_are_named(config, tmp_path):
    """Neither is read out."""
    (tmp_path / "token").write_text(CANARY)
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "mvsep-token").write_text(CANARY)
    by_file = shown(config, "mvsep: {token_file: token}\nfolders: [{path: /music/drop, sep_type: 40}]\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    by_systemd = shown(config, "folders: [{path: /music/drop, sep_type: 40}]\n", environ=environ)

    assert (by_file["mvsep", "token_file"].value, by_file["mvsep", "token"].origin) == (
        str(tmp_path / "token"),
        "default",
    )
    assert by_systemd["mvsep", "token"].origin == 'systemd\'s credential "mvsep-token"'
    assert CANARY not in str([by_file, by_systemd])


def test_a_token_that_cannot_be_had_here_is_no_trouble(config):
    """Whoever looks is not always who runs it."""
    text = "mvsep: {token: '${MVSEP_API_TOKEN}'}\nfolders: [{path: /music/drop, sep_type: 40}]\n"

    assert shown(config, text, environ={})["mvsep", "token"].value == "${MVSEP_API_TOKEN}"


def test_a_configuration_that_cannot_be_used_is_not_shown(config):
    """It is not in force."""
    with pytest.raises(ConfigError):
        shown(config, "folders: [{path: /music/drop}]\n")
