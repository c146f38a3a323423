"""Reads a configuration file, once, and turns it into the frozen values that everything else works with.

It is taken whole or not at all: any problem refuses the file, and all problems are told at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mvsep_watch.config import credentials, crosscheck, folders, places, positions, reading, shape
from mvsep_watch.config.expand import Expander
from mvsep_watch.config.models import (
    CreditsSection,
    Document,
    LimitsSection,
    MvsepSection,
    PollSection,
    ReconcileSection,
    ScheduleSection,
)
from mvsep_watch.config.problems import Keys, Place, Report
from mvsep_watch.config.telling import Telling
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Config, CreditLimits, Limits, Poll, Reconcile, Service

LARGEST_BYTES = 2**20


def load(path: Path, *, environ: Mapping[str, str], needs_token: bool = True) -> Config:
    """Read and check a configuration.

    Args:
        path: The file.
        environ: The variables that it may use, and systemd's credentials folder.
        needs_token: False where only the state file is looked at: the token is then empty where it cannot be had.

    Raises:
        ConfigError: The file cannot be used; `problems` has all that is wrong with it.
    """
    examined = examine(path, environ=environ, needs_token=needs_token)
    examined.report.raise_if_any()
    assert examined.config is not None
    return examined.config


def glimpse(path: Path, *, environ: Mapping[str, str]) -> Config:
    """Give what can be told of a configuration that cannot be used: above all where its state is."""
    try:
        found = examine(path, environ=environ, needs_token=False).config
    except ConfigError:
        found = None
    path = path.absolute()
    return found or Config(path=path, state=places.state_path(path), service=Service(token=""), folders=())


def written_at(path: Path, *, environ: Mapping[str, str]) -> dict[tuple[str, str, str], str]:
    """Say where what only others can judge stands, as `FILE:LINE:COLUMN: `: folders' paths, rules' models and the like.

    Returns:
        By the names of folder, rule (empty for the folder itself) and key.

    Raises:
        ConfigError: The file cannot be read any more.
    """
    examined = examine(path, environ=environ, needs_token=False)
    places = examined.report.places
    found: dict[tuple[str, str, str], Place] = {}
    for index, placed in enumerate(examined.placed):
        found[placed.folder.name, "", "path"] = places.of(("folders", index, "path"))
        for number, rule in enumerate(placed.folder.rules):
            for key in ("sep_type", "options", "stems"):
                keys: Keys = ("folders", index, "rules", number, key)
                found[placed.folder.name, rule.name, key] = places.of(
                    keys if keys in places.of_values else placed.origin(key)
                )
    return {which: f"{examined.report.path}:{at.line}:{at.column}: " for which, at in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A file on its way to a configuration.

    Args:
        values: As they were written, mended where there were problems; empty where it is no YAML.
        config: What it comes to, mended where there were problems; None where nothing does.
        placed: The folders of `config`, each with where its keys were written.
        report: The problems, and the places of all values.
    """

    values: dict[str, Any]
    config: Config | None
    placed: tuple[folders.Placed, ...]
    report: Report


def examine(path: Path, *, environ: Mapping[str, str], needs_token: bool = True) -> Examined:
    """Read a configuration and take down its problems.

    Raises:
        ConfigError: The file cannot be read.
    """
    path = path.absolute()
    report = Report(path)
    content, mode = _read(path)
    values = positions.read(_decoded(content, report), report)
    defaults_given = _given(values)
    document = None if report.is_broken(()) else shape.checked(values, report)
    if document is None:
        return Examined(values=values, config=None, placed=(), report=report)
    expander = Expander(environ, path.parent)
    section = document.mvsep or MvsepSection()
    token = credentials.token(section, mode=mode, expander=expander, report=report, is_needed=needs_token)
    placed = folders.build(
        document.folders, document.defaults, defaults_given=defaults_given, expander=expander, report=report
    )
    crosscheck.check(placed, report)
    telling = Telling(mode=mode, expander=expander, report=report, is_needed=needs_token)
    state = _state(document, expander, report)
    config = _config(document, placed, token=token, state=state, telling=telling, report=report)
    config = replace(config, token_file=credentials.token_file(section, expander))
    return Examined(values=values, config=config, placed=tuple(placed), report=report)


def _read(path: Path) -> tuple[bytes, int]:
    try:
        content, mode = reading.read(path, largest_bytes=LARGEST_BYTES)
    except OSError as error:
        mended = "give whoever runs this the permission, or " if isinstance(error, PermissionError) else ""
        raise ConfigError(
            f"the configuration {path} cannot be read: {error.strerror}", hint=f"{mended}name another with -c PATH"
        ) from error
    except ValueError as error:
        raise ConfigError(f"the configuration {path} {error}", hint="name another with -c PATH") from error
    if len(content) > LARGEST_BYTES:
        raise ConfigError(f"the configuration {path} is larger than 1 MiB, which no configuration is")
    return content, mode


def _decoded(content: bytes, report: Report) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        report.add((), "the file is not UTF-8 text; save it as UTF-8", place=place)
        return ""


def _given(values: dict[str, Any]) -> frozenset[str]:
    """Give the keys of the defaults, usable or not."""
    written = values.get("defaults")
    return frozenset(written) if isinstance(written, dict) else frozenset()


def _config(
    document: Document, placed: list[folders.Placed], *, token: str, state: Path, telling: Telling, report: Report
) -> Config:
    schedule = document.schedule or ScheduleSection()
    return Config(
        path=report.path,
        state=state,
        service=_service(document.mvsep or MvsepSection(), token=token, report=report),
        folders=tuple(one.folder for one in placed),
        limits=_limits(document.limits or LimitsSection()),
        rescan_s=schedule.rescan,
        hours=schedule.hours or (),
        notify=telling.notify(document.notify),
        ping=telling.ping(document.ping, rescan_s=schedule.rescan),
        metrics=telling.metrics(document.metrics),
    )


def _service(section: MvsepSection, *, token: str, report: Report) -> Service:
    poll, looking = section.poll or PollSection(), section.reconcile or ReconcileSection()
    if poll.min > poll.max and not _is_any_broken(("mvsep", "poll"), ("min", "max"), report):
        report.add(("mvsep", "poll"), "min is longer than max")
    if looking.interval > looking.window and not _is_any_broken(("mvsep", "reconcile"), ("interval", "window"), report):
        report.add(("mvsep", "reconcile"), "interval is longer than window, and nothing would be looked for twice")
    return Service(
        token=token,
        base_url=section.base_url,
        timeout_s=section.timeout,
        poll=Poll(min_s=poll.min, max_s=poll.max),
        reconcile=Reconcile(window_s=looking.window, interval_s=looking.interval),
    )


def _is_any_broken(section: Keys, names: tuple[str, ...], report: Report) -> bool:
    return any(report.is_broken((*section, name)) for name in names)


def _state(document: Document, expander: Expander, report: Report) -> Path:
    if document.state is not None:
        try:
            path = expander.path(document.state)
        except ValueError as error:
            report.add(("state",), f"the path cannot be used: {error}")
        else:
            if document.state.endswith("/") or os.path.isdir(path):  # noqa: PTH112 - what may not be looked at is none
                report.add(("state",), f"{path} is a folder; name a file, such as {path / 'mvsep-watch.sqlite3'}")
            return path
    return places.state_path(report.path)


def _limits(section: LimitsSection) -> Limits:
    spending = section.credits or CreditsSection()
    return Limits(
        separations=section.separations,
        uploads=section.uploads,
        downloads=section.downloads,
        upload_bytes_per_s=section.upload_rate,
        download_bytes_per_s=section.download_rate,
        attempts=section.attempts,
        per_day_jobs=section.per_day_jobs,
        max_size_bytes=section.max_size,
        max_duration_s=section.max_duration,
        spool_bytes=section.spool,
        credits=CreditLimits(**spending.model_dump()),
    )
