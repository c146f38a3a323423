"""The catalogue: JSON inside strings, the server's order, and entries that cannot be read."""

import json

import httpx
import pytest

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import Description, FieldCondition, OutputOverride, OutputVariant, Scope
from mvsep_watch.mvsep import CatalogueText, read_catalogue
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


@pytest.mark.parametrize(
    ("keys", "scope"),
    [
        ({"audio_widget": "single_upload"}, Scope.SINGLE_UPLOAD),
        ({"audio_widget": "no_upload"}, Scope.NO_UPLOAD),
        ({"audio_widget": "matchering_upload"}, Scope.MATCHERING_UPLOAD),
        ({"audio_widget": "matchering_upload", "audio_upload_disabled": 1}, Scope.MATCHERING_UPLOAD),
        ({"audio_widget": "somethingnew"}, Scope.SINGLE_UPLOAD),
        ({"audio_widget": None}, Scope.SINGLE_UPLOAD),
        ({"audio_widget": None, "audio_upload_disabled": 1}, Scope.NO_UPLOAD),
        ({"audio_widget": ["x"]}, Scope.SINGLE_UPLOAD),
    ],
)
def test_how_a_model_is_fed_is_read(answering, model, keys, scope):
    """A word that nobody knows is the ordinary upload, unless that is off."""
    found = read(answering, [{**model, **keys}])[40]

    assert (found.scope, found.takes_audio) == (scope, scope is Scope.SINGLE_UPLOAD)


@pytest.mark.parametrize(
    ("rating", "average", "votes"),
    [
        ({"average": "4.2500", "total": 24}, 4.25, 24),
        ({"average": 0, "total": 0}, None, 0),
        ({"average": "0", "total": "0"}, None, 0),
        ({"average": 3, "total": "7"}, 3.0, 7),
        ({"average": None, "total": None}, None, 0),
        ([], None, 0),
        (None, None, 0),
        ("4.25", None, 0),
    ],
)
def test_a_rating_without_votes_is_none(answering, model, rating, average, votes):
    """The average is a string, or the number 0 where nobody voted."""
    found = read(answering, [{**model, "rating": rating}])[40]

    assert (found.rating, found.votes) == (average, votes)


def test_what_the_site_says_of_a_model_is_read(answering, model):
    """By language; what is written in HTML stays so."""
    model |= {"usage": 8567, "algorithm_group_id": 23, "algorithm_descriptions": [
        {"id": 9, "short_description": "Kurz\nund gut", "long_description": "<p>a</p>\n<p>b</p>", "lang": "de"},
        {"id": 10, "short_description": None, "lang": "ru", "algorithm_id": 27},
    ]}  # fmt: skip
    found = read(answering, [model])[40]

    assert (found.usage, found.group_id) == (8567, 23)
    assert found.descriptions == {
        "de": Description(short="Kurz und gut", long="<p>a</p>\n<p>b</p>"),
        "ru": Description(short=""),
    }


def test_options_may_come_as_an_object_too(answering, model):
    """As one copy of the documentation has them."""
    model["algorithm_fields"][0]["options"] = {"2": "50%", "8": "87%"}

    assert read(answering, [model])[40].fields[0].options == {"2": "50%", "8": "87%"}


@pytest.mark.parametrize(
    "scopes", [("single_upload", "no_upload"), (Scope.SINGLE_UPLOAD, Scope.NO_UPLOAD)], ids=["words", "scopes"]
)
def test_scopes_are_asked_for(client, service, scopes):
    """As one list, and the models of the others are not in the answer."""
    found = client.algorithms(scopes)

    assert dict(service.requests[0][1].url.params) == {"scopes": "single_upload,no_upload"}
    assert {model.scope for model in found.values()} == set(map(Scope, scopes))
    assert set(client.algorithms()) < set(found) < set(client.algorithms(Scope))


def test_a_catalogue_is_kept_as_a_text_and_not_sent_again_while_it_holds(client, service):
    """Its tag says so."""
    first = client.algorithms_text()
    again = client.algorithms_text(etag=first.etag)
    service.catalogue[0]["name"] = "Another"
    changed = client.algorithms_text(etag=first.etag)

    assert read_catalogue(first.text) == {**client.algorithms(), 20: read_catalogue(first.text)[20]}
    assert again == CatalogueText(text="", etag=first.etag, is_unchanged=True)
    assert (changed.is_unchanged, read_catalogue(changed.text)[20].name) == (False, "Another")
    assert changed.etag not in {"", first.etag}


@pytest.mark.parametrize("payload", [{}, None, "x", [5], {"success": False, "message": "no"}])
def test_a_text_that_holds_no_catalogue_is_an_error(answering, payload):
    """It would be kept in place of a good one."""
    with pytest.raises(ServiceError):
        answering(httpx.Response(200, json=payload)).algorithms_text()


def test_unchanged_is_believed_only_where_it_was_asked_for(answering):
    """And a server that knows no tags sends the list each time."""
    entry = model_row(40, "x", orientation=0, coefficient=1)

    with pytest.raises(ServiceError):
        answering(httpx.Response(304)).algorithms_text()
    with pytest.raises(ServiceError):
        answering(httpx.Response(304)).algorithms()
    assert answering(httpx.Response(304)).algorithms_text(etag='"x"').is_unchanged
    assert answering(httpx.Response(200, json=[entry])).algorithms_text(etag='"x"').etag == ""
