"""`status`, `jobs`, `show`: what is going on, with and without a daemon, and why a file was or was not taken."""

import json
import os
import re
from pathlib import Path

import pytest

from mvsep_watch.cli import asking
from mvsep_watch.daemon.inbox import Heard, HeardFolder
from mvsep_watch.files.lock import StateLock
from mvsep_watch.files.mounts import Mount
from mvsep_watch.model import CreditLimits, GateName, HoldKind, JobState, Limits
from mvsep_watch.store import Store
from mvsep_watch.watcher import FolderHealth, Mode, Trouble
from tests.cli.settled import Person, limit, write_config
from tests.cli.test_acting import beside_a_daemon
from tests.daemon.test_requests import ask, lose_the_answer, redo, two_rules
from tests.daemon.world import write_wav

KEYS = {
    "id", "source", "folder", "rule", "state", "hash", "sep_type", "attempt", "credits_estimated", "credits_charged",
    "reason", "hint", "outputs", "queued_at", "finished_at",
}  # fmt: skip


@pytest.fixture
def person(run, world, capsys):
    limit(world)
    return Person(run, world, capsys)


def publish(world, name="a/song.wav"):
    write_wav(world.drop / name)
    world.start()
    world.finish()


def test_looking_without_a_daemon_leaves_nothing_beside_the_state(person, world):
    """Not even what a reader of a log makes: another user may be the one who looks first."""
    publish(world)
    world.stop()
    before = sorted(world.base.iterdir())

    code, found = person.json("status")

    assert (code, found["counts"]["published"], sorted(world.base.iterdir())) == (0, 1, before)


def test_status_names_what_the_spool_keeps_for_no_job(person, world):
    """Whoever lost a state finds what was paid for."""
    publish(world)
    world.stop()
    folder = world.base / "state.sqlite3.spool" / ".lost-7"
    folder.mkdir(parents=True)
    (folder / "Vocals.wav").write_bytes(b"music")

    (left,) = person.json("status")[1]["spool_left"]
    _, out, _ = person("status")

    assert (left["path"], left["size"], left["source"]) == (str(folder), 5, None)
    assert ".lost-7" in out.replace("\n", "")


def test_status_tells_of_refused_files_until_they_are_gone(person, world):
    """They have no job that could tell of them."""
    for number in range(4):
        (world.drop / f"{number}.mp3").write_bytes(b"noise")
    world.start()
    world.pass_time(30)
    _, before, _ = person("status")
    _, found = person.json("status")
    for number in range(3):
        (world.drop / f"{number}.mp3").unlink()

    world.rescan()
    world.pass_time(15)
    _, after, _ = person("status")

    assert before.startswith("4 refused files need you\nrefused  ")
    assert "… and 1 more file;" in before
    assert (found["refused_files"]["count"], len(found["refused_files"]["latest"])) == (4, 3)
    assert after.startswith(f"1 refused file needs you\nrefused  {world.drop}/3.mp3 holds only 5 bytes.\n")


def test_status_says_in_its_first_line_what_a_waiting_job_waits_for(person, world):
    """Nothing is wrong, and nothing will come of it either."""
    world.limits = Limits(credits=CreditLimits(per_day=0, approve_batch_above=None))
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    _, out, _ = person("status")
    _, found = person.json("status")

    hint = "it goes on by itself next day; or raise limits.credits.per_day"
    assert out.startswith(f"1 job waits: {hint}\n")
    assert f"0 of 0 are left for this day\n  hint: {hint}\n" in out
    assert found["waiting_hint"] == hint


# jobs


def test_a_published_job_has_every_key_of_the_contract(person, world):
    """Scripts read it."""
    publish(world)
    world.stop()

    code, (job,) = person.json("jobs")

    assert (code, set(job) >= KEYS) == (0, True)
    assert (job["id"], job["source"], job["state"], job["sep_type"]) == (1, f"{world.drop}/a/song.wav", "published", 40)
    assert (job["attempt"], job["credits_estimated"], job["credits_charged"]) == (1, 1, 1)
    assert [output["stem"] for output in job["outputs"]] == ["Vocals", "Instrumental"]
    assert all(Path(output["path"]).stat().st_size == output["size"] for output in job["outputs"])
    assert job["finished_at"].endswith("+00:00")


def test_json_may_stand_before_the_command(run, person, world, capsys):
    """Shared options go anywhere."""
    publish(world)
    capsys.readouterr()

    _, out, _ = run("--json", "-c", person.config, "jobs")

    assert json.loads(out)[0]["id"] == 1


def test_undecodable_names_are_escaped(person, world):
    """JSON is text."""
    publish(world, os.fsdecode(b"caf\xe9.wav"))

    _, (job,) = person.json("jobs")
    code, out, _ = person("jobs")

    assert job["source"] == f"{world.drop}/caf\\xe9.wav"
    assert (code, "caf\\xe9.wav" in out) == (0, True)


def test_a_job_that_waits_for_another_says_so(person, world):
    """The separation, and whose it is."""
    two_rules(world)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    _, (first, second) = person.json("jobs")

    assert first["reason"] == "in the queue, place 1 of 1"
    assert second["reason"] == "it waits for separation 1 (job 1): in the queue, place 1 of 1"


def test_a_job_behind_taken_slots_says_so(person, world):
    """The planner's own words."""
    world.service.account.enabled = False
    for number in (1, 2):
        write_wav(world.drop / f"{number}.wav", pitch=number)
    world.start()
    world.pass_time(30)

    _, (_, second) = person.json("jobs")

    assert (second["state"], second["reason"]) == ("queued", "1 of 1 slots are taken")


def test_status_says_how_many_the_service_takes_at_once(person, world):
    """Only where it is fewer than allowed."""
    world.service.slots = 2
    for number in (1, 2, 3):
        write_wav(world.drop / f"{number}.wav", pitch=number)
    world.start()
    world.pass_time(8)
    _, before, _ = person("status")
    world.pass_time(60)

    _, after, _ = person("status")
    _, found = person.json("status")

    assert "slots:" not in before
    assert "slots: the service took 2 at once; limits.separations 10\n" in after
    assert found["slots"] == {"allowed": 10, "in_force": 2}


def test_a_job_behind_a_held_unknown_names_it(person, world):
    """It keeps its slot until it is known."""
    world.service.account.enabled = False
    lose_the_answer(world)
    write_wav(world.drop / "next.wav", pitch=2)
    world.rescan()
    world.pass_time(30)

    _, (_, second) = person.json("jobs")

    assert second["reason"] == "1 of 1 slots are taken; slot kept by job 1"


def test_a_job_behind_a_closed_gate_says_why(person, world):
    """And what to do."""
    world.service.fault("user", *["bad_token"] * 50)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    _, (job,) = person.json("jobs")

    assert job["state"] == "queued"
    assert "token" in job["reason"]
    assert job["hint"]


def test_a_job_with_a_reason_of_its_own_keeps_it(person, world):
    """Its own comes before what all wait for."""
    world.rules = (type(world.rules[0])(sep_type=26, output_format=1),)
    world.service.account.enabled = False
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    _, (job,) = person.json("jobs")

    assert job["reason"] == "the model Ensemble (vocals, instrum) needs a premium account"


def test_without_a_daemon_a_waiting_job_says_so(person, world):
    """Nothing happens by itself then."""
    write_wav(world.drop / "song.wav")
    world.limits = Limits(separations=0)
    world.start()
    world.pass_time(30)
    world.stop()

    _, (job,) = person.json("jobs")

    assert (job["state"], job["reason"]) == ("queued", "no daemon is running")


def test_the_first_page_is_short_and_says_how_much_more_there_is(person, world):
    """`--all` lists them."""
    publish(world)
    with world.store.transaction():
        for number in range(30):
            copy_job(world.store, 1, f"/stems/{number}")

    _, page, _ = person("jobs")
    _, whole, _ = person("jobs", "--all")
    _, listed = person.json("jobs")

    assert "11 more jobs" in page
    assert (page.count("published"), whole.count("published"), len(listed)) == (20, 31, 31)


def copy_job(store, job_id, final):
    job = store.jobs.get(job_id)
    fields = (
        "source_id",
        "bytes_key",
        "folder",
        "rule",
        "realm",
        "input_key",
        "asked",
        "priority",
        "output_root",
        "batch_id",
    )
    values = {name: getattr(job, name) for name in fields}
    store.jobs.move(store.jobs.get(store.jobs.add(**values, final=final, now=1.0)), JobState.PUBLISHED, now=1.0)


def test_jobs_are_found_by_state_id_path_and_glob(person, world, monkeypatch):
    """Absolute, from the working folder, from the watched folder, by a folder, by outputs."""
    for number, name in enumerate(("a/one.wav", "a/two.wav", "three.flac.wav"), 1):
        write_wav(world.drop / name, pitch=number)
    write_wav(world.drop / "long.wav", seconds=200)
    world.start()
    world.finish()
    ids = {job.final.name: job.id for job in world.jobs()}
    monkeypatch.chdir(world.drop / "a")

    def found(*words):
        return {job["id"] for job in person.json("jobs", *words)[1]}

    assert found("--state", "held") == {ids["long"]}
    assert found("--state", "held", "--state", "published") == set(ids.values())
    assert found(str(ids["one"]), str(ids["long"])) == {ids["one"], ids["long"]}
    assert found("one.wav") == found("a/one.wav") == found(world.drop / "a/one.wav") == {ids["one"]}
    assert found(world.drop / "a") == found("a/*") == found(f"{world.drop}/a/*.wav") == {ids["one"], ids["two"]}
    assert found("T*.wav") == {ids["two"], ids["three.flac"]}
    assert found(world.stems / "a/one") == found(world.stems / "a/one/Vocals.wav") == {ids["one"]}


def two_folders(world):
    other = world.base / "other"
    other.mkdir()
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    write_wav(world.drop / "one.wav")
    write_wav(other / "two.wav", pitch=2)
    world.start()
    world.finish()


def test_jobs_are_chosen_by_folder_rule_and_time(person, world):
    """Several of each; together with paths, and with a limit; of folders as well that the configuration has no more."""
    two_folders(world)
    at = {job.folder: job.id for job in world.jobs()}
    world.store.db.run("UPDATE transitions SET at = 0 WHERE subject_id = ?", (at["other"],))

    def found(*words):
        return {job["id"] for job in person.json("jobs", *words)[1]}

    assert found("--folder", "drop") == found("--folder", world.drop) == {at["drop"]}
    assert found("--folder", "drop", "--folder", "other", "--rule", "default") == found("--folder", "*") == {1, 2}
    assert found("--since", "1d") == found("--since", "2026-03-01 12:00") == found("--since", "00:00") == {at["drop"]}
    assert found("one.wav", "two.wav", "--folder", "other") == {at["other"]}
    assert (found("--limit", "1"), found("--limit", "1", "one.wav", "two.wav")) == ({2}, {2})
    assert "… and 1 more job" in person("jobs", "--limit", "1")[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--folder", "dorp"], "did you mean drop?"),
        (["--folder", "xyz"], "there are drop"),
        (["--rule", "defualt"], "did you mean default?"),
        (["--state", "helt"], "did you mean held?"),
        (["--since", "soon"], "write how long ago, such as 30d"),
        (["--since", "25:00"], "write how long ago, such as 30d"),
    ],
    ids=" ".join,
)
def test_a_filter_that_is_none_says_what_was_perhaps_meant(person, world, words, says):
    """A slip of the pen lists nothing silently."""
    publish(world)

    code, out, err = person("jobs", *words)

    assert (code, out, says in err) == (2, "", True)


@pytest.mark.parametrize("word", ["77", "nothing.wav", "*.flac", "", "9" * 40, "audio"])
def test_what_matches_nothing_is_a_matter_of_usage(person, world, word):
    """It says so, and never means everything."""
    publish(world)

    code, out, err = person("jobs", word)

    assert (code, out) == (2, "")
    assert "no job and no file matches" in err


def test_outputs_that_were_replaced_are_not_listed_twice(person, world):
    """They belong to the job that put them there."""
    publish(world)
    job = world.jobs()[0]
    ask(world, "redo", redo(job, replace=True))
    world.finish()

    _, (old, new) = person.json("jobs")

    assert (old["outputs"], old["reason"]) == ([], "its outputs were replaced by those of job 2")
    assert len(new["outputs"]) == 2


# status


def test_status_says_what_is_going_on(person, world):
    """Whether it runs, counts, gates, credits, what is under way."""
    publish(world)
    write_wav(world.drop / "next.wav", pitch=2)
    world.rescan()
    world.pass_time(10)
    with StateLock(world.store.path):
        _, said = person.json("status")

    assert said["running"] is True
    assert said["process"]["pid"] == os.getpid()
    assert set(said["counts"]) == {str(state) for state in JobState}
    assert (said["counts"]["published"], said["counts"]["submitted"], said["gates"]) == (1, 1, [])
    assert said["credits"]["balance"] - said["credits"]["reserved"] == 998
    assert (said["in_flight"][0]["jobs"], said["in_flight"][0]["source"]) == ([2], f"{world.drop}/next.wav")


def test_status_counts_what_was_spent_today(person, world):
    """From the ledger, by the local date."""
    publish(world)
    today = world.engine.context.today()
    world.store.db.run("UPDATE ledger SET day = date('now', 'localtime') WHERE day = ?", (today,))

    _, said = person.json("status")

    assert (said["credits"]["spent_today"], said["credits"]["spent_this_month"]) == (1, 1)


def test_status_begins_with_what_needs_a_person(person, world):
    """With what to do about it, once for each reason."""
    for number in (1, 2):
        write_wav(world.drop / f"{number}.wav", seconds=200, pitch=number)
    world.start()
    world.finish()

    _, out, _ = person("status")

    assert out.splitlines()[0] == "2 jobs need you"
    assert re.match(r"held  jobs 1 \([12]\.wav\) and 2 \([12]\.wav\): it would cost 3 credits", out.splitlines()[1])
    assert out.splitlines()[2] == "  hint: `approve` lets it go for 3 credits"


def test_status_says_first_whether_all_is_well(person, world):
    """What is under way; where nobody is at work, that; what stops everything; and who is needed."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    def first_line():
        return person("status")[1].splitlines()[0]

    with StateLock(world.config().state):
        well = first_line()
        world.engine.context.close_gate(GateName.SERVICE, "no answer")
        away = first_line()
        world.engine.context.close_gate(GateName.DISK, "/out is full", scope="/out")
        needed = first_line()
    for gate in world.store.memory.closed:
        world.engine.context.open_gate(gate.name, scope=gate.scope)
    alone = first_line()
    world.finish()
    done = first_line()

    assert well == "all is well: 1 under way"
    assert away == "the service cannot be used just now; nothing is lost, and it goes on by itself"
    assert needed == "the gate disk needs you"
    assert alone.startswith("no daemon is running, and 1 job is not finished; nothing is lost: `mvsep-watch run`")
    assert done == "all is well: everything is done; no daemon is running"


def test_status_shows_closed_gates_with_their_hints(person, world):
    """And since when."""
    publish(world)
    world.engine.context.close_gate(GateName.DISK, "/out is full", "free some space")

    _, said = person.json("status")
    _, out, _ = person("status")

    (gate,) = said["gates"]
    assert (gate["name"], gate["reason"], gate["hint"]) == ("disk", "/out is full", "free some space")
    assert gate["since"].startswith("2027-01-15T")
    assert "gate disk is closed" in out


def test_a_configuration_that_never_ran_is_no_error(person, world):
    """It says how to start."""
    looked = [person(command) for command in ("status", "jobs")]
    _, said = person.json("status")

    assert [(code, "nothing has run yet" in out, "mvsep-watch run" in out) for code, out, _ in looked] == [
        (0, True, True),
        (0, True, True),
    ]
    assert (said["running"], said["counts"]["queued"], said["in_flight"]) == (False, 0, [])
    assert person.json("jobs") == (0, [])


def test_a_failed_job_that_was_done_again_needs_nobody(person, world):
    """Its successor speaks for it."""
    world.service.fault("create", "refused")
    publish(world)
    before = person.json("status")[1]["needs_you"]
    copy_job(world.store, 1, "/stems/again")

    after = person.json("status")[1]["needs_you"]

    assert ([group["jobs"] for group in before], after) == ([[1]], [])


def test_a_state_of_a_newer_version_is_refused(person, world):
    """And not touched."""
    publish(world)
    world.store.db.run("PRAGMA user_version = 99")
    world.stop()

    code, _, err = person("status")

    assert (code, "version 99" in err) == (4, True)


# show


def test_show_tells_a_job_s_whole_past(person, world):
    """Transitions, separation, money, outputs, sidecar."""
    publish(world)
    job = world.jobs()[0]

    _, said = person.json("show", 1)
    code, out, _ = person("show", 1)

    (past,) = said["jobs"]
    assert [(step["subject"], step["to"]) for step in past["transitions"]] == [
        ("job", "queued"),
        ("separation", "intended"),
        ("separation", "released"),
        ("separation", "submitted"),
        ("job", "submitted"),
        ("separation", "done"),
        ("job", "separated"),
        ("job", "fetched"),
        ("job", "published"),
    ]
    assert past["sidecar"] == f"{job.final}/mvsep-watch.json"
    assert (past["separation"]["attempt"], past["separation"]["tag"][:2]) == (1, "mw")
    assert (past["separation"]["sends"], past["separation"]["polls"] > 0) == (1, True)
    assert f"1, asked for {past['separation']['polls']} time" in out
    assert "until it was separated" in out
    assert [entry["entry"] for entry in past["ledger"]] == ["reserved"]
    assert (code, "sep_type 40, add_opt1=81, add_opt2=2, wav" in out, "Vocals.wav" in out) == (0, True, True)


def test_show_tells_of_earlier_attempts(person, world):
    """What came of each, with its credits and its past."""
    world.limits = Limits(attempts=2)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.finish(next(iter(world.service.jobs)), status="failed", message="Job failed")
    world.finish()

    _, said = person.json("show", 1)
    _, out, _ = person("show", 1)

    (past,) = said["jobs"]
    assert (past["separation"]["attempt"], [row["attempt"] for row in past["other_attempts"]]) == (2, [1])
    assert "attempt 1   separation 1: failed (Job failed), credits estimated 1" in out
    assert "separation 1 failed: Job failed" in out


def test_show_of_a_file_says_which_rules_want_it(person, world):
    """And lists its jobs."""
    publish(world)

    _, said = person.json("show", world.drop / "a/song.wav")

    assert said["wanted_by"] == [{"folder": "drop", "rules": ["default"], "why_not": ""}]
    assert (said["source"]["state"], len(said["jobs"])) == ("known", 1)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("notes.txt", "It matches nothing in `include`"),
        (".hidden.wav", "is hidden"),
        ("noise.wav", "It is refused"),
        ("new.wav", "It is taken once a daemon runs"),
        ("empty.wav", "It is empty, and is taken once there is something in it"),
        ("../elsewhere.wav", "It lies in no watched folder"),
        ("../stems/cover.wav", "It lies in the output folder"),
    ],
)
def test_show_of_a_file_says_why_it_was_not_taken(person, world, name, says):
    """Whatever the reason."""
    (world.drop / "noise.wav").write_bytes(b"noise")
    (world.drop / "empty.wav").touch()
    publish(world)
    path = world.drop / name
    path.exists() or path.write_bytes(b"noise")

    code, out, _ = person("show", path)

    assert (code, says in out) == (0, True)


@pytest.mark.parametrize(("state", "says"), [("ignored", "It was forgotten"), ("skipped", "it was there before")])
def test_show_of_a_file_that_is_left_alone_says_since_when(person, world, state, says):
    """Forgotten by a person, or there before the first look."""
    world.folder_options["existing"] = "skip" if state == "skipped" else "process"
    publish(world)
    if state == "ignored":
        ask(world, "forget", 1)

    _, said = person.json("show", world.drop / "a/song.wav")

    assert says in said["verdict"]


def test_show_of_a_file_that_changed_says_so(person, world):
    """It is looked at anew."""
    publish(world)
    (world.drop / "a/song.wav").write_bytes(b"other")

    _, said = person.json("show", world.drop / "a/song.wav")

    assert "changed since" in said["verdict"]


@pytest.mark.parametrize("name", ["copy.wav", "b.wav"])
def test_show_of_a_file_that_was_done_under_another_name_says_where(person, world, name):
    """A copy has no job of its own; what was swapped with another has one, on what it held before."""
    for pitch, song in enumerate(("a.wav", "b.wav"), start=1):
        write_wav(world.drop / song, pitch=pitch)
        world.start() if pitch == 1 else world.rescan()
        world.finish()
    write_wav(world.drop / name, pitch=1)
    world.rescan()
    world.pass_time(60)

    _, said = person.json("show", world.drop / name)

    assert said["verdict"].startswith(f"It holds what {world.drop}/a.wav did when job 1 was done")
    assert len(world.service.uploads) == 2


def test_show_of_a_file_that_waits_asks_the_daemon_why(person, world):
    """Only it knows; and nobody who looks is told of a request."""
    world.start()
    world.settle()
    (world.drop / "empty.wav").write_bytes(b"")
    write_wav(world.drop / "settling.wav")
    world.rescan()
    world.pass_time(4, step_s=1)

    shown = [beside_a_daemon(person, world, "show", world.drop / name)[1] for name in ("empty.wav", "settling.wav")]

    assert world.store.db.value("SELECT count(*) FROM requests") == 0
    assert ": empty\n  hint: put the whole file in its place" in shown[0]
    assert "unchanged for less than the quiet period\n  hint: it is taken once it has not changed for 5 s" in shown[1]


def test_show_of_a_file_is_answered_where_no_daemon_answers(person, world, monkeypatch):
    """It says what the state tells."""
    monkeypatch.setattr(asking, "EXPLAINED_WITHIN_S", 0.0)
    world.start()
    write_wav(world.drop / "song.wav")

    with StateLock(world.config().state):
        _, said = person.json("show", world.drop / "song.wav")

    assert (said["waits"], said["verdict"]) == (None, "It is taken once it has stopped changing.")


def test_show_works_before_anything_has_run(person, world):
    """Why would this file be taken?"""
    write_wav(world.drop / "song.wav")

    code, said = person.json("show", world.drop / "song.wav")

    assert (code, said["wanted_by"][0]["rules"], said["jobs"]) == (0, ["default"], [])


def test_show_of_several_files_names_none(person, world):
    """One at a time."""
    write_wav(world.drop / "b.wav", pitch=2)
    publish(world)

    code, _, err = person("show", "*.wav")

    assert (code, "names 2 files" in err) == (2, True)


def test_a_held_unknown_says_what_it_keeps(person, world):
    """And what may be done about it."""
    lose_the_answer(world)

    _, said = person.json("show", 1)

    assert said["jobs"][0]["hold"] == HoldKind.UNKNOWN
    assert "redo" in said["jobs"][0]["hint"]


def test_looking_changes_nothing(person, world):
    """Not a byte of the state."""
    publish(world)
    world.stop()
    before = world.base.joinpath("state.sqlite3").read_bytes()

    for words in (["status"], ["jobs"], ["show", "1"]):
        person(*words)

    assert world.base.joinpath("state.sqlite3").read_bytes() == before
    Store(world.base / "state.sqlite3").close()


def test_a_rule_is_shown_where_there_are_several(person, world):
    """One folder, two rules."""
    two_rules(world)
    publish(world)
    person.config = write_config(world, rule="rules: [{name: a, sep_type: 40}, {name: b, sep_type: 40}]")

    _, out, _ = person("jobs")

    assert "rule" in out.splitlines()[0]


def test_looking_needs_no_token(run, tmp_path):
    """The token is for the service; what was done stands in the state file."""
    config = tmp_path / "c.yaml"
    config.write_text("mvsep: {token: '${NOT_SET_ANYWHERE}'}\nfolders:\n  - {path: drop, sep_type: 40}\n")

    codes = [run("-c", str(config), command)[0] for command in ("status", "jobs")]

    assert codes == [0, 0]


# how the folders are seen


def hear(world, health, hint=""):
    mount = Mount(point="/mnt/nas", fs_type="ext4", source="/dev/sda1")
    folder = HeardFolder(mount=mount, is_polled=False, health=health, hint=hint)
    world.engine.inbox.put(Heard({"drop": folder}))
    world.settle()


def test_status_says_what_is_wrong_with_a_folder_and_what_to_do(person, world):
    """While a daemon runs; programs get all of it."""
    world.start()
    refused = FolderHealth(mode=Mode.POLLING, alive=True, watches=99, refused_watches=201, trouble=Trouble.LIMIT)
    hear(world, refused, "`sysctl fs.inotify.max_user_watches=1048576`")

    with StateLock(world.config().state):
        _, out, _ = person("status")
        _, full, _ = person("status", "--folders")
        _, told = person.json("status")

    assert out.splitlines()[0] == "the folder drop needs you"
    assert "folder drop is not wholly seen: the kernel refuses to watch a part of it: too many watches" in out
    assert "hint: `sysctl fs.inotify.max_user_watches=1048576`" in out
    assert "folders: 1 seen by scans" in out
    assert "ext4 on /mnt/nas" in full
    assert "heard in 99 directories and not in 201" in full
    (folder,) = told["sight"]["folders"]
    assert (folder["name"], folder["seen_by"], folder["refused_watches"]) == ("drop", "scans", 201)


def test_status_is_short_about_folders_that_are_well_seen(person, world):
    """One line for all of them; the rest on request."""
    world.start()
    hear(world, FolderHealth(mode=Mode.EVENTS, alive=True, watches=3, overflows=2))

    with StateLock(world.config().state):
        _, out, _ = person("status")
    _, full, _ = person("status", "--folders")

    assert [line for line in out.splitlines() if "folder" in line] == ["folders: 1 seen by events"]
    assert "seen by events, looked through every 300 s" in full
    assert "events were dropped 2 times" in full


def test_status_names_the_files_that_have_waited_for_long(person, world):
    """With the reason."""
    (world.drop / "empty.wav").write_bytes(b"")
    world.start()
    hear(world, FolderHealth(mode=Mode.EVENTS, alive=True, watches=1))
    world.pass_time(1200, step_s=60)

    with StateLock(world.config().state):
        _, out, _ = person("status")

    assert out.splitlines()[0] == "1 file needs you"
    assert f"file {world.drop}/empty.wav waits since" in out


def test_status_of_a_daemon_that_has_heard_nothing_yet_says_nothing_of_folders(person, world):
    """In JSON it is null."""
    world.start()
    world.settle()
    _, out, _ = person("status", "--folders")
    _, told = person.json("status")

    assert ("seen by" in out, told["sight"]) == (False, None)
