"""`pause` and `resume`: no new uploads until told, for everything or for single folders.

They change the gate `paused` by a request, as every command changes the state: with a running daemon and without one.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from typing import Any

import click

from mvsep_watch.cli import asking, rendering
from mvsep_watch.cli.context import Options, command, load_config
from mvsep_watch.cli.describing import gate_json
from mvsep_watch.cli.folders import folder_named
from mvsep_watch.cli.selecting import START, is_running, opened
from mvsep_watch.cli.suggesting import FOLDER
from mvsep_watch.daemon.pausing import EVERYTHING
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Config, Gate, GateName
from mvsep_watch.naming import display

FOLDERS = click.argument("which", nargs=-1, metavar="[FOLDER]...", type=FOLDER)
EVERY = click.option("--all", "every", is_flag=True, help="Everything; so it is where no folder is named.")


@command("pause", short_help="Begin no new uploads until told.")
@FOLDERS
@EVERY
@click.option("--reason", default="", metavar="TEXT", help="Why; `status` shows it.")
@click.pass_obj
def pause(options: Options, *, which: Sequence[str], every: bool, reason: str) -> None:
    """Begin no new uploads until told: of some watched folders, by name or path, or of everything.

    What the service has already goes on, and is fetched and published. `status` shows who did, why and since
    when. Survives restarts; `resume` ends it.
    """
    config = load_config(options, needs_token=False)
    folders = _meant("pause", which, config, every=every)
    arguments = {"folders": folders, "by": _who(), "reason": " ".join(reason.split())}
    changed = asking.ask(config, "pause", arguments)["folders"]
    _tell(options, config, "paused", changed)


@command("resume", short_help="Let uploads begin again.")
@FOLDERS
@EVERY
@click.pass_obj
def resume(options: Options, *, which: Sequence[str], every: bool) -> None:
    """Let uploads begin again that `pause` stopped: of some watched folders, or of everything."""
    config = load_config(options, needs_token=False)
    closed = [gate.scope for gate in _paused(config)]
    folders = _meant("resume", which, config, every=every, known=closed)
    changed = asking.ask(config, "resume", {"folders": folders})["folders"] if closed else []
    _tell(options, config, "resumed", changed)


def _meant(name: str, which: Sequence[str], config: Config, *, every: bool, known: Sequence[str] = ()) -> list[str]:
    """Give the folders' names, `EVERYTHING` for all.

    Args:
        name: The command's.
        which: Its words.
        config: The configuration.
        every: Whether all were asked for.
        known: Names that mean something without being in the configuration any more.

    Raises:
        UsageError: A word means no folder, or folders are named beside `--all`.
    """
    if which and every:
        raise UsageError(f"`{name}` takes folders or --all, and not both", hint=f"`mvsep-watch {name} --help`")
    if not which:
        return [EVERYTHING]
    return list(dict.fromkeys(word if word in known else folder_named(word, config).name for word in which))


def _who() -> str:
    """Name the user who types; a user without a name has a number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _paused(config: Config) -> tuple[Gate, ...]:
    with opened(config) as views:
        closed = views.memory.closed if views else ()
    return tuple(gate for gate in closed if gate.name == GateName.PAUSED)


def _tell(options: Options, config: Config, done: str, changed: Sequence[str]) -> None:
    """Say what changed, and what is paused now."""
    still = _paused(config)
    if options.json:
        shown: dict[str, Any] = {
            done: [_words(scope) for scope in changed],
            "gates": [gate_json(gate) for gate in still],
        }
        rendering.print_json(shown)
        return
    console = rendering.console()
    console.print(f"{done}: {rendering.joined(map(_words, changed))}" if changed else f"nothing more is {done}")
    for gate in still:
        console.print(f"{gate.reason}, since {rendering.local_time(gate.since)}")
        console.print(f"  hint: {gate.hint}")
    if changed and done == "resumed" and not is_running(config):
        console.print(f"no daemon is running; it goes on when one does: {START}")


def _words(scope: str) -> str:
    return "everything" if scope == EVERYTHING else display(scope)
