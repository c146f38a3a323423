"""What commands ask for: applied once, in one transaction, and never more paid than a person confirmed."""

import dataclasses
import os
import shutil

import pytest

from mvsep_watch.daemon.requesting import apply_open
from mvsep_watch.model import CreditLimits, HoldKind, JobState, Limits, Reconcile, Rule
from mvsep_watch.steps.base import Pool
from mvsep_watch.store import Requests, open_requester
from tests.daemon.world import rows, write_wav


def append(world, command, *jobs, **arguments):
    """Ask as a command does: from another connection."""
    db = open_requester(world.store.path)
    try:
        items = [{"id": job} if isinstance(job, int) else job for job in jobs]
        return Requests(db).append(command, {"jobs": items, **arguments}, now=world.clock.now())
    finally:
        db.close()


def ask(world, command, *jobs, **arguments):
    """Ask, let the daemon turn, and give its answer."""
    request = append(world, command, *jobs, **arguments)
    world.settle()
    return world.store.requests.answered(request)


def redo(job, *, attempt=2, price=1, **changes):
    return {"id": job.id, "attempt": attempt, "price": price, "settings": job.settings, **changes}


def limited(world, **limits):
    credits_ = CreditLimits(**{"approve_batch_above": None, **limits})
    world.limits = Limits(credits=credits_)


def two_rules(world, **second):
    """Let two rules ask for the same work."""
    first = Rule(name="a", sep_type=40, output_format=1)
    world.rules = (first, dataclasses.replace(first, name="b", **second))


def publish(world):
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    return world.jobs()[0]


def submit(world):
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    return world.jobs()[0]


def fail(world):
    """Let the service fail a separation, so that its jobs are held."""
    submit(world)
    world.service.finish(next(iter(world.service.jobs)), status="failed", message="Job failed")
    world.pass_time(30)
    return world.jobs()[0]


def lose_the_answer(world):
    """Let an answer be lost on an account whose history never lists it."""
    world.service_options["reconcile"] = Reconcile(window_s=30, interval_s=5)
    world.service.fault("create", "drop_after_made")
    world.service.history_only_finished = True
    submit(world)
    world.pass_time(120)
    return world.jobs()[0]


def cancel_too_late(world):
    """Let the service refuse a cancellation and finish the separation."""
    submit(world)
    world.service.set_status(next(iter(world.service.jobs)), "processing")
    ask(world, "cancel", 1)
    world.service.finish_all()
    world.pass_time(60)
    return world.jobs()[0]


def finished(world):
    return [str(row.state) for row in rows(world)]


def reserved(world):
    today = world.engine.context.today()
    return world.store.separations.reserved_against_balance(), world.store.separations.spent("mvsep", today, today)


# Approve


def test_one_approve_frees_every_job_of_the_work(world):
    """The hold belongs to the work, and so does the word that ends it."""
    limited(world, approve_job_above=2)
    two_rules(world)
    write_wav(world.drop / "long.wav", seconds=200)
    world.start()
    world.pass_time(60)
    first = world.jobs()[0]

    answer = ask(world, "approve", {"id": first.id, "price": 3, "attempt": 1})
    world.finish()

    assert (answer["done"], answer["refused"]) == ([first.id], [])
    assert (world.states(), world.service.made) == (["published"] * 2, 1)


def test_approving_every_job_of_a_work_refuses_none(world):
    """The second of them is free already when its turn comes."""
    limited(world, approve_job_above=2)
    two_rules(world)
    write_wav(world.drop / "long.wav", seconds=200)
    world.start()
    world.pass_time(60)

    answer = ask(world, "approve", *({"id": job.id, "price": 3, "attempt": 1} for job in world.jobs()))

    assert (answer["done"], answer["refused"]) == ([1, 2], [])


@pytest.mark.parametrize("item", [{"price": 2, "attempt": 1}, {"price": 3, "attempt": 2}])
def test_an_approve_for_less_or_for_another_attempt_is_refused(world, item):
    """Only what a person saw is confirmed."""
    limited(world, approve_job_above=2)
    write_wav(world.drop / "long.wav", seconds=200)
    world.start()
    world.pass_time(60)

    answer = ask(world, "approve", {"id": 1, **item})
    world.finish()

    assert (answer["done"], len(answer["refused"])) == ([], 1)
    assert (world.states(), world.service.made) == (["held"], 0)


def test_a_price_that_rose_since_it_was_approved_is_asked_about_again(world):
    """Between the word and the upload the catalogue may change."""
    limited(world, approve_job_above=2)
    world.limits = dataclasses.replace(world.limits, separations=0)
    write_wav(world.drop / "long.wav", seconds=200)
    world.start()
    world.pass_time(60)
    ask(world, "approve", {"id": 1, "price": 3, "attempt": 1})
    world.service.catalogue[2]["price_coefficient"] = 10
    world.limits = dataclasses.replace(world.limits, separations=5)

    world.restart()
    world.pass_time(60)

    job = world.jobs()[0]
    assert (job.state, job.hold, job.price, world.service.made) == ("held", "price", 33, 0)
    assert "3 were confirmed" in job.reason


def test_an_approved_batch_goes_whole(world):
    """And is never asked about again."""
    limited(world, approve_batch_above=2)
    for n in range(3):
        write_wav(world.drop / f"{n}.wav", pitch=n + 1)
    world.start()
    world.pass_time(60)

    answer = ask(world, "approve", *({"id": job.id, "price": job.price} for job in world.jobs()))
    world.finish()

    assert answer["done"] == [1, 2, 3]
    assert (world.states(), world.service.made) == (["published"] * 3, 3)


def test_an_approved_batch_is_not_asked_about_job_by_job(world):
    """A person has seen the price of each; only a higher one is news."""
    limited(world, approve_batch_above=2, approve_job_above=2)
    write_wav(world.drop / "long.wav", seconds=200)
    write_wav(world.drop / "short.wav")
    world.start()
    world.pass_time(60)
    items = [{"id": job.id, "price": job.price, "attempt": 1} for job in world.jobs()]

    ask(world, "approve", *items)
    world.finish()

    assert [item["price"] for item in items] in ([1, 3], [3, 1])
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_a_part_of_a_batch_may_be_approved(world):
    """The rest of it stays held."""
    limited(world, approve_batch_above=2)
    for n in range(3):
        write_wav(world.drop / f"{n}.wav", pitch=n + 1)
    world.start()
    world.pass_time(60)

    ask(world, "approve", {"id": 2, "price": 1})
    world.finish()

    assert (world.states(), world.service.made) == (["held", "published", "held"], 1)


def test_what_waits_for_nothing_cannot_be_approved(world):
    """It says what the job is."""
    publish(world)

    answer = ask(world, "approve", 1, 77)

    reasons = [refused["reason"] for refused in answer["refused"]]
    assert reasons == ["it does not wait for `approve`: it is published", "there is no such job"]


# Cancel


def test_cancel_at_intended_gives_the_reservation_and_the_slot_back(world):
    """Nothing had left: the attempt is unspent, and a hand that comes back is told no."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held.add(Pool.UPLOADS)
    world.pass_time(20)
    before = reserved(world), finished(world)

    ask(world, "cancel", 1)
    after = reserved(world), world.store.separations.slots_taken()
    world.hands.held.clear()
    world.hands.go_on()
    world.finish()

    assert before == ((1, 1), ["intended"])
    assert after == ((0, 0), 0)
    assert (world.states(), world.service.made) == (["cancelled"], 0)


def test_cancel_of_one_of_two_jobs_keeps_the_separation(world):
    """Another live job needs it."""
    two_rules(world)
    submit(world)

    ask(world, "cancel", 1)
    world.finish()

    assert (world.states(), world.service.count("cancel")) == (["cancelled", "published"], 0)


def test_cancel_of_both_jobs_cancels_the_separation(world):
    """The second was the last that needed it."""
    two_rules(world)
    submit(world)

    ask(world, "cancel", 1, 2)
    world.pass_time(30)

    assert (finished(world), world.service.unfinished) == (["cancelled"], [])


def test_cancelled_is_committed_only_after_the_server_agreed(world):
    """Until then the separation is with the server, and keeps its slot."""
    submit(world)
    world.service.fault("cancel", "http_503", "http_503")

    ask(world, "cancel", 1)
    first = finished(world), world.store.separations.slots_taken()
    world.pass_time(120)

    assert first == (["submitted"], 1)
    assert (finished(world), world.store.separations.slots_taken()) == (["cancelled"], 0)
    assert world.service.account.credits == 1000


def test_a_refused_cancellation_lets_the_separation_go_on(world):
    """The job stays cancelled, what is paid for is kept, and `retry` publishes it for nothing."""
    cancel_too_late(world)
    kept = finished(world), world.states()

    answer = ask(world, "retry", 1)
    world.finish()

    assert kept == (["done"], ["cancelled"])
    assert answer["done"] == [1]
    assert (world.states(), world.service.made) == (["published"], 1)


def test_cancel_of_an_unknown_waits_until_it_is_found(world):
    """It is cancelled on the server once the history shows it."""
    world.service.fault("create", "drop_after_made")
    world.service.history_lag_reads = 3
    submit(world)
    before = finished(world)

    ask(world, "cancel", 1)
    world.pass_time(120)

    assert before == ["released"]
    assert (finished(world), world.service.unfinished) == (["cancelled"], [])


def test_cancel_of_an_unknown_that_is_never_found_gives_its_slot_back(world):
    """Nobody waits for it: it is lost, not looked for for three days."""
    world.service_options["reconcile"] = Reconcile(window_s=30, interval_s=5)
    world.service.fault("create", "drop_after_made")
    world.service.history_only_finished = True
    submit(world)

    ask(world, "cancel", 1)
    world.pass_time(120)

    assert (finished(world), world.store.separations.slots_taken()) == (["lost"], 0)


def test_cancel_of_a_held_unknown_ends_it_as_lost(world):
    """Its slot comes back; its reservation stays until the account was read."""
    lose_the_answer(world)
    before = world.jobs()[0].hold, world.store.separations.slots_taken()

    ask(world, "cancel", 1)

    assert before == ("unknown", 1)
    assert (finished(world), world.states(), world.store.separations.slots_taken()) == (["lost"], ["cancelled"], 0)


def test_cancel_of_what_waits_to_be_sent_again_ends_the_attempt(world):
    """The service refused it once, so it is certain that nothing was made."""
    world.service.fault("create", *["429"] * 20)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(10, step_s=1)
    before = [(row.state, row.releases) for row in rows(world)]

    ask(world, "cancel", 1)
    world.pass_time(120)

    assert before[0][0] == "intended"
    assert (finished(world), reserved(world), world.service.made) == (["cancelled"], (0, 0), 0)


def test_what_a_cancelled_job_had_staged_is_gone_after_the_next_start(world):
    """Nothing of it is left on the disk."""
    submit(world)
    world.hands.held.add(Pool.FILING)
    world.service.finish_all()
    world.pass_time(60)
    staged = len(world.tree())
    ask(world, "cancel", 1)

    world.restart()
    world.settle()

    assert staged > 1
    assert world.tree() == [".mvsep-watch-claim.json"]


def test_a_job_that_joins_takes_the_wish_to_cancel_back(world):
    """Somebody needs the separation again."""
    world.service.fault("cancel", *["http_503"] * 4)
    submit(world)
    ask(world, "cancel", 1)
    shutil.copy(world.drop / "song.wav", world.drop / "copy.wav")

    world.rescan()
    world.pass_time(10, step_s=1)
    world.finish()

    assert (world.states(), world.service.made) == (["cancelled", "published"], 1)


def test_a_finished_job_cannot_be_cancelled(world):
    """What is published stays published."""
    publish(world)

    answer = ask(world, "cancel", 1)

    assert answer["refused"] == [{"id": 1, "reason": "it is published already"}]


# Redo


def test_redo_is_a_new_attempt_beside_the_old_folder(world):
    """It pays once more, by a new job linked to the old one."""
    job = publish(world)

    answer = ask(world, "redo", redo(job))
    world.finish()

    made = world.jobs()[1]
    assert (answer["made"], made.redo_of, made.state) == ([2], 1, "published")
    assert (world.service.made, [row.attempt for row in rows(world)]) == (2, [1, 2])
    assert made.final.name == "song (2)"


def test_redo_can_replace_the_old_folder(world):
    """The new outputs stand where the old ones were."""
    job = publish(world)
    before = (job.final / "Vocals.wav").read_bytes()

    ask(world, "redo", redo(job, replace=True))
    world.finish()

    assert [path.name for path in sorted(world.stems.glob("song*"))] == ["song"]
    assert (job.final / "Vocals.wav").read_bytes() != before


@pytest.mark.parametrize("name", ["song.wav", os.fsdecode(b"caf\xe9.wav")])
def test_redo_never_replaces_outputs_that_were_changed(world, name):
    """Somebody has worked on them: it is held, and nothing is paid again."""
    write_wav(world.drop / name)
    world.start()
    world.finish()
    job = world.jobs()[0]
    (job.final / "Vocals.wav").write_bytes(b"edited")

    ask(world, "redo", redo(job, replace=True))
    world.finish()

    assert (world.jobs()[1].state, (job.final / "Vocals.wav").read_bytes()) == ("held", b"edited")


def test_a_redo_asked_twice_pays_once(world):
    """The second names an attempt that is planned, or made, already."""
    job = publish(world)
    append(world, "redo", redo(job))

    planned = ask(world, "redo", redo(job))
    world.finish()
    made = ask(world, "redo", redo(job))

    assert planned["refused"][0]["reason"] == "job 2 is to make attempt 2 already"
    assert made["refused"][0]["reason"] == "attempt 2 exists already"
    assert world.service.made == 2


def test_two_jobs_of_one_work_redone_together_pay_once(world):
    """The new attempt is shared as the old one was."""
    two_rules(world)
    publish(world)

    answer = ask(world, "redo", *(redo(job) for job in world.jobs()))
    world.finish()

    assert (answer["made"], answer["refused"]) == ([3, 4], [])
    assert (world.states(), world.service.made) == (["published"] * 4, 2)


def test_redo_of_a_failed_work_serves_all_its_jobs(world):
    """The held one is replaced by its new job, at its own folder; the others go with it."""
    two_rules(world)
    job = fail(world)

    ask(world, "redo", redo(job))
    world.finish()

    assert world.states() == ["cancelled", "published", "published"]
    assert (world.jobs()[2].final, world.service.made) == (job.final, 2)


def test_redo_of_every_job_of_a_failed_work_pays_once(world):
    """Those that were taken along are done already."""
    two_rules(world)
    fail(world)

    answer = ask(world, "redo", *(redo(job) for job in world.jobs()))
    world.finish()

    assert (answer["done"], answer["made"], world.service.made) == ([1, 2], [3], 2)


@pytest.mark.parametrize("held", [set(), {Pool.UPLOADS}])
def test_redo_is_refused_while_an_attempt_is_under_way(world, held):
    """At `intended` and at `submitted`."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held |= held
    world.pass_time(20)

    answer = ask(world, "redo", redo(world.jobs()[0]))

    assert answer["refused"] == [{"id": 1, "reason": "it is under way; `cancel` it first"}]
    assert (world.states(), len(rows(world))) == (["queued" if held else "submitted"], 1)


def test_redo_is_refused_while_a_cancelled_attempt_goes_on(world):
    """The server may still make something of it."""
    submit(world)
    world.service.set_status(next(iter(world.service.jobs)), "processing")
    ask(world, "cancel", 1)

    answer = ask(world, "redo", redo(world.jobs()[0]))

    assert answer["refused"] == [{"id": 1, "reason": "attempt 1 is submitted; `cancel` it first"}]


def test_redo_is_refused_while_the_outcome_is_still_looked_for(world):
    """Only what looking did not find may be given up."""
    world.service.fault("create", "drop_after_made")
    world.service.history_only_finished = True
    submit(world)

    answer = ask(world, "redo", redo(world.jobs()[0]))

    assert (answer["made"], finished(world)) == ([], ["released"])


def test_redo_of_a_held_unknown_ends_it_as_lost(world):
    """A person takes the chance of paying twice; nobody else does."""
    job = lose_the_answer(world)
    world.service.history_only_finished = False

    answer = ask(world, "redo", redo(job))
    world.finish()

    assert answer["made"] == [2]
    assert (finished(world), world.states()) == (["lost", "done"], ["cancelled", "published"])


def test_redo_needs_the_source(world):
    """There is nothing to send without it."""
    job = publish(world)
    (world.drop / "song.wav").unlink()

    answer = ask(world, "redo", redo(job))

    assert "is gone" in answer["refused"][0]["reason"]


def test_redo_needs_the_same_bytes(world):
    """Other bytes are other work."""
    job = publish(world)
    write_wav(world.drop / "song.wav", pitch=3)
    world.rescan()
    world.pass_time(10)

    answer = ask(world, "redo", redo(job))

    assert "holds other bytes" in answer["refused"][0]["reason"]


def test_redo_of_what_was_never_sent_is_refused(world):
    """Its first attempt is no second one."""
    limited(world, approve_job_above=0)
    job = submit(world)

    waits = ask(world, "redo", redo(job, attempt=1))
    ask(world, "cancel", 1)
    cancelled = ask(world, "redo", redo(job, attempt=1))

    assert waits["refused"][0]["reason"] == "it waits for `approve`"
    assert "nothing was sent" in cancelled["refused"][0]["reason"]


def test_redo_that_costs_more_than_confirmed_is_held(world):
    """The price is checked again when the attempt is to start."""
    job = publish(world)
    world.service.catalogue[2]["price_coefficient"] = 100
    world.restart()

    ask(world, "redo", redo(job, price=1))
    world.finish()

    made = world.jobs()[1]
    assert (made.state, made.hold, made.price, world.service.made) == ("held", "price", 5, 1)


def test_redo_with_other_settings_is_the_first_attempt_of_another_work(world):
    """A rule that changed is done again when asked, with exactly the settings that were shown."""
    job = publish(world)
    settings = job.settings.replace('"output_format":1', '"output_format":0')
    world.rules = (dataclasses.replace(world.rules[0], output_format=0),)
    world.restart()

    ask(world, "redo", redo(job, attempt=1, settings=settings, asked="changed"))
    world.finish()

    upload = world.service.uploads[-1]
    assert (upload.fields["output_format"], world.jobs()[1].state, world.service.made) == ("0", "published", 2)


def test_redo_of_a_rule_that_is_gone_is_refused(world):
    """There would be no place for its outputs."""
    job = publish(world)
    world.rules = (dataclasses.replace(world.rules[0], name="other"),)
    world.restart()

    answer = ask(world, "redo", redo(job))

    assert answer["refused"][0]["reason"] == "the configuration has no such folder or rule any more"


# Retry


@pytest.mark.parametrize("kind", list(HoldKind))
def test_retry_frees_only_what_needs_no_payment(world, kind):
    """The others say which command they wait for."""
    job = submit(world)
    world.store.jobs.hold(job, kind, now=world.clock.now(), reason="a reason", hint="", resume=JobState.SUBMITTED)

    answer = ask(world, "retry", 1)

    frees = kind in {
        HoldKind.TROUBLE, HoldKind.MISFIT, HoldKind.ELSEWHERE, HoldKind.OUTPUTS_GONE, HoldKind.SHORT,
    }  # fmt: skip
    assert (answer["done"], world.states()) == (([1], ["submitted"]) if frees else ([], ["held"]))
    assert frees or answer["refused"][0]["reason"]


def test_retry_of_a_refused_job_follows_the_corrected_rule(world):
    """Nothing was paid, so nothing is paid twice."""
    world.service.fault("create", "refused")
    submit(world)
    before = world.states()
    world.rules = (dataclasses.replace(world.rules[0], output_format=0),)
    world.restart()

    answer = ask(world, "retry", 1)
    world.finish()

    assert before == ["failed"]
    assert (answer["done"], world.states(), world.service.made) == ([1], ["published"], 1)
    assert world.service.uploads[-1].fields["output_format"] == "0"


def test_retry_of_a_job_cancelled_before_it_was_sent_queues_it_again(world):
    """Its attempt is unspent."""
    limited(world, approve_job_above=0)
    submit(world)
    ask(world, "cancel", 1)

    answer = ask(world, "retry", 1)
    world.pass_time(10)

    assert (answer["done"], world.states(), world.jobs()[0].hold) == ([1], ["held"], "price")


def test_retry_never_begins_a_paid_attempt(world):
    """A separation that was cancelled, failed or lost is `redo`'s."""
    submit(world)
    ask(world, "cancel", 1)
    world.pass_time(30)

    answer = ask(world, "retry", 1)
    world.finish()

    assert answer["refused"] == [{"id": 1, "reason": "going on would need a payment: `redo`"}]
    assert (world.states(), world.service.made) == (["cancelled"], 1)


def test_retry_of_a_cancelled_redo_is_refused(world):
    """The word to pay again was taken back; it is asked for anew."""
    job = publish(world)
    world.limits = Limits(separations=0)
    world.restart()
    ask(world, "redo", redo(job))
    ask(world, "cancel", 2)

    answer = ask(world, "retry", 2)

    assert answer["refused"] == [{"id": 2, "reason": "going on would need a payment: `redo`"}]


def test_retry_of_a_job_that_is_done_again_is_refused(world):
    """Its successor has its place."""
    job = cancel_too_late(world)
    ask(world, "redo", redo(job))

    answer = ask(world, "retry", 1)

    assert answer["refused"] == [{"id": 1, "reason": "job 2 does it again"}]


# Forget


def test_a_forgotten_file_is_ignored(world):
    """With all its jobs, under any name."""
    limited(world, approve_job_above=0)
    two_rules(world, output_format=2)
    submit(world)

    answer = ask(world, "forget", 1)
    shutil.copy(world.drop / "song.wav", world.drop / "copy.wav")
    world.rescan()
    world.pass_time(30)

    assert (answer["done"], answer["sources"]) == ([1], [1])
    assert (world.states(), world.service.made) == (["cancelled"] * 2, 0)


def test_a_refused_file_without_jobs_can_be_forgotten(world):
    """It has no job to be named by."""
    (world.drop / "noise.wav").write_bytes(b"no audio at all")
    world.start()
    world.pass_time(10)

    answer = ask(world, "forget", sources=[1])

    assert (answer["sources"], world.store.sources.get(1).state) == ([1], "ignored")


def test_a_forgotten_file_comes_back_by_retry(world):
    """The note is taken back with the job, for every copy."""
    limited(world, approve_job_above=0)
    submit(world)
    ask(world, "forget", 1)
    shutil.copy(world.drop / "song.wav", world.drop / "copy.wav")
    world.rescan()
    world.pass_time(10)

    ask(world, "retry", 1)

    assert [world.store.sources.get(number).state for number in (1, 2)] == ["known", "known"]


def test_a_forgotten_file_comes_back_by_redo(world):
    """A person asks for it after all."""
    job = publish(world)
    ask(world, "forget", 1)

    ask(world, "redo", redo(job))
    world.finish()

    assert (world.store.sources.get(1).state, world.states()) == ("known", ["published", "published"])


# Requests


class Killed(BaseException):
    """As a kill would end it: nothing after it happens."""


def test_applying_and_marking_are_one_transaction(world, monkeypatch):
    """A kill between them leaves both undone, and the next start does both."""
    job = publish(world)
    request = append(world, "redo", redo(job))

    def kill(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(world.store.requests, "answer", kill)
        with pytest.raises(Killed):
            apply_open(world.store, config=world.config(), now=world.clock.now(), doubt=lambda _: False)
    jobs_then, answer_then = len(world.jobs()), world.store.requests.answered(request)
    world.restart()
    world.finish()

    assert (jobs_then, answer_then) == (1, None)
    assert (world.store.requests.answered(request)["made"], world.service.made) == ([2], 2)


@pytest.mark.parametrize("arguments", [{"sources": [99]}, {"jobs": [{}]}])
def test_a_request_that_makes_no_sense_does_not_end_the_daemon(world, arguments):
    """It is answered once, and changes nothing."""
    publish(world)

    answer = ask(world, "forget", **arguments)
    world.finish()

    assert "bug" in answer["refused"][0]["reason"]
    assert world.states() == ["published"]


def test_an_unknown_request_is_refused(world):
    """A newer command beside an older daemon."""
    publish(world)

    answer = ask(world, "polish", 1)

    assert answer["refused"] == [{"id": 1, "reason": "this version of mvsep-watch knows no such request"}]


def test_retry_fetches_outputs_that_are_gone_for_nothing(world):
    """While the service still keeps them: nobody pays for an emptied folder."""
    submit(world)
    world.finish()
    shutil.rmtree(world.stems / "song")

    answer = ask(world, "retry", 1)
    world.finish()

    assert (answer["done"], world.states(), world.service.made) == ([1], ["published"], 1)
    assert "song/Vocals.wav" in world.tree()


def test_retry_of_what_is_there_is_refused(world):
    """There is nothing to do, and a redo would pay."""
    submit(world)
    world.finish()

    assert "redo" in ask(world, "retry", 1)["refused"][0]["reason"]


def test_retry_takes_a_forgotten_file_back_though_it_is_published(world):
    """`forget` is no one-way street."""
    submit(world)
    world.finish()
    ask(world, "forget", 1)

    answer = ask(world, "retry", 1)

    assert answer["done"] == [1]
    assert world.store.sources.get(1).state == "known"
