"""What a shell suggests where a job is to be named: the ids of the latest jobs, and files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem

from mvsep_watch.cli.context import Options, load_config
from mvsep_watch.cli.selecting import opened
from mvsep_watch.errors import MvsepWatchError
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


WHICH = JobOrPath()


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
