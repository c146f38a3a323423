"""At most one payment for one piece of work: lost answers, refusals, history, accounts, hosts, claims."""

import json
import shutil
from dataclasses import replace

import pytest

from mvsep_watch.model import Created, Limits, Reconcile
from tests.daemon.world import be_prompt, write_wav
from tests.fakes.answers import answer_json
from tests.fakes.service import NEVER

AFTER_MADE = ["drop_after_made", "timeout_after_made", "http_500_after_made", "html_after_made", "no_hash_after_made"]
BEFORE_MADE = ["connect_error", "drop_mid_upload", "429", "bad_token", "too_many", "no_credits"]


@pytest.mark.parametrize("fault", AFTER_MADE)
def test_a_lost_answer_is_looked_for_and_adopted(world, fault):
    """The history knows the tag: no second create."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", fault)
    world.start()

    world.finish()

    assert (world.service.made, world.service.count("create"), world.states()) == (1, 1, ["published"])


@pytest.mark.parametrize("fault", BEFORE_MADE)
def test_what_was_not_made_is_sent_again(world, fault):
    """Nothing was paid, so it goes on by itself."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", fault)
    world.start()

    world.finish(rounds=120)

    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_refusal_for_too_many_that_was_made_after_all_is_adopted(world):
    """`You already have unprocessed file` is never plainly "not made"."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", "too_many_after_made")
    world.start()

    world.finish(rounds=120)

    assert (world.service.made, world.service.count("create"), world.states()) == (1, 1, ["published"])


def test_a_refusal_for_too_many_is_looked_for_when_the_history_had_time(world):
    """A look at once would find nothing yet, and is not the last before it is sent again."""
    world.service.history_lag_s = 20.0
    world.limits = Limits(separations=1, credits=world.limits.credits)
    for pitch in (1, 2, 3):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.service.fault("create", "too_many_after_made")
    world.start()

    world.finish(rounds=120)

    assert (world.service.made, world.states()) == (3, ["published"] * 3)


def test_an_unknown_is_held_where_the_history_was_never_seen_to_be_prompt(world):
    """Absence is not believed on a first day."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", "drop_before_made")
    world.start()

    world.finish(rounds=60)

    job = world.jobs()[0]
    assert (job.state, job.hold, world.service.made) == ("held", "unknown", 0)
    assert "redo" in job.hint


def test_an_unknown_is_sent_again_once_where_the_history_is_prompt(world):
    """Certainly absent: the same tag goes out a second time."""
    be_prompt(world)
    write_wav(world.drop / "song.wav", pitch=2)
    world.service.fault("create", "drop_before_made")
    world.rescan()

    world.finish(rounds=80)

    assert world.states() == ["published", "published"]
    names = [upload.name for upload in world.service.uploads]
    assert names[-1] == names[-2]


def test_a_second_unknown_is_held(world):
    """Sent twice and seen by nobody: a person decides."""
    be_prompt(world)
    write_wav(world.drop / "song.wav", pitch=2)
    world.service.fault("create", "drop_before_made", "drop_before_made")
    world.rescan()

    world.finish(rounds=120)

    assert (world.states()[-1], world.jobs()[-1].hold) == ("held", "unknown")
    assert world.service.count("create") == 3


def test_a_held_unknown_goes_on_by_itself_when_it_is_found(world):
    """A history that lags by ten minutes only makes it late."""
    world.service.history_lag_s = 600.0
    write_wav(world.drop / "song.wav")
    world.service.fault("create", "drop_after_made")
    world.start()
    world.pass_time(300)
    was = world.states()

    world.pass_time(900)
    world.finish()

    assert (was, world.states(), world.service.made) == (["held"], ["published"], 1)


def test_a_history_that_lists_only_finished_work_never_proves_absence(world):
    """Sightings that are not of unfinished work do not count."""
    world.service.history_only_finished = True
    be_prompt(world)
    write_wav(world.drop / "song.wav", pitch=2)
    world.service.fault("create", "drop_before_made")
    world.rescan()

    world.finish(rounds=60)

    assert (world.states()[-1], world.service.count("create")) == ("held", 2)


def test_a_lost_state_finds_its_paid_work_by_tag(world):
    """The history carries the tag of the work: a new state adopts it, once a person has let it begin anew."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.lose_state()
    (world.stems / ".mvsep-watch-claim.json").unlink()

    world.start()
    world.finish()

    assert (world.service.made, world.states()) == (1, ["published"])


def test_outputs_of_another_state_stop_all_spending(world):
    """A claim that is not ours closes the `state` gate."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.lose_state()
    write_wav(world.drop / "new.wav", pitch=2)

    world.start()
    world.pass_time(120)

    assert world.service.made == 1
    assert [str(gate.name) for gate in world.engine.context.gates()] == ["state"]


def test_an_older_backup_of_the_state_stops_all_spending(world):
    """The claim counts releases, so a restored backup is recognised."""
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.finish()
    world.stop()
    backup = (world.base / "state.sqlite3").read_bytes()
    write_wav(world.drop / "two.wav", pitch=2)
    world.start()
    world.finish()
    world.stop()
    (world.base / "state.sqlite3").write_bytes(backup)
    write_wav(world.drop / "three.wav", pitch=3)

    world.start()
    world.pass_time(120)

    assert world.service.made == 2
    assert "state" in {str(gate.name) for gate in world.engine.context.gates()}


def test_outputs_that_the_state_does_not_know_stop_all_spending(world):
    """A sidecar at a reserved name never becomes ` (2)`: it may be paid work whose state was lost."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(5)
    said = {"state_id": "other", "job_id": 7}
    (world.stems / "song").mkdir(parents=True)
    (world.stems / "song" / "mvsep-watch.json").write_text(json.dumps(said))

    world.pass_time(120)

    assert (world.service.made, world.states()) == (0, ["queued"])
    assert "state" in {str(gate.name) for gate in world.engine.context.gates()}
    shutil.move(world.stems / "song", world.base / "elsewhere")
    world.finish()
    assert "song/Vocals.wav" in world.tree()


def test_nothing_is_adopted_into_outputs_of_another_state(world):
    """Free as it would be: it would become a second folder beside what a lost state has published."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.lose_state()
    before = world.tree()

    world.start()
    world.pass_time(300)

    assert (world.tree(), world.states()) == (before, ["queued"])


def test_one_approve_ends_the_asking_after_a_new_beginning(world):
    """What comes later is ordinary again."""
    write_wav(world.drop / "song.wav", pitch=1)
    world.start(fresh=True)
    world.pass_time(60)
    held = world.states()
    number = world.store.requests.append("approve", {"jobs": [{"id": 1}]}, now=world.clock.now())
    world.engine.desks.commands.look_again()
    write_wav(world.drop / "later.wav", pitch=2)
    world.turn()
    world.rescan()

    world.finish()

    assert held == ["held"]
    assert world.store.requests.answered(number)["done"] == [1]
    assert world.states() == ["published", "published"]


def test_beginning_anew_asks_before_anything_is_paid(world):
    """After `--fresh` every source without a row waits for one approve, whatever the limits say."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.lose_state()
    write_wav(world.drop / "new.wav", pitch=2)

    world.start(fresh=True)
    world.finish()

    assert world.service.made == 1
    assert sorted(job.state for job in world.jobs()) in (["held", "held"], ["held", "published"])


def test_another_account_does_not_poll_the_work_of_the_first(world):
    """It is held until the account is configured again, and goes on by itself then."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.add_account("OtherTokenOfThirtyLetters01234", email="other@example.com", credits=100, premium=True)
    world.service_options = {"token": "OtherTokenOfThirtyLetters01234"}
    world.restart()
    world.pass_time(120)
    held = (world.states(), world.jobs()[0].hold)

    world.service_options = {}
    world.restart()
    world.finish()

    assert held == (["held"], "elsewhere")
    assert (world.service.made, world.states()) == (1, ["published"])


def test_another_mirror_is_not_asked(world):
    """A job lives on the mirror that made it."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.base_url = "https://de.mvsep.com"
    world.restart()

    world.pass_time(120)

    assert (world.states(), world.jobs()[0].hold) == (["held"], "elsewhere")


def test_a_failed_separation_is_not_paid_for_again(world):
    """The work is held, says so, and a copy of the file is held at once."""
    path = write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.finish(next(iter(world.service.jobs)), status="failed", message="Job failed")
    world.pass_time(30)
    (world.drop / "copy.wav").write_bytes(path.read_bytes())
    world.rescan()

    world.pass_time(60)

    assert (world.service.made, world.states()) == (1, ["held", "held"])
    assert "Job failed" in world.jobs()[0].reason
    assert "redo" in world.jobs()[0].hint


def test_failed_is_believed_when_it_is_said_twice(world):
    """One answer may be a slip, and another attempt costs money."""
    world.limits = Limits(attempts=2, credits=world.limits.credits)
    failed = answer_json({"success": True, "status": "failed", "data": {"message": "Job failed"}})
    world.service.fault("get", lambda *_: failed)
    write_wav(world.drop / "song.wav")
    world.start()

    world.finish()

    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_hash_of_other_work_is_no_answer(world):
    """It would show the results of another song; the history knows what this one became."""
    be_prompt(world)
    first = next(iter(world.service.jobs))
    well = world.service._create

    def mixed_up(request, body):
        well(request, body)
        world.service._create = well
        return answer_json({"success": True, "data": {"link": "", "hash": first}})

    world.service._create = mixed_up
    write_wav(world.drop / "song.wav")
    world.rescan()

    world.finish()

    assert (world.service.made, world.states()) == (2, ["published"] * 2)
    assert [row.hash for row in world.store.separations._rows("1")] == list(world.service.jobs)


def test_an_answer_before_the_upload_was_whole_is_none(world):
    """Nothing can have been made of what was held back; the upload goes again."""
    world.start()
    create = world.client.create

    def too_early(*_, **__):
        world.client.create = create
        return Created(hash="20260101120000-0123456789-song.wav", link="")

    world.client.create = too_early
    write_wav(world.drop / "song.wav")
    world.rescan()

    world.finish()

    assert (world.service.made, world.states()) == (1, ["published"])


def test_an_untagged_hash_of_other_work_is_no_answer(world):
    """Where the service drops the tag, what is known of other separations still tells."""
    be_prompt(world)
    untagged = "20260101120000-0123456789-song.wav"
    world.store.db.run("UPDATE separations SET hash = ?", (untagged,))
    world.service.fault("create", lambda *_: answer_json({"success": True, "data": {"hash": untagged}}))
    write_wav(world.drop / "song.wav")
    world.rescan()

    world.finish()

    assert (world.service.made, world.states()) == (2, ["published"] * 2)
    assert [row.hash for row in world.store.separations._rows("1")] == [untagged, list(world.service.jobs)[1]]


def test_a_failed_separation_is_tried_again_as_often_as_allowed(world):
    """`limits.attempts` covers what the server called failed, and every job moves to the new attempt."""
    world.limits = Limits(attempts=2, credits=world.limits.credits)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.finish(next(iter(world.service.jobs)), status="failed", message="Job failed")

    world.finish()

    assert (world.service.made, world.states()) == (2, ["published"])


def test_a_replaced_source_is_not_sent(world):
    """What is sent is what was identified; the new bytes are a source of their own."""
    path = write_wav(world.drop / "song.wav", pitch=1)
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    write_wav(path, pitch=3)
    world.hands.held = set()
    world.hands.go_on()

    world.finish()

    assert world.service.made == 1
    assert world.states().count("published") == 1


def test_a_separation_the_service_forgot_is_lost_and_held(world):
    """`not_found` is believed after repeats over minutes, and never paid for again by itself."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.remove(next(iter(world.service.jobs)))

    world.pass_time(900)

    assert (world.service.count("create"), world.states()) == (1, ["held"])


def test_an_unknown_keeps_its_slot(world):
    """Never more on the server than allowed, counting what is unknown."""
    world.limits = Limits(separations=1, credits=world.limits.credits)
    world.service.history_lag_s = NEVER
    world.service_options = {"reconcile": Reconcile(window_s=60.0, interval_s=10.0)}
    write_wav(world.drop / "one.wav", pitch=1)
    write_wav(world.drop / "two.wav", pitch=2)
    world.service.fault("create", "drop_after_made")
    world.start()

    world.pass_time(250)

    assert world.service.made == 1
    assert world.states() == ["held", "queued"]


def test_an_answer_that_comes_late_does_not_make_the_history_look_prompt(world):
    """The lag of a sighting counts from the release, not from the answer."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", lambda request, service: world.clock.sleep(90.0))
    world.start()
    world.pass_time(20)
    world.finish()

    seen = world.store.memory.sightings("mvsep", "someone@example.com", "https://mvsep.com")

    assert seen.longest_lag_s >= 90.0


def test_what_was_released_before_an_unknown_was_closed_says_nothing_about_it(world):
    """Its last chunk may have been on its way all the while: only what is released later is younger."""
    world.service.history_lag_s = 40.0
    world.service_options = {"reconcile": Reconcile(window_s=20.0, interval_s=5.0)}
    world.limits = Limits(uploads=1, credits=world.limits.credits)
    for pitch in (1, 2):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.service.fault("create", "drop_before_made")
    world.start()
    world.pass_time(30)
    world.restart()

    world.pass_time(600)

    assert world.service.count("create") == 2
    assert sorted(world.states()) == ["held", "submitted"]


def test_a_night_of_downtime_is_no_lag_of_the_history(world):
    """What is found at the first look after a restart does not make later absences wait for days."""
    be_prompt(world)
    write_wav(world.drop / "song.wav", pitch=2)
    world.service.history_lag_s = 3600.0
    world.service.fault("create", "drop_after_made")
    world.rescan()
    world.pass_time(10)
    world.stop()
    world.clock.sleep(8 * 3600.0)
    world.start()
    world.pass_time(60)

    seen = world.store.memory.sightings("mvsep", "someone@example.com", "https://mvsep.com")

    assert world.states() == ["published", "submitted"]
    assert seen.longest_lag_s < 120.0


def test_a_history_that_cannot_be_read_stops_all_spending_and_says_so(world):
    """Without it nobody knows what was paid for; when it can be read again, everything goes on by itself."""
    world.service.fault("history", *["html"] * 6)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(60)
    gates, made = world.engine.context.gates(), world.service.made

    world.finish(rounds=120)

    assert (made, [str(gate.name) for gate in gates]) == (0, ["service"])
    assert "history" in gates[0].reason
    assert world.states() == ["published"]


def test_a_new_beginning_asks_about_what_waited_at_the_gate_too(world):
    """Queued while the `state` gate was closed is not approved."""
    write_wav(world.drop / "old.wav", pitch=1)
    world.start()
    world.finish()
    world.lose_state()
    write_wav(world.drop / "new.wav", pitch=2)
    world.start()
    world.pass_time(60)
    waiting = world.states()

    world.restart(fresh=True)
    world.finish()

    assert waiting == ["queued", "queued"]
    assert world.service.made == 1
    assert "held" in world.states()


def test_what_is_new_is_looked_for_often_however_long_something_else_was(world):
    """A held unknown must not make the history be read so rarely that nothing is seen while unfinished."""
    world.service.history_lag_s = 40.0
    write_wav(world.drop / "first.wav", pitch=1)
    world.service.fault("create", "drop_before_made")
    world.start()
    world.pass_time(1800)
    held = world.states()
    write_wav(world.drop / "second.wav", pitch=2)
    world.rescan()

    world.pass_time(300)

    assert held == ["held"]
    assert world.service.count("create") == 3
    world.finish()
    assert world.states() == ["published", "published"]


def test_slots_of_held_unknowns_come_back_soon_and_prove_the_rest(world):
    """All slots kept by unknowns: an empty queue gives them back, and what is sent then shows that they are absent."""
    world.limits = Limits(separations=2, credits=world.limits.credits)
    world.service.history_lag_s = 20.0
    world.service_options = {"reconcile": Reconcile(window_s=30.0, interval_s=5.0)}
    for pitch in (1, 2, 3, 4):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.service.fault("create", "drop_before_made", "drop_before_made")
    world.start()
    world.pass_time(250)

    made = world.service.made
    world.finish(rounds=150)

    assert made >= 2
    assert (world.states(), world.service.made) == (["published"] * 4, 4)


def made_twice(world, **second):
    """Lose the answer to a submission, and let the service list a second row with the same tag."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", "drop_after_made")
    world.start()
    world.hands.held = {"asking"}
    world.pass_time(0.1)
    while not world.service.jobs:
        world.hands.go_on()
        world.pass_time(5)
    first = next(iter(world.service.jobs.values()))
    twin = replace(first, id=first.id + 1, hash="29990101000000-0123456789" + first.hash[25:], **second)
    world.service.jobs[twin.hash] = twin
    world.hands.held = set()
    world.hands.go_on()
    return first, twin


def test_of_several_rows_the_done_one_is_adopted(world):
    """Done before unfinished; nothing that this state did not certainly send is cancelled."""
    first, twin = made_twice(world, status="done")

    world.pass_time(60)

    separation = world.store.separations._rows("1")[0]
    assert separation.hash == twin.hash
    assert (first.status, world.service.count("cancel"), world.service.count("create")) == ("waiting", 0, 1)


def test_of_several_unfinished_rows_the_oldest_is_adopted(world):
    """The younger is reported, and left alone."""
    first, _ = made_twice(world)

    world.pass_time(60)

    assert world.store.separations._rows("1")[0].hash == first.hash
    world.finish()
    assert world.states() == ["published"]


def test_what_the_service_makes_twice_is_told_once_and_not_repeated(world):
    """The answer was clear, and the history lists the upload a second time: that one cost as much."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(10)
    first = next(iter(world.service.jobs.values()))
    twin = replace(first, id=first.id + 1, hash="29990101000000-0123456789" + first.hash[25:])
    world.service.jobs[twin.hash] = twin

    world.finish()
    world.restart()
    write_wav(world.drop / "another.wav", pitch=2)
    world.finish()

    told = [row["reason"] for row in world.store.db.all("SELECT reason FROM transitions WHERE subject = 'separation'")]
    assert [reason for reason in told if "second time" in reason] == [
        f"the history lists it a second time, as {twin.hash}, charged 1: `spend` does not count that one"
    ]
    assert (world.states(), world.service.count("create")) == (["published"] * 2, 2)


def test_rows_that_cannot_be_compared_are_looked_at_again(world):
    """One `get` that fails decides nothing."""
    _, twin = made_twice(world, status="done")
    world.service.fault("get", "http_503", "http_503")

    world.pass_time(120)

    assert world.store.separations._rows("1")[0].hash == twin.hash


def test_a_second_row_that_still_waits_is_cancelled_if_this_state_sent_it(world):
    """Sent again after a certain absence, and both turn out to be made: only one is to be paid for."""
    first, twin = made_twice(world)
    world.store.db.run("UPDATE separations SET releases = 2")

    world.pass_time(60)

    assert world.store.separations._rows("1")[0].hash == first.hash
    assert world.service.count("cancel") == 1
    assert twin.charged == 0


@pytest.mark.parametrize("lag_s", [0.0, 400.0, NEVER])
def test_what_is_refused_as_one_too_many_and_was_made_is_not_sent_again(world, lag_s):
    """The refusal was about itself: the account's queue tells, however late the history is."""
    world.service.history_lag_s = lag_s
    write_wav(world.drop / "song.wav")
    world.start()
    world.service.fault("create", "too_many_after_made")

    world.pass_time(900)
    world.service.finish_all()
    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)


def test_a_refusal_that_nobody_can_explain_is_an_unknown(world, monkeypatch):
    """The history was never seen to be prompt, and the queue's shape is not understood."""
    world.service.history_lag_s = 1e9
    user = world.service.site.user
    monkeypatch.setattr(world.service.site, "user", lambda *question: with_strange_queue(user(*question)))
    write_wav(world.drop / "song.wav")
    world.start()
    world.service.fault("create", "too_many_after_made")

    world.pass_time(1800, step_s=10)

    (job,) = world.jobs()
    assert (job.hold, world.service.made) == ("unknown", 1)


def with_strange_queue(answer):
    said = json.loads(answer.content)
    return answer_json({**said, "data": {**said["data"], "current_queue": [17]}})
