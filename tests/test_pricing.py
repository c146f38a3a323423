"""What a separation costs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.model import Algorithm, Field
from mvsep_watch.pricing import month_of, price, unpriced

OVERLAP = Field(name="add_opt2", label="Overlap", options={"2": "2", "8": "8"}, default_key="2", multipliers={"8": 1.5})


def model(coefficient=1.0, fields=()):
    return Algorithm(sep_type=40, name="a model", price_coefficient=coefficient, fields=fields)


def price_of(duration_s, coefficient=1.0, *, fields=(), options=None, premium=True):
    return price(duration_s=duration_s, algorithm=model(coefficient, fields), options=options or {}, premium=premium)


@pytest.mark.parametrize(
    ("duration_s", "coefficient", "expected"),
    [
        (0, 1, 1),
        (0.4, 1, 1),
        (59, 1, 1),
        (60, 1, 1),
        (119.9, 1, 1),
        (120, 1, 2),
        (149, 1, 2),
        (380, 1, 6),
        (380, 4, 25),
        (45, 2, 1),
        (90, 0, 1),
        (60, 0.1, 1),
        (6000, 6, 600),
    ],
)
def test_a_price_is_rounded_down_after_multiplying_and_at_least_one(duration_s, coefficient, expected):
    """The service's own examples, and the edges between them."""
    assert price_of(duration_s, coefficient) == expected


@pytest.mark.parametrize(
    ("duration_s", "coefficient", "expected"),
    [(600, 1.1, 11), (600, 0.7, 7), (4.35 * 60, 100, 435), (1.1 * 60, 10, 11)],
)
def test_float_noise_never_loses_a_credit(duration_s, coefficient, expected):
    """Products that floats put a hair below a whole number."""
    assert price_of(round(duration_s, 6), coefficient) == expected


def test_a_chosen_option_multiplies_the_coefficient():
    """Before the rounding, not after it."""
    assert price_of(100, 1, fields=(OVERLAP,), options={"add_opt2": "8"}) == 2


def test_an_option_that_is_not_named_counts_with_its_default():
    """What is not sent, the service fills in; so does the price."""
    dear = Field(name="add_opt1", label="x", options={"1": "a"}, default_key="1", multipliers={"1": 2.0})

    assert price_of(60, 1, fields=(dear,)) == 2


def test_an_option_without_a_multiplier_costs_nothing_more():
    """Nor does a field without a default."""
    plain = Field(name="add_opt1", label="text", options={})

    assert price_of(120, 1, fields=(OVERLAP, plain), options={"add_opt2": "2"}) == 2


@pytest.mark.parametrize("duration_s", [None, 600.0])
def test_without_premium_everything_is_free(duration_s):
    """Also what has no known length."""
    assert price_of(duration_s, premium=False) == 0


def test_an_unknown_model_is_free_without_premium_and_unknown_with():
    """The catalogue may be older than the configuration."""
    known = [price(duration_s=60, algorithm=None, options={}, premium=premium) for premium in (False, True)]

    assert known == [0, None]


@pytest.mark.parametrize("duration_s", [None, math.nan, math.inf, -1.0])
def test_a_length_that_is_not_known_has_no_price(duration_s):
    """A container may say nothing, or nonsense."""
    assert price_of(duration_s) is None


@pytest.mark.parametrize("coefficient", [None, math.nan, -1])
def test_a_model_without_a_coefficient_has_no_price(coefficient):
    """Models without upload have none."""
    assert price_of(60, coefficient) is None


def test_a_multiplier_that_is_no_number_has_no_price():
    """Better held than guessed."""
    broken = Field(name="add_opt1", label="x", options={}, default_key="1", multipliers={"1": math.inf})

    assert price_of(60, 1, fields=(broken,)) is None


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_whole_numbers_give_what_integers_give(duration_s, coefficient):
    """The formula, in integers."""
    assert price_of(duration_s, coefficient) == max(1, duration_s * coefficient // 60)


@given(st.floats(0, 10**6), st.floats(0, 100), st.floats(0, 10**5))
def test_longer_audio_is_never_cheaper(duration_s, coefficient, more_s):
    """What a limit relies on."""
    assert price_of(duration_s + more_s, coefficient) >= price_of(duration_s, coefficient)


def test_a_catalogue_without_prices_is_good_for_everything_else():
    """What it would cost is then not known, and never taken for nothing."""
    (found,) = unpriced({40: model(2.0, (OVERLAP,))}).values()

    assert (found.name, found.fields) == ("a model", (OVERLAP,))
    assert price(duration_s=60, algorithm=found, options={}, premium=True) is None


@pytest.mark.parametrize(
    ("day", "is_in"), [("2026-01-31", False), ("2026-02-01", True), ("2026-02-28", True), ("2026-03-01", False)]
)
def test_a_month_holds_its_own_days_alone(day, is_in):
    """Compared as text, however many it has."""
    first, last = month_of("2026-02-14")

    assert (first <= day <= last) is is_in
