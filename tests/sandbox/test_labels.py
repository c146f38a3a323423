"""Which stems come out, for every model: as the row says, and as the client foretells from the same row."""

import itertools
import json

import pytest

from mvsep_watch.data import algorithms_json
from mvsep_watch.mvsep import read_catalogue
from mvsep_watch.options import predict_stems, resolve_options
from mvsep_watch.sandbox.catalogue import Kind, load_catalogue

ROWS = {row["render_id"]: row for row in json.loads(algorithms_json())}
FORETOLD = read_catalogue(algorithms_json())
FULLNESS = {
    "vocals-fullness-level-1": "Vocals (fullness 1)",
    "instrum-fullness-level-1": "Instrumental (fullness 1)",
    "vocals-fullness-level-2": "Vocals (fullness 2)",
    "vocals-fullness-level-3": "Vocals (fullness 3)",
}


def choices(model):
    """Every combination of the options that say something of the stems; one text for the others."""
    keys = {key for variant in model.variants for key in variant["match"]}
    told = [each for each in model.fields if each.options and (each.overrides or each.server_key in keys)]
    texts = {each.name: "la" for each in model.fields if each.required and not each.options}
    for values in itertools.product(*(each.options for each in told)):
        yield {**texts, **dict(zip((each.name for each in told), values, strict=True))}


def stems_of(catalogue, sep_type, **sent):
    model = catalogue.models[sep_type]
    return model.stems(model.chosen(sent))


@pytest.mark.parametrize("sep_type", [number for number, row in ROWS.items() if row["outputs"]])
def test_the_client_foretells_what_comes_out(catalogue, sep_type):
    """Two readers of the same row, for every combination of options that the row mentions."""
    model, algorithm = catalogue.models[sep_type], FORETOLD[sep_type]
    disagreed = []
    for sent in choices(model):
        chosen = model.chosen(sent)
        shown = {each.name for each in model.fields if each.is_shown(chosen)}
        given = tuple((name, value) for name, value in sent.items() if name in shown)
        if predict_stems(algorithm, resolve_options(given, algorithm)) != model.stems(chosen):
            disagreed.append(sent)

    assert disagreed == []


def test_one_option_sets_the_stems_and_another_adds_to_them(catalogue):
    """Model 40: ver. 2026 renames one, and its fullness stems come on top."""
    own, set_ = {"vocals": "Vocals", "other": "Other"}, {"vocals": "Vocals", "instrum": "Instrumental"}

    assert stems_of(catalogue, 40) == own
    assert stems_of(catalogue, 40, add_opt1="171") == set_
    assert stems_of(catalogue, 40, add_opt1="171", add_opt3="1") == {**set_, **FULLNESS}
    assert stems_of(catalogue, 40, add_opt1="81", add_opt3="1") == own


def test_what_is_added_stays_wherever_the_fields_stand(monkeypatch):
    """A field that sets may be listed after the one that adds; the server's order is no order of N."""
    row = json.loads(json.dumps(ROWS[40]))
    row["algorithm_fields"].reverse()
    monkeypatch.setattr("mvsep_watch.sandbox.catalogue.algorithms_json", lambda: json.dumps([row]))

    stems = stems_of(load_catalogue(), 40, add_opt1="171", add_opt3="1")

    assert stems == {"vocals": "Vocals", "instrum": "Instrumental", **FULLNESS}


def test_every_model_that_gives_stems_has_labels_of_its_own(catalogue):
    """No two stems of a separation share a name, whatever the options."""
    models = [model for model in catalogue.models.values() if model.kind is Kind.STEMS]

    tables = [model.stems(model.chosen(sent)) for model in models for sent in choices(model)]

    assert all(tables)
    assert all(len(set(table.values())) == len(table) for table in tables)
