"""`check`: what the configuration means, and everything that is wrong with it."""

import json
import os
import time

import pytest

from mvsep_watch.cli import check
from mvsep_watch.data import ALGORITHMS_DATE
from mvsep_watch.mvsep.cached import CATALOGUE_STALE_S, CatalogueCache, cache_folder
from mvsep_watch.sandbox import Sandbox
from tests.cli.conftest import TOKEN
from tests.fakes.service import FakeService


def test_a_good_configuration_is_told_in_words(run, write_config, tmp_path):
    """Folders, rules with their models' names, formats, where stems go, and what becomes of sources."""
    (tmp_path / "drop").mkdir()
    path = write_config("folders:\n  - {path: drop, output: out, sep_type: 63, format: flac, source: {move: done}}\n")

    code, out, err = run("check", "-c", path)

    assert (code, err) == (0, "")
    assert f"drop: {tmp_path}/drop -> {tmp_path}/out" in out
    assert f"sources are moved to {tmp_path}/done when everything on them is published" in out
    assert "rule default: BS Roformer SW (vocals, bass, drums, guitar, piano, other), sep_type 63 -> flac" in out
    assert "No problem was found." in out
    assert TOKEN not in out


def test_the_token_that_systemd_hands_to_the_service_is_found(run, write_config, tmp_path, monkeypatch):
    """Where the unit runs with this configuration; with another one it is nobody's business."""
    unit = tmp_path / "units" / "system" / "mvsep-watch.service"
    unit.parent.mkdir(parents=True)
    (tmp_path / "mvsep-token").write_text(TOKEN)
    path = write_config()
    path.write_text("folders: [{path: drop, sep_type: 40}]\n")
    other = path.with_name("other.yaml")
    other.write_text(path.read_text())
    unit.write_text(
        f"[Service]\nExecStart=mvsep-watch -c {path} run\nLoadCredential=mvsep-token:{tmp_path}/mvsep-token\n"
    )
    monkeypatch.setattr(check, "UNIT_FOLDERS", (tmp_path / "units",))
    monkeypatch.setattr(os, "environ", {**os.environ})

    others = run("check", "-c", other)[0]
    code, out, _ = run("check", "-c", path)

    assert (others, code) == (4, 0)
    assert TOKEN not in out


def test_options_are_told_by_their_labels(run, write_config):
    """`add_opt1: 81` says nothing to a person."""
    path = write_config("folders:\n  - {path: drop, sep_type: 40, options: {add_opt1: 81}}\n")

    _, out, _ = run("check", "-c", path)

    assert "    Vocal model type: ver 2025.07" in out


def test_every_problem_of_the_file_is_listed(run, write_config):
    """With line and column, and exit code 4."""
    path = write_config("folders:\n  - {path: drop, sep_typ: 40}\n  - {path: other, sep_type: 40, settle: soon}\n")

    code, out, err = run("check", "-c", path)

    assert (code, out) == (4, "")
    assert f"  {path}:6:18: " in err
    assert f"  {path}:7:" in err


def test_a_model_that_the_catalogue_does_not_know_is_a_problem(run, write_config):
    """With the names that may have been meant."""
    path = write_config("folders:\n  - {path: drop, sep_type: BS Rofomer}\n")

    code, out, _ = run("check", "-c", path)

    assert code == 4
    assert ':6:28: folder "drop", rule "default": the catalogue has no model "BS Rofomer"; did you mean' in out


def test_a_folder_that_is_not_there_is_only_a_warning(run, write_config, tmp_path):
    """It may be a share that is mounted later."""
    code, out, _ = run("check", "-c", write_config())

    assert code == 0
    assert f'warning: folder "drop": there is no folder {tmp_path}/drop yet' in out


def test_a_folder_that_is_a_file_is_a_problem(run, write_config, tmp_path):
    """It will not become one by itself."""
    (tmp_path / "drop").touch()

    path = write_config()
    code, out, _ = run("check", "-c", path)

    assert (code, f'problem: {path}:6:12: folder "drop": {tmp_path}/drop is a file' in out) == (4, True)
    assert "yet" not in out


@pytest.mark.parametrize(
    ("keys", "at"), [("options: {add_opt9: 1}", "{add_opt9"), ("stems: [vocal]", "[vocal"), ("input: text", "40")]
)
def test_what_a_model_does_not_take_is_told_where_it_stands(run, write_config, keys, at):
    """The options, the stems; the model itself where it is that."""
    line = f"  - {{path: drop, sep_type: 40, {keys}}}"
    path = write_config(f"folders:\n{line}\n")

    code, out, _ = run("check", "-c", path)

    column = line.index(at) + 1
    assert (code, f'problem: {path}:6:{column}: folder "drop"' in out) == (4, True), out


def test_json_says_the_same_for_programs(run, write_config, tmp_path):
    """With stable keys."""
    code, out, _ = run("check", "--json", "-c", write_config())

    told = json.loads(out)
    assert (code, told["valid"], told["problems"], told["account"]) == (0, True, [], None)
    assert told["folders"][0]["path"] == f"{tmp_path}/drop"
    assert told["folders"][0]["rules"][0]["model"] == "BS Roformer (vocals, instrumental)"


def test_json_lists_the_problems_of_a_file_that_cannot_be_read(run, write_config):
    """A program reads them from stdout like everything else."""
    code, out, _ = run("check", "--json", "-c", write_config("folders: []\n"))

    told = json.loads(out)
    assert (code, told["valid"], len(told["problems"])) == (4, False, 1)


def test_online_shows_the_account_and_what_a_minute_costs(run, write_config):
    """Against a service that answers; nothing is sent that costs."""
    with Sandbox(token=TOKEN, credits=42) as server:
        path = write_config("folders:\n  - {path: drop, sep_type: 28}\n", base_url=server.base_url)

        code, out, _ = run("check", "--online", "-c", path)

    assert code == 0
    assert "account        sandbox@localhost, premium, credits: 42" in out
    assert "credits a minute with premium" in out
    assert "create" not in server.api.record.requests


def test_online_a_premium_model_on_a_free_account_is_a_problem(run, write_config):
    """It would be refused."""
    with Sandbox(token=TOKEN, plan="free") as server:
        path = write_config("folders:\n  - {path: drop, sep_type: 28, format: flac24}\n", base_url=server.base_url)

        code, out, _ = run("check", "--online", "-c", path)

    assert code == 4
    assert "is for premium accounts, and this is none" in out
    assert "this is none; switch premium on, or choose another model for the rule's sep_type" in out
    assert "the format flac24 is for premium accounts" in out
    assert "give the rule `format: flac`" in out


def test_online_a_refused_token_is_a_problem(run, write_config):
    """And everything else is checked all the same."""
    with Sandbox() as server:
        path = write_config("folders:\n  - {path: drop, sep_type: nonsense}\n", base_url=server.base_url)

        code, out, err = run("check", "--online", "-c", path)

    assert (code, out.count("problem: ")) == (4, 2)
    assert TOKEN not in out + err


def test_online_a_service_that_is_not_there_is_a_problem(run, write_config):
    """Named with its host."""
    code, out, _ = run("check", "--online", "-c", write_config())

    assert code == 4
    assert "problem: 127.0.0.1:9, app/user: no connection" in out


def test_without_a_kept_catalogue_the_packaged_one_serves_for_names_and_not_for_prices(run, write_config):
    """Its date is said: what is newer it does not know."""
    path = write_config()

    _, out, _ = run("check", "-c", path)
    _, told, _ = run("check", "--json", "-c", path)

    assert f"held against this version's own catalogue, of {ALGORITHMS_DATE}; --online asks the service." in out
    assert "a minute with premium" not in out
    assert json.loads(told)["catalogue"] == {"origin": "packaged", "date": ALGORITHMS_DATE}
    assert json.loads(told)["folders"][0]["rules"][0]["credits_per_minute"] is None


@pytest.mark.parametrize(
    ("limits", "says"), [("", ", so with premium each job waits for `approve`"), ("null", "")], ids=["limit", "none"]
)
def test_online_says_that_a_price_is_not_known_beforehand(run, write_config, limits, says):
    """A link has no length that anybody knows: whoever drops the first one is not surprised that it waits."""
    credits_ = f"limits: {{credits: {{approve_batch_above: {limits}}}}}\n" if limits else ""
    with Sandbox(token=TOKEN) as server:
        rule = "folders:\n  - {path: drop, sep_type: 28, input: link}\n"
        path = write_config(credits_ + rule, base_url=server.base_url)

        code, out, _ = run("check", "--online", "-c", path)

    assert code == 0
    assert f"    its price is not known beforehand{says}\n" in out


def test_what_online_asked_for_is_kept_for_the_next_check(run, write_config):
    """With its prices, while they are believed; nobody is asked."""
    with Sandbox(token=TOKEN) as server:
        path = write_config("folders:\n  - {path: drop, sep_type: 28}\n", base_url=server.base_url)
        run("check", "--online", "-c", path)

    code, out, _ = run("check", "-c", path)

    assert code == 0
    assert "4 credits a minute with premium" in out
    assert "held against the service's catalogue as it was at 20" in out


def test_a_kept_catalogue_whose_prices_are_old_is_left_alone(run, write_config):
    """The packaged one says so little about prices that nobody is misled."""
    service, path = FakeService(base_url="http://127.0.0.1:9"), write_config()
    with service.client() as client:
        old = time.time() - CATALOGUE_STALE_S - 60
        CatalogueCache(cache_folder(os.environ), service.base_url).asked(client, now=old)

    _, out, _ = run("check", "--json", "-c", path)

    assert json.loads(out)["catalogue"]["origin"] == "packaged"


def test_online_a_service_that_lists_no_models_is_a_problem_and_names_are_checked_all_the_same(run, write_config):
    """By what was kept, or came along."""
    path = write_config("folders:\n  - {path: drop, sep_type: nonsense}\n")

    _, out, _ = run("check", "--online", "-c", path)

    assert 'the catalogue has no model "nonsense"' in out
    assert f"this version's own catalogue, of {ALGORITHMS_DATE}" in out


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("sep_type: 103", 'model 103 "VibeVoice (Voice Cloning)" needs add_opt2 "Text prompt"; give it in the rule'),
        ("sep_type: 62", 'model 62 "Stable Audio Open Gen" takes no audio file'),
        ("sep_type: 119, input: text", 'needs add_opt2 "Voice description"'),
        ("sep_type: 35", "is switched off by the service; choose another model for the rule's sep_type; the nearest: "),
        ("sep_type: 40, options: {Overlap: 9}", '"9" for add_opt2 "Overlap"'),
    ],
)
def test_a_rule_that_would_be_held_is_a_problem_before_anything_is_dropped(run, write_config, rule, problem):
    """A missing text, another input, a model that is switched off, an unknown value."""
    code, out, _ = run("check", "-c", write_config(f"folders:\n  - {{path: drop, {rule}}}\n"))

    assert code == 4
    assert problem in out


def test_a_prompt_that_the_dropped_text_fills_is_no_problem(run, write_config):
    """It is not missing: it comes with every file."""
    code, out, _ = run("check", "-c", write_config("folders:\n  - {path: drop, sep_type: 62, input: text}\n"))

    assert (code, "problem" in out.replace("No problem", "")) == (0, False)
