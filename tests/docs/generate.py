"""Writes what the manual and the package take from the code: `python -m tests.docs.generate`.

The configuration's keys come from its models, commands and exit codes from the command line, between the marks in the
pages; the JSON Schema comes from the models too. A test says when what is committed is not current.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from click.testing import CliRunner
from pydantic.fields import FieldInfo

from mvsep_watch.cli.context import EXIT_CODES
from mvsep_watch.cli.main import SECTIONS as COMMANDS
from mvsep_watch.cli.main import group
from mvsep_watch.config import schema
from mvsep_watch.config.models import SECTIONS, FolderKeys, RuleKeys, RuleSection, Section
from mvsep_watch.config.showing import as_written

REPO = Path(__file__).parents[2]
SCHEMA = REPO / "mvsep_watch" / "data" / "configuration.schema.json"
WIDTH = 100
SHARED = {"--help", "--json", "--debug", "--config", "--base-url"}
"""Options that many commands take alike; the manual tells them once."""
NEEDED = {"path", "sep_type"}
"""Keys without which there is no folder, whatever their default is."""


def current() -> dict[Path, str]:
    """Give the text of every file that is written, as it should be."""
    texts = {REPO / "docs" / page: (REPO / "docs" / page).read_text(encoding="utf-8") for page, _ in GENERATED}
    for (page, mark), lines in GENERATED.items():
        texts[REPO / "docs" / page] = _between(texts[REPO / "docs" / page], mark, lines())
    return {SCHEMA: json.dumps(schema(), indent=2) + "\n", **texts}


def _between(text: str, mark: str, lines: Iterator[str]) -> str:
    """Put lines between a page's marks."""
    begin, end = f"<!-- generated: {mark} -->\n", f"<!-- end of {mark} -->\n"
    before, rest = text.split(begin, 1)
    return "\n".join([f"{before}{begin}", *lines, f"\n{end}{rest.split(end, 1)[1]}"])


# The configuration


def _keys() -> Iterator[str]:
    yield "| key | default | |"
    yield "|---|---|---|"
    yield from _rows("", SECTIONS[""])


def _rows(prefix: str, section: type[Section]) -> Iterator[str]:
    """Give a row for each key; what stands in a folder and in a rule is told of the rule."""
    for name, field in _ordered(section).items():
        if name == "defaults":
            yield _row("defaults", "", "anything that a folder may say, except `path` and `rules`, for all folders")
        elif name in SECTIONS:
            inner = f"{prefix}{name}[]." if name in {"folders", "rules"} else f"{prefix}{name}."
            yield from _rows(inner, SECTIONS[name])
        else:
            yield _row(f"{prefix}{name}", _default(name, field), field.description or "")


def _ordered(section: type[Section]) -> dict[str, FieldInfo]:
    fields = section.model_fields
    if issubclass(section, FolderKeys):
        own = [name for name in FolderKeys.model_fields if name not in RuleKeys.model_fields]
        return {name: fields[name] for name in ("path", *own, "rules")}
    first = ["name"] if section is RuleSection else []
    return {name: fields[name] for name in dict.fromkeys([*first, *fields])}


def _default(name: str, field: FieldInfo) -> str:
    if name in NEEDED:
        return ""
    return f"`{json.dumps(as_written(name, field.default)).strip(chr(34))}`"


def _row(*cells: str) -> str:
    return f"| `{cells[0]}` | {cells[1]} | {cells[2].replace('|', chr(92) + '|')} |"


# The command line


def _help() -> Iterator[str]:
    shown = CliRunner().invoke(
        group, ["--help"], prog_name="mvsep-watch", terminal_width=WIDTH, max_content_width=WIDTH
    )
    yield from ["```console", "$ mvsep-watch --help", *shown.output.splitlines(), "```"]


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command with its words, those of groups after their group."""
    for name in (name for section in COMMANDS.values() for name in section):
        command = group.get_command(click.Context(group), name)
        yield name, command
        yield from ((f"{name} {part}", inner) for part, inner in getattr(command, "commands", {}).items())


def _commands() -> Iterator[str]:
    for number, (words, command) in enumerate(commands()):
        yield from [*[""][:number], f"### {words}", ""]
        context = click.Context(command, info_name=words)
        yield f"`mvsep-watch {' '.join([words, *command.collect_usage_pieces(context)])}`"
        yield ""
        yield from _paragraphs(inspect.cleandoc(command.help or ""))
        if options := list(_options(command, context)):
            yield from ["", *options]


def _paragraphs(text: str) -> Iterator[str]:
    """Give the help's own text; what click is told to leave alone are lines for a shell."""
    for number, paragraph in enumerate(re.split(r"\n\n+", text)):
        yield from [""] if number else []
        if paragraph.startswith("\b\n"):
            yield from ["```text", *paragraph.splitlines()[1:], "```"]
        else:
            yield from paragraph.splitlines()


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for option in command.params:
        if isinstance(option, click.Option) and not SHARED & set(option.opts):
            names, text = option.get_help_record(context)
            yield f"- `{names}`: {' '.join(text.split())}"


def _exit_codes() -> Iterator[str]:
    yield "| code | |"
    yield "|---|---|"
    yield from (f"| {int(code)} | {words} |" for code, words in EXIT_CODES.items())


GENERATED: dict[tuple[str, str], Callable[[], Iterator[str]]] = {
    ("configuration.md", "keys"): _keys,
    ("commands.md", "help"): _help,
    ("commands.md", "commands"): _commands,
    ("errors.md", "exit codes"): _exit_codes,
}
"""By page and mark: what makes the lines between."""


if __name__ == "__main__":
    for path, text in current().items():
        path.write_text(text, encoding="utf-8")
