"""The systemd unit: whether one is installed, whether it may write where it must, and who it runs as."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from mvsep_watch.cli import dropin
from mvsep_watch.cli.examining.finding import Finding, ok, problem, warning
from mvsep_watch.cli.examining.people import making
from mvsep_watch.cli.examining.subject import Subject
from mvsep_watch.cli.examining.unitfiles import NAME, Unit
from mvsep_watch.cli.rendering import joined, program
from mvsep_watch.config.credentials import CREDENTIAL
from mvsep_watch.config.places import SYSTEM_STATE_FOLDER
from mvsep_watch.model import Config
from mvsep_watch.naming import display

HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""What ProtectHome is about. Source: systemd.exec(5), 2024."""
YES = frozenset({"yes", "true", "on", "1"})


def is_about(unit: Unit, path: Path | None) -> bool:
    """Say whether a unit runs with a configuration, as far as its words tell."""
    named = unit.config
    return named is None or "%" in str(named) or (path is not None and named == path.absolute())


def examine(unit: Unit | None, subject: Subject, *, is_alone: bool = True) -> Iterator[Finding]:
    """Examine the installed unit; one of several may well be for somebody else's configuration."""
    if unit is None:
        yield ok(
            "no unit of systemd is installed: `init --service` does that, unless something else starts `run` at boot"
        )
        return
    who = unit.last("User") or ("you" if unit.is_users else "root")
    yield ok(f"{display(unit.path)} is installed; it runs as {who}")
    config = subject.config
    if not is_about(unit, subject.path):
        about = display(subject.path) if subject.path else "no configuration"
        said = f"it runs with {display(unit.config or '')}, and this is about {about}"
        yield warning(said, hint="name the unit's configuration with -c to examine that") if is_alone else ok(said)
        return
    if config is not None:
        yield from writable(unit, config)
    yield from credential(unit)


def needed(config: Config) -> list[Path]:
    """Give the folders that the daemon writes in, outside of its own."""
    paths = [folder.output for folder in config.folders]
    paths += [folder.path for folder in config.folders if folder.source != "keep" or folder.notes]
    paths += [folder.source for folder in config.folders if isinstance(folder.source, Path)]
    paths += [config.metrics.file.parent] if config.metrics and config.metrics.file else []
    return sorted({*paths, config.state.parent} - {SYSTEM_STATE_FOLDER})


def writable(unit: Unit, config: Config) -> Iterator[Finding]:
    """Say whether a unit that sees the file system read-only may write where it must."""
    words = unit.words("ReadWritePaths")
    named = [Path(word.lstrip("-+")) for word in words]
    gone = [path for path, word in zip(named, words, strict=True) if not word.startswith("-") and not path.exists()]
    for path in gone:
        yield problem(
            f"ReadWritePaths= names {display(path)}, which is not there: the unit cannot start (226/NAMESPACE)",
            hint="make the folder, mount its disk, or put a `-` before its name",
            command=making(path, name=unit.last("User") or "root"),
        )
    short = [path for path in needed(config) if _is_locked(path, unit) and not _is_below(path, named)]
    hidden = [path for path in short if unit.last("ProtectHome") in {*YES, "tmpfs"} and _is_below(path, HOMES)]
    if hidden:
        yield problem(
            f"ProtectHome={unit.last('ProtectHome')} hides {joined(map(display, hidden))} from the unit",
            hint="use ProtectHome=read-only with ReadWritePaths=, or a folder outside of the homes",
            command=f"sudo systemctl edit {NAME}",
        )
    if short:
        yield problem(
            f"the unit may not write in {joined(map(display, short))}: its ReadWritePaths= do not cover it",
            hint="have it added",
            command=covering(unit, config),
        )
    if not short and not gone:
        yield ok("it may write in every folder where the configuration needs that")


def covering(unit: Unit, config: Config) -> str:
    """Give the command that lets the unit write where the configuration needs that, as whoever runs it now."""
    who = f" --user {shlex.quote(unit.last('User'))}" if unit.last("User") else ""
    force = " --force" if _was_changed(unit) else ""
    return (
        f"sudo {program()} -c {shlex.quote(str(config.path))} init --service{who}{force}"
        f" && sudo systemctl daemon-reload && sudo systemctl restart {NAME}"
    )


def _was_changed(unit: Unit) -> bool:
    """Say whether somebody has changed what was written for it, which is then not written anew unasked."""
    try:
        return not dropin.is_as_written((unit.path.parent / f"{NAME}.d" / dropin.DROP_IN).read_text("utf-8", "replace"))
    except OSError:
        return False


def credential(unit: Unit) -> Iterator[Finding]:
    """Say whether the token's file that the unit loads is there, and private."""
    path = unit.credentials.get(CREDENTIAL)
    if path is None:
        return
    quoted = shlex.quote(str(path))
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return
    except OSError:
        yield problem(
            f"the unit loads the token from {display(path)}, which is not there: it cannot start (243/CREDENTIALS)",
            hint="make it, then write the token into it with an editor",
            command=f"sudo install -m 600 /dev/null {quoted}",
        )
        return
    if mode & 0o077:
        yield problem(
            f"others than its owner can use the token in {display(path)}",
            hint="make it private; if others use this machine, ask the service for another token",
            command=f"sudo chmod 600 {quoted}",
        )
    else:
        yield ok(f"the token in {display(path)} is its owner's alone")


def _is_locked(path: Path, unit: Unit) -> bool:
    """Say whether a unit sees a path read-only, unless it is named."""
    if unit.last("ProtectSystem") == "strict":
        return True
    home = unit.last("ProtectHome")
    return home not in {"", "no", "false", "off", "0"} and _is_below(path, HOMES)


def _is_below(path: Path, places: Sequence[Path]) -> bool:
    return any(path.is_relative_to(place) for place in places)
