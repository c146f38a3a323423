"""`algorithms`: the models of the service, searched and sorted, one of them in full, or as a rule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import finding, modelcard, rendering, ruling
from mvsep_watch.cli.cataloguing import Listing, listing
from mvsep_watch.cli.context import Options
from mvsep_watch.cli.modelcard import Card
from mvsep_watch.cli.reaching import service_command
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Algorithm, Scope

MARKS = {1: "registered", 2: "premium"}
"""Who may use a model, beside its name; those for everybody have no mark."""


def _scopes(context: click.Context, parameter: click.Parameter, value: str) -> tuple[Scope, ...]:
    del context, parameter
    words = [word.strip() for word in value.split(",") if word.strip()]
    unknown = [word for word in words if word not in list(Scope)]
    if unknown or not words:
        raise UsageError(
            f'there is no scope "{", ".join(unknown)}"', hint=f"scopes are {rendering.joined(Scope)}, joined by commas"
        )
    return tuple(map(Scope, words))


@service_command("algorithms", short_help="Find models, their options and prices.")
@click.argument("words", nargs=-1, metavar="[ID|NAME|WORD]...")
@click.option("--sort", type=click.Choice(list(finding.SORTS)), help="The best, most used, cheapest, or A first.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    metavar="M",
    help="Show the price of so many minutes of audio.",
)
@click.option("--yaml", "as_yaml", is_flag=True, help="Print a rule for the one model that is found.")
@click.option("--lang", default=modelcard.LANGUAGE, metavar="LANG", help="The description's language: en, ru, ...")
@click.option(
    "--scopes",
    default=",".join(Scope),
    callback=_scopes,
    metavar="SCOPES",
    help="Only models that take: single_upload, no_upload, matchering_upload.",
)
@click.option("--offline", is_flag=True, help="Do not ask; use the list that comes along.")
def algorithms(
    options: Options,
    *,
    words: Sequence[str],
    sort: str | None,
    minutes: float | None,
    as_yaml: bool,
    lang: str,
    scopes: tuple[Scope, ...],
    offline: bool,
) -> None:
    """Find models, their options and prices.

    Words are looked for in names, stems and groups; all must fit. A number, or a whole name, shows that model in full.

    \b
    mvsep-watch algorithms vocals --sort rating
    mvsep-watch algorithms 40 --minutes 45
    mvsep-watch algorithms 40 --yaml
    """  # noqa: D301 - click reads the backspace as "leave these lines alone"
    found = listing(options, offline=offline)
    models = found.within(scopes)
    if found.note:
        click.echo(found.note, err=True)
    if as_yaml:
        _tell_rule(finding.only(words, models), options)
    elif algorithm := finding.one(words, models):
        _tell_one(Card(algorithm=algorithm, listing=found, minutes=minutes, lang=lang), options)
    else:
        listed = finding.ordered(finding.matching(words, models) if words else models.values(), sort=sort, words=words)
        cards = [Card(algorithm=algorithm, listing=found, minutes=minutes, lang=lang) for algorithm in listed]
        _tell_list(cards, found, options, by_group=not (words or sort))


def _tell_rule(algorithm: Algorithm, options: Options) -> None:
    rule = ruling.rule(algorithm)
    if options.json:
        rendering.print_json({"sep_type": algorithm.sep_type, "rule": rule})
    else:
        click.echo(rule, nl=False)


def _tell_one(card: Card, options: Options) -> None:
    if options.json:
        rendering.print_json(modelcard.as_json(card))
    else:
        modelcard.show(card, rendering.console())


def _tell_list(cards: Sequence[Card], found: Listing, options: Options, *, by_group: bool) -> None:
    if options.json:
        rendering.print_json([modelcard.as_json(card) for card in cards])
        return
    console = rendering.console()
    _show(cards, console, by_group=by_group)
    console.print()
    console.print("Prices are credits with premium; without it, separations are free.", style="dim")
    if found.origin == "packaged":
        console.print("Ratings and usage are the service's to say.", style="dim")
    console.print(f"One in full: {rendering.program()} algorithms ID", style="dim")


def _show(cards: Sequence[Card], console: Console, *, by_group: bool) -> None:
    minutes = cards[0].minutes if cards else None
    priced = [] if minutes is None else [f"{minutes:g} min"]
    table = rendering.table(
        "id", "model", "rating", "a month", "a min", *priced, right=["id", "rating", "a month", "a min", *priced]
    )
    for group, members in groupby(_grouped(cards) if by_group else cards, lambda card: card.algorithm.group):
        if by_group:
            table.add_row("", Text(group or "Others", style="bold"))
        for card in members:
            table.add_row(*_row(card))
    console.print(table)


def _grouped(cards: Sequence[Card]) -> list[Card]:
    """Bring the groups together, each where its first model stands."""
    order = {group: place for place, group in reversed(list(enumerate(card.algorithm.group for card in cards)))}
    return sorted(cards, key=lambda card: order[card.algorithm.group])


def _row(card: Card) -> list[Text]:
    algorithm = card.algorithm
    mark = "off" if not algorithm.is_active else MARKS.get(algorithm.orientation or 0, "")
    rating = "-" if algorithm.rating is None else f"{algorithm.rating:.2f} ({algorithm.votes})"
    per_minute = finding.credits_per_minute(algorithm)
    return [
        Text(str(algorithm.sep_type)),
        Text.assemble(algorithm.name, (f"  {mark}" if mark else "", "yellow")),
        Text(rating),
        Text("-" if algorithm.usage is None else str(algorithm.usage)),
        Text("?" if per_minute is None else f"{per_minute:g}"),
        *([] if card.minutes is None else [Text("?" if card.credits is None else str(card.credits))]),
    ]
