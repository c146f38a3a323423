"""The rest of the manual: errors, faults, the library, the service's unit, the reasons for dependencies."""

from __future__ import annotations

import ast
import inspect
import re
import sqlite3
import tomllib
from contextlib import closing
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from mvsep_watch import __version__, errors
from mvsep_watch.cli.dropin import Needs
from mvsep_watch.cli.installing import Installed
from mvsep_watch.data import unit as unit_text
from mvsep_watch.model import GateName, Output, Provenance
from mvsep_watch.sandbox import FaultKind
from mvsep_watch.store import Store

ERRORS = [
    name
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.MvsepWatchError) and value is not errors.MvsepWatchError
]


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_in_the_manual(manual, name):
    """With what happens and what to do."""
    assert re.search(rf"^\| `{name}` \|", manual["errors.md"].section("Errors"), re.MULTILINE)


def test_the_manual_knows_no_other_errors(manual):
    """One that is gone from the tree is gone from the table."""
    told = re.findall(r"^\| `(\w+Error)` \|", manual["errors.md"].section("Errors"), re.MULTILINE)

    assert sorted(told) == sorted(ERRORS)


@pytest.mark.parametrize("gate", list(GateName))
def test_every_gate_is_in_the_manual(manual, gate):
    """With what closes it and what opens it."""
    assert re.search(rf"^\| `{gate}` \|", manual["how-it-decides.md"].section("Gates"), re.MULTILINE)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_is_in_the_manual(manual, kind):
    """By its name; what it does is told where it is made."""
    assert f"`{kind}`" in manual["sandbox.md"].text


def test_python_in_the_manual_finds_what_it_imports(manual):
    """Each block is Python, and each name that it imports is there."""
    for block in [block for page in manual.values() for block in page.blocks("python")]:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = import_module(node.module)

                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_the_unit_and_the_manual_agree(repo, manual):
    """On where the program, its configuration, its token and its state are, and on what is not tried again."""
    unit = unit_text("system")
    told = manual["install.md"].text
    config = re.search(r"^ExecStart=.* -c (\S+) run$", unit, re.MULTILINE)[1]
    name, token = re.search(r"^LoadCredential=([\w-]+):(\S+)$", unit, re.MULTILINE).groups()
    program = re.search(r"^Environment=PATH=([^:]+)/bin:", unit, re.MULTILINE)[1]
    state = re.search(r"(/var/lib/\S+\.sqlite3)", unit)[1]
    never_again = re.search(r"^RestartPreventExitStatus=(.+)$", unit, re.MULTILINE)[1].split()

    assert "\nExecReload=/bin/kill -HUP $MAINPID\n" in unit
    assert "`systemctl reload mvsep-watch`" in manual["configuration.md"].text
    assert token.endswith(f"/{name}")
    assert [path for path in (config, token, program, state, "ReadWritePaths=") if path not in told] == []
    assert f"exit codes {', '.join(never_again[:-1])} and {never_again[-1]}" in told


def test_the_users_unit_and_the_manual_agree(repo, manual):
    """On where the program and its configuration are."""
    unit = unit_text("user")
    told = manual["install.md"].text

    assert " -c %E/mvsep-watch/config.yaml run\n" in unit
    assert "%h/.local/share/mvsep-watch/bin" in unit
    assert "`~/.config/mvsep-watch/config.yaml`" in told
    assert "~/.local/share/mvsep-watch/bin/pip install ." in told


def test_the_container_and_the_manual_agree(repo, manual):
    """On what is mounted where; and it copies only what is there, never a whole folder with secrets in it."""
    recipe = (repo / "Containerfile").read_text()
    told = manual["install.md"].text
    volume = re.search(r"^VOLUME (\S+)$", recipe, re.MULTILINE)[1]
    copied = [word for line in re.findall(r"^COPY (.*) \S+$", recipe, re.MULTILINE) for word in line.split()]
    build = tomllib.loads((repo / "pyproject.toml").read_text())
    needed = [build["project"]["readme"], *build["project"]["license-files"], "mvsep_watch", "pyproject.toml"]

    assert f"MVSEP_WATCH_CONFIG={volume}/config.yaml" in recipe
    assert f":{volume} " in told
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


def test_no_line_of_the_manual_holds_a_number_of_an_issue(manual):
    """It is for readers who have no tracker at hand."""
    assert [re.findall(r"(?<![\w&])#\d+|issue \d+", page.text) for page in manual.values()] == [[]] * len(manual)


def test_every_link_in_the_manual_leads_somewhere(manual):
    """To a file that is there, and to a heading that it has."""
    for page in manual.values():
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.prose):
            found = (page.path.parent / target).resolve() if target else page.path

            assert found.exists(), (page.path.name, target)
            assert not anchor or anchor in manual[found.name].anchors(), (page.path.name, target, anchor)


def test_every_page_is_reached_from_the_readme(manual, readme):
    """And the README stays short enough to be read."""
    assert [name for name in manual if name != "README.md" and f"(docs/{name})" not in readme.text] == []
    assert len(readme.text.splitlines()) < 200


def test_every_key_of_a_sidecar_is_in_the_manual(manual):
    """They outlive the program that wrote them."""
    told = manual["files.md"].section("The sidecar")
    keys = ["format", "program", *(field.name for kind in (Provenance, Output) for field in fields(kind))]

    assert [key for key in keys if f"`{key}`" not in told] == []


def test_every_table_of_the_state_file_is_in_the_manual(manual, tmp_path):
    """With its columns, in their order, and no other."""
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", manual["files.md"].section("The state file"), re.MULTILINE)
    Store(tmp_path / "state").close()
    with closing(sqlite3.connect(tmp_path / "state")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")] for name in tables}
    columns.pop("sqlite_sequence")

    assert {name: re.findall(r"`(\w+)`", told) for name, told in rows} == columns


def test_what_is_installed_is_started_as_the_manual_says(manual):
    """The commands that `init --service` tells are those of the page."""
    for is_users in (False, True):
        installed = Installed(unit=Path("u"), written=(), kept=None, needs=Needs(), is_users=is_users, findings=())

        lines = [
            line.partition("  #")[0].strip()
            for block in manual["install.md"].blocks("sh")
            for line in block.splitlines()
        ]
        assert [command for command in installed.commands if command not in lines] == []


def test_the_source_package_has_what_its_tests_read(repo):
    """The manual and the recipes too; what it names is there."""
    build = tomllib.loads((repo / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    included = build["targets"]["sdist"]["include"]

    assert [name for name in included if not (repo / name).exists()] == []
    assert {"docs", "tests", ".ci", "Containerfile", "config.example.yaml"} <= set(included)
    assert [name for name in ("system", "user") if not unit_text(name)] == []


@pytest.mark.parametrize(("link", "kind"), [("mvsep-watch.service", "system"), ("user/mvsep-watch.service", "user")])
def test_the_units_are_where_a_checkout_is_looked_through_for_them(repo, link, kind):
    """`systemd/` leads to those that the package has."""
    assert (repo / "systemd" / link).read_text() == unit_text(kind)
