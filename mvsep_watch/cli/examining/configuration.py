"""The configuration file: whether there is one, what is wrong with it, and who else may change it."""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from mvsep_watch import config as configuration
from mvsep_watch import log
from mvsep_watch.cli import reaching
from mvsep_watch.cli.context import Options, find_config, own_config
from mvsep_watch.cli.examining.finding import Finding, ok, problem, warning
from mvsep_watch.cli.examining.unitfiles import Unit
from mvsep_watch.cli.rendering import count, program
from mvsep_watch.config.credentials import CREDENTIAL, has_credential
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Config, Service
from mvsep_watch.naming import display

_COMMAND = re.compile(r"; run: (.+)$")
"""How a problem of the configuration names the command that mends it."""


def found(options: Options, environ: Mapping[str, str]) -> tuple[Path | None, Config | None, list[Finding]]:
    """Find and read the configuration, as far as that goes.

    Returns:
        Its file, None where there is none; what it says, mended where it has problems, or what holds without one; and
        what is to be said of it.
    """
    try:
        path = find_config(options)
    except ConfigError as error:
        return None, None, [problem(error.message, hint=error.hint)]
    if path is None:
        return None, _own(options), [_none()]
    config, findings = read(path, environ)
    return path, config, [*findings, *writers(path)]


def read(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, list[Finding]]:
    """Read a configuration; what can be told of one with problems is told."""
    try:
        config = configuration.load(path, environ=environ)
    except ConfigError as error:
        texts = error.problems or (error.message,)
        glimpsed = configuration.glimpse(path, environ=environ)
        _hide(glimpsed)
        return glimpsed, [_problem(text, error.hint) for text in texts]
    _hide(config)
    rules = sum(len(folder.rules) for folder in config.folders)
    return config, [ok(f"{display(path)} can be used: {count(len(config.folders), 'folder')}, {count(rules, 'rule')}")]


def writers(path: Path) -> Iterator[Finding]:
    """Say who besides its owner may change the file: where the token goes is written there."""
    for place in (path, path.absolute().parent):
        try:
            mode = place.stat().st_mode
        except OSError:
            continue
        who = [name for name, bit in (("its group", stat.S_IWGRP), ("everybody", stat.S_IWOTH)) if mode & bit]
        if who and not mode & stat.S_ISVTX:
            yield warning(
                f"{who[-1]} may change {display(place)}, and so where the token is sent and what is spent",
                hint="let its owner alone do that",
                command=f"chmod go-w {shlex.quote(str(place))}",
            )


def with_credential(environ: Mapping[str, str], unit: Unit | None) -> Mapping[str, str]:
    """Give the environment that the unit's service has: with the token's file, where whoever asks may read it."""
    path = unit.credentials.get(CREDENTIAL) if unit else None
    if path is None or path.name != CREDENTIAL or has_credential(environ):
        return environ
    try:
        path.open("rb").close()
    except OSError:
        return environ
    return {**environ, "CREDENTIALS_DIRECTORY": str(path.parent)}


def _own(options: Options) -> Config | None:
    """Give what holds without a configuration; None for somebody without a home, who has no place for a state."""
    try:
        service = reaching.reach(options, needs_token=False).service
    except ConfigError:
        service = Service(token="")
    try:
        return own_config(service)
    except ConfigError:
        return None


def _none() -> Finding:
    return warning(
        "there is no configuration; `run` and `once` need one, `separate` does not",
        hint="name yours with -c PATH; config.example.yaml shows every key, and `demo` shows everything at work",
        command=f"{program()} demo",
    )


def _problem(text: str, hint: str) -> Finding:
    command = _COMMAND.search(text)
    if command:
        return problem(text[: command.start()], hint="mend its permissions", command=command[1])
    return problem(text, hint=hint or "mend the line that it names")


def _hide(config: Config) -> None:
    if config.service.token:
        log.hide(config.service.token)
