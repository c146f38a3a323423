"""Which separation serves a job, and what is sent for a rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Field, InputKind, Rule, Scope, SeparationState, Settings
from mvsep_watch.planner import Attempt, Begin, Ended, Join, asked_of, serve, settings_of

INTENDED, RELEASED, SUBMITTED = SeparationState.INTENDED, SeparationState.RELEASED, SeparationState.SUBMITTED
DONE, FAILED, LOST = SeparationState.DONE, SeparationState.FAILED, SeparationState.LOST
CANCELLED = SeparationState.CANCELLED
REFUSED = "refused"


def attempts(*states):
    return [
        Attempt(
            id=100 + number, number=number, state=FAILED if state == REFUSED else state, was_refused=state == REFUSED
        )
        for number, state in enumerate(states, 1)
    ]


def decide(*states, wanted=None, allowed=1):
    return serve(attempts(*states), wanted=wanted, allowed_failures=allowed)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], Begin(1)),
        ([INTENDED], Join(101)),
        ([RELEASED], Join(101)),
        ([SUBMITTED], Join(101)),
        ([DONE], Join(101)),
        ([DONE, SUBMITTED], Join(101)),
        ([DONE, DONE], Join(102)),
        ([DONE, FAILED], Join(101)),
        ([LOST, SUBMITTED], Join(102)),
        ([FAILED], Ended(101)),
        ([LOST], Ended(101)),
        ([CANCELLED], Ended(101)),
        ([FAILED, LOST], Ended(102)),
    ],
)
def test_a_job_takes_what_its_work_already_has(states, expected):
    """The newest done, else an unfinished one; what ended without results is a person's decision."""
    assert decide(*states) == expected


@pytest.mark.parametrize(
    ("states", "allowed", "expected"),
    [
        ([FAILED], 2, Begin(2)),
        ([FAILED, FAILED], 2, Ended(102)),
        ([FAILED, FAILED], 3, Begin(3)),
        ([LOST], 9, Ended(101)),
        ([CANCELLED], 9, Ended(101)),
        ([FAILED, LOST], 9, Ended(102)),
        ([LOST, FAILED], 1, Ended(102)),
        ([REFUSED, FAILED], 2, Begin(3)),
        ([FAILED, REFUSED, FAILED], 2, Ended(103)),
    ],
)
def test_limits_attempts_covers_what_the_service_called_failed_and_nothing_else(states, allowed, expected):
    """Never what was lost or cancelled, and not what was refused unpaid."""
    assert decide(*states, allowed=allowed) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([REFUSED], Begin(2)),
        ([REFUSED, REFUSED], Begin(3)),
        ([LOST, REFUSED], Ended(101)),
        ([CANCELLED, REFUSED], Ended(101)),
        ([FAILED, REFUSED], Ended(101)),
        ([DONE, REFUSED], Join(101)),
    ],
)
def test_a_refusal_costs_no_attempt_and_hides_none_that_was_paid(states, expected):
    """Behind a redo that was refused, what was lost before still needs a person's word."""
    assert decide(*states) == expected


@pytest.mark.parametrize(
    ("states", "wanted", "expected"),
    [
        ([], 3, Begin(3)),
        ([DONE], 2, Begin(2)),
        ([LOST], 2, Begin(2)),
        ([DONE, INTENDED], 2, Join(102)),
        ([LOST, DONE], 2, Join(102)),
        ([LOST, REFUSED], 2, Begin(3)),
        ([LOST, FAILED], 2, Ended(102)),
        ([LOST, FAILED, DONE], 2, Join(103)),
        ([LOST, FAILED, SUBMITTED], 2, Join(103)),
        ([LOST, FAILED, REFUSED], 2, Ended(102)),
    ],
)
def test_a_redo_is_one_more_attempt_and_no_second_one(states, wanted, expected):
    """It never takes what was there before it, and pays once unless the service refused it unpaid."""
    assert decide(*states, wanted=wanted, allowed=9) == expected


@given(
    st.lists(st.sampled_from([*SeparationState, REFUSED]), min_size=1, max_size=5),
    st.integers(1, 3),
    st.randoms(),
)
def test_without_a_persons_word_only_failed_or_refused_work_is_begun_anew(states, allowed, random):
    """Whatever happened before, and in whatever order the attempts are given."""
    found = attempts(*states)
    shuffled = random.sample(found, len(found))
    paid = [state for state in states if state != REFUSED]

    decision = serve(shuffled, wanted=None, allowed_failures=allowed)

    if isinstance(decision, Begin):
        assert decision.attempt == len(states) + 1
        assert not paid or (paid[-1] == FAILED and paid.count(FAILED) < allowed)


def model(name="BS Roformer", **changes):
    stems = Field(name="add_opt1", label="Stems", options={"0": "all", "1": "vocals"}, default_key="0")
    quality = Field(name="add_opt2", label="Quality", options={"2": "low", "8": "high"}, default_key="2")
    return Algorithm(**{"sep_type": 40, "name": name, "fields": (stems, quality)} | changes)


def test_settings_are_complete_whatever_the_rule_leaves_out():
    """Nothing is left to a default of the service's that may change."""
    rule = Rule(sep_type=40, options=(("Stems", "vocals"),), output_format=2, demo=True)

    expected = Settings(sep_type=40, options=(("add_opt1", "1"), ("add_opt2", "2")), output_format=2, is_demo=True)
    assert settings_of(rule, {40: model()}) == expected


def test_settings_of_a_model_that_is_not_there_are_refused():
    """Before anything is sent."""
    with pytest.raises(RequestRefusedError):
        settings_of(Rule(sep_type=41), {40: model()})


def speaker():
    fields = (
        Field(name="add_opt1", label="Voice", options={"0": "low", "1": "high"}, default_key="0", required=True),
        Field(name="add_opt2", label="Text prompt", options={}, input_type="text", required=True),
    )
    return Algorithm(sep_type=104, name="Speaker", fields=fields, scope=Scope.NO_UPLOAD, takes_audio=False)


def test_what_a_dropped_text_fills_is_no_setting():
    """The text is the input: another text is other work with the same settings."""
    rule = Rule(sep_type=104, input=InputKind.TEXT, options=(("Voice", "high"),))

    assert settings_of(rule, {104: speaker()}) == Settings(sep_type=104, options=(("add_opt1", "1"),))


def test_a_model_without_room_for_a_text_is_refused_for_one():
    """All that it needs is given by the rule, or it needs no text at all."""
    given = Rule(sep_type=104, input=InputKind.TEXT, options=(("add_opt2", "said already"),))

    with pytest.raises(RequestRefusedError, match="no text left"):
        settings_of(given, {104: speaker()})
    with pytest.raises(RequestRefusedError, match="no text left"):
        settings_of(Rule(sep_type=40, input=InputKind.TEXT), {40: model()})


def test_the_same_asking_is_the_same_text_in_any_order():
    """It ties a job to the settings that were planned for it first; what asks otherwise differs."""
    rule = Rule(sep_type=40, options=(("b", "ü"), ("a", "1")))
    others = [
        Rule(sep_type="40", options=rule.options),
        Rule(sep_type=40, options=rule.options, output_format=1),
        Rule(sep_type=40, options=rule.options, demo=True),
        Rule(sep_type=40, options=rule.options[:1]),
    ]

    assert asked_of(rule) == asked_of(Rule(name="x", sep_type=40, options=rule.options[::-1], priority=3))
    assert asked_of(rule).isascii()
    assert len({asked_of(rule), *map(asked_of, others)}) == 5
