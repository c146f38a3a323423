import json

import pytest

from mvsep_watch.data import algorithms_json
from mvsep_watch.sandbox.catalogue import Kind


def test_the_data_file_holds_every_model_in_the_servers_shape():
    """JSON stays inside strings, and every model has its number, name, widget and group."""
    rows = json.loads(algorithms_json())

    assert len(rows) == len({row["render_id"] for row in rows}) == 124
    assert all(isinstance(field["options"], str) for row in rows for field in row["algorithm_fields"])
    assert all(row["name"] and row["audio_widget"] and row["algorithm_group"]["name"] for row in rows)


def test_every_model_gives_something(catalogue):
    """A model separates into stems with labels, or says what else it gives."""
    stems = {number: model.stems(model.chosen({})) for number, model in catalogue.models.items()}

    assert all(stems[number] for number, model in catalogue.models.items() if model.kind is Kind.STEMS)
    assert {number for number, model in catalogue.models.items() if model.kind is Kind.TEXT} == {39, 64}
    assert {number for number, model in catalogue.models.items() if model.kind is Kind.MIDI} == {80, 113, 114, 127}


@pytest.mark.parametrize(
    ("sep_type", "sent", "labels"),
    [
        (48, {}, ["Vocals", "Other"]),
        (40, {"add_opt1": "171"}, ["Vocals", "Instrumental"]),
        (20, {"add_opt1": "2"}, ["Bass", "Drums", "Guitar", "Instrumental", "Other", "Piano", "Vocals"]),
        (49, {"add_opt1": "7", "add_opt2": "0"}, ["Back vocals + instrumental", "Lead vocals"]),
        (128, {}, ["Cowbell", "Other"]),
        (35, {}, ["Vocals", "Other"]),
    ],
)
def test_stems_follow_the_options(catalogue, sep_type, sent, labels):
    """Outputs, variants by options, overrides of an option, and the name where the row is silent."""
    model = catalogue.models[sep_type]

    assert list(model.stems(model.chosen(sent)).values()) == labels


def test_an_option_that_is_not_shown_changes_nothing(catalogue):
    """The fullness stems of model 40 belong to one vocal model alone."""
    model = catalogue.models[40]

    shown = model.stems(model.chosen({"add_opt1": "171", "add_opt3": "1"}))
    hidden = model.stems(model.chosen({"add_opt1": "81", "add_opt3": "1"}))

    assert len(shown) == 6
    assert list(hidden) == ["vocals", "other"]


def test_a_price_rule_multiplies_the_coefficient(catalogue):
    """Overlap 8 doubles model 40, and a hidden field multiplies nothing."""
    model, hidden = catalogue.models[40], catalogue.models[123]

    assert model.coefficient(model.chosen({"add_opt2": "8"})) == 2
    assert hidden.coefficient(hidden.chosen({"add_opt1": "163", "add_opt2": "8"})) == 1


@pytest.mark.parametrize("sent", ["", "x", "99999", "-1", "35"])
def test_an_unknown_or_inactive_model_is_not_found(catalogue, sent):
    """Model 35 is listed, but off."""
    assert catalogue.find(sent) is None


def test_scopes_choose_rows(catalogue):
    """The ordinary models are the default; the rest has to be asked for."""
    sizes = {scope: len(catalogue.rows(frozenset({scope}))) for scope in ("single_upload", "no_upload")}

    assert sizes == {"single_upload": 117, "no_upload": 6}
    assert len(catalogue.rows(frozenset({"single_upload", "no_upload", "matchering_upload"}))) == 124
