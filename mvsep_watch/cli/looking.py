"""`status`, `jobs` and `show`: what is going on, from the state file, with or without a running daemon.

They read the configuration and the state, and ask nobody else. A configuration that has no state yet is no error.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import dossier, overview, rendering, seeing, story, tables, watching
from mvsep_watch.cli.context import Options, command, find_config, load_config
from mvsep_watch.cli.describing import Describer
from mvsep_watch.cli.filtering import STATES, asked
from mvsep_watch.cli.selecting import NOTHING_YET, START, is_running, no_match, opened, select
from mvsep_watch.cli.suggesting import FOLDER, RULE, STATE, WHICH
from mvsep_watch.cli.verdict import verdict
from mvsep_watch.config import glimpse
from mvsep_watch.errors import ConfigError, StateError
from mvsep_watch.model import Config
from mvsep_watch.naming import display
from mvsep_watch.store import JobRow
from mvsep_watch.store.listing import Asked
from mvsep_watch.store.views import JobView, Views

LIVE_SHOWN = 50
LATEST_SHOWN = 20
"""A first page: what fits a screen or two."""
LONGEST_REASON = 100


@command("status", short_help="Show what is going on.")
@click.option("--folders", is_flag=True, help="Show as well how each watched folder is seen.")
@click.option(
    "--watch", "is_watched", is_flag=True, help="Show it every two seconds until Ctrl-C; in a pipe whenever it changes."
)
@click.pass_obj
def status(options: Options, *, folders: bool, is_watched: bool) -> None:
    """Show what is going on.

    The first line says whether all is well. Then comes what needs you, what is under way, counts and credits.
    """

    def show(console: Console) -> None:
        found = _overview(options)
        if found.has_run or found.refused:
            console.print(verdict(found))
        overview.show(found, console)
        if folders:
            seeing.show(found.seen, console)

    if is_watched and options.json:
        watching.watch_json(lambda: overview.as_json(_overview(options)))
    elif is_watched:
        watching.watch(show)
    elif options.json:
        rendering.print_json(overview.as_json(_overview(options)))
    else:
        show(rendering.console())


def _overview(options: Options) -> overview.Overview:
    config, trouble = _as_far_as_it_goes(options)
    with opened(config) as views:
        if views is None and trouble is None and not is_running(config):
            trouble = _lacking(options)
        return overview.found(views, config, now=time.time(), trouble=trouble)


def _lacking(options: Options) -> ConfigError | None:
    """Say what a first `run` would not find, which looking needs not: the token."""
    try:
        load_config(options)
    except ConfigError as error:
        return error
    return None


def _as_far_as_it_goes(options: Options) -> tuple[Config, ConfigError | None]:
    """Read the configuration; of one that cannot be used, what can be told, while a daemon runs with an older one.

    Raises:
        ConfigError: There is none, or it cannot be used and nobody runs.
    """
    try:
        return load_config(options, needs_token=False), None
    except ConfigError as error:
        path = find_config(options)
        config = glimpse(path, environ=os.environ) if path else None
        with suppress(StateError):  # the configuration comes first
            if config is not None and is_running(config):
                return config, error
        raise


@command("jobs", short_help="List jobs.")
@click.argument("which", nargs=-1, metavar="[ID|PATH|GLOB]...", type=WHICH)
@click.option(
    "--state", "states", multiple=True, metavar="STATE", type=STATE, help=f"In this state: {', '.join(STATES)}."
)
@click.option("--folder", "folders", multiple=True, metavar="FOLDER", type=FOLDER, help="Of this watched folder.")
@click.option("--rule", "rules", multiple=True, metavar="RULE", type=RULE, help="Of rules with this name.")
@click.option("--since", metavar="30d|DATE|TIME", help="That something happened to since then, or so long ago.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="The latest N of them.")
@click.option("--all", "every", is_flag=True, help="List every job, not only the latest.")
@click.pass_obj
def jobs(
    options: Options,
    *,
    which: Sequence[str],
    states: Sequence[str],
    folders: Sequence[str],
    rules: Sequence[str],
    since: str | None,
    limit: int | None,
    every: bool,
) -> None:
    """List jobs, the newest last: those under way and the latest that are finished.

    Names jobs by their ids, by paths (of a source, a folder, or outputs) or by globs in quotes. The options --state,
    --folder and --rule may be given several times. With --json every job that fits is listed, or --limit of them.
    """
    config, now = load_config(options, needs_token=False), time.time()
    with opened(config) as views:
        if views is None:
            _nothing_yet(options, which)
            return
        wanted = asked(views, config, states=states, folders=folders, rules=rules, since=since, now=now)
        among = [job.id for job in select(views, which, config=config).jobs] if which else None
        is_page = not (which or every or limit or options.json)
        rows = _page(views, wanted) if is_page else views.listed(wanted, among=among, limit=limit)
        describer = Describer(views, config, running=is_running(config), now=now)
        found = views.views(rows)
        if options.json:
            rendering.print_json([describer.as_json(view) for view in found])
            return
        lines = [(view, display(describer.why(view)[0])) for view in found]
        hidden = 0 if which or every else views.counted(wanted) - len(found)
    _show(lines, hidden, config, rendering.console())


def _nothing_yet(options: Options, which: Sequence[str]) -> None:
    if which:
        raise no_match(which)
    if options.json:
        rendering.print_json([])
    else:
        rendering.console().print(f"{NOTHING_YET}: {START}")


def _page(views: Views, wanted: Asked) -> list[JobRow]:
    """Give a first page: the newest that live, and the newest that are finished."""
    live = replace(wanted, states=tuple(state for state in wanted.states if state.is_live))
    finished = replace(wanted, states=tuple(state for state in wanted.states if not state.is_live))
    found = views.listed(live, limit=LIVE_SHOWN) if live.states else []
    found += views.listed(finished, limit=LATEST_SHOWN) if finished.states else []
    return sorted(found, key=lambda job: job.id)


def _show(lines: Sequence[tuple[JobView, str]], hidden: int, config: Config, console: Console) -> None:
    """Print a table: the rule only where there are several, what is said of each job in one line."""
    if hidden:
        console.print(f"… and {rendering.count(hidden, 'more job')}: `jobs --all` lists them", style="dim")
    has_rules = len({(view.job.folder, view.job.rule) for view, _ in lines}) > 1
    table = rendering.table(
        "job", "state", "source", *(["rule"] if has_rules else []), "credits", "", right=["job", "credits"]
    )
    for view, reason in lines:
        rule = [Text(view.job.rule)] if has_rules else []
        table.add_row(
            Text(str(view.job.id)),
            rendering.state(str(view.job.state)),
            Text(_name(view, config)),
            *rule,
            Text(_credits(view)),
            Text(_note(view, reason)),
        )
    if lines:
        tables.show(table, console)
    else:
        console.print("no jobs" if not hidden else "no jobs under way")


def _name(view: JobView, config: Config) -> str:
    """Name a source as short as it is clear: below its watched folder."""
    folder = config.folder(view.job.folder)
    if folder is not None and view.source.is_relative_to(folder.path):
        return rendering.path(view.source.relative_to(folder.path))
    return rendering.path(view.source)


def _credits(view: JobView) -> str:
    row, asked = view.separation, view.job.price
    if row is not None:
        return f"~{row.credits_estimated}" if row.credits_charged is None else str(row.credits_charged)
    return "-" if asked is None else f"~{asked}"


def _note(view: JobView, reason: str) -> str:
    if view.outputs:
        return f"{rendering.count(len(view.outputs), 'stem')} in {rendering.path(view.job.place.folder)}"
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"


@command("show", short_help="Show everything about a job or a file.")
@click.argument("which", metavar="ID|PATH", type=WHICH)
@click.pass_obj
def show(options: Options, *, which: str) -> None:
    """Show everything about a job or a file: what happened and why, what it cost, where its outputs are.

    Of a file it says which rules want it, or why none does.
    """
    config = load_config(options, needs_token=False)
    with opened(config) as views:
        found = dossier.found(views, which, config, now=time.time())
    if options.json:
        rendering.print_json(dossier.as_json(found))
    else:
        story.show(found, rendering.console())
