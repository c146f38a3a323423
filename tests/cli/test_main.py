"""The group: what every command has in common, and how errors become words and exit codes."""

import json
import subprocess
import sys

import click
import pytest

from mvsep_watch import __version__, errors, log
from mvsep_watch.cli.context import EXIT_CODES, Exit, Options
from mvsep_watch.cli.main import SECTIONS, exit_code, explain, group, tell
from tests.cli.conftest import TOKEN

COMMANDS = {name: line for commands in SECTIONS.values() for name, (_, line) in commands.items()}


def test_the_help_lists_every_command_and_every_exit_code(run):
    """Somebody who types --help sees all there is."""
    code, out, _ = run("--help")

    assert code == 0
    assert all(f"  {name} " in out for name in COMMANDS)
    assert all(f"  {int(number)} " in out and text in out for number, text in EXIT_CODES.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_itself_says(name):
    """The one-line helps stand twice, and are the same."""
    command = group.get_command(click.Context(group), name)

    assert (command.name, command.get_short_help_str(limit=200)) == (name, COMMANDS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_the_shared_options(run, name):
    """-c, --json and --debug may stand after every command's name."""
    code, out, _ = run(name, "--help")

    assert code == 0
    assert all(option in out for option in ("--config", "--json", "--debug"))


WORKS_WITH = ("httpx", "apscheduler", "watchdog", "mutagen", "apprise", "numpy")
"""What the daemon and the sandbox work with, and whoever looks at the state does not."""


@pytest.mark.parametrize(
    ("words", "heavy"),
    [(["--help"], (*WORKS_WITH, "rich", "pydantic", "yaml", "sqlite3")), (["status", "--help"], WORKS_WITH)],
    ids=["help", "status"],
)
def test_what_is_only_shown_imports_none_of_the_heavy_libraries(words, heavy):
    """It comes at once, on a NAS too."""
    code = f"import sys; from mvsep_watch.cli import main; main({words}); print(*sys.modules, file=sys.stderr)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()

    assert [name for name in heavy if name in loaded] == []


def test_the_version_is_told(run):
    """And nothing else."""
    assert run("--version") == (0, f"mvsep-watch {__version__}\n", "")


def test_no_command_is_a_matter_of_usage(run):
    """The help is shown as if asked for, but the exit code tells a script that nothing was done."""
    code, _, err = run()

    assert (code, "Usage: mvsep-watch" in err) == (2, True)


def test_an_unknown_command_gets_a_near_match(run):
    """A slip of the finger is understood."""
    code, _, err = run("stauts")

    assert (code, err) == (2, 'error: there is no command "stauts"\nhint: did you mean `status`?\n')


def test_an_unknown_option_says_where_to_read_on(run):
    """In the same words as every other error."""
    code, _, err = run("once", "--frehs")

    assert code == 2
    assert err.startswith("error: no such option")
    assert "hint: `mvsep-watch once --help`" in err


@pytest.mark.parametrize("before", [True, False])
def test_shared_options_stand_before_or_after_the_command(run, write_config, before):
    """`mvsep-watch --json -c PATH check` and `mvsep-watch check --json -c PATH` are the same."""
    shared = ["--json", "-c", write_config()]

    code, out, _ = run(*shared, "check") if before else run("check", *shared)

    assert (code, json.loads(out)["valid"]) == (0, True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.AlreadyRunningError("x"), 5),
        (errors.StateError("x"), 4),
        (errors.ConfigError("x"), 4),
        (errors.TokenRefusedError("x"), 4),
        (errors.OutputRootError("x"), 4),
        (errors.ServiceError("x"), 4),
        (errors.UsageError("x"), 2),
        (click.UsageError("x"), 2),
        (click.BadParameter("x"), 2),
        (KeyError("x"), 1),
        (OSError("x"), 1),
    ],
)
def test_every_error_has_its_exit_code(error, code):
    """A script can tell what to do from the code alone."""
    assert exit_code(error) == code


def test_an_error_is_a_message_and_a_hint(capsys):
    """Two lines on stderr, and no traceback."""
    explain(errors.StateError("the state is old", hint="use the new one"), Options())

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "error: the state is old\nhint: use the new one\n")


def test_a_configuration_error_lists_every_problem(capsys):
    """One a line, between the message and the hint."""
    explain(errors.ConfigError("two problems", problems=("a:1:1: x", "a:2:1: y"), hint="mend them"), Options())

    assert capsys.readouterr().err == "error: two problems\n  a:1:1: x\n  a:2:1: y\nhint: mend them\n"


def test_the_journal_gets_an_error_as_one(capsys, monkeypatch):
    """Every line of it; `journalctl -p err` shows what a service did not start for."""
    monkeypatch.setattr("mvsep_watch.log.is_journal", lambda: True)

    tell("it cannot be used", problems=("a: unknown key",), hint="mend it")

    assert capsys.readouterr().err.splitlines() == [
        "<3>error: it cannot be used",
        "<3>  a: unknown key",
        "<3>hint: mend it",
    ]


def test_a_bug_says_that_it_is_one_and_how_to_report_it(capsys):
    """Whatever is not in the tree of errors is ours to mend."""
    code = explain(KeyError("colour"), Options())

    err = capsys.readouterr().err
    assert (code, "Traceback" in err) == (Exit.BUG, False)
    assert "error: this is a bug in mvsep-watch: KeyError: 'colour'" in err
    assert "hint: please report it, with what --debug shows" in err


def test_debug_shows_the_traceback(capsys):
    """Of any error."""
    explain(errors.StateError("the state is old"), Options(debug=True))

    assert "mvsep_watch.errors.StateError: the state is old" in capsys.readouterr().err


def test_no_error_shows_the_token(capsys):
    """Not in a message, a problem, a hint or a traceback."""
    log.hide(TOKEN)
    error = errors.ConfigError(f"a {TOKEN}", problems=(f"b {TOKEN}",), hint=f"c {TOKEN}")

    explain(error, Options(debug=True))

    assert TOKEN not in capsys.readouterr().err


def test_no_configuration_names_the_places_and_what_to_do(run, tmp_path, monkeypatch):
    """What a new user meets first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MVSEP_WATCH_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    code, _, err = run("once")

    assert code == 4
    assert err.startswith("error: there is no configuration file; looked at: ")
    assert "\nhint: " in err


def test_a_reader_that_has_had_enough_is_no_error():
    """`mvsep-watch jobs | head -1` ends quietly."""
    command = f"{sys.executable} -m mvsep_watch --help | true; echo ${{PIPESTATUS[0]}}"

    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, check=False)

    assert (ended.stdout, ended.stderr) == ("0\n", "")
