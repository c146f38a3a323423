"""`demo`: everything at work without an account: a sandbox, a configuration, a song, and the daemon until it is done.

Tells what `stage` prepared, shows the work as `once` does, and draws what came of it. The surprise: the sandbox lives
only as long as the demo, so the state left behind knows a service that is gone; that is why a second demo uses the same
port and account, and finds everything done.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from mvsep_watch import log
from mvsep_watch import sandbox as local_mvsep
from mvsep_watch.cli import outcome, rendering
from mvsep_watch.cli.context import Options, command
from mvsep_watch.cli.progress import Progress
from mvsep_watch.cli.running import work
from mvsep_watch.cli.stage import Places, prepare, written
from mvsep_watch.cli.views import view_on
from mvsep_watch.daemon.run import opened
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Config

SPEED = 8.0
"""Fast enough not to bore, slow enough to see the queue at work."""
REQUESTS_A_MINUTE = 6000
"""The sandbox is ours alone: nobody has to be spared."""
CREDITS = 100
TREE_LINES = 40


@command("demo", short_help="Show everything at work, with a song and a service of its own.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mvsep-watch-demo"),
    show_default="./mvsep-watch-demo",
    metavar="DIR",
    help="Where to do it.",
)
@click.pass_obj
def demo(options: Options, *, folder: Path) -> int:
    """Show everything at work, with a song and a service of its own.

    Nothing leaves this machine, and no account is needed. It takes some seconds. The second time everything is found
    done, and nothing is uploaded.
    """
    local_mvsep.require_extra()
    console = rendering.console(stderr=options.json)
    log.configure(level="debug" if options.debug else "error")
    places = Places(folder)
    with _served(places) as server:
        config = prepare(places, server)
        _tell_beginning(console, places, server)
        came_of_it = _separate(config, console)
        uploads = server.api.record.requests["create"]
    if options.json:
        rendering.print_json(_as_json(came_of_it, places, uploads))
    else:
        _tell_end(console, came_of_it, places, server, uploads)
    return came_of_it.exit_code


@contextmanager
def _served(places: Places) -> Iterator[local_mvsep.Sandbox]:
    """Serve a sandbox, where the configuration expects one if that port is free."""
    token, port = written(places.config) if places.config.exists() else (None, 0)
    server = _sandbox(token, port)
    try:
        server.start()
    except UsageError:
        server = _sandbox(token, 0)
        server.start()
    try:
        yield server
    finally:
        server.stop()


def _sandbox(token: str | None, port: int) -> local_mvsep.Sandbox:
    return local_mvsep.Sandbox(
        port=port, token=token, credits=CREDITS, speed=SPEED, rate_limit=REQUESTS_A_MINUTE, slots=2
    )


def _separate(config: Config, console: Console) -> outcome.Outcome:
    """Run the daemon until everything is done."""
    view = view_on(console)
    with opened(config) as engine:
        began = engine.context.clock.now()
        told = work(engine, Progress(view, every_s=0))
        return outcome.found(engine, since=began, interrupted=told is not None)


def _tell_beginning(console: Console, places: Places, server: local_mvsep.Sandbox) -> None:
    console.print(f"A local MVSEP serves at {server.base_url}; nothing leaves this machine.")
    console.print(f"configuration  {rendering.path(places.config)}")
    size = rendering.size(places.song.stat().st_size)
    console.print(f"dropped        {rendering.path(places.song)}, {size}")
    console.print()


def _tell_end(
    console: Console, came_of_it: outcome.Outcome, places: Places, server: local_mvsep.Sandbox, uploads: int
) -> None:
    if came_of_it.exit_code:
        outcome.show(came_of_it, console)
        return
    if uploads:
        console.print()
    console.print(_tree(places.stems))
    console.print()
    if uploads:
        spent = rendering.credit(came_of_it.spent)
        console.print(f"{spent} spent, {came_of_it.balance} left; play money of the sandbox.")
    else:
        console.print("Everything was done before: nothing was uploaded, and nothing was spent.")
    console.print()
    _tell_next(console, places, server)


def _tell_next(console: Console, places: Places, server: local_mvsep.Sandbox) -> None:
    program, config = rendering.program(), shlex.quote(str(places.config))
    again = "" if str(places.folder) == "mvsep-watch-demo" else f" --dir {shlex.quote(str(places.folder))}"
    console.print(
        f"What to do next\n"
        f"  see what was done:   {program} -c {config} jobs\n"
        f"  try your own music:  put it into {rendering.path(places.song.parent)}, then {program} demo{again}\n"
        f"  watch it live:       {program} sandbox --port {server.base_url.rpartition(':')[2]} --token {server.token}\n"
        f"                       and in another terminal {program} -c {config} run\n"
        f"  do it for real:      {program} init, with your token"
    )


def _tree(folder: Path) -> Tree:
    """Draw the results with their sizes."""
    tree = Tree(Text(rendering.path(folder), style="bold"))
    branches = {folder: tree}
    for number, path in enumerate(_results(folder)):
        if number == TREE_LINES:
            tree.add("...")
            break
        if path.is_dir():
            branches[path] = branches[path.parent].add(Text(rendering.path(path.name), style="bold"))
        else:
            size = rendering.size(path.stat().st_size)
            branches[path.parent].add(Text.assemble(rendering.path(path.name), (f"  {size}", "dim")))
    return tree


def _results(folder: Path) -> list[Path]:
    paths = sorted(folder.rglob("*"))
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _as_json(came_of_it: outcome.Outcome, places: Places, uploads: int) -> dict[str, Any]:
    files = [path for path in _results(places.stems) if path.is_file()]
    return {
        **outcome.as_json(came_of_it),
        "configuration": rendering.full_path(places.config.absolute()),
        "uploads": uploads,
        "files": [{"path": rendering.full_path(path.absolute()), "size": path.stat().st_size} for path in files],
    }
