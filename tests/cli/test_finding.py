"""Which models some words mean, and in which order."""

import pytest

from mvsep_watch.cli import finding
from mvsep_watch.data import algorithms_json
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Algorithm, Field, OutputVariant
from mvsep_watch.mvsep import read_catalogue


def model(number, name, *, group="", stems=(), **rest):
    return Algorithm(sep_type=number, name=name, group=group, outputs={stem.lower(): stem for stem in stems}, **rest)


def catalogue(*models):
    return {each.sep_type: each for each in models}


def numbers(algorithms):
    return [algorithm.sep_type for algorithm in algorithms]


MODELS = catalogue(
    model(1, "Choir", group="Vocals", usage=900),
    model(2, "Everything", group="Multistem", stems=("Vocals", "Drums"), usage=5),
    model(3, "Lead Vocals", group="Multistem", usage=10),
    model(4, "Back Vocals", group="Multistem", usage=20),
    model(5, "Drums", group="Drums"),
)


def test_a_name_comes_before_a_stem_and_a_stem_before_a_group():
    """The more used first where both are named; how much a model is used does not lift it over a better hit."""
    assert numbers(finding.matching(["vocals"], MODELS)) == [4, 3, 2, 1]


def test_the_best_for_a_stem_is_no_model_that_only_some_option_makes_bring_it():
    """Whatever its rating: it comes after those that always do, and before what is switched off."""
    variant = OutputVariant(match={"model_type": "1"}, outputs={"vocals": "Vocals"})
    models = [
        model(6, "Bass", stems=("Bass",), output_variants=(variant,), rating=4.9),
        model(7, "Four", stems=("Vocals", "Bass"), rating=3.0),
        model(8, "Old", stems=("Vocals",), rating=4.95, is_active=False),
        model(9, "Lead Vocals", rating=4.0),
    ]

    found = finding.matching(["vocals"], catalogue(*models))

    assert numbers(finding.ordered(found, sort="rating", words=["vocals"])) == [9, 7, 6, 8]


def test_all_words_must_be_somewhere():
    """In any case, in any order, in any of the places."""
    assert numbers(finding.matching(["DRUMS", "vocals"], MODELS)) == [2]


def test_a_stem_of_some_option_is_found():
    """It comes out if it is asked for."""
    variant = OutputVariant(match={"model_type": "1"}, outputs={"cello": "Cello"})

    assert numbers(finding.matching(["cello"], catalogue(model(7, "Strings", output_variants=(variant,))))) == [7]


def test_no_hit_says_what_may_have_been_meant():
    """By the words of the catalogue."""
    with pytest.raises(UsageError) as caught:
        finding.matching(["vocls"], MODELS)

    assert caught.value.hint == "did you mean Vocals?"


@pytest.mark.parametrize("words", [["3"], ["lead", "VOCALS"], ["Lead Vocals"]])
def test_a_number_or_a_whole_name_is_one_model(words):
    """Spaces and case do not matter."""
    assert finding.one(words, MODELS) is MODELS[3]


@pytest.mark.parametrize("words", [[], ["99"], ["Vocals"], ["²"]])
def test_anything_else_is_a_search(words):
    """Part of a name, a number that no model has, a digit that is none."""
    assert finding.one(words, MODELS) is None


def test_a_name_that_two_models_have_is_a_search():
    """Either may be meant."""
    twins = catalogue(model(1, "Twin"), model(2, "Twin"))

    assert finding.one(["twin"], twins) is None
    assert numbers(finding.matching(["twin"], twins)) == [1, 2]


def test_the_one_model_of_a_search_will_do():
    """A search that finds one."""
    assert finding.only(["choir"], MODELS) is MODELS[1]


def test_several_models_are_named_where_one_is_needed():
    """With their numbers, to choose from."""
    with pytest.raises(UsageError, match='"vocals" fits 4 models') as caught:
        finding.only(["vocals"], MODELS)

    assert '4 "Back Vocals", 3 "Lead Vocals"' in caught.value.hint


@pytest.mark.parametrize(
    ("sort", "expected"), [("rating", [2, 3, 1]), ("usage", [3, 1, 2]), ("price", [2, 1, 3]), ("name", [2, 3, 1])]
)
def test_what_a_sort_does_not_know_comes_last(sort, expected):
    """The best, the most used, the cheapest, or A first; more votes before fewer."""
    models = [
        model(1, "Zither", rating=None, usage=5, price_coefficient=2),
        model(2, "Alphorn", rating=4.5, votes=9, price_coefficient=0.5),
        model(3, "cello", rating=4.5, votes=3, usage=50),
    ]

    assert numbers(finding.ordered(models, sort=sort)) == expected


def test_what_is_switched_off_comes_last():
    """However good it was."""
    models = [model(1, "A", rating=5.0, votes=9, is_active=False), model(2, "B", rating=1.0, votes=1)]

    assert numbers(finding.ordered(models)) == numbers(finding.ordered(models, sort="rating")) == [2, 1]


def test_the_price_of_a_length_follows_the_options():
    """Whole credits, rounded down; an option's factor counts."""
    field = Field(name="add_opt1", label="Overlap", options={"2": "50%", "8": "87.5%"}, multipliers={"8": 2})
    algorithm = model(1, "A", price_coefficient=1, fields=(field,))

    prices = [finding.credits_for(algorithm, minutes=45.9, options={"add_opt1": key}) for key in ("2", "8")]

    assert prices == [45, 91]
    assert finding.credits_per_minute(algorithm) == 1


def test_a_price_that_is_not_known_is_none():
    """It is no zero."""
    assert finding.credits_per_minute(model(1, "A")) is None


def test_the_packaged_catalogue_knows_who_takes_vocals_out():
    """A search in it finds the best-known model by name."""
    assert 40 in numbers(finding.matching(["vocals", "roformer"], read_catalogue(algorithms_json())))
