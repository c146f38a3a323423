"""`retry`, `approve`, `cancel`, `redo`, `forget`: what a person decides, with and without a daemon."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mvsep_watch.cli import asking
from mvsep_watch.files.lock import StateLock
from mvsep_watch.model import HoldKind, InputKind, JobState, Limits, Rule
from tests.cli.settled import Person, limit, write_config
from tests.daemon.test_requests import fail, lose_the_answer, publish, submit, two_rules
from tests.daemon.world import write_wav


@pytest.fixture
def person(run, world, capsys):
    limit(world)
    return Person(run, world, capsys)


@pytest.fixture
def at_a_terminal(monkeypatch):
    """Let somebody be there who answers."""

    def answers(word):
        class Terminal:
            def isatty(self):
                return True

            def readline(self, *_):
                return f"{word}\n"

            def fileno(self):
                raise OSError

        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: word)

    return answers


def hold_a_dear_file(world, name="long.wav", **wav):
    write_wav(world.drop / name, seconds=200, **wav)
    world.start()
    world.pass_time(30)


def beside_a_daemon(person, world, *words):
    """Type a command while the daemon turns."""
    with StateLock(world.store.path), ThreadPoolExecutor(1) as threads:
        typed = threads.submit(person, *words)
        while not typed.done():
            world.turn()
    return typed.result()


# With and without a daemon


def test_a_running_daemon_applies_what_is_asked(person, world):
    """The command waits for its answer."""
    submit(world)

    code, out, _ = beside_a_daemon(person, world, "cancel", "1")

    assert (code, out) == (0, "cancelled: 1 job (1)\n")
    assert world.states() == ["cancelled"]


def test_without_a_daemon_the_command_applies_it_itself(person, world):
    """And says that the rest happens when one runs."""
    submit(world)
    world.stop()

    code, out, _ = person("cancel", "1")
    world.start()
    world.pass_time(30)

    assert (code, "no daemon is running" in out) == (0, True)
    assert (world.states(), world.service.unfinished) == (["cancelled"], [])


def test_a_daemon_that_starts_in_between_applies_it(person, world, monkeypatch):
    """The lock was free a moment ago."""
    submit(world)
    monkeypatch.setattr(asking, "is_running", lambda _: False)

    code, _, _ = beside_a_daemon(person, world, "cancel", "1")

    assert (code, world.states()) == (0, ["cancelled"])


def test_a_daemon_that_does_not_answer_changes_nothing_later(person, world, monkeypatch):
    """The request is taken back."""
    submit(world)
    monkeypatch.setattr(asking, "ANSWERED_WITHIN_S", 0.0)

    with StateLock(world.store.path):
        code, _, err = person("cancel", "1")
    world.settle()

    assert (code, "did not answer; nothing was changed" in err) == (4, True)
    assert (world.states(), world.store.requests.open()) == (["submitted"], [])


def test_requests_that_were_left_open_are_applied_as_well(person, world):
    """In their order, by whoever has the lock next."""
    submit(world)
    left = world.store.requests.append("cancel", {"jobs": [{"id": 1}]}, now=1.0)
    world.stop()

    code, out, _ = person("cancel", "1")
    world.start()

    assert (code, "it is cancelled already" in out) == (3, True)
    assert world.store.requests.answered(left)["done"] == [1]


def test_the_answer_is_there_for_programs(person, world):
    """With --json."""
    publish(world)
    hold_a_dear_file_beside(world)
    world.stop()

    code, answer = person.json("cancel", "1", "2")

    assert (code, answer["done"]) == (3, [2])
    assert answer["refused"] == [{"id": 1, "reason": "it is published already"}]


# Which jobs


@pytest.mark.parametrize("command", ["retry", "approve", "cancel", "redo", "forget"])
def test_no_command_acts_on_nothing_in_particular(person, world, command):
    """Neither words nor --all: usage."""
    publish(world)

    assert person(command)[0] == person(command, "--all", "1")[0] == person(command, "nothing*")[0] == 2


@pytest.mark.parametrize("command", ["retry", "approve", "cancel", "redo", "forget"])
def test_before_anything_has_run_there_is_nothing_to_act_on(person, command):
    """It says how to start, or that nothing matches."""
    assert person(command, "1")[0] == person(command, "--all")[0] == 2


@pytest.mark.parametrize("command", ["retry", "approve", "cancel", "redo", "forget"])
def test_all_of_nothing_is_no_error(person, world, command):
    """A script may say --all every night."""
    publish(world)

    code, out, _ = person(command, "--all")

    assert (code, out) == (0, f"nothing waits for `{command}`\n")


def test_a_glob_means_those_that_the_command_is_for(person, world):
    """A published neighbour is no refusal."""
    publish(world)
    write_wav(world.drop / "next.wav", pitch=2)
    world.rescan()
    world.pass_time(10)
    world.stop()

    code, answer = person.json("cancel", "*.wav")

    assert (code, answer["done"], answer["refused"]) == (0, [2], [])


def test_a_job_that_is_named_is_refused_with_a_reason(person, world):
    """It was meant, and cannot be."""
    publish(world)
    world.stop()

    code, out, _ = person("cancel", "1")

    assert (code, out) == (3, "refused: job 1: it is published already\n")


def test_cancel_all_ends_all_that_is_live(person, world):
    """And nothing else."""
    publish(world)
    hold_a_dear_file_beside(world)
    world.stop()

    _, answer = person.json("cancel", "--all")

    assert answer["done"] == [2]


def hold_a_dear_file_beside(world):
    write_wav(world.drop / "long.wav", seconds=200)
    world.rescan()
    world.pass_time(30)


# approve


def test_approve_shows_the_price_and_goes_on(person, world):
    """Job by job, and the sum."""
    hold_a_dear_file(world)
    write_wav(world.drop / "longer.wav", seconds=260)
    world.rescan()
    world.pass_time(30)

    code, out, err = beside_a_daemon(person, world, "approve", "--all", "--yes")
    world.finish()

    assert (code, out) == (0, "approved: 2 jobs (1, 2)\n")
    assert err.splitlines() == [
        f"job 1: {world.drop}/long.wav: 3 credits",
        f"job 2: {world.drop}/longer.wav: 4 credits",
    ]
    assert world.states() == ["published"] * 2


def test_without_a_terminal_nothing_is_paid_unasked(person, world):
    """--yes is how a script agrees."""
    hold_a_dear_file(world)

    code, _, err = person("approve", "--all")

    assert (code, "Approve 1 job for 3 credits?" in err, "--yes" in err) == (2, True, True)
    assert world.states() == ["held"]


@pytest.mark.parametrize(("word", "code", "states"), [("y", 0, ["queued"]), ("n", 130, ["held"])])
def test_at_a_terminal_a_person_is_asked(person, world, at_a_terminal, word, code, states):
    """And their no changes nothing."""
    hold_a_dear_file(world)
    world.stop()
    at_a_terminal(word)

    told = person("approve", "1")
    world.start()

    assert (told[0], world.states()) == (code, states)


def test_a_work_is_summed_once(person, world):
    """However many jobs share it."""
    two_rules(world)
    hold_a_dear_file(world)

    _, _, err = person("approve", "--all")

    assert "Approve 2 jobs for 3 credits?" in err


def test_an_unknown_price_is_said_to_be_one(person, world):
    """And confirmed as such."""
    submit(world)
    world.store.jobs.hold(world.jobs()[0], HoldKind.PRICE, now=1.0, reason="", hint="", price=None)

    _, _, err = person("approve", "1")

    assert "Approve 1 job for an unknown number of credits?" in err


# redo


def test_redo_shows_what_is_sent_and_what_it_costs(person, world):
    """The model's number, every option, the format, the attempt."""
    publish(world)

    code, out, err = beside_a_daemon(person, world, "redo", "song.wav", "--yes")
    world.finish()

    shown = f"job 1: {world.drop}/song.wav, attempt 2, sep_type 40, add_opt1=81, add_opt2=2, wav: 1 credit"
    assert (code, out) == (0, "to be done again: 1 job (1), by job 2\n")
    assert err.splitlines() == [shown]
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_redo_without_a_daemon_begins_when_one_runs(person, world):
    """The same request, applied by the command."""
    publish(world)
    world.stop()

    code, _, _ = person("redo", "1", "--yes", "--replace")
    world.start()
    world.finish()

    assert (code, world.service.made) == (0, 2)
    assert [path.name for path in world.stems.glob("song*")] == ["song"]


def test_redo_of_a_changed_rule_says_so_and_sends_what_it_shows(person, world):
    """By the packaged catalogue, where nothing was planned by it yet."""
    publish(world)
    world.stop()
    write_config(world, rule="sep_type: 40, format: mp3, options: {add_opt1: 29}")
    world.rules = (type(world.rules[0])(sep_type=40, output_format=0, options=(("add_opt1", "29"),)),)

    code, _, err = person("redo", "1", "--yes")
    world.start()
    world.finish()

    fields = world.service.uploads[-1].fields
    assert (code, "its rule has changed since" in err, "attempt 1" in err) == (0, True, True)
    assert (fields["add_opt1"], fields["output_format"], world.service.made) == ("29", "0", 2)


def test_redo_of_a_changed_rule_means_what_it_was_last_planned_as(person, world):
    """The service's own catalogue comes before the packaged one."""
    publish(world)
    world.rules = (type(world.rules[0])(sep_type=20, output_format=1),)
    world.restart()
    write_wav(world.drop / "other.wav", pitch=3)
    world.rescan()
    world.finish()
    write_config(world, rule="sep_type: 20, format: wav")
    planned = world.jobs()[1].settings

    beside_a_daemon(person, world, "redo", "1", "--yes")

    assert world.jobs()[2].settings == planned


def test_redo_of_a_rule_that_nobody_understands_is_refused(person, world):
    """A model that neither the state nor the packaged catalogue knows."""
    publish(world)
    world.stop()
    write_config(world, rule="sep_type: 987, format: wav")

    code, out, _ = person("redo", "1", "--yes")

    assert (code, "nobody knows here what its rule means now" in out) == (3, True)


def test_a_person_says_which_separation_a_held_link_is(person, world):
    """Its results are fetched, and nothing is paid again; a hash is one job's."""
    world.rules = (Rule(sep_type=40, input=InputKind.LINK),)
    world.folder_options = {"include": ("*",)}
    for name in ("a", "b"):
        (world.drop / f"{name}.txt").write_text(f"http://127.0.0.1:9/{name}.wav")
    world.limits = Limits()
    world.service.account.enabled = False
    world.start()
    world.service.fault("create", "drop_after_made")
    world.pass_time(600)
    (hash_,) = world.service.jobs

    usage, _, said = person("retry", "1", "2", "--hash", hash_)
    code, out, _ = person("retry", "1", "--hash", hash_)
    world.finish()

    assert (usage, "one hash is one job's" in said) == (2, True)
    assert (code, "retried: 1 job (1)" in out) == (0, True)
    assert world.states()[0] == "published"


def test_redo_of_an_unknown_warns_that_it_may_have_been_paid(person, world):
    """A person takes the chance; it is never part of --all."""
    lose_the_answer(world)

    _, none, _ = person("redo", "--all")
    _, _, err = person("redo", "1")

    assert none == "nothing waits for `redo`\n"
    assert "may have made, and charged, its last attempt" in err


def test_redo_all_means_what_ended_without_results(person, world):
    """And nothing that is published."""
    fail(world)

    code, _, _ = beside_a_daemon(person, world, "redo", "--all", "--yes")
    world.finish()

    assert (code, world.states(), world.service.made) == (0, ["cancelled", "published"], 2)


def test_a_job_that_cannot_be_redone_is_refused_without_a_question(person, world):
    """No price is shown for what will not be."""
    submit(world)
    world.stop()

    code, out, err = person("redo", "1")

    assert (code, out, err) == (3, "refused: job 1: it is under way; `cancel` it first\n", "")


def test_a_free_account_is_shown_no_price(person, world):
    """Without premium nothing is paid."""
    world.service.account.enabled = False
    publish(world)

    _, _, err = person("redo", "1")

    assert "again for at most 0 credits" in err


# retry and forget


def test_retry_all_frees_what_needs_no_payment(person, world):
    """Held trouble, and refusals that nothing was paid for."""
    two_rules(world, output_format=0)
    submit(world)
    first, second = world.jobs()
    resume = JobState.SUBMITTED
    world.store.jobs.hold(first, HoldKind.TROUBLE, now=1.0, reason="a", hint="", resume=resume)
    world.store.jobs.hold(second, HoldKind.ENDED, now=1.0, reason="b", hint="", resume=resume)
    world.stop()

    code, answer = person.json("retry", "--all")

    assert (code, answer["done"]) == (0, [1])


def test_a_refused_file_is_forgotten_by_its_path(person, world):
    """It has no job."""
    (world.drop / "noise.wav").write_bytes(b"noise")
    world.start()
    world.pass_time(10)
    world.stop()

    code, out, _ = person("forget", str(world.drop / "noise.wav"))
    world.start()

    assert (code, out) == (0, "forgotten: 1 file\n")
    assert world.store.sources.get(1).state == "ignored"


def test_a_file_is_forgotten_with_all_its_jobs(person, world):
    """By its path, by a running daemon."""
    two_rules(world, output_format=0)
    hold_a_dear_file(world)

    code, out, _ = beside_a_daemon(person, world, "forget", "long.wav")

    assert (code, out) == (0, "forgotten: 1 file (job 1, 2)\n")
    assert world.states() == ["cancelled"] * 2


def test_outputs_of_another_state_are_not_taken_for_free_room(person, world):
    """They doubt the state: the redo is not made."""
    job = publish(world)
    stranger = world.stems / "song (2)"
    stranger.mkdir()
    text = (job.final / "mvsep-watch.json").read_text()
    (stranger / "mvsep-watch.json").write_text(text.replace(world.store.memory.state_id, "f" * 12))
    world.stop()

    code, _, err = person("redo", "1", "--yes")
    world.start()

    assert (code, "holds outputs that this state does not know" in err) == (4, True)
    assert (len(world.jobs()), world.store.requests.open()) == (1, [])
