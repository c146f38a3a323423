from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Field, FieldCondition, OutputOverride, OutputVariant, Scope
from mvsep_watch.options import (
    check_options,
    instead_of,
    near_matches,
    predict_stems,
    prompt_field,
    resolve_model,
    resolve_options,
)

NAMES = {
    26: "Ensemble (vocals, instrum)",
    28: "Ensemble (vocals, instrum, bass, drums, other)",
    63: "BS Roformer SW (vocals, bass)",
    40: "BS Roformer (vocals, instrumental)",
    29: "MVSep Piano (piano, other)",
    79: "MVSep Digital Piano (digital-piano, other)",
    9: "Ultimate Vocal Remover VR (vocals, music)",
}
CATALOGUE = {
    **{number: Algorithm(sep_type=number, name=name) for number, name in NAMES.items()},
    35: Algorithm(sep_type=35, name="MelBand Roformer Old (vocals)", is_active=False),
}
MODEL = Algorithm(
    sep_type=40,
    name="BS Roformer",
    fields=(
        Field(
            name="add_opt3",
            label="Set of stems",
            options={"0": "Standard", "1": "Include fullness stems"},
            default_key="0",
            conditions=(FieldCondition(depends_on="add_opt1", values=("171",), shows=True),),
        ),
        Field(
            name="add_opt1",
            label="Model Type",
            options={"29": "ver. 2024.08", "81": "ver. 2025.07", "171": "ver. 2026", "5": "twice", "6": "Twice"},
            default_key="29",
        ),
        Field(
            name="add_opt2",
            label="Overlap",
            options={"2": "50%", "8": "87.5%"},
            default_key="2",
            conditions=(FieldCondition(depends_on="add_opt1", values=("6",), shows=False),),
        ),
        Field(name="add_opt10", label="Speaker", options={"a": "A"}, required=True),
    ),
)
SINGER = Algorithm(
    sep_type=103,
    name="Singer",
    fields=(
        Field(name="add_opt1", label="Text prompt", options={}, input_type="textarea", required=True),
        Field(name="add_opt2", label="Voice", options={}, input_type="text"),
        Field(name="add_opt3", label="Voice", options={}, input_type="text"),
    ),
)

SPEAKER = Algorithm(
    sep_type=119,
    name="Speaker",
    fields=(
        Field(name="add_opt2", label="Description", options={}, input_type="text", required=True),
        Field(name="add_opt1", label="Prompt", options={}, input_type="text", required=True),
        Field(
            name="add_opt3",
            label="Lyrics",
            options={},
            input_type="textarea",
            required=True,
            conditions=(FieldCondition(depends_on="add_opt4", values=("sung",), shows=True),),
        ),
        Field(name="add_opt4", label="Manner", options={"said": "Said", "sung": "Sung"}, default_key="said"),
    ),
)
MODEL_ONCE = replace(
    MODEL,
    fields=(
        Field(name="add_opt2", label="Overlap", options={"2": "50%", "4": "87.0%"}),
        Field(name="add_opt4", label="Sets of stems", options={"0": "Standard"}),
    ),
)
KEYS = {
    number: Algorithm(sep_type=number, name=name, group=group, outputs={"stem": stem}, orientation=orientation)
    for number, name, group, stem, orientation in (
        (29, "MVSep Piano (piano, other)", "Keys", "Piano", 0),
        (79, "MVSep Digital Piano (digital-piano, other)", "Keys", "Digital Piano", 0),
        (58, "MVSep Organ (organ, other)", "Keys", "Organ", 0),
        (130, "Grand Piano Ensemble", "Ensembles", "Piano", 2),
        (22, "Reverb Removal (noreverb)", "Restoration", "No reverb", 0),
    )
}


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (40, 40),
        ("BS Roformer (vocals, instrumental)", 40),
        ("bs  ROFORMER (Vocals, instrumental)", 40),
        ("BS Roformer", 40),
        ("Roformer SW", 63),
        ("mvsep piano", 29),
        ("ultimate", 9),
        ("Ensemble (vocals, instrum)", 26),
    ],
)
def test_a_model_is_found_by_number_name_or_a_part_that_fits_only_one(written, number):
    """The strictest reading that fits one model counts."""
    assert resolve_model(written, CATALOGUE).sep_type == number


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        (41, "the catalogue has no model 41", "sep_type takes a number or a name"),
        ("Ensemble", '"Ensemble" fits 2 models', 'say which: 26 "Ensemble (vocals, instrum)", 28 "Ensemble'),
        ("vocals", '"vocals" fits 5 models', 'say which: 26 "Ensemble (vocals, instrum)"'),
        ("BS Rofromer (vocals, instrumental)", "has no model", 'did you mean 40 "BS Roformer (vocals, instr'),
        ("BS Rofromer", "has no model", 'did you mean 40 "BS Roformer (vocals, instrumental)"'),
        ("xyzzy", 'the catalogue has no model "xyzzy"', "sep_type takes a number or a name"),
        ("  ", "the catalogue has no model", "sep_type takes a number or a name"),
        (35, 'model 35 "MelBand Roformer Old (vocals)" is switched off', "choose another model"),
        ("melband roformer old", 'model 35 "MelBand Roformer Old (vocals)" is switched off', "choose another model"),
    ],
)
def test_a_model_that_is_not_certain_is_refused_with_the_near_ones(written, message, hint):
    """A wrong guess would be paid for."""
    with pytest.raises(RequestRefusedError) as raised:
        resolve_model(written, CATALOGUE)

    assert message in raised.value.message
    assert hint in raised.value.hint


def test_a_long_list_of_models_is_cut():
    """More than a few are no hint."""
    with pytest.raises(RequestRefusedError) as raised:
        resolve_model("r", CATALOGUE)

    assert raised.value.hint.endswith("or 2 more")


@pytest.mark.parametrize("written", [29, "mvsep piano"])
def test_a_model_that_is_gone_is_told_with_the_nearest_living_ones(written):
    """By group, stems and name; what has nothing to do with it is not named."""
    left = {number: algorithm for number, algorithm in KEYS.items() if number != 29}

    with pytest.raises(RequestRefusedError) as raised:
        resolve_model(written, left, known=KEYS)

    assert raised.value.message == 'the catalogue has no model 29 "MVSep Piano (piano, other)" any more'
    assert raised.value.hint == (
        'choose another model for the rule\'s sep_type; the nearest: 79 "MVSep Digital Piano (digital-piano, other)",'
        ' 58 "MVSep Organ (organ, other)", 130 "Grand Piano Ensemble"'
    )


def test_a_name_that_was_changed_is_told_with_the_one_it_has():
    """The number is the same model."""
    renamed = {**KEYS, 29: replace(KEYS[29], name="Upright")}

    with pytest.raises(RequestRefusedError) as raised:
        resolve_model("MVSep Piano", renamed, known=KEYS)

    assert raised.value.hint == 'it is called 29 "Upright": write that, or the number'


def test_a_model_that_nothing_is_like_has_no_nearest_one():
    """A hint that misleads is worse than none."""
    assert instead_of(KEYS[22], KEYS) == "choose another model for the rule's sep_type"


def test_the_nearest_models_can_be_had_and_are_fed_the_same_way():
    """Switched off, for premium accounts only, or without an upload: no way out."""
    off = replace(KEYS[79], is_active=False)
    generator = replace(KEYS[58], takes_audio=False, scope=Scope.NO_UPLOAD)

    hint = instead_of(KEYS[29], {**KEYS, 79: off, 58: generator}, has_premium=False)

    assert hint == "choose another model for the rule's sep_type"


@pytest.mark.parametrize(
    ("options", "resolved"),
    [
        ((), {"add_opt1": "29", "add_opt2": "2"}),
        ((("add_opt1", "81"),), {"add_opt1": "81", "add_opt2": "2"}),
        ((("model type", "VER. 2025.07"),), {"add_opt1": "81", "add_opt2": "2"}),
        ((("Overlap", "87.5%"),), {"add_opt1": "29", "add_opt2": "8"}),
        ((("add_opt1", "171"),), {"add_opt1": "171", "add_opt2": "2", "add_opt3": "0"}),
        ((("Model Type", "ver. 2026"), ("Set of stems", "1")), {"add_opt1": "171", "add_opt2": "2", "add_opt3": "1"}),
        ((("add_opt1", "6"),), {"add_opt1": "6"}),
        ((("Speaker", "a"),), {"add_opt1": "29", "add_opt2": "2", "add_opt10": "a"}),
    ],
)
def test_options_are_what_is_said_and_the_catalogues_defaults_in_the_order_of_n(options, resolved):
    """Hidden fields are left out; a select without a default stays the server's business."""
    found = resolve_options(options, MODEL)

    assert list(found.items()) == list(resolved.items())


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ((("add_opt7", "1"),), 'has no option "add_opt7"', 'it takes add_opt3 "Set of stems", add_opt1 "Model Type"'),
        ((("Overlap", "75%"),), '"75%" for add_opt2 "Overlap"', 'allowed: 2 "50%", 8 "87.5%"; did you mean "87.5%"?'),
        ((("Overlap", ""),), "is not one of its values", 'allowed: 2 "50%", 8 "87.5%"'),
        ((("add_opt1", "TWICE"),), '"TWICE" for add_opt1 "Model Type" of model 40 "BS Roformer" fits', '5 "twice", 6'),
        ((("Overlap", "2"), ("add_opt2", "8")), "given twice", "give each option once"),
        ((("add_opt3", "1"),), "has no effect with the other options", "it counts only while add_opt1 is 171"),
        ((("add_opt1", "6"), ("Overlap", "8")), "has no effect", "it counts only while add_opt1 is not 6"),
    ],
)  # fmt: skip
def test_an_option_that_is_not_certain_is_refused_with_what_is_allowed(options, message, hint):
    """Neither ignored nor guessed."""
    with pytest.raises(RequestRefusedError) as raised:
        resolve_options(options, MODEL)

    assert message in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ((("add_opt4", "0"),), 'has no option add_opt4 "Sets of stems" any more', 'did you mean "Set of stems"?'),
        ((("add_opt2", "4"),), '4 "87.0%" for add_opt2 "Overlap" of model 40', 'did you mean "87.5%"?'),
        ((("add_opt2", "50%"),), '"50%" for add_opt2 "Overlap"', 'allowed: 2 "50%", 8 "87.5%"'),
    ],
)  # fmt: skip
def test_an_option_that_is_gone_is_told_by_what_it_was_called(options, message, hint):
    """A number or a key alone resembles nothing. What is sent are keys: a label is none."""
    with pytest.raises(RequestRefusedError) as raised:
        check_options(options, MODEL, known=MODEL_ONCE)

    assert message in raised.value.message
    assert hint in raised.value.hint


def test_options_that_the_model_takes_pass_as_they_are():
    """Keys of selections, and any text."""
    check_options((("add_opt1", "81"), ("add_opt10", "a")), MODEL)
    check_options((("add_opt1", "la la"),), SINGER)


def test_a_model_without_options_says_so():
    """The shortest list of what is allowed."""
    with pytest.raises(RequestRefusedError) as raised:
        resolve_options((("add_opt1", "1"),), CATALOGUE[9])

    assert raised.value.hint == "it takes no options"
    assert resolve_options((), CATALOGUE[9]) == {}


@given(st.text().filter(str.strip))
def test_a_text_field_takes_any_text(text):
    """As it is."""
    assert resolve_options((("Text prompt", text),), SINGER) == {"add_opt1": text}


@pytest.mark.parametrize("options", [(), (("Text prompt", " "),)])
def test_a_text_that_the_model_needs_is_asked_for(options):
    """An empty prompt would be paid for."""
    with pytest.raises(RequestRefusedError, match='needs add_opt1 "Text prompt"'):
        resolve_options(options, SINGER)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ((), "add_opt1"),
        ((("Prompt", "hello"),), "add_opt2"),
        ((("Prompt", "hello"), ("Description", "warm")), None),
        ((("Prompt", "hello"), ("Description", "warm"), ("Manner", "sung")), "add_opt3"),
    ],
)
def test_a_dropped_text_fills_the_first_needed_text_that_the_rule_leaves_open(options, field):
    """In the order of N; what the conditions hide is not needed."""
    assert prompt_field(SPEAKER, options) == field


def test_a_second_text_that_the_model_needs_must_be_in_the_rule():
    """One dropped text fills one field."""
    with pytest.raises(RequestRefusedError, match='needs add_opt2 "Description"'):
        resolve_options((("add_opt1", "hello"),), SPEAKER)


def test_a_label_that_two_fields_have_is_refused():
    """The names tell them apart."""
    with pytest.raises(RequestRefusedError, match=r'fits several .*add_opt2 "Voice", add_opt3 "Voice"'):
        resolve_options((("Voice", "x"), ("add_opt1", "t")), SINGER)


def test_a_field_that_depends_on_a_hidden_one_is_hidden_too():
    """What is not sent cannot show anything."""
    chain = Algorithm(
        sep_type=1,
        name="chain",
        fields=(
            Field(name="add_opt1", label="A", options={"0": "0", "1": "1"}, default_key="0"),
            Field(
                name="add_opt2",
                label="B",
                options={"1": "1"},
                default_key="1",
                conditions=(FieldCondition(depends_on="add_opt1", values=("1",), shows=True),),
            ),
            Field(
                name="add_opt3",
                label="C",
                options={"1": "1"},
                default_key="1",
                conditions=(FieldCondition(depends_on="add_opt2", values=("1",), shows=True),),
            ),
        ),
    )

    assert resolve_options((), chain) == {"add_opt1": "0"}
    assert resolve_options((("A", "1"),), chain) == {"add_opt1": "1", "add_opt2": "1", "add_opt3": "1"}


def test_stems_are_the_fitting_variants_then_what_is_set_then_what_is_added():
    """A field that adds may stand before the one that sets, and a default counts as sent for the variants."""
    full, lead = OutputOverride(outputs={"full": "Full"}, adds=True), OutputOverride(outputs={"lead": "L"}, adds=False)
    model = Algorithm(
        sep_type=1,
        name="m",
        fields=(
            Field(name="add_opt2", label="B", options={"0": "0", "1": "1"}, output_overrides={"1": full}),
            Field(name="add_opt1", label="A", options={"0": "0", "9": "9"}, output_overrides={"9": lead}),
            Field(name="add_opt3", label="C", options={"0": "0", "7": "7"}, default_key="0", server_key="kind"),
        ),
        outputs={"vocals": "Vocals"},
        output_variants=(OutputVariant(match={"kind": "7"}, outputs={"choir": "Choir"}),),
    )

    assert predict_stems(model, {}) == {"vocals": "Vocals"}
    assert predict_stems(model, {"add_opt3": "7"}) == {"choir": "Choir"}
    assert predict_stems(model, {"add_opt2": "1", "add_opt3": "7"}) == {"choir": "Choir", "full": "Full"}
    assert predict_stems(model, {"add_opt1": "9", "add_opt2": "1"}) == {"lead": "L", "full": "Full"}


def test_near_matches_come_best_first_and_few():
    """Close spellings, then words that hold what was written."""
    known = ["separations", "uploads", "downloads", "attempts"]

    assert near_matches("uplods", known)[0] == "uploads"
    assert near_matches("LOADS", known) == ("uploads", "downloads")
    assert near_matches("x", known) == ()
    assert len(near_matches("stem", [f"stem {number}" for number in range(20)])) == 5
