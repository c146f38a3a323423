"""Decides what a separation costs, in credits, before it is paid for.

A whole number of credits, by the service's formula: floor(seconds * coefficient * multipliers / 60), and 1 where that
gives 0. Source: MVSEP API page, separation/create, 2025 and 2026. The arithmetic is exact: a float product that falls a
hair short of a whole number would lose a credit, and a limit that was passed by one is passed.

It never guesses: what is not known has the price None, and limits treat that as too much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from mvsep_watch.model import Algorithm, Catalogue, Field

SECONDS_A_MINUTE = 60
MINIMUM = 1
SETTLE_FOR_S = 3600.0
"""How long after its end a separation's charge is looked for; then the estimate stands."""


def price(
    *, duration_s: float | None, algorithm: Algorithm | None, options: Mapping[str, str], premium: bool
) -> int | None:
    """Give the price in credits, or None where it cannot be known.

    Args:
        duration_s: Seconds of audio; None where the container does not say.
        algorithm: The model; None where the catalogue does not know it.
        options: `add_optN` to option key; a field that is missing counts with its default.
        premium: Whether the account pays at all; without, every price is 0.
    """
    if not premium:
        return 0
    coefficient = None if algorithm is None else _coefficient(algorithm, options)
    seconds = _exact(duration_s)
    if coefficient is None or seconds is None:
        return None
    return max(MINIMUM, math.floor(seconds * coefficient / SECONDS_A_MINUTE))


def unpriced(catalogue: Catalogue) -> Catalogue:
    """Give a catalogue that is good for names and options, and whose prices are not known."""
    return {number: replace(algorithm, price_coefficient=None) for number, algorithm in catalogue.items()}


def month_of(day: str) -> tuple[str, str]:
    """Give the first and the last day of a day's month, for comparing days as text; not every month has the last."""
    return f"{day[:7]}-01", f"{day[:7]}-31"


def in_words(credits_: int) -> str:
    """Write a number of credits for people."""
    return "1 credit" if credits_ == 1 else f"{credits_} credits"


def _coefficient(algorithm: Algorithm, options: Mapping[str, str]) -> Fraction | None:
    """Multiply the model's coefficient by what its chosen options say."""
    product = _exact(algorithm.price_coefficient)
    for field in algorithm.fields:
        multiplier = _exact(_multiplier(field, options))
        product = None if product is None or multiplier is None else product * multiplier
    return product


def _multiplier(field: Field, options: Mapping[str, str]) -> float:
    key = options.get(field.name, field.default_key)
    return 1 if key is None else field.multipliers.get(key, 1)


def _exact(number: float | None) -> Fraction | None:
    """Read a number as the decimal it was written as; None for what cannot be a length or a factor."""
    if number is None or not math.isfinite(number) or number < 0:
        return None
    return Fraction(str(number))
