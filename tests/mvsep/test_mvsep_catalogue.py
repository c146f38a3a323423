"""The catalogue: JSON inside strings, the server's order, and entries that cannot be read."""

import json
from collections import Counter

import httpx
import pytest

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import FieldCondition, OutputOverride, OutputVariant
from tests.fakes.catalogue import field_row, model_row


def read(answering, entries):
    return answering(httpx.Response(200, json=entries)).algorithms()


@pytest.fixture
def model():
    row = model_row(40, "BS Roformer", orientation=0, coefficient=1)
    row["outputs"] = json.dumps({"vocals": "Vocals", "other": "Other"})
    kind = field_row(11, "add_opt1", "Kind", {"143": "b", "81": "a", "171": "c"}, default="81")
    kind["output_overrides"] = json.dumps({"171": {"mode": "set", "outputs": {"vocals": "V", "instrum": "I"}}})
    overlap = field_row(12, "add_opt2", "Overlap", {"2": "50%", "8": "87%"}, default="2", multipliers={"8": "2.0000"})
    stems = field_row(13, "add_opt3", "Stems", {"0": "Standard", "1": "More"}, default="0")
    stems["conditions"] = [
        {"id": 1, "field_id": 13, "depends_on_field_id": 11, "operator": "in", "value_json": ["171"], "action": "show"},
        {"id": 2, "field_id": 13, "depends_on_field_id": 12, "operator": "in", "value_json": "[8]", "action": "hide"},
        {"id": 3, "field_id": 13, "depends_on_field_id": 99, "operator": "in", "value_json": ["1"], "action": "hide"},
    ]
    stems["output_overrides"] = json.dumps({"1": {"mode": "add", "outputs": {"full": "Full"}}})
    row["algorithm_fields"] = [overlap, kind, stems]
    return row


def test_models_are_keyed_by_sep_type_in_the_servers_order(answering):
    """`id` is another number, and the order is what people know from the site."""
    rows = [model_row(number, "x", orientation=0, coefficient=1) for number in (26, 9, 40)]

    assert list(read(answering, rows)) == [26, 9, 40]


def test_options_keep_the_servers_order(answering, model):
    """Neither the fields nor their options are in numeric order."""
    found = read(answering, [model])[40]

    assert [field.name for field in found.fields] == ["add_opt2", "add_opt1", "add_opt3"]
    assert list(found.fields[1].options) == ["143", "81", "171"]
    assert found.fields[1].default_key == "81"


def test_multipliers_come_from_the_price_rules(answering, model):
    """By the option's key."""
    assert read(answering, [model])[40].fields[0].multipliers == {"8": 2.0}


def test_a_price_rule_that_is_not_understood_makes_the_price_unknown(answering, model):
    """An unknown price waits for a person; a wrong one would be spent."""
    model["algorithm_fields"][0]["price_rules"][0]["mode"] = "surcharge"

    assert read(answering, [model])[40].price_coefficient is None


def test_conditions_name_the_other_field(answering, model):
    """The server names it by an id."""
    assert read(answering, [model])[40].fields[2].conditions == (
        FieldCondition(depends_on="add_opt1", values=("171",), shows=True),
        FieldCondition(depends_on="add_opt2", values=("8",), shows=False),
    )


def test_an_option_sets_the_stems_or_adds_to_them(answering, model):
    """The server says which."""
    _, kind, stems = read(answering, [model])[40].fields

    assert kind.output_overrides == {"171": OutputOverride(outputs={"vocals": "V", "instrum": "I"}, adds=False)}
    assert stems.output_overrides == {"1": OutputOverride(outputs={"full": "Full"}, adds=True)}


def test_output_variants_are_read(answering, model):
    """They stand under `variants`, in a string."""
    variants = [{"match": {"model_type": "7"}, "outputs": {"other": "Other"}, "n": 2, "src": "x"}]
    model["output_variants"] = json.dumps({"keys": ["model_type"], "variants": variants})

    assert read(answering, [model])[40].output_variants == (
        OutputVariant(match={"model_type": "7"}, outputs={"other": "Other"}),
    )


@pytest.mark.parametrize("options", ["{}", "[]", "", None, {}, "not json"])
def test_a_text_field_has_no_options(answering, model, options):
    """However PHP writes an empty object."""
    model["algorithm_fields"][0]["options"] = options

    assert read(answering, [model])[40].fields[0].options == {}


def test_options_numbered_from_zero_may_come_as_a_list(answering, model):
    """PHP writes such an object as a list."""
    model["algorithm_fields"][0]["options"] = '["Standard", "More"]'

    assert read(answering, [model])[40].fields[0].options == {"0": "Standard", "1": "More"}


def test_an_entry_that_cannot_be_read_does_not_spoil_the_others(answering, model):
    """Whatever is wrong with it."""
    bad = [None, 5, {}, {"render_id": "x", "name": "n"}, {**model, "render_id": 41, "algorithm_fields": [5]}]

    assert list(read(answering, [*bad, model])) == [40]


@pytest.mark.parametrize("payload", [{}, None, "x", [5], [{}]])
def test_a_list_of_which_nothing_can_be_read_is_an_error(answering, payload):
    """The last good catalogue stays in force."""
    with pytest.raises(ServiceError):
        read(answering, payload)


def test_an_entry_of_2024_is_read(answering):
    """It lacks most keys: what is missing is unknown."""
    found = read(answering, [{"render_id": 20, "name": "Demucs4 HT", "orientation": 1, "algorithm_fields": None}])[20]

    assert (found.price_coefficient, found.is_active, found.takes_audio, found.outputs) == (None, True, True, {})


def test_models_without_an_ordinary_upload_are_marked(answering):
    """Text prompts and pairs of files."""
    rows = [model_row(number, "x", orientation=0, coefficient=1) for number in (1, 2, 3)]
    rows[1]["audio_widget"] = "no_upload"
    rows[2]["audio_upload_disabled"] = 1

    assert Counter(model.takes_audio for model in read(answering, rows).values()) == {True: 1, False: 2}


def test_scopes_are_asked_for(client, service):
    """As one list."""
    client.algorithms(("single_upload", "no_upload"))

    assert dict(service.requests[0][1].url.params) == {"scopes": "single_upload,no_upload"}
