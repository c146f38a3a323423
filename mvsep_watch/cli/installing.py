"""`init --service`: a unit of systemd for a configuration, and the drop-in that lets it write, run and have its token.

Root installs for the machine, everybody else for themselves. What is installed already stays as it is, and so does a
drop-in that somebody has changed, unless told otherwise. Nothing is started: the commands that do are told.
"""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from mvsep_watch import config as configuration
from mvsep_watch import data
from mvsep_watch.cli import drafting, dropin, rendering
from mvsep_watch.cli.dropin import DROP_IN, Needs
from mvsep_watch.cli.examining import people, unit, unitfiles
from mvsep_watch.cli.examining.finding import Finding, Level, problem, warning
from mvsep_watch.cli.examining.machine import UNIT_FOLDERS
from mvsep_watch.cli.examining.people import ENTER, READ, WRITE, Person
from mvsep_watch.cli.examining.unitfiles import NAME, Unit
from mvsep_watch.config.credentials import CREDENTIAL
from mvsep_watch.errors import ConfigError, UsageError
from mvsep_watch.model import Config
from mvsep_watch.naming import display

DEFAULT_USER = "mvsep-watch"
MAKES_USER = f"useradd --system --home-dir /var/lib/mvsep-watch --shell /usr/sbin/nologin {DEFAULT_USER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be installed.

    Args:
        config: The configuration file, absolute.
        environ: The environment of whoever asks.
        is_users: For the user's own manager instead of the machine's.
        user: Who is to run it; empty for the owner of the first watched folder.
        token_file: The file with the token, where the configuration names none; None for the usual one.
        is_asking: Whether somebody is there to be asked.
        yes: Whether folders that are missing are made unasked.
        force: Whether a drop-in that somebody changed is written over unasked.
        units: Where the machine's units of all kinds lie, the strongest last.
    """

    config: Path
    environ: Mapping[str, str]
    is_users: bool
    user: str = ""
    token_file: Path | None = None
    is_asking: bool = False
    yes: bool = False
    force: bool = False
    units: tuple[Path, ...] = field(default_factory=lambda: UNIT_FOLDERS)

    @property
    def places(self) -> tuple[Path, ...]:
        """Where units of all kinds lie, the strongest last; that is where they are written."""
        own = (unitfiles.users_folder(self.environ) / "systemd",) if self.is_users else ()
        return (*self.units, *own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What was installed, and what is left to be done by a person.

    Args:
        unit: The unit's file.
        written: Every file that was written, and every folder that was made.
        kept: What somebody had changed, under its other name.
        needs: What the drop-in says.
        findings: What keeps it from working.
    """

    unit: Path
    written: tuple[Path, ...]
    kept: Path | None
    needs: Needs
    is_users: bool
    findings: tuple[Finding, ...]

    @property
    def commands(self) -> list[str]:
        """What starts it, word for word, and then says how it is."""
        systemctl = "systemctl --user" if self.is_users else "systemctl"
        name = NAME.removesuffix(".service")
        lingering = ["loginctl enable-linger"] if self.is_users else []
        started = [f"{systemctl} daemon-reload", f"{systemctl} enable {name}", f"{systemctl} restart {name}"]
        return [*started, *lingering, f"{systemctl} status {name}"]

    @property
    def has_problems(self) -> bool:
        """Whether it would not work as it is."""
        return any(finding.level == Level.PROBLEM for finding in self.findings)


def install(asked: Asked) -> Installed:
    """Write what is missing.

    Raises:
        UsageError: There is nobody to run it, or somebody changed the drop-in.
        ConfigError: The configuration cannot be used, or something cannot be written.
    """
    found = unitfiles.installed(asked.places, is_users=asked.is_users)
    kind = unitfiles.kind(is_users=asked.is_users)
    folder = asked.places[-1] / kind
    place = found.path if found else folder / NAME
    text = _read(place) if found else data.unit(kind)
    alone = unitfiles.of(place, text, is_users=asked.is_users)
    person = runner(asked, _watched(_load(asked, asked.environ)))
    config = _load(asked, _environ(asked, person))
    needs = _needs(asked, config, alone, person, said=found)
    drop_in, said = folder / f"{NAME}.d" / DROP_IN, dropin.text(needs)
    kept = _kept(drop_in, said, asked)
    written = [path for path, content in ((place, text), (drop_in, said)) if _put(path, content)]
    if not asked.is_users:
        written += [path for path in _folders(config) if _made(path, person, _gid(person, config), asked)]
    whole = unitfiles.installed(asked.places, is_users=asked.is_users)
    assert whole is not None
    return Installed(
        unit=place,
        written=tuple(written),
        kept=kept,
        needs=needs,
        is_users=asked.is_users,
        findings=tuple(people.in_one(list(_findings(asked, config, whole, person)))),
    )


def _load(asked: Asked, environ: Mapping[str, str]) -> Config:
    return configuration.load(asked.config, environ=environ, needs_token=False)


def _folders(config: Config) -> list[Path]:
    """Give all folders of a configuration, watched ones first."""
    return list(dict.fromkeys((*_watched(config), *unit.needed(config))))


def _watched(config: Config) -> list[Path]:
    return [folder.path for folder in config.folders]


# Who runs it


def runner(asked: Asked, watched: Sequence[Path]) -> Person:
    """Say who is to run the service: for the machine who was named, else the owner of the first watched folder.

    Raises:
        UsageError: It is nobody, or root, to whom the folder does not belong.
    """
    if asked.is_users:
        return people.me()
    owner = _owner(watched)
    name = asked.user or (asked.environ.get("SUDO_USER", "") if owner is None else str(owner.st_uid))
    hint = "name somebody who may read and write the folders with --user NAME"
    if not name:
        raise UsageError("no watched folder is there yet, whose owner could run the service", hint=hint)
    try:
        person = people.named(name)
    except UsageError as error:
        raise UsageError(
            error.message, hint=f"make it: {MAKES_USER}" if name == DEFAULT_USER else error.hint
        ) from error
    if person.uid == 0 and owner is not None and owner.st_uid != 0:
        raise UsageError("root is not to run the service: the watched folder is somebody else's", hint=hint)
    return person


def _owner(watched: Sequence[Path]) -> os.stat_result | None:
    """Give what the first watched folder that is there is like."""
    return next((path.stat() for path in watched if path.exists()), None)


def _environ(asked: Asked, person: Person) -> dict[str, str]:
    """Give what systemd gives the service, as far as a configuration may use it: little of whoever asks."""
    if asked.is_users:
        return {name: value for name, value in asked.environ.items() if name == "HOME" or name.startswith("XDG_")}
    try:
        found = pwd.getpwuid(person.uid)
    except KeyError:
        return {}
    return {"HOME": found.pw_dir, "USER": found.pw_name, "LOGNAME": found.pw_name}


def _gid(person: Person, config: Config) -> int:
    try:
        return pwd.getpwuid(person.uid).pw_gid
    except KeyError:
        owner = _owner(_watched(config))
        return owner.st_gid if owner else person.uid


# What it needs


def _needs(asked: Asked, config: Config, alone: Unit, person: Person, *, said: Unit | None) -> Needs:
    """Say what is needed, beside what the unit says alone; `said`: with its drop-ins, as they are."""
    of_unit = alone.credentials.get(CREDENTIAL)
    before = said.credentials.get(CREDENTIAL) if said else None
    is_named = _names_token(asked, person)
    return Needs(
        user="" if asked.is_users else person.name,
        group="" if asked.is_users else people.group_name(_gid(person, config)),
        path=_path(alone, _environ(asked, person)),
        config=None if _is_of_unit(asked, alone) else asked.config,
        token_file=None if is_named else asked.token_file or before or of_unit or asked.config.parent / CREDENTIAL,
        is_handed_over=of_unit is not None,
        writes=() if asked.is_users else tuple(unit.needed(config)),
    )


def _names_token(asked: Asked, person: Person) -> bool:
    """Say whether the configuration says itself where its token is."""
    keys = {("mvsep", "token"), ("mvsep", "token_file")}
    values = configuration.in_force(asked.config, environ=_environ(asked, person))
    return any(value.value is not None for value in values if value.keys in keys)


def _path(alone: Unit, environ: Mapping[str, str]) -> str:
    """Give the PATH with which the unit finds this program; empty where it finds it already."""
    if not alone.last("ExecStart").startswith("/usr/bin/env "):
        return ""
    variables = dict(word.partition("=")[::2] for word in alone.words("Environment"))
    path = variables.get("PATH", "").replace("%h", environ.get("HOME", "%h"))
    program, found = _program(), shutil.which("mvsep-watch", path=path)
    return "" if found and os.path.realpath(found) == os.path.realpath(program) else f"{program.parent}:{path}"


def _program() -> Path:
    """Give the file of this program."""
    called = Path(sys.argv[0])
    return called.absolute() if called.name == "mvsep-watch" else Path(sysconfig.get_path("scripts"), "mvsep-watch")


def _is_of_unit(asked: Asked, alone: Unit) -> bool:
    """Say whether it is the configuration that the unit's own words name."""
    named = str(alone.config or "")
    return Path(named.replace("%E", str(unitfiles.users_folder(asked.environ)))) == asked.config


# What is written


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(
            f"{display(path)} cannot be read: {error.strerror}", hint="give yourself the permission"
        ) from error


def _kept(drop_in: Path, said: str, asked: Asked) -> Path | None:
    """Keep a drop-in that somebody changed under another name, and give that; None where nothing would be lost.

    Raises:
        UsageError: It may not be written over.
    """
    there = _read(drop_in)
    if there in {"", said} or dropin.is_as_written(there):
        return None
    question = f"{display(drop_in)} was changed by hand. Write it anew, and keep it beside?"
    if not (asked.force or (asked.is_asking and click.confirm(question, err=True))):
        raise UsageError(f"{display(drop_in)} was changed by hand", hint="--force writes it anew, and keeps it beside")
    kept = drop_in.with_name(f"{drop_in.name}.before-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}")
    try:
        return drop_in.rename(kept)
    except OSError as error:
        raise drafting.unwritable(kept, error) from error


def _put(path: Path, content: str) -> bool:
    """Let a file have this content, or not be there where that is empty; say whether it was otherwise before."""
    if _read(path) == content:
        return False
    try:
        if not content:
            path.unlink()
            return False
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(content, encoding="utf-8")
        draft.chmod(drafting.PUBLIC)
        draft.replace(path)
    except OSError as error:
        raise drafting.unwritable(path, error) from error
    return True


def _made(path: Path, person: Person, gid: int, asked: Asked) -> bool:
    """Make a missing folder for whoever runs the service, if that is wanted: it may be on a disk that is away."""
    if path.exists() or not path.parent.exists():
        return False
    question = f"There is no folder {display(path)} yet. Make it for {person.name}?"
    if not (asked.yes or (asked.is_asking and click.confirm(question, default=True, err=True))):
        return False
    try:
        path.mkdir()
        os.chown(path, person.uid, gid, follow_symlinks=False)  # whoever owns the folder above may be quick
    except OSError as error:
        raise drafting.unwritable(path, error) from error
    return True


# Whether it works


def _findings(asked: Asked, config: Config, whole: Unit, person: Person) -> Iterator[Finding]:
    """Say what keeps the service from working, as far as that can be told without starting it."""
    if person.uid == 0 and not asked.is_users:
        yield warning("the service runs as root, who owns the watched folder", hint="--user NAME names somebody else")
    for path in (_program(), Path(os.path.realpath(sys.executable))):
        if person.blocked_at(path, READ | ENTER):
            yield problem(
                f"{display(path)} may not be run by {person.name}",
                hint="install mvsep-watch in /opt, with the python3 of the system",
            )
    yield from people.refusals(person, asked.config, READ)
    if _names_token(asked, person):
        yield from _token_findings(asked, person)
    writes = unit.needed(config)
    for path in filter(Path.exists, _folders(config)):
        wanted = (READ if path in _watched(config) else 0) | ENTER | (WRITE if path in writes else 0)
        yield from people.refusals(person, path, wanted)
    if not asked.is_users:
        yield from unit.writable(whole, config)
    yield from unit.credential(whole)


def _token_findings(asked: Asked, person: Person) -> Iterator[Finding]:
    """Say what is wrong with the token for a service, which has not the environment of whoever asks."""
    try:
        configuration.load(asked.config, environ=_environ(asked, person))
    except ConfigError as error:
        hint = "systemd hands over no environment of yours: write `token_file: PATH` instead"
        yield from (problem(said, hint=hint if "environment variable" in said else "") for said in error.problems)


# For people and programs


def tell(installed: Installed, console: Console) -> None:
    """Say what was done, what is wrong, and what comes next."""
    if installed.kept:
        console.print(f"kept     {rendering.path(installed.kept)}, as it was")
    for path in installed.written:
        console.print(f"written  {rendering.path(path)}")
    if not installed.written:
        console.print(f"unit     {rendering.path(installed.unit)}, as it was")
    if installed.needs.user:
        console.print(f"runs as  {installed.needs.user}")
    for finding in installed.findings:
        if finding.level != Level.OK:
            console.print(f"{finding.level}  {finding.what}")
            console.print("".join(f"  {line}\n" for line in (finding.hint, finding.command) if line), end="")
    console.print("Next:")
    for command in installed.commands:
        console.print(f"  {command}")


def as_json(installed: Installed) -> dict[str, Any]:
    """Give all of it with stable keys."""
    return {
        "unit": rendering.full_path(installed.unit),
        "written": [rendering.full_path(path) for path in installed.written],
        "kept": None if installed.kept is None else rendering.full_path(installed.kept),
        "user": installed.needs.user or None,
        "writes": [rendering.full_path(path) for path in installed.needs.writes],
        "commands": installed.commands,
        "problems": [
            {"what": finding.what, "hint": finding.hint, "command": finding.command}
            for finding in installed.findings
            if finding.level == Level.PROBLEM
        ],
    }
