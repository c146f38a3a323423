"""Everything about one model: its options, stems, price and what people think of it, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import plain, rendering
from mvsep_watch.cli.cataloguing import Listing
from mvsep_watch.cli.finding import credits_for, credits_per_minute, usual_stems
from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import FORMATS, Algorithm, Description, Field, FieldCondition, Scope, option_number
from mvsep_watch.options import predict_stems, resolve_options

INPUTS = {Scope.SINGLE_UPLOAD: "file", Scope.NO_UPLOAD: "text", Scope.MATCHERING_UPLOAD: "pair"}
"""What a rule's `input` says for a model of each scope."""
TAKES = {"file": "takes an audio file or a link to one", "text": "takes a text", "pair": "takes a file and a reference"}
NEEDS = {0: "everybody", 1: "registered users", 2: "premium accounts"}
LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A model, and what is to be told of it.

    Args:
        minutes: The length to give the price of; None gives none.
        lang: The description's language.
    """

    algorithm: Algorithm
    listing: Listing
    minutes: float | None = None
    lang: str = LANGUAGE

    @property
    def credits(self) -> int | None:
        """Give the price of the length that was asked for."""
        return None if self.minutes is None else credits_for(self.algorithm, minutes=self.minutes, options={})

    @property
    def stems(self) -> list[str]:
        """Give the stems with every option at its default."""
        return list(usual_stems(self.algorithm).values())

    @property
    def description(self) -> str:
        """Give the description as plain text, in English where there is none in the language."""
        by_language = self.algorithm.descriptions
        found = by_language.get(self.lang) or by_language.get(LANGUAGE) or Description(short="")
        text = plain.plain(found.long) or plain.plain(found.short)
        return "" if text.rstrip(".") == self.algorithm.name else text


def other_stems(algorithm: Algorithm) -> list[tuple[Field, str, list[str]]]:
    """Say which choices give other stems than the defaults: (field, option key, labels)."""
    usual = usual_stems(algorithm)
    found = []
    for field in algorithm.fields:
        for key in field.options:
            stems = _stems_with(algorithm, field, key)
            if stems not in ({}, usual):
                found.append((field, key, list(stems.values())))
    return found


def _stems_with(algorithm: Algorithm, field: Field, key: str) -> dict[str, str]:
    """Predict the stems of a choice, with whatever else must be chosen for it to count."""
    needed = [
        (condition.depends_on, condition.values[0])
        for condition in field.conditions
        if condition.shows and condition.values
    ]
    try:
        return predict_stems(algorithm, resolve_options(((field.name, key), *needed), algorithm))
    except RequestRefusedError:
        return {}


def as_json(card: Card) -> dict[str, Any]:
    """Give it for programs."""
    algorithm = card.algorithm
    return {
        "sep_type": algorithm.sep_type,
        "name": algorithm.name,
        "group": algorithm.group,
        "scope": str(algorithm.scope),
        "input": INPUTS[algorithm.scope],
        "is_active": algorithm.is_active,
        "for": NEEDS.get(algorithm.orientation) if algorithm.orientation is not None else None,
        "rating": algorithm.rating,
        "votes": algorithm.votes,
        "usage": algorithm.usage,
        "credits_per_minute": credits_per_minute(algorithm),
        "minutes": card.minutes,
        "credits": card.credits,
        "formats": [output.name for output in FORMATS],
        "stems": card.stems,
        "other_stems": [
            {"option": field.name, "key": key, "stems": stems} for field, key, stems in other_stems(algorithm)
        ],
        "options": [_option_json(field) for field in algorithm.fields],
        "description": card.description,
        "catalogue": card.listing.origin,
        "catalogue_date": card.listing.date,
    }


def _option_json(field: Field) -> dict[str, Any]:
    return {
        "option": field.name,
        "label": field.label,
        "type": field.input_type,
        "required": field.required,
        "default": field.default_key,
        "values": [
            {"key": key, "label": label, "price_factor": field.multipliers.get(key, 1)}
            for key, label in field.options.items()
        ],
        "conditions": [
            {"option": condition.depends_on, "keys": list(condition.values), "shows": condition.shows}
            for condition in field.conditions
        ],
    }


def show(card: Card, console: Console) -> None:
    """Print it for people."""
    algorithm = card.algorithm
    console.print(Text(f"{algorithm.sep_type}  {algorithm.name}", style="bold"))
    for name, words in _facts(card):
        console.print(f"{name:<8} {words}")
    for field in sorted(algorithm.fields, key=lambda field: option_number(field.name)):
        console.print()
        _show_field(field, card, console)
    if others := other_stems(algorithm):
        console.print()
        _show_other_stems(others, console)
    if card.description:
        console.print()
        console.print(plain.wrapped(card.description, rendering.text_columns(console)))
    console.print()
    console.print(f"A rule for it: {rendering.program()} algorithms {algorithm.sep_type} --yaml", style="dim")


def _facts(card: Card) -> Iterator[tuple[str, str]]:
    algorithm = card.algorithm
    if not algorithm.is_active:
        yield "status", "switched off by the service"
    yield "group", algorithm.group or "unknown"
    yield "input", TAKES[INPUTS[algorithm.scope]]
    if algorithm.orientation is not None:
        yield "for", NEEDS.get(algorithm.orientation, f"unknown ({algorithm.orientation})")
    yield "rating", rating_words(algorithm)
    if algorithm.usage is not None:
        yield "usage", f"{rendering.count(algorithm.usage, 'separation')} a month"
    yield "price", price_words(card)
    yield "formats", _formats()
    if card.stems:
        yield "stems", rendering.joined(card.stems)


def rating_words(algorithm: Algorithm) -> str:
    """Say what people think of a model."""
    if algorithm.rating is None:
        return "unknown"
    return f"{algorithm.rating:.2f} of 5, {rendering.count(algorithm.votes, 'vote')}"


def price_words(card: Card) -> str:
    """Say what a minute costs, and the length that was asked for."""
    per_minute = credits_per_minute(card.algorithm)
    if per_minute is None:
        return "not known"
    free = "" if card.algorithm.needs_premium else ", nothing without"
    words = f"{per_minute:g} {'credit' if per_minute == 1 else 'credits'} a minute with premium{free}"
    if card.minutes is None:
        return words
    return f"{rendering.credit(card.credits)} for {card.minutes:g} minutes; {words}"


def _formats() -> str:
    free = rendering.joined(output.name for output in FORMATS if not output.needs_premium)
    paid = rendering.joined(output.name for output in FORMATS if output.needs_premium)
    return f"{free}; with premium also {paid}"


def _show_field(field: Field, card: Card, console: Console) -> None:
    only = f", only while {conditions(field.conditions)}" if field.conditions else ""
    kind = "" if field.options else ", a text" if field.required else ", a text that may be left out"
    console.print(Text.assemble((field.name, "bold"), f"  {field.label}{kind}{only}"))
    width = max((len(key) for key in field.options), default=0)
    for key, label in field.options.items():
        default = "  (default)" if key == field.default_key else ""
        console.print(f"  {key:<{width}}  {label}{_factor_words(field, key, card)}{default}")


def _factor_words(field: Field, key: str, card: Card) -> str:
    factor = field.multipliers.get(key, 1)
    if factor == 1:
        return ""
    if card.minutes is None:
        return f"  (price x{factor:g})"
    credits_ = credits_for(card.algorithm, minutes=card.minutes, options={field.name: key})
    return f"  (price x{factor:g}: {rendering.credit(credits_)})"


def conditions(all_of: tuple[FieldCondition, ...]) -> str:
    """Say when an option counts."""
    return " and ".join(
        f"{condition.depends_on} is {'' if condition.shows else 'not '}{' or '.join(condition.values)}"
        for condition in all_of
    )


def _show_other_stems(others: list[tuple[Field, str, list[str]]], console: Console) -> None:
    choices: dict[str, dict[str, list[str]]] = {}
    for field, key, stems in others:
        choices.setdefault(rendering.joined(stems), {}).setdefault(field.name, []).append(key)
    console.print("other stems", style="bold")
    for stems_in_words, by_field in choices.items():
        chosen = "; ".join(f"{name} {', '.join(keys)}" for name, keys in by_field.items())
        console.print(plain.wrapped(f"  {chosen}: {stems_in_words}", rendering.text_columns(console), under=4))
