"""The rest of the manual: errors, faults, the library, the service's unit, the reasons for dependencies."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from importlib import import_module

import pytest

from mvsep_watch import __version__, errors
from mvsep_watch.model import GateName
from mvsep_watch.sandbox import FaultKind

ERRORS = [
    name
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.MvsepWatchError) and value is not errors.MvsepWatchError
]


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_in_the_manual(readme, name):
    """With what happens and what to do."""
    assert re.search(rf"^\| `{name}` \|", readme.section("When something is wrong"), re.MULTILINE)


def test_the_manual_knows_no_other_errors(readme):
    """One that is gone from the tree is gone from the table."""
    told = re.findall(r"^\| `(\w+Error)` \|", readme.section("When something is wrong"), re.MULTILINE)

    assert sorted(told) == sorted(ERRORS)


@pytest.mark.parametrize("gate", list(GateName))
def test_every_gate_is_in_the_manual(readme, gate):
    """With what closes it and what opens it."""
    assert re.search(rf"^\| `{gate}` \|", readme.section("How it decides"), re.MULTILINE)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_is_in_the_manual(readme, kind):
    """By its name; what it does is told where it is made."""
    assert f"`{kind}`" in readme.section("The sandbox")


def test_python_in_the_readme_finds_what_it_imports(readme):
    """Each block is Python, and each name that it imports is there."""
    for block in readme.blocks("python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = import_module(node.module)

                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_the_unit_and_the_readme_agree(repo, readme):
    """On where the program, its configuration, its token and its state are, and on what is not tried again."""
    unit = (repo / "systemd" / "mvsep-watch.service").read_text()
    manual = readme.section("Install it on a server")
    config = re.search(r"^ExecStart=.* -c (\S+) run$", unit, re.MULTILINE)[1]
    name, token = re.search(r"^LoadCredential=([\w-]+):(\S+)$", unit, re.MULTILINE).groups()
    program = re.search(r"^Environment=PATH=([^:]+)/bin:", unit, re.MULTILINE)[1]
    state = re.search(r"(/var/lib/\S+\.sqlite3)", unit)[1]
    never_again = re.search(r"^RestartPreventExitStatus=(.+)$", unit, re.MULTILINE)[1].split()

    assert "\nExecReload=/bin/kill -HUP $MAINPID\n" in unit
    assert "`systemctl reload mvsep-watch`" in readme.section("Configuration")
    assert token.endswith(f"/{name}")
    assert [path for path in (config, token, program, state, "ReadWritePaths=") if path not in manual] == []
    assert f"exit codes {', '.join(never_again[:-1])} and {never_again[-1]}" in manual


def test_the_users_unit_and_the_readme_agree(repo, readme):
    """On where the program and its configuration are."""
    unit = (repo / "systemd" / "user" / "mvsep-watch.service").read_text()
    manual = readme.section("Install it on a server")

    assert " -c %E/mvsep-watch/config.yaml run\n" in unit
    assert "%h/.local/share/mvsep-watch/bin" in unit
    assert "`~/.config/mvsep-watch/config.yaml`" in manual
    assert "~/.local/share/mvsep-watch/bin/pip install ." in manual


def test_the_container_and_the_readme_agree(repo, readme):
    """On what is mounted where; and it copies only what is there, never a whole folder with secrets in it."""
    recipe = (repo / "Containerfile").read_text()
    manual = readme.section("Install it on a server")
    volume = re.search(r"^VOLUME (\S+)$", recipe, re.MULTILINE)[1]
    copied = [word for line in re.findall(r"^COPY (.*) \S+$", recipe, re.MULTILINE) for word in line.split()]
    build = tomllib.loads((repo / "pyproject.toml").read_text())
    needed = [build["project"]["readme"], *build["project"]["license-files"], "mvsep_watch", "pyproject.toml"]

    assert f"MVSEP_WATCH_CONFIG={volume}/config.yaml" in recipe
    assert f":{volume} " in manual
    assert sorted(copied) == sorted(needed)
    assert all((repo / name).exists() for name in copied)


def test_every_dependency_has_its_reason(repo):
    """In a comment, on its line."""
    text = (repo / "pyproject.toml").read_text(encoding="utf-8")
    lines = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1].splitlines()

    assert [line for line in lines if not re.search(r'",\s+# \w', line)] == []
    assert len(lines) == len(tomllib.loads(text)["project"]["dependencies"])


def test_the_changelog_tells_of_this_version(repo):
    """Newest first."""
    versions = re.findall(r"^## \[([\d.]+)\]", (repo / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert versions[0] == __version__


def test_no_line_of_the_readme_holds_a_number_of_an_issue(readme):
    """The manual is for readers who have no tracker at hand."""
    assert re.findall(r"(?<![\w&])#\d+|issue \d+", readme.text) == []
