"""What all commands share: the options that stand before or after a command's name, exit codes, the configuration.

A command is made with `command(...)` instead of `click.command(...)` and takes its `Options` with `@click.pass_obj`. It
gives its exit code back, or nothing for success, and raises the project's errors; `main` puts those into words.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import click

from mvsep_watch.errors import ConfigError, NeedsUserError
from mvsep_watch.model import Config, Service

URL_VARIABLE = "MVSEP_BASE_URL"
COMPLETE_VARIABLE = "_MVSEP_WATCH_COMPLETE"
"""How a shell's completion script asks; its script and `main` must agree on it."""
ANSWERS_WITHIN_S = 10.0
"""How long a command waits for the disks that a configuration names; most that sleep are awake by then."""


class Exit(IntEnum):
    """What a command's exit code says."""

    OK = 0
    BUG = 1
    USAGE = 2
    UNFINISHED = 3
    PERSON = 4
    RUNNING = 5
    INTERRUPTED = 130


EXIT_CODES = {
    Exit.OK: "success",
    Exit.BUG: "a bug in mvsep-watch",
    Exit.USAGE: "the command's words do not fit",
    Exit.UNFINISHED: "once, separate, get: not everything is done; approve, ...: some refused",
    Exit.PERSON: "a person must act: configuration, token, disk, state",
    Exit.RUNNING: "another process has the state already",
    Exit.INTERRUPTED: "interrupted by Ctrl-C (SIGTERM ends `run` with 0)",
}


@dataclass(slots=True)
class Options:
    """The options of every command; `base_url` only of those that ask the service themselves."""

    config: Path | None = None
    json: bool = False
    debug: bool = False
    base_url: str = ""


def shared_options() -> list[click.Parameter]:
    """Give the options that may stand before or after a command's name; they write into the `Options` at hand."""
    return [
        click.Option(
            ["-c", "--config"],
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="The configuration file.",
            expose_value=False,
            callback=keep,
        ),
        click.Option(["--json"], is_flag=True, help="Print JSON.", expose_value=False, callback=keep),
        click.Option(
            ["--debug"], is_flag=True, help="Show tracebacks and log everything.", expose_value=False, callback=keep
        ),
    ]


def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Write an option's value into the `Options` at hand, as its callback."""
    if value:
        setattr(context.ensure_object(Options), parameter.name or "", value)


class Command(click.Command):
    """A command that takes the shared options after its name as well."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()


def command(name: str, **attrs: Any) -> Callable[[Callable[..., int | None]], Command]:
    """Make a command of a function, as `click.command` does."""
    return click.command(name, cls=Command, **attrs)


def load_config(options: Options, *, needs_token: bool = True, is_patient: bool = False) -> Config:
    """Find and read the configuration; from then on no log shows its secrets.

    Args:
        options: Where the command line says that it is.
        needs_token: False for commands that only look at the state, or ask its owner. Where there is no configuration
            they get the user's own state, of what was separated without one.
        is_patient: Whether it waits, however long, for disks that the configuration names.

    Raises:
        ConfigError: There is none, or it cannot be used.
        NeedsUserError: A disk does not answer.
    """
    from mvsep_watch import config, log  # noqa: PLC0415 - `--help` needs neither

    if not needs_token and find_config(options) is None:
        base_url = os.environ.get(URL_VARIABLE, "").strip() or Service(token="").base_url
        with suppress(ConfigError):
            own = own_config(Service(token="", base_url=base_url))
            if os.path.exists(own.state):  # noqa: PTH110 - what may not be looked at is none
                return own
    path = config.find(options.config, environ=os.environ, cwd=Path.cwd())

    def load() -> Config:
        return config.load(path, environ=os.environ, needs_token=needs_token)

    found = load() if is_patient else _soon(load, path)
    for secret in found.secrets:
        log.hide(secret)
    return found


def _soon(load: Callable[[], Config], path: Path) -> Config:
    """Read a configuration on a thread that is left behind where a disk does not answer.

    Raises:
        ConfigError: It cannot be used.
        NeedsUserError: It was not read in time.
    """
    answer: queue.SimpleQueue[Config | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put(load())
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            answer.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        found = answer.get(timeout=ANSWERS_WITHIN_S)
    except queue.Empty:
        raise NeedsUserError(
            f"the configuration {path} is not read to its end: the disk of a path in it does not answer",
            hint="mount that disk again, or take its mount away; a daemon that runs goes on with its other folders",
        ) from None
    if isinstance(found, Exception):
        raise found
    return found


def find_config(options: Options) -> Path | None:
    """Find the configuration file, or give None where there is none; one that was named must be there.

    Raises:
        ConfigError: It was named, and is not there.
    """
    from mvsep_watch import config  # noqa: PLC0415 - `--help` does not need it

    try:
        return config.find(options.config, environ=os.environ, cwd=Path.cwd())
    except ConfigError:
        if options.config is not None or os.environ.get(config.VARIABLE):
            raise
        return None


def own_config(service: Service) -> Config:
    """Give what holds for a user who has no configuration: a state of their own, no watched folders, usual limits.

    Raises:
        ConfigError: There is no home folder to keep the state in.
    """
    from mvsep_watch import config  # noqa: PLC0415 - `--help` does not need it

    state = config.own_state_path(os.environ)
    return Config(path=state, state=state, service=service, folders=())
