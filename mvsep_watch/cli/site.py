"""`site`: what the service tells everybody: its queues, its news, and what its users published."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import plain, rendering
from mvsep_watch.cli.context import Options
from mvsep_watch.cli.reaching import ServiceGroup, asked, paged, reach, reached
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import Demo, NewsItem, Queue, QueueSummary
from mvsep_watch.naming import display

NEWS = 5
FIRST_PAGE = 20


@click.group("site", cls=ServiceGroup, short_help="Show the service's queues, news and demos.")
def site() -> None:
    """Show what the service tells everybody: its queues, its news, and what its users published."""


@site.command("queue", short_help="Show how long the queues are.")
@click.pass_obj
def queue(options: Options) -> None:
    """Show how long the queues are, and with a token, how long this account would wait."""
    service = reach(options, needs_token=False).service
    with asked(service) as client:
        found = client.queue()
        summary = QueueSummary()
        if service.token:
            with suppress(MvsepWatchError):  # in no documentation page: nobody is owed it
                summary = client.queue_summary()
    if options.json:
        rendering.print_json(_queue_json(found, summary))
    else:
        _show_queue(found, summary, rendering.console())


def _queue_json(found: Queue, summary: QueueSummary) -> dict[str, Any]:
    return {
        "counts": dict(found.counts),
        "plan": found.plan,
        "plan_queue": found.plan_queue,
        "ahead": summary.ahead,
        "estimated_wait_s": summary.estimated_wait_s,
    }


def _show_queue(found: Queue, summary: QueueSummary, console: Console) -> None:
    width = max([len("your plan"), *map(len, found.counts)])
    for name, number in found.counts.items():
        console.print(f"{display(name).replace('_', ' '):<{width}}  {number}")
    if found.plan:
        waiting = "" if found.plan_queue is None else f", {found.plan_queue} waiting"
        console.print(f"{'your plan':<{width}}  {display(found.plan)}{waiting}")
    if summary.ahead is not None:
        console.print(f"{'ahead':<{width}}  {summary.ahead}")
    if summary.estimated_wait_s is not None:
        console.print(f"{'your wait':<{width}}  about {rendering.duration(summary.estimated_wait_s)}")


@site.command("news", short_help="Read the news.")
@click.option("--lang", default="en", show_default=True, metavar="LANG", help="The language: en, ru, ...")
@paged(NEWS)
@click.pass_obj
def news(options: Options, *, lang: str, start: int, limit: int) -> None:
    """Read the news, the newest first."""
    with reached(options, needs_token=False) as client:
        items = list(client.news(lang=lang, start=start, limit=limit))
    if options.json:
        rendering.print_json([_news_json(item) for item in items])
        return
    console = rendering.console()
    if not items:
        console.print("no news")
    for number, item in enumerate(items):
        if number:
            console.print()
        console.print(Text(f"{display(item.created_at)}  {plain.plain(item.title)}", style="bold"))
        console.print(plain.wrapped(plain.plain(item.text), rendering.text_columns(console)))


def _news_json(item: NewsItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "lang": item.lang,
        "text": plain.plain(item.text),
        "html": item.text,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }


@site.command("demos", short_help="List what users published.")
@click.option("--sep-type", type=int, metavar="ID", help="Only of this model.")
@paged(FIRST_PAGE)
@click.pass_obj
def demos(options: Options, *, sep_type: int | None, start: int, limit: int) -> None:
    """List what users published on the demo page, the newest first; `get HASH` fetches one."""
    with reached(options, needs_token=False) as client:
        found = list(client.demos(start=start, limit=limit, sep_type=sep_type))
    if options.json:
        rendering.print_json([_demo_json(demo) for demo in found])
        return
    console = rendering.console()
    if not found:
        console.print("no demos")
        return
    table = rendering.table("made", "model", "hash")
    for demo in found:
        table.add_row(*map(Text, (display(demo.date), display(demo.algorithm), display(demo.hash))))
    console.print(table)


def _demo_json(demo: Demo) -> dict[str, Any]:
    return {
        "hash": demo.hash,
        "date": demo.date,
        "sep_type": demo.sep_type,
        "model": demo.algorithm,
        "input": demo.input_url,
        "size": demo.size,
    }
