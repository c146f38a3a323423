"""`quality`: the service's quality checker: its queue and leaderboard, and entries of one's own.

An entry belongs to whoever knows its password. It is typed unseen or read from the standard input.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import prompting, rendering
from mvsep_watch.cli.context import Options
from mvsep_watch.cli.reaching import Function, ServiceGroup, paged, reached
from mvsep_watch.cli.transfers import Transfers
from mvsep_watch.model import QualityEntry
from mvsep_watch.naming import display

FIRST_PAGE = 20
DATASETS = "0 Synth, 1 Multisong, 2 Piano, 3 Lead/back vocals, 4 Guitar, up to 12"
"""Source: a translated copy of the API page, 2026; 5 to 12 are named nowhere."""
LAST_DATASET = 12


def _dataset_option(function: Function) -> Function:
    return click.option(
        "--dataset-type",
        metavar="N",
        type=click.IntRange(0, LAST_DATASET),
        default=0,
        show_default=True,
        help=f"The dataset: {DATASETS}.",
    )(function)


@click.group("quality", cls=ServiceGroup, short_help="Use the service's quality checker.")
def quality() -> None:
    """Use the service's quality checker, which measures separations against known stems."""


@quality.command("queue", short_help="List the newest entries.")
@paged(FIRST_PAGE)
@click.pass_obj
def queue(options: Options, *, start: int, limit: int) -> None:
    """List the newest entries, with how far they are."""
    with reached(options, needs_token=False) as client:
        entries = list(client.quality_queue(start=start, limit=limit))
    if options.json:
        rendering.print_json([_as_json(entry) for entry in entries])
    else:
        _list(entries, rendering.console())


@quality.command("leaderboard", short_help="List the best entries.")
@_dataset_option
@click.option("--sort", default="", metavar="NAME", help="The measure to sort by, as the list names them.")
@click.option("--filter", "name_filter", default="", metavar="WORD", help="Only names with this word.")
@paged(FIRST_PAGE, most=FIRST_PAGE)
@click.pass_obj
def leaderboard(options: Options, *, dataset_type: int, sort: str, name_filter: str, start: int, limit: int) -> None:
    """List the best entries of a dataset."""
    with reached(options, needs_token=False) as client:
        page = client.quality_leaderboard(
            dataset_type=dataset_type, sort=sort, name_filter=name_filter, start=start, limit=limit
        )
    if options.json:
        rendering.print_json(
            {
                "dataset_type": page.dataset_type,
                "sort": page.sort,
                "sortables": list(page.sortables),
                "entries": [_as_json(entry) for entry in page.entries],
            }
        )
        return
    console = rendering.console()
    _list(page.entries, console)
    if page.sortables:
        console.print(f"sorted by {page.sort or 'the default'}; --sort takes {', '.join(page.sortables)}", style="dim")


@quality.command("entry", short_help="Show an entry.")
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def entry(options: Options, *, number: int) -> None:
    """Show an entry with all that was measured."""
    with reached(options, needs_token=False) as client:
        found = client.quality_entry(number)
    if options.json:
        rendering.print_json(_as_json(found))
    else:
        _show(found, rendering.console())


@quality.command("add", short_help="Have stems measured.")
@click.argument("zip_file", metavar="ZIP", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", required=True, metavar="NAME", help="The algorithm's name.")
@click.option("--text", default="", metavar="TEXT", help="A description.")
@_dataset_option
@click.option("--ensemble", is_flag=True, help="It is an ensemble of several models.")
@click.option("--password-stdin", is_flag=True, help="Read the password from a line of the standard input.")
@click.pass_obj
def add(
    options: Options, *, zip_file: Path, name: str, text: str, dataset_type: int, ensemble: bool, password_stdin: bool
) -> None:
    """Upload a ZIP with the separated stems of a dataset, to be measured and listed publicly.

    You choose a password; with it, and the entry's ID, the entry can be deleted.
    """
    with reached(options) as client:
        password = prompting.password(from_stdin=password_stdin, confirmed=True)
        with Transfers() as transfers:
            added = client.quality_add(
                zip_file,
                algo_name=name,
                password=password,
                main_text=text,
                dataset_type=dataset_type,
                is_ensemble=ensemble,
                progress=transfers.upload(zip_file.name),
            )
    if options.json:
        rendering.print_json({"id": added.id, "link": added.link})
    else:
        rendering.console().print(
            f"added: entry {added.id}; see it with: {rendering.program()} quality entry {added.id}"
        )


@quality.command("delete", short_help="Delete an entry.")
@click.argument("number", metavar="ID", type=int)
@click.option("--password-stdin", is_flag=True, help="Read the password from a line of the standard input.")
@click.pass_obj
def delete(options: Options, *, number: int, password_stdin: bool) -> None:
    """Delete an entry, with the password that it was added with."""
    with reached(options, needs_token=False) as client:
        words = client.quality_delete(number, password=prompting.password(from_stdin=password_stdin))
    if options.json:
        rendering.print_json({"id": number, "message": words})
    else:
        rendering.console().print(f"entry {number}: {display(words)}")


def _list(entries: Sequence[QualityEntry], console: Console) -> None:
    if not entries:
        console.print("no entries")
        return
    table = rendering.table("id", "name", "dataset", "date", "SDR", right=["id"])
    for each in entries:
        table.add_row(*map(Text, (str(each.id), display(each.algo_name), _dataset(each), each.date, _measured(each))))
    console.print(table)


def _dataset(each: QualityEntry) -> str:
    number = "" if each.dataset_type is None else str(each.dataset_type)
    return display(each.dataset_name) or number or "-"


def _measured(each: QualityEntry) -> str:
    values = ", ".join(f"{display(stem)} {sdr:.2f}" for stem, sdr in each.sdr.items())
    return values or display(each.message) or "-"


def _show(each: QualityEntry, console: Console) -> None:
    console.print(Text(f"{each.id}  {display(each.algo_name)}", style="bold"))
    facts = {
        "dataset": _dataset(each),
        "date": display(each.date),
        "ensemble": "yes" if each.is_ensemble else "no",
        "state": "" if each.proc is None else str(each.proc),
        "says": display(each.message),
        "SDR": ", ".join(f"{display(stem)} {sdr:.2f}" for stem, sdr in each.sdr.items()),
    }
    for name, words in facts.items():
        if words:
            console.print(f"{name:<8} {words}")
    for text in (each.main_text, each.metrics):
        if lines := [display(line) for line in text.splitlines() if line.strip()]:
            console.print()
            console.print("\n".join(lines))


def _as_json(each: QualityEntry) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.algo_name,
        "text": each.main_text,
        "dataset_type": each.dataset_type,
        "dataset": each.dataset_name,
        "date": each.date,
        "proc": each.proc,
        "message": each.message,
        "metrics": each.metrics,
        "sdr": dict(each.sdr),
        "ensemble": each.is_ensemble,
    }
