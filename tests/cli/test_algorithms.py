"""`algorithms`: which model, what it costs, and the rule for it, without leaving the terminal."""

import json

import pytest

from mvsep_watch import config
from mvsep_watch.cli import ruling
from mvsep_watch.cli.finding import only
from mvsep_watch.data import ALGORITHMS_DATE, algorithms_json
from mvsep_watch.mvsep import read_catalogue

PACKAGED = read_catalogue(algorithms_json())
KEYS = {
    "sep_type", "name", "group", "scope", "input", "is_active", "for", "rating", "votes", "usage",
    "credits_per_minute", "minutes", "credits", "formats", "stems", "other_stems", "options", "description",
    "catalogue", "catalogue_date",
}  # fmt: skip


@pytest.fixture
def full(service):
    """A service that lists every model."""
    service.catalogue = json.loads(algorithms_json())
    return service


def rated(full, number, average, votes):
    row = next(row for row in full.catalogue if row["render_id"] == number)
    row["rating"] = {"average": average, "total": votes}


def listed(run, *words):
    code, out, err = run("algorithms", "--json", *words)
    assert (code, err) == (0, "")
    return [model["sep_type"] for model in json.loads(out)]


def test_the_best_model_its_price_and_its_rule_take_three_commands(run, full, tmp_path):
    """Which takes the vocals out best, what does it cost for an album, give me the rule."""
    rated(full, 40, "4.9990", 1000)

    best = listed(run, "vocals", "--sort", "rating")[0]
    _, told, _ = run("algorithms", best, "--minutes", 45)
    _, rule, _ = run("algorithms", best, "--yaml")

    assert best == 40
    assert "price    45 credits for 45 minutes; 1 credit a minute with premium" in told
    assert problems_of(rule, tmp_path) == ()


def test_a_search_is_a_table(run, full):
    """Number, name, rating with votes, usage, price; who may use it where not everybody may."""
    rated(full, 26, "4.5000", 24)

    code, out, err = run("algorithms", "ensemble", "vocals", "--minutes", 10)

    line = next(line for line in out.splitlines() if line.lstrip().startswith("26 "))
    assert (code, err) == (0, "")
    assert " ".join(line.split()) == "26 Ensemble (vocals, instrum) premium 4.50 (24) 7503 2 20"


def test_without_words_all_models_are_listed_by_group(run, full):
    """Each under the heading of its group."""
    _, out, _ = run("algorithms")

    lines = [line.strip() for line in out.splitlines()]
    groups = {algorithm.group for algorithm in PACKAGED.values()}
    assert len([line for line in lines if line.split("  ")[0].isdigit()]) == len(PACKAGED)
    assert sorted(line for line in lines if line in groups) == sorted(groups)


def test_one_model_is_told_in_full(run, full):
    """Options with labels, keys, defaults, factors and conditions; stems, also those of other choices."""
    _, out, _ = run("algorithms", "bs roformer (vocals, instrumental)", "--minutes", "45")

    assert "40  BS Roformer (vocals, instrumental)\n" in out
    assert "  81   ver 2025.07 (SDR vocals: 11.89, SDR instrum: 18.20)  (default)\n" in out
    assert "  8  87.5%  (price x2: 90 credits)\n" in out
    assert "add_opt3  Set of stems, only while add_opt1 is 171\n" in out
    assert "stems    Vocals and Other\n" in out
    assert "  add_opt1 85, 171; add_opt3 0: Vocals and Instrumental\n" in out


def test_the_description_is_plain_text_in_the_language_that_was_asked_for(run, full):
    """In English where there is none in it."""
    row = next(row for row in full.catalogue if row["render_id"] == 40)
    row["algorithm_descriptions"] = [
        {"lang": "en", "short_description": "short", "long_description": "<p>It is <b>good</b>.</p>"},
        {"lang": "ru", "short_description": "short", "long_description": "<p>\u042d\u0442\u043e.</p>"},
    ]

    told = [run("algorithms", "40", "--lang", lang)[1] for lang in ("en", "ru", "de")]

    assert ["\nIt is good.\n" in out for out in told] == [True, False, True]
    assert "\n\u042d\u0442\u043e.\n" in told[1]


def test_json_has_every_key(run, full):
    """The same for one and in a list."""
    _, (first, *_) = None, json.loads(run("algorithms", "roformer", "--json")[1])
    one = json.loads(run("--json", "algorithms", "40", "--minutes", "45")[1])

    assert (set(first), set(one)) == (KEYS, KEYS)
    assert (one["credits_per_minute"], one["minutes"], one["credits"]) == (1, 45, 45)
    assert one["options"][1]["values"][1] == {"key": "8", "label": "87.5%", "price_factor": 2}
    assert one["catalogue"] == "service"


def test_scopes_choose_by_input(run, full):
    """Those that take no audio, those that take a pair."""
    assert listed(run, "--scopes", "matchering_upload") == [68]
    assert set(listed(run, "--scopes", "no_upload,matchering_upload")) == {62, 68, 104, 115, 118, 119, 121}


def test_an_unknown_scope_is_refused(run, service):
    """With those there are."""
    code, _, err = run("algorithms", "--scopes", "upload")

    assert code == 2
    assert 'there is no scope "upload"' in err


def test_nothing_found_is_an_error_with_a_hint(run, full):
    """Exit code 2, and a word that would find something."""
    code, out, err = run("algorithms", "vocls")

    assert (code, out) == (2, "")
    assert err == 'error: no model fits "vocls"\nhint: did you mean Vocals?\n'


def test_several_models_make_no_rule(run, full):
    """They are named."""
    code, out, err = run("algorithms", "karaoke", "--yaml")

    assert (code, out) == (2, "")
    assert '49 "MVSep Karaoke (lead/back vocals)"' in err


def test_the_catalogue_is_asked_for_once_a_day(run, full):
    """Then it is kept, for commands and daemon alike."""
    for _ in range(3):
        run("algorithms", "40")

    assert full.count("algorithms") == 1


def test_without_a_service_the_packaged_list_serves(run, service):
    """It says why, its date, and that its prices may be old; ratings are the service's alone."""
    service.fault("algorithms", "connect_error")

    code, out, err = run("algorithms", "40", "--json")

    told = json.loads(out)
    assert code == 0
    assert err.startswith("The service was not asked: mvsep.com")
    assert err.endswith(f"This is the list of {ALGORITHMS_DATE} that comes along; its prices may be old.\n")
    assert (told["catalogue"], told["rating"], told["usage"]) == ("packaged", None, None)


def test_offline_nothing_is_asked(run, service):
    """Not even whether there is a configuration that can be used."""
    code, _, err = run("algorithms", "40", "--offline", "-c", "none.yaml")

    assert (code, service.requests) == (0, [])
    assert ALGORITHMS_DATE in err


def test_a_configuration_that_is_being_written_does_not_keep_anybody_from_looking(run, service, nowhere):
    """Whoever looks for a model has no rule yet."""
    (nowhere / "mvsep-watch.yaml").write_text("folders: []\n")

    code, _, err = run("algorithms", "40")

    assert (code, service.requests) == (0, [])
    assert "mvsep-watch.yaml" in err


def problems_of(rule, tmp_path):
    """What `check` would say of a rule in a folder."""
    (tmp_path / "reference.wav").touch()
    path = tmp_path / "config.yaml"
    indented = "".join(f"      {line}\n" for line in rule.splitlines())
    path.write_text(f"folders:\n  - path: drop\n    rules:\n{indented}", encoding="utf-8")
    loaded = config.load(path, environ={}, needs_token=False)
    return config.check_models(loaded, PACKAGED)


@pytest.mark.parametrize("number", [number for number, algorithm in PACKAGED.items() if algorithm.is_active])
def test_the_rule_of_every_model_is_valid(number, tmp_path):
    """It can be pasted as it is."""
    assert problems_of(ruling.rule(PACKAGED[number]), tmp_path) == ()


def test_a_rule_explains_its_options(full, run):
    """Every choice by its label; what does not count yet is commented out."""
    rule = ruling.rule(only(["40"], PACKAGED))

    assert rule.startswith("- name: bs-roformer\n  sep_type: 40  # BS Roformer (vocals, instrumental)\n  options:\n")
    assert "    add_opt2: 2  # Overlap: 50%\n    #   8: 87.5%\n" in rule
    assert "    # only while add_opt1 is 171:\n    # add_opt3: 0  # Set of stems: Standard\n" in rule


def test_a_rule_says_what_it_takes_where_that_is_no_file():
    """A text, or a file with a reference."""
    assert "  input: text\n" in ruling.rule(PACKAGED[62])
    assert "  input: pair\n  reference: " in ruling.rule(PACKAGED[68])


def test_a_condition_that_names_no_value_breaks_nothing(run, full):
    """The service may write one; and the tenth option stands behind the second."""
    row = next(row for row in full.catalogue if row["render_id"] == 40)
    row["algorithm_fields"][2]["conditions"][0]["value_json"] = []
    row["algorithm_fields"][0]["name"] = "add_opt10"

    code, out, _ = run("algorithms", "40")

    assert code == 0
    assert out.index("add_opt2  Overlap") < out.index("add_opt10  Vocal model type")
