"""`doctor`: the machine examined, as far as that goes, and nothing changed by it."""

import json
import os
import pwd
import time

import pytest

from mvsep_watch.cli.context import Options
from mvsep_watch.cli.doctor import examined
from mvsep_watch.cli.examining import configuration
from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.cli.examining.unitfiles import Unit
from mvsep_watch.sandbox import Sandbox
from tests.cli.conftest import TOKEN


@pytest.fixture
def healthy(nowhere, write_config, tmp_path):
    """A configuration with nothing wrong in it, on a machine without units."""
    (tmp_path / "drop").mkdir()
    tmp_path.chmod(0o755)
    return write_config()


def levels(out):
    return {(found["level"], found["what"]) for part in json.loads(out)["sections"] for found in part["findings"]}


def tree(base):
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in base.rglob("*")}


def test_without_problems_the_exit_code_is_0(run, healthy):
    """Warnings do not count."""
    code, out, err = run("doctor", "--offline", "-c", healthy)

    assert (code, err) == (0, "")
    assert f"{healthy} can be used: 1 folder, 1 rule" in out
    assert "  problem" not in out


def test_with_a_problem_the_exit_code_is_4(run, healthy, tmp_path):
    """It is told with the command that mends it."""
    (tmp_path / "drop").rmdir()

    code, out, _ = run("doctor", "--offline", "-c", healthy)

    assert code == 4
    assert f'  problem folder "drop": there is no folder {tmp_path}/drop\n' in out
    assert f"          $ mkdir -p {tmp_path}/drop\n" in out
    assert "\n1 problem" in out


def test_nothing_is_changed(run, healthy, tmp_path):
    """Before a first run, so that whatever it made would be seen."""
    (tmp_path / "drop-stems").mkdir()
    before = tree(tmp_path)
    del before[tmp_path / "drop-stems"]  # something of ours was there for a moment

    run("doctor", "--offline", "-c", healthy)

    after = tree(tmp_path)
    del after[tmp_path / "drop-stems"]
    assert after == before


def test_json_says_the_same_for_programs(run, healthy, tmp_path):
    """With numbers to go by."""
    (tmp_path / "drop").rmdir()

    code, out, _ = run("doctor", "--offline", "--json", "-c", healthy)

    told = json.loads(out)
    assert (code, told["problems"]) == (4, 1)
    assert ("problem", f'folder "drop": there is no folder {tmp_path}/drop') in levels(out)
    titles = ["configuration", "folder drop", "output", "state file", "spool", "kernel", "clock", "models"]
    assert [part["title"] for part in told["sections"]][:8] == titles


def test_no_secret_is_shown(run, healthy):
    """Not even one that stands in the configuration."""
    said = run("doctor", "--offline", "-c", healthy) + run("doctor", "--offline", "--json", "--debug", "-c", healthy)

    assert TOKEN not in str(said)


def test_without_a_configuration_it_says_what_it_can(run, nowhere):
    """That there is none is no problem: `separate` needs none."""
    code, out, _ = run("doctor", "--offline")

    assert code == 0
    assert "  warning there is no configuration" in out
    assert "time zone" in out


def test_without_a_home_it_says_what_it_can(run, nowhere, monkeypatch):
    """In a container, as a user without a name."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: (_ for _ in ()).throw(KeyError()))

    code, out, err = run("doctor", "--offline")

    assert (code, err) == (0, "")
    assert "there is no configuration" in out


def test_a_configuration_that_was_named_and_is_not_there_is_a_problem(run, nowhere):
    """Everything else is examined all the same."""
    code, out, _ = run("doctor", "--offline", "-c", "missing.yaml")

    assert code == 4
    assert "missing.yaml" in out
    assert "versions" in out


def test_every_problem_of_the_file_is_listed_and_the_rest_examined(run, healthy, write_config):
    """With line and column."""
    path = write_config("folders:\n  - {path: drop, sep_typ: 40}\n  - {path: other, sep_type: 40, settle: soon}\n")

    code, out, _ = run("doctor", "--offline", "-c", path)

    assert code == 4
    assert f"  problem {path}:6:18: " in out
    assert f"  problem {path}:7:" in out
    assert "state file" in out


def test_a_token_that_others_can_read_is_made_private_by_the_command(run, healthy):
    """The configuration is refused until then."""
    healthy.chmod(0o644)

    code, out, _ = run("doctor", "--offline", "-c", healthy)

    assert code == 4
    assert f"          $ chmod 600 {healthy}\n" in out
    assert TOKEN not in out


def test_a_configuration_that_others_may_change_is_a_warning(run, healthy, monkeypatch):
    """Who writes it says where the token goes."""
    monkeypatch.setenv("MVSEP_API_TOKEN", TOKEN)
    healthy.write_text(healthy.read_text().replace(TOKEN, "${MVSEP_API_TOKEN}"))
    healthy.chmod(0o666)

    code, out, _ = run("doctor", "--offline", "-c", healthy)

    assert code == 0
    assert f"everybody may change {healthy}" in out
    assert f"$ chmod go-w {healthy}" in out


def test_permissions_are_those_of_the_user_that_was_named(run, healthy):
    """Going by owners, groups and modes."""
    code, out, _ = run("doctor", "--offline", "--user", "54321", "-c", healthy)

    assert code == 4
    assert " by 54321" in out
    assert "setfacl -m u:54321:" in out


def test_a_user_that_there_is_not_is_a_matter_of_usage(run, healthy):
    """Nothing is examined."""
    code, out, err = run("doctor", "--offline", "--user", "nobody-of-that-name", "-c", healthy)

    assert (code, out) == (2, "")
    assert 'there is no user "nobody-of-that-name"' in err


def test_root_is_told_commands_without_sudo(run, healthy, monkeypatch):
    """A container has none."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    _, as_root, _ = run("doctor", "--offline", "--user", "54321", "-c", healthy)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    _, as_other, _ = run("doctor", "--offline", "--user", "54321", "-c", healthy)

    assert "$ setfacl" in as_root
    assert "$ sudo setfacl" in as_other


def test_online_the_way_the_account_and_the_models_are_examined(run, healthy, write_config):
    """Against a service that answers; nothing is sent that costs."""
    with Sandbox(token=TOKEN, credits=42) as server:
        code, out, _ = run("doctor", "-c", write_config(base_url=server.base_url))

    assert code == 0
    assert "answers as the service does" in out
    assert "the clock agrees with the service's" in out
    assert "the token is that of sandbox@localhost" in out
    assert "premium is on, with 42 credits" in out
    assert "1 rule found its models and options" in out
    assert "create" not in server.api.record.requests


def test_online_a_refused_token_is_a_problem(run, healthy, write_config):
    """And the models are looked at all the same, since everybody may."""
    with Sandbox(token="another") as server:
        code, out, _ = run("doctor", "-c", write_config(base_url=server.base_url))

    assert code == 4
    assert "the service offers" in out
    assert TOKEN not in out


def test_online_a_service_that_is_not_there_is_a_problem(run, healthy):
    """The stage at which the way ends is named, and nothing more is asked."""
    began_s = time.monotonic()
    code, out, _ = run("doctor", "-c", healthy)

    assert code == 4
    assert "there is no connection to 127.0.0.1:9" in out
    assert "the token is that of" not in out
    assert time.monotonic() - began_s < 10


def test_root_judges_by_the_services_user_what_the_service_runs_with(tmp_path, write_config, monkeypatch):
    """And by themselves what it does not."""
    path = write_config()
    unit = tmp_path / "units" / "system" / "mvsep-watch.service"
    unit.parent.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def said(config):
        unit.write_text(f"[Service]\nExecStart=mvsep-watch -c {config} run\nUser=54321\n")
        machine = Machine(now=0.0, units=(tmp_path / "units",))
        told = examined(Options(config=path), machine, user=None, is_online=False)
        return [finding.what for section in told for finding in section.findings]

    assert any("those of 54321" in what for what in said(path))
    assert not any("54321" in what for what in said("/etc/mvsep-watch/config.yaml") if "permission" in what)


def test_the_units_token_is_used_where_it_may_be_read(tmp_path):
    """Asked by root, the doctor has what the service has; asked by others, what they have."""
    unit = Unit(path=tmp_path, values=(("LoadCredential", f"mvsep-token:{tmp_path}/mvsep-token"),))
    before = configuration.with_credential({}, unit)
    (tmp_path / "mvsep-token").write_text(TOKEN)

    assert before == {}
    assert configuration.with_credential({}, unit) == {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert configuration.with_credential({"A": "b"}, None) == {"A": "b"}
