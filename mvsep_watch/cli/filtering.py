"""Which jobs a listing is to show: by state, folder, rule and time, as words on the command line say it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from mvsep_watch.cli.folders import folder_named, unknown
from mvsep_watch.config.units import duration_s
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Config, JobState
from mvsep_watch.naming import display
from mvsep_watch.store.listing import Asked
from mvsep_watch.store.views import Views

STATES = [str(state) for state in JobState]


def asked(
    views: Views,
    config: Config,
    *,
    states: Sequence[str],
    folders: Sequence[str],
    rules: Sequence[str],
    since: str | None,
    now: float,
) -> Asked:
    """Say which jobs are asked for; `now` is seconds since 1970.

    Raises:
        UsageError: A word names no state, no folder, no rule, or no time.
    """
    return Asked(
        states=tuple(map(_state, states)) or tuple(JobState),
        folders=tuple(name for word in folders for name in _folders(word, views, config)),
        rules=tuple(_rule(word, views, config) for word in rules),
        changed_since=None if since is None else instant_of(since, now=now),
    )


def _state(word: str) -> JobState:
    if word not in STATES:
        raise unknown("no job is ever", word, STATES)
    return JobState(word)


def _folders(word: str, views: Views, config: Config) -> Iterator[str]:
    """Give the folders that a word means: of the configuration, or such as had jobs; a glob names several."""
    past = views.names("folder")
    named = [name for name in past if name == word or fnmatchcase(name, word)]
    yield from named or [folder_named(word, config).name]


def _rule(word: str, views: Views, config: Config) -> str:
    known = dict.fromkeys(rule.name for folder in config.folders for rule in folder.rules)
    if word not in known and word not in (past := views.names("rule")):
        raise unknown("there is no rule", word, [*known, *(name for name in past if name not in known)])
    return word


def instant_of(text: str, *, now: float) -> float:
    """Read how long ago something was, or when, by this machine's clock; a time of day is the latest such time.

    Args:
        text: `30d`, `2h`; `2026-03-01`, `2026-03-01 22:00`; `22:00`.
        now: Seconds since 1970.

    Returns:
        Seconds since 1970.

    Raises:
        UsageError: It is none of these.
    """
    here = dt.datetime.fromtimestamp(now).astimezone()
    try:
        if re.fullmatch(r"\d+(\.\d+)?[smhd]", text, re.ASCII):
            return now - duration_s(text)
        if re.fullmatch(r"\d\d?:\d\d", text, re.ASCII):
            hour, _, minute = text.partition(":")
            at = here.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            return (at if at <= here else at - dt.timedelta(days=1)).timestamp()
        return dt.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        hint = "write how long ago, such as 30d or 2h, a date such as 2026-03-01, or a time such as 22:00"
        raise UsageError(f'--since "{display(text)}" is no time', hint=hint) from error
