"""What a shell suggests: the ids of the latest jobs, and files, where a job is to be named; names where those are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from mvsep_watch.cli.context import Options, load_config
from mvsep_watch.cli.selecting import opened
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import Config, JobState
from mvsep_watch.naming import display

LATEST = 30
"""More than anybody reads in a list of suggestions."""


class JobOrPath(click.types.StringParamType):
    """A word that names jobs; taken as it is."""

    name = "text"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Suggest ids with the names of their sources; the shell adds files."""
        del param
        options = ctx.find_object(Options) or Options()
        return [*_ids(options, incomplete), CompletionItem(incomplete, type="file")]


class Named(click.types.StringParamType):
    """A word that names something of the configuration; taken as it is."""

    name = "text"

    def __init__(self, names: Callable[[Config], Iterable[str]]) -> None:
        self._names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Suggest the names that begin so."""
        del param
        options = ctx.find_object(Options) or Options()
        with contextlib.suppress(MvsepWatchError, OSError):
            names = dict.fromkeys(self._names(load_config(options, needs_token=False)))
            return [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return []


WHICH = JobOrPath()
FOLDER = Named(lambda config: (folder.name for folder in config.folders))
STATE = Named(lambda _: map(str, JobState))
RULE = Named(lambda config: (rule.name for folder in config.folders for rule in folder.rules))


def _ids(options: Options, incomplete: str) -> Iterator[CompletionItem]:
    """Give the latest jobs whose id begins so; none where the state cannot be read, for nobody asked for an error."""
    if incomplete and not incomplete.isdigit():
        return
    with contextlib.suppress(MvsepWatchError, OSError):
        config = load_config(options, needs_token=False)
        with opened(config) as views:
            rows = views.views([*views.live(limit=LATEST), *views.finished(limit=LATEST)]) if views else []
        for view in rows:
            if str(view.job.id).startswith(incomplete):
                yield CompletionItem(str(view.job.id), help=f"{view.job.state}, {display(view.source.name)}")
