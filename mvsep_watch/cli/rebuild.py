"""`rebuild`: makes a lost, old or damaged state whole again, from what is published and from the account's history.

It says first what it is going to do and asks, then what it found, what it did, and what it left out and why. Nothing
is sent, and nothing but the claims is written among the outputs.
"""

from __future__ import annotations

import time
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch import log
from mvsep_watch.cli import rendering, spooled
from mvsep_watch.cli.context import Exit, Options, command, load_config
from mvsep_watch.cli.prompting import agree
from mvsep_watch.cli.reaching import asked
from mvsep_watch.cli.rendering import count, joined
from mvsep_watch.cli.running import configure_log
from mvsep_watch.cli.selecting import START
from mvsep_watch.daemon.opening import open_for_rebuild
from mvsep_watch.daemon.rebuilding import BY_A_PERSON, Rebuilding
from mvsep_watch.daemon.rebuilt import History, Report
from mvsep_watch.daemon.run import refuse_network
from mvsep_watch.files.lock import StateLock
from mvsep_watch.model import Config
from mvsep_watch.store import Store

NAMES_SHOWN = 5
NO_TOKEN = History(trouble="there is no token")


@command("rebuild", short_help="Rebuild the state from outputs and history.")
@click.option("--verify", is_flag=True, help="Read every output and compare its sha256, not only its size.")
@click.option("-y", "--yes", is_flag=True, help="Rebuild without being asked.")
@click.pass_obj
def rebuild(options: Options, *, verify: bool, yes: bool) -> int:
    """Rebuild the state file from what is published and from the account's history.

    For a state file that is lost, older than the outputs, or damaged. What it still knows is kept. Nothing is sent;
    what is new afterwards waits for one `approve`. Stop the daemon first.
    """
    config = load_config(options, needs_token=False)
    configure_log(options, level="error")
    refuse_network(config)
    with StateLock(config.state) as lock:
        _agree(config, yes=yes)
        store, report = open_for_rebuild(config, now=time.time(), begun_by=BY_A_PERSON)
        try:
            lock.cover()
            _perform(Rebuilding(store, config, report, now=time.time(), verify=verify), config)
            told = as_json(report, store)
        finally:
            store.close()
    if options.json:
        rendering.print_json(told)
    else:
        show(report, rendering.console())
    return Exit.OK if report.is_whole else Exit.UNFINISHED


def _perform(rebuilding: Rebuilding, config: Config) -> None:
    if not config.service.token:
        rebuilding.perform(None)
        rebuilding.report.history = NO_TOKEN
        return
    with asked(config.service) as client:
        rebuilding.perform(client)


def _agree(config: Config, *, yes: bool) -> None:
    """Say what is going to be done, and go on only with a yes.

    Raises:
        UsageError: Nobody is there to be asked.
        Abort: Somebody said no.
    """
    roots = joined(sorted({rendering.path(folder.output) for folder in config.folders}))
    question = f"Rebuild {rendering.path(config.state)} from what is published below {roots}?"
    agree(
        question,
        yes=yes,
        hint="--yes rebuilds without asking",
        before="Its outputs then belong to this state alone, and what it does not know waits for one `approve`.",
    )


def as_json(report: Report, store: Store) -> dict[str, Any]:
    """Give a report for programs."""
    history = report.history or NO_TOKEN
    return {
        "state_id": store.memory.state_id,
        "generation": store.memory.generation,
        "damaged_state_file": None if report.aside is None else rendering.full_path(report.aside),
        "salvaged": report.salvaged,
        "roots": [rendering.full_path(root) for root in report.roots],
        "sidecars": report.sidecars,
        "jobs_restored": report.jobs,
        "separations_restored": report.separations,
        "foreign": report.foreign,
        "sources_gone": report.gone,
        "changed": [
            {"folder": rendering.full_path(folder), "outputs": list(names)} for folder, names in report.changed
        ],
        "left_out": [
            {"path": rendering.full_path(path), "reason": reason} for path, reason in [*report.missing, *report.damaged]
        ],
        "spool_left": spooled.as_json(report.orphans),
        "history": {
            "tagged": history.tagged,
            "unexplained": history.unexplained,
            "trouble": log.redact(history.trouble),
        },
    }


def show(report: Report, console: Console) -> None:
    """Print a report for people."""
    if report.aside is not None:
        saved = f"; {count(report.salvaged, 'separation')} could still be read in it" if report.salvaged else ""
        console.print(f"the damaged state file is {rendering.path(report.aside)} now{saved}")
    console.print(f"{count(report.sidecars, 'sidecar')}: {_restored(report)}")
    if report.foreign:
        console.print(f"{report.foreign} of them are of another service, and never count for this one")
    if report.gone:
        console.print(f"{count(report.gone, 'source')} not found as before: the same bytes are known under any name")
    _show_history(report.history or NO_TOKEN, console)
    for folder, names in report.changed:
        shown = ", ".join([*names[:NAMES_SHOWN], *(["…"] if len(names) > NAMES_SHOWN else [])])
        console.print(Text.assemble(("changed", "yellow"), f"  {rendering.path(folder)}: {shown}"))
    for path, reason in [*report.missing, *report.damaged]:
        console.print(Text.assemble(("left out", "red"), f"  {rendering.path(path)}: {reason}"))
    if report.orphans:
        console.print(Text.assemble(("spool", "yellow"), f"  {spooled.total(report.orphans)} of no job here"))
        console.print("\n".join(f"  {spooled.line(orphan)}" for orphan in report.orphans))
        console.print(f"  hint: {spooled.HINT}")
    console.print(f"the state is rebuilt; what is new to it waits for one `approve`: {START}")


def _restored(report: Report) -> str:
    if not report.jobs and not report.separations:
        return "nothing that was not known"
    return f"{count(report.jobs, 'job')} and {count(report.separations, 'separation')} restored"


def _show_history(history: History, console: Console) -> None:
    if history.trouble:
        console.print(f"the account's history was not read: {log.redact(history.trouble)}")
        console.print("  the daemon reads it before it sends anything")
    elif history.unexplained:
        console.print(
            f"the account's history: {count(history.tagged, 'separation')} of ours, {history.unexplained} of them"
            " without a sidecar here; taken over without paying once the file is found"
        )
