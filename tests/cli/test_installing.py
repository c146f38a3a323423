"""`init --service`: what a unit of systemd lacks for a configuration, written once and never over somebody's hand."""

import json
import os
import pwd
import shutil
import sys
from pathlib import Path

import pytest

from mvsep_watch import data
from mvsep_watch.cli import dropin, installing
from mvsep_watch.cli.dropin import Needs
from mvsep_watch.cli.examining import unitfiles
from mvsep_watch.cli.installing import Asked, install
from mvsep_watch.errors import UsageError

ME = pwd.getpwuid(os.getuid()).pw_name
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without a unit, on which the service's user runs the program as it is installed."""
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "opt" / "bin" / "mvsep-watch")])
    monkeypatch.setattr(sys, "executable", shutil.which("sh"))
    for name in ("drop", "stems", "opt/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "opt/bin/mvsep-watch").touch(0o755)
    (tmp_path / "mvsep-token").write_text("t\n")
    (tmp_path / "mvsep-token").chmod(0o600)
    return tmp_path


@pytest.fixture
def asked(machine):
    """Ask for the service of a configuration, in the machine's folder."""

    def ask(folders="folders: [{path: drop, output: stems, sep_type: 40}]", *, mvsep="", **words):
        config = machine / "c.yaml"
        config.write_text(f"mvsep: {{{mvsep}}}\n{folders}\n")
        usual = {"is_users": False, "environ": {"HOME": str(machine / "home")}, "token_file": machine / "mvsep-token"}
        return Asked(config=config, units=(machine / "usr", machine / "etc"), **{**usual, **words})

    return ask


def drop_in(machine):
    return machine / "etc" / "system" / "mvsep-watch.service.d" / "init.conf"


def lines(machine):
    return [line for line in drop_in(machine).read_text().splitlines() if not line.startswith("#")]


def test_a_machine_gets_the_unit_and_what_the_configuration_needs(machine, asked):
    """Who runs it, the program, the configuration, the token, and where it may write."""
    folders = "folders: [{path: drop, output: stems, sep_type: 40, source: {move: gone}}]"
    installed = install(asked(f"metrics: {{file: numbers/m.prom}}\n{folders}", yes=True))

    group = unitfiles.installed((machine / "etc",)).last("Group")
    assert (machine / "etc/system/mvsep-watch.service").read_text() == data.unit("system")
    assert lines(machine) == [
        "[Service]",
        f"User={ME}",
        f"Group={group}",
        f"Environment=PATH={machine}/opt/bin:/opt/mvsep-watch/bin:/usr/local/bin:/usr/bin:/bin",
        "ExecStart=",
        f"ExecStart=/usr/bin/env mvsep-watch -c {machine}/c.yaml run",
        f"LoadCredential=mvsep-token:{machine}/mvsep-token",
        *(f"ReadWritePaths={path}" for path in (machine, *(machine / n for n in ("drop", "gone", "numbers", "stems")))),
    ]
    assert (machine / "gone").is_dir()
    assert not installed.has_problems
    assert installed.commands[:3] == [
        "systemctl daemon-reload",
        "systemctl enable mvsep-watch",
        "systemctl restart mvsep-watch",
    ]


def test_the_second_time_nothing_is_written(machine, asked):
    """And a unit that came with the system stays alone."""
    (machine / "usr/system").mkdir(parents=True)
    (machine / "usr/system/mvsep-watch.service").write_text(data.unit("system"))
    first, second = install(asked()), install(asked())

    assert (first.written, second.written) == ((drop_in(machine),), ())
    assert second.unit == machine / "usr/system/mvsep-watch.service"


def test_another_folder_is_written_anew(machine, asked):
    """What was only written here is written over."""
    install(asked())
    installed = install(asked("folders: [{path: drop, output: more, sep_type: 40}]"))

    assert installed.written == (drop_in(machine),)
    assert f"ReadWritePaths={machine}/more" in lines(machine)


def test_what_somebody_changed_is_not_written_over(machine, asked):
    """But with a word for it, and then it is kept beside."""
    install(asked())
    mine = drop_in(machine).read_text() + "Nice=5\n"
    drop_in(machine).write_text(mine)

    with pytest.raises(UsageError, match="was changed by hand"):
        install(asked())
    assert drop_in(machine).read_text() == mine
    installed = install(asked(force=True))

    assert installed.kept.read_text() == mine
    assert "Nice=5" not in lines(machine)


def test_a_configuration_that_names_its_token_has_none_handed_over(machine, asked):
    """The unit would not start for a file that is not there; the other words still count."""
    mode = (machine / "mvsep-token").stat().st_mode & 0o777
    installed = install(asked(mvsep="token_file: mvsep-token"))

    assert (mode, "LoadCredential=" in lines(machine), installed.has_problems) == (0o600, True, False)


def test_a_token_of_the_environment_is_told(asked):
    """The service has not the environment of whoever asks."""
    installed = install(asked(mvsep="token: '${MVSEP_API_TOKEN}'", environ={"MVSEP_API_TOKEN": "t"}))

    told = [finding for finding in installed.findings if "MVSEP_API_TOKEN is not set" in finding.what]
    assert [finding.hint for finding in told] == [
        "systemd hands over no environment of yours: write `token_file: PATH` instead"
    ]


def test_a_token_that_is_not_there_is_told(machine, asked):
    """With the command that makes its file."""
    (machine / "mvsep-token").unlink()
    installed = install(asked())

    assert [finding.command for finding in installed.findings if finding.command] == [
        f"sudo install -m 600 /dev/null {machine}/mvsep-token"
    ]


def test_a_missing_folder_is_made_only_if_wanted(machine, asked):
    """It may be on a disk that is away."""
    (machine / "stems").rmdir()
    without = install(asked())
    assert not (machine / "stems").exists()
    with_ = install(asked(yes=True))

    assert (without.has_problems, with_.has_problems) == (True, False)
    assert machine / "stems" in with_.written


@needs_root
def test_the_service_is_the_owners_of_the_watched_folder(machine, asked):
    """Root is refused, and what is made is the owner's."""
    nobody = pwd.getpwnam("nobody")
    os.chown(machine / "drop", nobody.pw_uid, nobody.pw_gid)
    (machine / "stems").rmdir()
    with pytest.raises(UsageError, match="root is not to run the service"):
        install(asked(user="root"))
    install(asked(yes=True))

    assert lines(machine)[1] == "User=nobody"
    assert (machine / "stems").stat().st_uid == nobody.pw_uid


@needs_root
def test_whoever_may_not_do_it_is_told_with_what_allows_it(machine, asked):
    """Every folder, and the configuration."""
    (machine / "drop").chmod(0o700)
    told = [finding.what for finding in install(asked(user="nobody")).findings]

    assert any(f"{machine}/stems may not be written" in what or "on the way to" in what for what in told)


def test_without_a_watched_folder_somebody_must_be_named(asked):
    """Who asked by sudo is somebody."""
    folders = "folders: [{path: later, output: stems, sep_type: 40}]"
    with pytest.raises(UsageError, match="no watched folder is there yet"):
        install(asked(folders))
    installed = install(asked(folders, environ={"SUDO_USER": ME}, yes=True))

    assert installed.needs.user == ME


def test_a_user_that_is_not_there_is_told_how_to_be_made(asked):
    """The unit's own is the one that most want."""
    with pytest.raises(UsageError, match='there is no user "mvsep-watch"') as raised:
        install(asked(user="mvsep-watch"))

    assert "useradd --system" in raised.value.hint


def test_a_user_gets_a_unit_of_their_own_and_no_more_than_it_needs(machine, asked, monkeypatch):
    """Where the unit's own words fit there is no drop-in, and one that is of no use any more goes."""
    home = machine / "home"
    program = home / ".local/bin/mvsep-watch"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    usual = home / ".config/mvsep-watch/config.yaml"
    usual.parent.mkdir(parents=True)
    shutil.copy(asked(mvsep=f"token_file: {machine}/mvsep-token").config, usual)
    usual.write_text(usual.read_text().replace("drop,", f"{machine}/drop,"))
    units = home / ".config/systemd/user"
    first = install(asked(mvsep=f"token_file: {machine}/mvsep-token", is_users=True))
    assert (
        f"ExecStart=/usr/bin/env mvsep-watch -c {machine}/c.yaml run"
        in (units / "mvsep-watch.service.d/init.conf").read_text()
    )
    second = install(Asked(config=usual, environ={"HOME": str(home)}, is_users=True, units=(machine / "usr",)))

    assert (units / "mvsep-watch.service").read_text() == data.unit("user")
    assert not (units / "mvsep-watch.service.d/init.conf").exists()
    assert (first.has_problems, second.has_problems, second.needs) == (False, False, Needs())
    assert "loginctl enable-linger" in second.commands


def test_odd_names_are_written_as_systemd_reads_them():
    """Quoted, its specifiers doubled; what no unit can hold is refused."""
    written = dropin.text(Needs(config=Path("/a b/$HOME.yaml"), writes=(Path('/100% "live"'), Path("/plain"))))

    assert 'ExecStart=/usr/bin/env mvsep-watch -c "/a b/$$HOME.yaml" run\n' in written
    assert 'ReadWritePaths="/100%% \\"live\\""\nReadWritePaths=/plain\n' in written
    assert unitfiles.of(Path("u"), written, is_users=False).words("ReadWritePaths") == ['/100% "live"', "/plain"]
    with pytest.raises(UsageError, match="its name is no plain text"):
        dropin.text(Needs(writes=(Path("/a\nb"),)))


def test_the_command_installs_for_a_configuration_that_is_there(machine, run, nowhere, monkeypatch):
    """And asks nothing; `--user` is root's."""
    home = nowhere.parent / "home"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(installing, "UNIT_FOLDERS", (machine / "usr",))
    path = home / ".config/mvsep-watch/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("mvsep: {token_file: /nowhere/t}\nfolders: [{path: /nowhere/drop, sep_type: 40}]\n")

    code, out, _ = run("init", "--service", "--json")
    again = run("init", "--service")
    answered = run("init", "--service", "--folder", "elsewhere", "--model", "40")
    refused = run("init", "--service", "--user", "anna")

    said = json.loads(out)["service"]
    (trouble,) = said["problems"]
    assert (code, again[0]) == (4, 4)
    assert "the token file /nowhere/t cannot be read" in trouble["what"]
    assert said["unit"] == str(home / ".config/systemd/user/mvsep-watch.service")
    assert again[1].splitlines()[0] == "unit     ~/.config/systemd/user/mvsep-watch.service, as it was"
    assert "Next:\n  systemctl --user daemon-reload\n" in again[1]
    assert (answered[0], "leave out what it says already" in answered[2]) == (2, True)
    assert (refused[0], "--user is for the machine's service" in refused[2]) == (2, True)
