"""`doctor`: examines the machine, and says of everything that is not right what mends it.

It changes nothing and costs nothing: the one thing that it writes is a folder of its own in each output folder, which
it removes at once. It goes as far as it can, without a configuration, as anybody, and without the service.
"""

from __future__ import annotations

import itertools
import os
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import click
from rich.console import Console

from mvsep_watch import log
from mvsep_watch.cli import reaching, rendering
from mvsep_watch.cli.context import Exit, Options, command
from mvsep_watch.cli.examining import (
    account,
    clock,
    configuration,
    folders,
    limits,
    outputs,
    people,
    service,
    state,
    telling,
    unit,
    unitfiles,
    versions,
)
from mvsep_watch.cli.examining.finding import Finding, Level, ok, problem, warning
from mvsep_watch.cli.examining.folders import Tree
from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.cli.examining.people import Person
from mvsep_watch.cli.examining.subject import Subject
from mvsep_watch.cli.examining.unitfiles import Unit
from mvsep_watch.errors import MvsepWatchError, StateError, UsageError
from mvsep_watch.files.lock import holder_of, require_access
from mvsep_watch.model import Account, Catalogue, Config
from mvsep_watch.mvsep.probing import probe

COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}
INDENT = 10


@dataclass(frozen=True, slots=True)
class Section:
    """What was found of one kind of thing."""

    title: str
    findings: tuple[Finding, ...]


@command("doctor", short_help="Examine the machine; say what is wrong and what mends it.")
@click.option("--offline", is_flag=True, help="Do not ask the service.")
@click.option("--user", metavar="NAME", help="Judge permissions as those of this user, who runs the daemon.")
@click.pass_obj
def doctor(options: Options, *, offline: bool, user: str | None) -> int:
    """Examine the machine: configuration, folders, state, kernel, clock, service, account, unit.

    Says of each thing that is not right what mends it. Changes nothing, and costs nothing. Exits with 4 if there is
    a problem.
    """
    machine = Machine.here(environ=os.environ, now=time.time())
    sections = _with_whole_commands(list(examined(options, machine, user=user, is_online=not offline)))
    if options.json:
        rendering.print_json(as_json(sections))
    else:
        _show(sections, rendering.console())
    return Exit.PERSON if _count(sections, Level.PROBLEM) else Exit.OK


def _with_whole_commands(sections: Sequence[Section]) -> list[Section]:
    found = iter(people.in_one([finding for section in sections for finding in section.findings]))
    return [replace(section, findings=tuple(itertools.islice(found, len(section.findings)))) for section in sections]


def examined(options: Options, machine: Machine, *, user: str | None, is_online: bool) -> Iterator[Section]:
    """Examine everything.

    Raises:
        UsageError: There is no such user.
    """
    units = _units(machine)
    machine = replace(machine, environ=configuration.with_credential(machine.environ, units.get("system")))
    path, config, said = configuration.found(options, machine.environ)
    of_system = units.get("system")
    person, about_person = _person(user, of_system if of_system and unit.is_about(of_system, path) else None)
    subject = Subject(machine=machine, person=person, path=path, config=config)
    about_person += people.refusals(person, path, people.READ) if path else []
    yield Section("configuration", (*said, *about_person))
    trees = {each.name: folders.walk(each, person) for each in config.folders} if config else {}
    if config is not None:
        subject = replace(subject, remembered=state.remembered(config))
        yield from _files(config, trees, subject)
    yield _section("kernel", _kernel(config, trees, subject))
    yield from _outside(config, machine, is_online=is_online)
    if config is not None and (config.notify or config.ping or config.metrics):
        yield _section("telling", telling.examine(config, person))
    for installed in units.values() or [None]:
        yield _section("systemd", unit.examine(installed, subject, is_alone=len(units) < 2))
    yield _section("versions", versions.examine())


def _files(config: Config, trees: Mapping[str, Tree], subject: Subject) -> Iterator[Section]:
    """Examine the folders and the state file."""
    for folder in config.folders:
        yield _section(f"folder {folder.name}", folders.examine(folder, trees[folder.name], subject))
    for root in dict.fromkeys(folder.output for folder in config.folders):
        yield _section("output", outputs.examine(root, subject))
    try:
        require_access(config.state)
    except StateError as error:
        yield Section("state file", (problem(error.message, hint=error.hint),))
        return
    yield _section("state file", state.examine(config.state, subject))
    yield _section("spool", state.examine_spool(config))


def _kernel(config: Config | None, trees: Mapping[str, Tree], subject: Subject) -> Iterator[Finding]:
    machine, watched = subject.machine, config.folders if config else ()
    heard = [folder for folder in watched if not folders.is_polled(folder, machine.mount(folder.path))]
    needed = sum(trees[folder.name].directories for folder in heard)
    holder = None
    with suppress(StateError):  # told of already
        holder = holder_of(config.state) if config else None
    uid, pid = subject.person.uid, holder.pid if holder else 0
    instances, watches = limits.held_by(uid, but=pid, proc=machine.proc)
    if heard:
        yield from limits.watches(needed, used=watches, machine=machine)
        yield from limits.instances(instances, machine=machine)
        yield from limits.queue(machine=machine)
    yield limits.files()


def _outside(config: Config | None, machine: Machine, *, is_online: bool) -> Iterator[Section]:
    """Examine the clock, the way to the service, and the account."""
    said_of_clock = list(clock.zone(machine))
    if config is None or not is_online:
        yield Section("clock", tuple(said_of_clock))
        if config is not None:
            yield _section("models", _models_offline(config, machine))
        return
    timeout_s = min(config.service.timeout_s, service.LONGEST_TRIAL_S)
    reached = probe(config.service.base_url, timeout_s=timeout_s)
    yield Section("clock", (*said_of_clock, *clock.compared(reached.date, now=time.time())))
    yield _section("service", service.way(reached))
    if reached.is_service:
        yield _section("account", _account(config))
    else:
        yield _section("models", _models_offline(config, machine))


def _account(config: Config) -> Iterator[Finding]:
    """Ask the service who the token's owner is, and what it offers; nothing is sent that could cost anything."""
    found: Account | None = None
    with reaching.asked(replace(config.service, timeout_s=min(config.service.timeout_s, 30.0))) as client:
        if config.service.token:
            found, said = account.token(client)
            yield said
        else:
            yield warning("there is no token", hint=f"set {reaching.TOKEN_VARIABLE}, or name one in a configuration")
        if found is not None:
            yield from account.plan(found, config.limits)
        catalogue, said = account.asked(client)
        yield said
    if catalogue is not None:
        yield from account.models(config, catalogue, found)


def _models_offline(config: Config, machine: Machine) -> Iterator[Finding]:
    catalogue: Catalogue
    catalogue, said = account.kept(machine, config.service.base_url)
    yield from said
    yield from account.models(config, catalogue, None)


def _units(machine: Machine) -> dict[str, Unit]:
    """Find the system's unit and the user's own."""
    own = unitfiles.users_folder(machine.environ) / "systemd"
    found = {
        "system": unitfiles.installed(machine.units),
        "user": unitfiles.installed((*machine.units, own), is_users=True),
    }
    return {kind: each for kind, each in found.items() if each is not None}


def _person(user: str | None, installed: Unit | None) -> tuple[Person, list[Finding]]:
    """Say whose permissions count: those of the user that was named; asked by root, those of the unit's."""
    if user:
        person = people.named(user)
        return person, [ok(f"permissions are those of {person.name}")]
    asker, of_unit = people.me(), installed.last("User") if installed else ""
    if asker.uid != 0 or not of_unit:
        return asker, []
    try:
        person = people.named(of_unit)
    except UsageError as error:
        make = f"sudo useradd --system --home-dir /var/lib/mvsep-watch --shell /usr/sbin/nologin {of_unit}"
        return asker, [problem(f"the unit runs as {of_unit}: {error.message}", hint="make that user", command=make)]
    return person, [ok(f"permissions are those of {person.name}, whom the unit runs as")]


def _section(title: str, found: Iterable[Finding]) -> Section:
    """Gather what is found; what cannot be looked at is a finding itself."""
    findings: list[Finding] = []
    try:
        for finding in found:
            findings.append(finding)  # noqa: PERF402 - what was found before the trouble is kept
    except MvsepWatchError as error:
        findings.append(problem(error.message, hint=error.hint))
    except OSError as error:
        findings.append(problem(f"it cannot be examined: {error}", hint="look at that, then ask again"))
    return Section(title, tuple(findings))


def _count(sections: Iterable[Section], level: Level) -> int:
    return sum(finding.level == level for section in sections for finding in section.findings)


def _show(sections: list[Section], console: Console) -> None:
    width = rendering.text_columns(console)
    for section in sections:
        console.print(section.title, style="bold")
        for finding in section.findings:
            _show_finding(finding, console, width)
    counts = {level: _count(sections, level) for level in (Level.PROBLEM, Level.WARNING)}
    words = [rendering.count(number, str(level)) for level, number in counts.items() if number]
    console.print()
    console.print(f"{rendering.joined(words)} found." if words else "No problem was found.")


def _show_finding(finding: Finding, console: Console, width: int | None) -> None:
    """Print a finding, its hint and its command; a command stays in one piece, to be copied."""
    label = f"  {finding.level:<8}"
    lines = _wrapped(finding.what, width)
    for prefix, line in zip([label, *[" " * INDENT] * len(lines)], lines, strict=False):
        console.print(f"{prefix}{line}", style=None if finding.level is Level.OK else COLOURS[finding.level])
    if finding.hint:
        for line in _wrapped(finding.hint, width):
            console.print(f"{' ' * INDENT}{line}")
    if finding.command:
        console.print(f"{' ' * INDENT}$ {_typed(finding)}", style="bold")


def _typed(finding: Finding) -> str:
    """Give a command as whoever asks would type it: root has no need of sudo, and a container has none."""
    command = finding.command if os.geteuid() else finding.command.replace("sudo ", "")
    return log.redact(command)


def _wrapped(text: str, width: int | None) -> list[str]:
    text = log.redact(text)
    if width is None:
        return [text]
    return textwrap.wrap(text, max(20, width - INDENT), break_long_words=False, break_on_hyphens=False) or [""]


def as_json(sections: Iterable[Section]) -> dict[str, Any]:
    """Give it for programs."""
    told = list(sections)
    return {
        "problems": _count(told, Level.PROBLEM),
        "warnings": _count(told, Level.WARNING),
        "sections": [
            {"title": section.title, "findings": [_finding_json(each) for each in section.findings]} for section in told
        ],
    }


def _finding_json(finding: Finding) -> dict[str, str]:
    return {
        "level": str(finding.level),
        "what": log.redact(finding.what),
        "hint": log.redact(finding.hint),
        "command": _typed(finding),
    }
