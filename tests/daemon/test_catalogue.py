"""A catalogue that is kept, and models that change under a rule: what does not fit is held before anything is spent."""

import dataclasses
import json

import pytest
from structlog.testing import capture_logs

from mvsep_watch.model import CreditLimits, Limits, Rule
from mvsep_watch.mvsep.cached import CATALOGUE_STALE_S, FRESH_S
from tests.daemon.test_requests import ask
from tests.daemon.world import write_wav
from tests.fakes.answers import answer_json
from tests.fakes.catalogue import field_row, model_row

LABELLED = Rule(sep_type=40, output_format=1, options=(("Vocal model type", "ver 2025.07"),))


def entry(world, number=40):
    return next(row for row in world.service.catalogue if row["render_id"] == number)


def a_day_later(world):
    """Let the catalogue be read again, and what it changes come about."""
    world.clock.at += FRESH_S
    world.pass_time(130)


def drop(world, name="song.wav", *, pitch=1):
    write_wav(world.drop / name, pitch=pitch)
    world.rescan()
    world.pass_time(30)


def lose_option(row):
    row["algorithm_fields"] = [field for field in row["algorithm_fields"] if field["name"] != "add_opt1"]


def lose_value(row):
    row["algorithm_fields"][0]["options"] = json.dumps({"29": "ver 2024.08", "90": "ver 2025.08"})


CHANGES = {
    "option": (lose_option, 'has no option "Vocal model type"', "it takes add_opt2"),
    "value": (lose_value, '"ver 2025.07" for add_opt1 "Vocal model type"', 'did you mean "ver 2025.08"?'),
    "gone": (lambda row: row.update(render_id=41), "the catalogue has no model 40", "the nearest: 41"),
    "inactive": (lambda row: row.update(is_active=0), "is switched off by the service", "the nearest: 48"),
    "premium": (lambda row: row.update(orientation=2), "needs a premium account", "switch premium on"),
    "upload": (lambda row: row.update(audio_widget="no_upload"), "takes no audio file", "choose another model"),
}


@pytest.fixture(params=CHANGES)
def change(request):
    return CHANGES[request.param]


@pytest.fixture
def free(world):
    """An account without premium, and a model that is much like the rule's."""
    world.service.account.enabled = False
    world.service.catalogue = [row for row in world.service.catalogue if row["render_id"] in (20, 26, 40)]
    like = model_row(48, "MelBand Roformer (vocals, instrumental)", orientation=0, coefficient=1)
    world.service.catalogue.append(like)
    world.rules = (LABELLED,)
    return world


# What does not fit


def test_a_rule_that_does_not_fit_is_held_before_anything_is_sent(free, change):
    """With what comes nearest; the service is not asked to refuse it."""
    break_it, reason, hint = change
    break_it(entry(free))
    free.start()

    drop(free)

    (job,) = free.jobs()
    assert (job.state, free.service.count("create")) == ("held", 0)
    assert reason in job.reason
    assert hint in job.hint


def test_work_that_was_planned_before_the_change_is_held_as_well(free, change):
    """Its settings are fixed, and mean nothing any more; the first song keeps the only slot meanwhile."""
    free.start()
    drop(free, "first.wav")
    drop(free, "second.wav", pitch=2)
    settings = free.jobs()[1].settings
    change[0](entry(free))

    a_day_later(free)
    free.service.finish_all()
    free.pass_time(130)

    assert free.states() == ["published", "held"]
    assert free.service.made == 1
    assert (free.jobs()[1].settings, settings is None) == (settings, False)


def test_what_fits_again_goes_on_by_itself(free, change):
    """The service changed its mind."""
    before = json.loads(json.dumps(free.service.catalogue))
    change[0](entry(free))
    free.start()
    drop(free)
    free.service.catalogue = before

    a_day_later(free)
    free.finish()

    assert (free.states(), free.service.made) == (["published"], 1)


def test_a_rule_that_was_mended_goes_on_by_itself(free, change):
    """The one that a person can change at once."""
    change[0](entry(free))
    free.start()
    drop(free)
    free.rules = (dataclasses.replace(LABELLED, sep_type=48, options=()),)

    free.restart()
    free.finish()

    assert (free.states(), free.service.uploads[-1].fields["sep_type"]) == (["published"], "48")


def test_an_upload_that_no_longer_fits_is_dropped_before_its_last_chunk(free, change):
    """The last word asks the catalogue in force."""
    free.start()
    free.hands.held = {"uploads"}
    drop(free)
    change[0](entry(free))
    free.clock.at += FRESH_S
    free.settle()

    free.hands.held = set()
    free.hands.go_on()
    free.pass_time(130)

    assert (free.states(), free.service.made) == (["held"], 0)


def test_what_is_held_is_tried_again_by_retry(free):
    """And held again while nothing has changed, without a request."""
    lose_value(entry(free))
    free.start()
    drop(free)

    answer = ask(free, "retry", 1)

    assert (answer["done"], free.states(), free.service.count("create")) == ([1], ["held"], 0)


def test_a_premium_format_is_held_with_the_one_that_anybody_may_have(free):
    """And goes on once premium is on."""
    free.rules = (dataclasses.replace(LABELLED, output_format=5),)
    free.start()
    drop(free)
    (job,) = free.jobs()
    free.service.account.enabled = True

    free.pass_time(700)

    assert (job.state, "format: flac`" in job.hint) == ("held", True)
    assert free.states() == ["submitted"]


def test_what_was_paid_before_is_had_whatever_became_of_its_model(world):
    """A second rule on the same bytes joins the separation that there is."""
    first = Rule(name="first", match=("song*",), sep_type=40, output_format=1)
    world.rules = (first, dataclasses.replace(first, name="second", match=("copy*",)))
    world.start()
    drop(world, "song.wav")
    world.finish()
    entry(world)["is_active"] = 0
    a_day_later(world)

    drop(world, "copy.wav")
    world.finish()

    assert (world.states(), world.service.made) == (["published", "published"], 1)


def test_a_refusal_has_the_catalogue_read_again(world):
    """What the service does not take any more need not be uploaded a second time to be told so."""
    world.start()
    world.pass_time(400)
    entry(world)["is_active"] = 0
    world.service.fault("create", "refused")

    drop(world, "first.wav")
    drop(world, "second.wav", pitch=2)

    assert world.states() == ["failed", "held"]
    assert world.service.count("create") == 1


# What keeps its meaning


def test_a_default_that_changes_does_not_change_what_was_planned(free):
    """The same song is the same work; the next one takes what is the default by then."""
    free.rules = (dataclasses.replace(LABELLED, options=()),)
    free.start()
    drop(free, "first.wav")
    drop(free, "second.wav", pitch=2)
    entry(free)["algorithm_fields"][0]["default_key"] = "29"
    a_day_later(free)
    drop(free, "third.wav", pitch=3)

    free.finish()
    free.finish()

    sent = [upload.fields["add_opt1"] for upload in free.service.uploads]
    assert (free.states(), sent) == (["published"] * 3, ["81", "81", "29"])


def test_a_rule_that_names_its_model_survives_a_new_name_while_running(world):
    """A name is understood once; it may even become another model's."""
    world.rules = (Rule(sep_type="BS Roformer", output_format=1),)
    world.start()
    world.pass_time(10)
    entry(world)["name"] = "Roformer Classic"
    entry(world, 20)["name"] = "BS Roformer"
    a_day_later(world)

    drop(world)

    assert world.service.uploads[-1].fields["sep_type"] == "40"


def test_after_a_restart_a_name_that_is_gone_is_held_with_the_name_it_has(world):
    """What the name once stood for is remembered from the packaged catalogue."""
    world.rules = (Rule(sep_type="BS Roformer (vocals, instrumental)", output_format=1),)
    entry(world)["name"] = "Roformer Classic"
    world.start()

    drop(world)

    (job,) = world.jobs()
    assert (job.state, world.service.count("create")) == ("held", 0)
    assert job.hint == 'it is called 40 "Roformer Classic": write that, or the number'


def test_a_catalogue_of_another_shape_serves_as_well(world):
    """Without scopes, groups, stems, prices of options and conditions, as it was in 2024."""
    row = model_row(40, "BS Roformer (vocals, instrumental)", orientation=0, coefficient=1)
    field = field_row(1, "add_opt1", "Vocal model type", {"81": "ver 2025.07"}, default="81")
    old = ("id", "name", "render_id", "orientation", "order_id", "price_coefficient")
    fields = [{key: field[key] for key in ("id", "name", "text", "options", "default_key")}]
    listed = [{**{key: row[key] for key in old}, "algorithm_fields": fields}]
    world.service.fault("algorithms", lambda request, service: answer_json(listed))
    world.rules = (LABELLED,)
    world.start()

    drop(world)

    assert (world.states(), world.service.uploads[-1].fields["add_opt1"]) == (["submitted"], "81")
    assert world.store.separations.find(1).credits_estimated == 1


# What is kept


@pytest.fixture
def keeping(world, tmp_path):
    world.caches = tmp_path / "caches"
    return world


def test_a_restart_within_a_day_asks_for_no_catalogue(keeping):
    """It is kept in a file."""
    keeping.start()
    keeping.pass_time(10)
    keeping.clock.at += FRESH_S - 60
    keeping.restart()

    drop(keeping)

    assert (keeping.states(), keeping.service.count("algorithms")) == (["submitted"], 1)


def test_a_running_daemon_asks_once_a_day(keeping):
    """Without a bell, and by the ETag."""
    keeping.start()
    keeping.pass_time(600)
    keeping.clock.at += FRESH_S
    keeping.pass_time(600)

    asked = [request for endpoint, request in keeping.service.requests if endpoint == "algorithms"]
    assert len(asked) == 2
    assert asked[1].headers["If-None-Match"]


def test_a_kept_catalogue_serves_while_the_service_cannot_be_asked_for_it(keeping):
    """A day or two old, it is as good as ever."""
    keeping.start()
    keeping.pass_time(10)
    keeping.service.fault("algorithms", *["http_503"] * 50)
    keeping.clock.at += 2 * FRESH_S
    keeping.restart()

    drop(keeping)

    assert keeping.states() == ["submitted"]


@pytest.mark.parametrize("restarts", [True, False])
def test_old_names_serve_and_old_prices_do_not(keeping, restarts):
    """With a limit on credits a person is asked; nothing else stops."""
    keeping.limits = Limits(credits=CreditLimits(reserve=1, approve_batch_above=None))
    keeping.start()
    keeping.pass_time(10)
    keeping.service.fault("algorithms", *["http_503"] * 50)
    keeping.clock.at += CATALOGUE_STALE_S + 1
    if restarts:
        keeping.restart()

    drop(keeping)

    (job,) = keeping.jobs()
    assert (job.state, job.reason, keeping.service.count("create")) == ("held", "its price is not known", 0)
    assert "service" not in {gate.name for gate in keeping.engine.context.gates()}


def test_without_any_catalogue_nothing_is_planned(world):
    """What a rule means is not known; it goes on by itself."""
    world.service.fault("algorithms", *["http_503"] * 3)
    world.start()
    drop(world)
    before = (world.states(), [gate.name for gate in world.engine.context.gates()])

    world.pass_time(120)

    assert before == (["queued"], ["service"])
    assert world.states() == ["submitted"]


def test_a_rule_that_no_model_fits_is_told_before_a_file_comes(world):
    """Once, and not again with each look at the models."""
    world.rules = (Rule(sep_type=9999, output_format=1),)
    with capture_logs() as logged:
        world.start()
        world.pass_time(30)
        a_day_later(world)

    (told,) = [line for line in logged if line["event"] == "rule_unfit"]
    assert (told["folder"], told["reason"]) == ("drop", "the catalogue has no model 9999")
