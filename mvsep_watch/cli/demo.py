"""`demo`: everything at work without an account: a sandbox, a configuration, a song, and the daemon until it is done.

Writes only below its own folder. What stands there from an earlier demo is used again: the configuration with all
changes, the song, the state; so a second demo finds everything done. The surprise: a sandbox forgets everything when it
stops, so work that an interrupted demo left with one is gone; its state and stems are then moved aside.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from mvsep_watch import config as configuration
from mvsep_watch import log
from mvsep_watch import sandbox as local_mvsep
from mvsep_watch.cli import outcome, rendering
from mvsep_watch.cli.context import Options, command
from mvsep_watch.cli.progress import LineView, LiveView, Progress, View
from mvsep_watch.cli.running import work
from mvsep_watch.daemon.run import opened
from mvsep_watch.errors import ConfigError, UsageError
from mvsep_watch.files.lock import StateLock
from mvsep_watch.model import Config, JobState, SeparationState
from mvsep_watch.store import Store

SPEED = 8.0
"""Fast enough not to bore, slow enough to see the queue at work."""
REQUESTS_A_MINUTE = 6000
"""The sandbox is ours alone: nobody has to be spared."""
SONG = "Paper Boats.wav"
SONG_S = 20.0
CREDITS = 100
HEADER = "# Written by `mvsep-watch demo`."
TREE_LINES = 40

CONFIG = """\
{header} A real configuration: change it as you like, the next demo keeps it.
# For real work nothing but the token and the base_url differ.

mvsep:
  token: {token}  # made up for the sandbox; yours is on https://mvsep.com/user-api
  base_url: {base_url}  # the demo's sandbox, which is gone when the demo ends; the service is https://mvsep.com
  poll: {{min: 0.5s, max: 2s}}  # a sandbox may be asked often; leave this out with the service

limits:
  credits:
    reserve: 0  # credits that always stay on the account
    approve_batch_above: 50  # what would cost more at once waits for `mvsep-watch approve`

folders:
  - path: drop  # put audio files in here, in folders of any depth
    output: stems  # and find the stems here, in the same folders
    settle: 1s  # a file is taken when it has not changed for so long
    source: keep  # or delete, or {{move: PATH}}, once everything asked for is there
    rules:
      - name: band
        sep_type: 63  # BS Roformer SW: vocals, bass, drums, guitar, piano, other, instrumental
        format: flac
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo keeps its things."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "mvsep-watch.yaml"

    @property
    def song(self) -> Path:
        """The generated song, in the watched folder."""
        return self.folder / "drop" / SONG

    @property
    def stems(self) -> Path:
        """The output root."""
        return self.folder / "stems"


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
        config = _prepare(places, server)
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
    token, port = _written(places.config) if places.config.exists() else (None, 0)
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


def _written(path: Path) -> tuple[str, int]:
    """Read the token and the port of an earlier demo.

    Raises:
        UsageError: The configuration there is not the demo's.
    """
    try:
        is_ours = path.read_text(encoding="utf-8").startswith(HEADER)
    except (OSError, UnicodeDecodeError):
        is_ours = False
    if not is_ours:
        raise UsageError(f"{path} is there, and no demo wrote it", hint="choose another folder with --dir")
    service = configuration.load(path, environ=os.environ).service
    port = re.fullmatch(r"http://127\.0\.0\.1:(\d+)", service.base_url)
    if port is None:
        raise UsageError(
            f"{path} is for {service.base_url} now, and no longer for a demo", hint="choose another folder with --dir"
        )
    return service.token, int(port[1])


def _prepare(places: Places, server: local_mvsep.Sandbox) -> Config:
    """Write what is missing: the configuration and the song; put aside what an interrupted demo left."""
    log.hide(server.token)
    try:
        places.song.parent.mkdir(parents=True, exist_ok=True)
        _write_config(places.config, server)
        if not places.song.exists():
            part = places.song.with_suffix(".tmp")
            local_mvsep.write_song(part, SONG_S)
            part.rename(places.song)
    except OSError as error:
        raise ConfigError(
            f"{places.folder} cannot be written: {error.strerror}", hint="choose another folder with --dir"
        ) from error
    config = configuration.load(places.config, environ=os.environ)
    _put_aside_interrupted(config, places)
    return config


def _write_config(path: Path, server: local_mvsep.Sandbox) -> None:
    """Write the configuration, or only the new base URL into the one that is there. The token is nobody else's."""
    if path.exists():
        before = path.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^(\s*base_url:\s*)\S+", rf"\g<1>{server.base_url}", before, count=1)
    else:
        before = ""
        text = CONFIG.format(header=HEADER, token=json.dumps(server.token), base_url=server.base_url)
    if text != before:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - the mode comes from the descriptor
            file.write(text)


def _put_aside_interrupted(config: Config, places: Places) -> None:
    """Move state and stems aside if work is left that was with an earlier sandbox: nobody has its results any more."""
    with StateLock(config.state):
        if not config.state.exists() or not _was_interrupted(config.state):
            return
        aside = next(path for n in range(1, 10_000) if not (path := places.folder / f"interrupted-{n}").exists())
        aside.mkdir()
        for path in (config.state, *config.state.parent.glob(f"{config.state.name}-*"), places.stems):
            if path.exists():
                path.rename(aside / path.name)


def _was_interrupted(state: Path) -> bool:
    store = Store(state)
    try:
        with_server = (SeparationState.RELEASED, SeparationState.SUBMITTED)
        left = any(row.state in with_server for row in store.separations.unfinished())
        return left or store.jobs.counts()[JobState.SEPARATED] > 0
    finally:
        store.close()


def _separate(config: Config, console: Console) -> outcome.Outcome:
    """Run the daemon until everything is done."""
    view: View = LiveView(Console(stderr=console.stderr)) if console.is_terminal else LineView(console)
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
        f"  do it for real:      copy {rendering.path(places.config)}, put in your token and https://mvsep.com,\n"
        f"                       then {program} -c COPY check --online"
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
