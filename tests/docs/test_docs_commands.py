"""What the manual says of commands, exit codes and JSON is what they do."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap

import pytest

from mvsep_watch.cli import (
    account,
    describing,
    doctor,
    getting,
    installing,
    modelcard,
    outcome,
    overview,
    plan,
    spending,
)
from mvsep_watch.cli import init as starting
from mvsep_watch.cli.context import EXIT_CODES
from tests.docs.generate import SHARED, commands

TEST_COMMAND = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"
DEMO_COMMAND = "python3 -m venv .venv && .venv/bin/pip install '.[sandbox]' && .venv/bin/mvsep-watch demo"


def keys_given(function):
    """The keys of the JSON objects that a function writes down, nested ones too."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    return sorted({key.value for found in dicts for key in found.keys if isinstance(key, ast.Constant)})


def test_the_two_commands_are_there_to_be_copied(readme):
    """On the first screen, each on a line of its own; the first block has nothing else."""
    assert readme.blocks("sh")[0].splitlines() == [DEMO_COMMAND, TEST_COMMAND]


def test_ci_runs_the_readmes_own_test_command(repo, readme):
    """Its pattern finds exactly that line."""
    pattern = re.search(r"grep -m1 -E '([^']+)'", (repo / ".ci" / "run").read_text())[1]

    assert re.findall(pattern, readme.text, re.MULTILINE)[0] == TEST_COMMAND


@pytest.mark.parametrize("code", [int(code) for code in EXIT_CODES])
def test_every_exit_code_is_in_the_manual(manual, code):
    """With what it means, in the help and among the errors."""
    assert re.search(rf"^  {code} +\w", manual["commands.md"].text, re.MULTILINE)
    assert re.search(rf"^\| {code} \| [`\w]", manual["errors.md"].section("Exit codes"), re.MULTILINE)


def test_every_option_of_every_command_is_in_the_manual(manual):
    """Under the command's words; what many take alike is told once for all."""
    sections = dict(
        re.findall(r"^### (.+)\n((?:(?!###).*\n)*)", manual["commands.md"].section("Each command"), re.MULTILINE)
    )

    untold = [
        (words, option)
        for words, command in commands()
        for option in (name for parameter in command.params for name in parameter.opts if name.startswith("--"))
        if option not in SHARED and option not in sections[words]
    ]

    assert untold == []


@pytest.mark.parametrize(
    "function",
    [
        describing.Describer.as_json,
        overview.as_json,
        outcome.as_json,
        plan.as_json,
        spending.as_json,
        doctor.as_json,
        doctor._finding_json,
    ],
    ids=["jobs", "status", "once", "plan", "spend", "doctor", "findings"],
)
def test_every_key_of_the_json_is_in_the_manual(manual, function):
    """Keys are stable once they are told."""
    told = manual["commands.md"].section("For programs")

    untold = [key for key in keys_given(function) if f"`{key}`" not in told and key not in PARTS]

    assert untold == []


@pytest.mark.parametrize(
    "function",
    [
        modelcard.as_json,
        modelcard._option_json,
        getting._as_json,
        account._as_json,
        account._limits_json,
        account._row_json,
        starting._as_json,
        installing.as_json,
    ],
    ids=["algorithms", "options", "get", "account", "limits", "history", "init", "service"],
)
def test_every_key_of_the_services_json_is_in_the_manual(manual, function):
    """Those of the commands that ask the service themselves."""
    told = manual["commands.md"].section("For programs")

    assert [key for key in keys_given(function) if f"`{key}`" not in told] == []


PARTS = {"pid", "command", "since", "spent"}
"""Keys of small objects that are told by the name of the whole."""
