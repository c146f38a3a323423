"""Whatever befalls a job, at every state that it can be in: nothing is stuck, lost or repeated."""

import json
import os
import shutil

import pytest

from mvsep_watch.model import CreditLimits, Folder, Limits, Reconcile, Rule
from mvsep_watch.steps.base import Pool
from tests.daemon.test_requests import ask
from tests.daemon.world import rows, write_wav

STATES = ["queued", "intended", "released", "submitted", "separated", "fetched", "published"]


def reach(world, state):
    """Bring one song to a state and keep it there."""
    path = write_wav(world.drop / "song.wav")
    world.start()
    if state == "queued":
        world.engine.context.close_gate("paused", "paused by a person")
    if state == "intended":
        world.hands.held = {Pool.UPLOADS}
    if state == "released":
        world.hands.held = {Pool.UPLOADS}
        world.pass_time(20)
        release(world)
    world.pass_time(20)
    world.hands.held |= {"separated": {Pool.DOWNLOADS}, "fetched": {Pool.FILING}}.get(state, set())
    if state in {"separated", "fetched", "published"}:
        world.service.finish_all()
        world.pass_time(20)
    return path


def release(world):
    """Commit `released` as a hand would have it; its answer never comes."""
    step = next(step for step in world.hands.waiting if step.pool == Pool.UPLOADS)
    world.engine.desks.intents.release(step.separation_id, step.send, None)


def go_on(world):
    """Let everything that was kept back go on."""
    world.engine.context.open_gate("paused")
    world.hands.held = set()
    world.hands.go_on()


def facts(world):
    return world.states(), {str(row.state) for row in rows(world)}


def assert_nothing_is_left(world):
    assert world.store.separations.slots_taken() == 0
    assert list(world.stems.rglob("*.part")) == []


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_what_it_says(world, state):
    """The ground that the tests below stand on."""
    reach(world, state)

    states, separations = facts(world)

    durable = {"intended": "queued", "released": "queued"}.get(state, state)
    assert states == [durable]
    done = {"separated", "fetched", "published"}
    assert separations == ({"done"} if state in done else {state} - {"queued"})


@pytest.mark.parametrize("state", STATES[:-1])
@pytest.mark.parametrize("restarts", [False, True], ids=["on", "after a restart"])
def test_a_cancelled_job_ends_and_leaves_nothing(world, state, restarts):
    """Neither a slot, nor a reservation that nobody gives back, nor a staging, nor visible outputs."""
    reach(world, state)
    ask(world, "cancel", 1)
    if restarts:
        world.restart()
    else:
        go_on(world)
    world.pass_time(300)
    world.service.finish_all()
    world.pass_time(300)

    world.restart()
    world.pass_time(60)

    assert world.states() == ["cancelled"]
    assert world.store.separations.reserved_against_balance() == 0
    assert_nothing_is_left(world)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("what", ["rule", "folder"])
def test_work_under_way_outlives_its_rule(world, state, what):
    """What was intended is finished; what was not waits, says why, and holds nothing up."""
    reach(world, state)
    if what == "rule":
        world.rules = (Rule(name="another", sep_type=40, output_format=1, match=("*.mp3",)),)
    else:
        (world.base / "elsewhere").mkdir()
        world.drop, world.stems = world.base / "elsewhere", world.base / "elsewhere-stems"
    world.restart()
    world.engine.context.open_gate("paused")

    world.pass_time(300)
    world.service.finish_all()
    world.pass_time(300)

    sent = state not in {"queued", "intended", "released"}
    assert world.states() == ["published"] if sent else world.states()[0] in {"published", "queued", "held"}
    assert world.service.made <= 1


@pytest.mark.parametrize("state", STATES)
def test_a_source_that_is_replaced_is_work_of_its_own(world, state):
    """The old bytes are finished if they were sent; the new ones are sent once."""
    path = reach(world, state)
    write_wav(path, pitch=7)
    world.rescan()
    go_on(world)

    world.finish(rounds=100)

    assert set(world.states()) <= {"published", "cancelled"}
    assert world.service.made == (1 if state in {"queued", "intended", "released"} else 2)
    assert world.store.separations.slots_taken() == 0


@pytest.mark.parametrize("state", STATES)
def test_a_source_that_is_removed_holds_nothing_up(world, state):
    """What was sent is published; what was not is dropped."""
    path = reach(world, state)
    path.unlink()
    world.rescan()
    go_on(world)

    world.finish(rounds=60)

    sent = state not in {"queued", "intended", "released"}
    assert world.states() in ([["published"]] if sent else [["cancelled"], ["held"], ["queued"]])


@pytest.mark.parametrize("state", STATES)
def test_a_source_that_is_renamed_is_done_once(world, state):
    """It is the same source under another name."""
    path = reach(world, state)
    path.rename(path.with_name("renamed.wav"))
    world.rescan()
    go_on(world)

    world.finish(rounds=100)

    assert world.service.made <= 1
    assert "published" in world.states() or state == "released"


# once


def test_an_empty_file_does_not_keep_once_from_ending(world):
    """It may never get any bytes."""
    (world.drop / "empty.wav").touch()
    world.start()

    world.pass_time(300)

    assert world.engine.is_at_rest(gated_for_s=120)


def test_once_does_not_leave_paid_results_behind_a_closed_gate(world):
    """No credits for new work is no reason not to fetch what is done."""
    reach(world, "submitted")
    world.service.fault("download", "link_expired")
    world.service.finish_all()
    world.engine.context.close_gate("paused", "paused by a person")
    while world.states() != ["separated"]:
        world.pass_time(1, step_s=1)
    world.turn(3)

    assert not world.engine.is_at_rest(gated_for_s=120)


def test_once_ends_when_the_token_is_refused_while_an_outcome_is_unknown(world):
    """The history cannot be read; a person must act first."""
    reach(world, "released")
    world.service.accounts["x"] = world.service.accounts.pop(world.service.token)
    world.restart()

    world.pass_time(600)

    assert world.engine.is_at_rest(gated_for_s=120)


def test_once_ends_when_the_token_is_refused_in_the_middle(world):
    """The account was read before, and its history cannot be read any more."""
    world.service.fault("create", "drop_before_made")
    reach(world, "submitted")
    world.service.accounts["x"] = world.service.accounts.pop(world.service.token)

    world.pass_time(900)

    assert world.engine.is_at_rest(gated_for_s=120)


def test_a_refused_token_is_called_so_whoever_notices_it_first(world):
    """Here the history; that the service is in trouble would have a person wait in vain."""
    world.service.fault("create", "drop_before_made")
    reach(world, "submitted")
    world.service.accounts["x"] = world.service.accounts.pop(world.service.token)
    world.pass_time(60)
    closed = [str(gate.name) for gate in world.engine.context.gates()]
    world.service.accounts[world.service.token] = world.service.accounts.pop("x")

    world.pass_time(120)

    assert (closed, world.engine.context.gates()) == (["token"], ())


def test_once_ends_where_the_history_cannot_be_read(world):
    """Everything is published; only what was charged is not known."""
    reach(world, "submitted")
    world.service.fault("history", *["http_500"] * 200)
    world.service.finish_all()

    world.pass_time(600)

    assert world.states() == ["published"]
    assert world.engine.is_at_rest(gated_for_s=120)


def test_once_does_not_wait_for_results_of_another_realm(world):
    """They are fetched when that service is configured again."""
    world.service.base_url = "http://127.0.0.1:8080"
    reach(world, "separated")
    world.service.base_url = "https://mvsep.com"
    world.service.jobs.clear()
    world.restart()

    world.pass_time(100)

    assert world.engine.is_at_rest(gated_for_s=120)


# Doubts


def test_absence_is_not_believed_where_hashes_do_not_carry_the_tag(world):
    """Then no look by tag can ever find anything."""
    world.service._new_hash = lambda name, number: f"20260101000000-{number:010x}-upload.wav"
    write_wav(world.drop / "first.wav", pitch=50)
    world.start()
    world.pass_time(30)
    world.finish()
    write_wav(world.drop / "song.wav", pitch=2)
    world.service.fault("create", "drop_after_made")
    world.rescan()

    world.finish(rounds=80)

    assert world.service.count("create") == 2


def test_a_job_that_joined_an_unknown_goes_with_its_redo(world):
    """It is not left behind with an attempt that was given up."""
    world.service_options = {"reconcile": Reconcile(window_s=30, interval_s=5)}
    world.service.fault("create", "drop_after_made")
    world.service.history_only_finished = True
    reach(world, "submitted")
    world.pass_time(600)
    job = world.jobs()[0]
    shutil.copy(world.drop / "song.wav", world.drop / "copy.wav")
    world.rescan()
    while len(world.jobs()) < 2 or world.jobs()[1].separation_id is None:
        world.pass_time(1, step_s=1)
    world.hands.held = {Pool.ASKING}
    ask(world, "redo", {"id": job.id, "attempt": 2, "price": 1, "settings": job.settings})
    world.hands.held = set()
    world.hands.go_on()

    world.finish(rounds=100)

    assert "queued" not in world.states()


def test_outputs_of_another_state_are_seen_before_anything_is_sent(world):
    """However long it takes to look through the folder."""
    (world.stems / "old").mkdir(parents=True)
    (world.stems / "old" / "mvsep-watch.json").write_text(json.dumps({"state_id": "other"}))
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held = {Pool.FILING}
    world.pass_time(60)
    before = world.service.made
    world.hands.held = set()
    world.hands.go_on()

    world.pass_time(200)

    assert (before, world.service.made) == (0, 0)


def test_a_word_that_no_file_can_hold_does_not_lose_a_result(world):
    """The server names a model with half a character."""
    reach(world, "submitted")
    done = world.service._done_data
    world.service._done_data = lambda job: {**done(job), "algorithm": "Vocals \ud800"}

    world.finish()

    assert world.states() == ["published"]


def test_a_bug_with_a_download_does_not_repeat_it_without_end(world, monkeypatch):
    """The job is held, and the traceback is in the log."""
    reach(world, "submitted")
    monkeypatch.setattr(world.store.jobs, "set_outputs", lambda *_: 1 / 0)
    world.service.finish_all()
    downloads = world.service.count("download")

    world.pass_time(600)

    assert world.states() == ["held"]
    assert world.service.count("download") - downloads <= 4


# Batches and disposal


def test_a_batch_of_a_nested_folder_is_counted_whole(world):
    """Both folders reach the files; neither starts before all of them are counted."""
    inner = world.drop / "inner"
    inner.mkdir()
    other = Rule(name="inner", sep_type=40, output_format=4)
    world.extra_folders = (
        Folder(name="inner", path=inner, output=world.base / "inner-stems", layout="{rel}/{name}", rules=(other,)),
    )
    world.limits = Limits(credits=CreditLimits(approve_batch_above=4))
    for pitch in range(1, 7):
        write_wav(inner / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.hands.sizes[Pool.READING] = 1

    world.pass_time(120)

    assert (world.service.made, set(world.states())) == (0, {"held"})


def test_a_source_stays_while_another_rule_has_not_published(world):
    """Held, failed or cancelled: in doubt it is kept."""
    world.folder_options = {"source": "delete"}
    world.rules = (
        Rule(name="good", sep_type=40, output_format=1),
        Rule(name="bad", sep_type=40, output_format=4),
    )
    path = write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    failing = list(world.service.jobs)[-1]
    world.service.finish(failing, status="failed", message="Job failed")
    world.finish()

    ask(world, "cancel", next(job.id for job in world.jobs() if job.state == "held"))
    world.pass_time(120)

    assert sorted(world.states()) == ["cancelled", "published"]
    assert path.exists()


def test_the_folder_that_keeps_wins_over_the_one_that_deletes(world):
    """Two folders reach the file, and their rules do not agree."""
    inner = world.drop / "inner"
    inner.mkdir()
    world.folder_options = {"source": "delete"}
    world.extra_folders = (world.another_folder("inner", inner, world.base / "inner-stems"),)
    path = write_wav(inner / "song.wav")
    world.start()

    world.finish()

    assert (world.states(), path.exists()) == (["published", "published"], True)


def test_beginning_anew_asks_even_where_a_batch_was_open(world):
    """A burst of events was being gathered when the process ended."""
    world.start()
    world.pass_time(10)
    path = write_wav(world.drop / "song.wav")
    world.engine.inbox.path_touched("drop", str(path))
    world.pass_time(20)
    world.service.finish_all()
    world.restart(fresh=True)
    world.pass_time(10)
    path = write_wav(world.drop / "new.wav", pitch=2)
    world.engine.inbox.path_touched("drop", str(path))

    world.pass_time(60)

    assert world.jobs()[-1].hold == "batch"


def test_a_rule_that_asks_for_more_stems_now_makes_no_part_pass_for_the_whole(world):
    """What was published when the rule asked for one stem is not all there is."""
    other = world.base / "other"
    other.mkdir()
    world.rules = (Rule(sep_type=40, output_format=1, stems=("vocals",)),)
    path = reach(world, "published")
    shutil.copy(path, other / "song.wav")
    world.rules = (Rule(sep_type=40, output_format=1),)
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    world.restart()

    world.finish()

    assert world.service.made == 1
    assert "song/Instrumental.wav" in world.tree(world.base / "other-stems")


def test_a_name_that_is_no_text_is_no_bug(world):
    """A file with a name in Latin-1 is replaced while it is sent: it is looked at anew."""
    path = write_wav(world.drop / os.fsdecode(b"caf\xe9.wav"))
    world.start()
    world.hands.held = {Pool.UPLOADS}
    world.pass_time(20)
    write_wav(path, pitch=3)
    go_on(world)

    world.finish()

    assert (sorted(world.states()), world.service.made) == (["cancelled", "published"], 1)
