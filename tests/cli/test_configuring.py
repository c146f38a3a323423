import datetime as dt
import json
import re
import threading
from pathlib import Path

import yaml

from mvsep_watch.cli import context
from mvsep_watch.config import schema as schema_of_the_models
from mvsep_watch.data import schema_json
from mvsep_watch.files.lock import StateLock
from mvsep_watch.hours import parse
from tests.cli.conftest import TOKEN

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def test_what_is_in_force_is_shown_with_its_origins_and_without_the_token(write_config, run):
    """As YAML with comments."""
    path = write_config("folders:\n  - {path: drop, sep_type: 40}\n")

    code, out, err = run("-c", path, "config", "show")

    assert (code, err) == (0, "")
    assert "  timeout: 5s  # mvsep-watch.yaml:4\n" in out
    assert "    settle: 5s  # default\n" in out
    assert "  token: ${MVSEP_API_TOKEN}  # mvsep-watch.yaml:2, hidden\n" in out
    assert yaml.safe_load(out)["folders"][0]["rules"][0]["sep_type"] == 40
    assert TOKEN not in out


def test_what_is_in_force_is_shown_to_programs(write_config, run):
    """A flat list, since an origin belongs to each value."""
    path = write_config()

    code, out, _ = run("config", "show", "--json", "-c", path)
    shown = json.loads(out)

    assert (code, shown["path"]) == (0, str(path))
    assert {"key": "mvsep.timeout", "value": "5s", "origin": "mvsep-watch.yaml:4"} in shown["values"]
    assert {"key": "folders[0].rules[0].demo", "value": False, "origin": "default"} in shown["values"]
    assert TOKEN not in out


def test_a_configuration_that_cannot_be_used_is_explained_instead(write_config, run):
    """It is not in force."""
    code, out, err = run("-c", write_config("folders: [{path: drop, sep_typ: 40}]\n"), "config", "show")

    assert (code, out) == (4, "")
    assert 'did you mean "sep_type"?' in err


def test_the_schema_is_printed_and_current(run):
    """`python -m tests.docs.generate` writes it anew."""
    code, out, _ = run("schema")

    assert (code, out) == (0, schema_json())
    assert json.loads(out) == schema_of_the_models()


def test_the_first_line_of_the_example_names_the_schema_that_its_second_line_makes():
    """An editor finds it beside the file."""
    first, second = EXAMPLE.read_text(encoding="utf-8").splitlines()[:2]
    name = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)[1]

    assert f"`mvsep-watch schema > {name}`" in second


def test_status_tells_why_a_running_daemon_does_not_take_a_changed_configuration(world, write_config, run):
    """With every problem; everything else is shown by what can be told of the file."""
    path = write_config("state: state.sqlite3\nfolders: [{path: drop, output: stems, sep_type: 40}]\n")
    world.start()
    path.write_text(path.read_text().replace("sep_type", "sep_typ"))

    with StateLock(world.config().state):
        code, out, _ = run("-c", path, "status")
        shown = json.loads(run("-c", path, "status", "--json")[1])

    assert code == 0
    assert "configuration not taken" in out
    assert 'did you mean "sep_type"?' in out
    assert 'did you mean "sep_type"?' in shown["configuration"]["problems"][0]
    assert shown["running"] is True


def test_status_tells_of_a_refused_configuration_before_there_is_a_state(write_config, run, tmp_path):
    """A daemon that waits for room for its state has one in force, and none written down."""
    path = write_config("state: state.sqlite3\nfolders: [{path: drop, sep_typ: 40}]\n")

    with StateLock(tmp_path / "state.sqlite3"):
        code, out, _ = run("-c", path, "status")
        shown = json.loads(run("-c", path, "status", "--json")[1])

    assert (code, out.splitlines()[0]) == (0, "the configuration needs you")
    assert "stays in force" in out
    assert 'did you mean "sep_type"?' in out
    assert 'did you mean "sep_type"?' in shown["configuration"]["problems"][0]


def test_status_tells_what_a_first_run_would_not_find(write_config, run, monkeypatch):
    """The token, which looking does without; nothing is wrong with asking how it is."""
    monkeypatch.delenv("TOKEN_OF_NOBODY", raising=False)
    path = write_config()
    path.write_text(path.read_text().replace(TOKEN, "${TOKEN_OF_NOBODY}"))

    code, out, _ = run("-c", path, "status")

    assert code == 0
    assert "TOKEN_OF_NOBODY is not set" in out
    assert "nothing has run yet" in out
    assert "stays in force" not in out


def test_status_explains_a_configuration_that_cannot_be_used_where_nothing_runs(world, write_config, run):
    """Nothing is in force then."""
    path = write_config("state: state.sqlite3\nfolders: [{path: drop, sep_typ: 40}]\n")
    world.start()
    world.stop()

    code, _, err = run("-c", path, "status")

    assert code == 4
    assert 'did you mean "sep_type"?' in err


def test_status_says_when_closed_hours_open(world, write_config, run):
    """With the gate's reason."""
    path = write_config("state: state.sqlite3\nfolders: [{path: drop, output: stems, sep_type: 40}]\n")
    soon = f"{(dt.datetime.fromtimestamp(world.clock.now(), dt.UTC).astimezone().hour + 2) % 24:02}:00"
    world.hours = parse(f"{soon}-{soon[:3]}01")
    world.start()
    world.turn()

    code, out, _ = run("-c", path, "status")

    assert code == 0
    assert re.search(rf"gate hours is closed .*: schedule\.hours: uploads begin again at \d{{4}}-\d\d-\d\dT{soon}", out)


def test_a_disk_that_hangs_lets_a_command_go(write_config, run, monkeypatch):
    """With a word about it; the daemon has its own patience."""
    monkeypatch.setattr(context, "ANSWERS_WITHIN_S", 0.01)
    disk = threading.Event()
    monkeypatch.setattr("mvsep_watch.config.load", lambda *_, **__: disk.wait(20))

    code, _, err = run("-c", write_config(), "status")
    disk.set()

    assert (code, "does not answer" in err) == (4, True)
