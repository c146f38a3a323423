"""Never more than allowed: prices, reservations, limits, approvals, batches, and the plan of the account."""

import shutil

import pytest
from structlog.testing import capture_logs

from mvsep_watch.model import Limits, Rule
from tests.daemon.world import limited, write_wav


def three_songs(world, *, seconds=3.0):
    for pitch in (1, 2, 3):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch, seconds=seconds)


@pytest.mark.parametrize(
    ("limits", "balance"),
    [({"reserve": 8}, 10), ({"per_day": 2}, 100), ({"per_month": 2}, 100), ({}, 2)],
    ids=["reserve", "day", "month", "balance"],
)
def test_a_budget_for_two_makes_exactly_two_uploads(world, limits, balance):
    """Whichever limit it is that leaves two credits."""
    limited(world, **limits)
    world.service.account.credits = balance
    world.service.refund_failed = True
    three_songs(world)
    world.start()

    world.pass_time(120)

    assert world.service.made == 2
    assert sorted(world.states()) == ["queued", "submitted", "submitted"]


def test_what_waits_for_money_says_why(world):
    """How much it costs, and how much may be spent."""
    limited(world, per_day=0)
    write_wav(world.drop / "song.wav")
    world.start()

    world.pass_time(30)

    job = world.jobs()[0]
    assert job.reason == "it costs 1 credit and 0 of 0 are left for this day"
    assert "per_day" in job.hint


def test_the_log_is_told_once_an_hour_that_work_waits_for_money(world):
    """A hundred files are not a hundred lines, and again with every credit that is spent."""
    limited(world, per_day=1)
    three_songs(world)
    world.start()

    with capture_logs() as logged:
        world.pass_time(600)
        world.service.finish_all()
        world.pass_time(3600, step_s=60)

    waits = [line for line in logged if line["event"] == "job_waits"]
    assert len(waits) == 1
    assert {job.reason for job in world.jobs() if job.state == "queued"} == {
        "it costs 1 credit and 0 of 1 are left for this day"
    }


def test_what_waits_for_money_starts_by_itself_the_next_day(world):
    """Nobody has to do anything."""
    limited(world, per_day=1)
    three_songs(world)
    world.start()
    world.finish(rounds=20)
    first_day = world.service.made

    world.pass_time(24 * 3600, step_s=600)

    assert (first_day, world.service.made) == (1, 2)


def test_a_job_above_the_limit_waits_for_approve(world):
    """It is held, with its price."""
    limited(world, approve_job_above=2)
    write_wav(world.drop / "long.wav", seconds=200)
    world.start()

    world.pass_time(60)

    job = world.jobs()[0]
    assert (job.state, job.hold, job.price, world.service.made) == ("held", "price", 3, 0)


def test_a_batch_above_the_limit_is_held_whole(world):
    """Not one of its files is paid for before a person has seen the sum."""
    limited(world, approve_batch_above=2)
    three_songs(world)
    world.start()

    world.pass_time(60)

    assert (world.states(), world.service.made) == (["held"] * 3, 0)
    assert "3 credits" in world.jobs()[0].reason


def test_a_batch_within_the_limit_goes(world):
    """Works are counted once, however many jobs they have."""
    limited(world, approve_batch_above=3)
    world.rules = (Rule(name="a", sep_type=40, output_format=1), Rule(name="b", sep_type=40, output_format=1))
    three_songs(world)
    world.start()

    world.finish()

    assert (set(world.states()), world.service.made) == ({"published"}, 3)


def test_a_burst_of_events_is_a_batch_too(world):
    """What one rescan interval of events adds, once the limit is passed, is held."""
    limited(world, approve_batch_above=2)
    world.start()
    world.pass_time(10)
    for pitch in range(1, 6):
        path = write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
        world.engine.inbox.path_touched("drop", str(path))

    world.pass_time(120)

    assert world.service.made <= 2
    assert "held" in world.states()


def test_a_held_batch_is_still_held_after_a_restart(world):
    """A restart is nobody's approval."""
    limited(world, approve_batch_above=2)
    three_songs(world)
    world.start()
    world.pass_time(60)

    world.restart()
    world.pass_time(600)

    assert (world.states(), world.service.made) == (["held"] * 3, 0)


def test_a_kill_while_a_batch_is_counted_does_not_let_it_slip(world):
    """Half of it was queued when the process died; the whole is held."""
    limited(world, approve_batch_above=2)
    three_songs(world)
    world.start()
    world.hands.sizes["reading"] = 1
    while not world.jobs():
        world.clock.sleep(1.0)
        world.turn()

    world.restart()
    world.pass_time(120)

    assert (world.states(), world.service.made) == (["held"] * 3, 0)


def test_an_account_without_premium_pays_nothing_one_at_a_time(world):
    """Free, and never more than one unfinished."""
    world.service.account.enabled = False
    three_songs(world)
    world.start()

    world.pass_time(60)

    assert (world.service.made, len(world.service.unfinished)) == (1, 1)
    world.finish(rounds=60)
    assert (world.service.made, world.service.account.credits) == (3, 1000)


def test_premium_that_is_switched_on_before_the_release_is_noticed(world):
    """A price of 0 is read again before the last chunk goes."""
    world.service.account.enabled = False
    limited(world, per_day=0)
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    world.service.account.enabled = True
    world.hands.held = set()
    world.hands.go_on()

    world.pass_time(60)

    assert world.service.made == 0


def test_a_premium_format_waits_for_premium(world):
    """It says so, and starts by itself when the account has it."""
    world.rules = (Rule(sep_type=40, output_format=5),)
    world.service.account.enabled = False
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(60)
    reason = world.jobs()[0].reason
    world.service.account.enabled = True

    world.pass_time(700)

    assert "premium" in reason
    assert world.service.made == 1


def test_a_file_too_large_for_the_plan_waits_and_says_so(world):
    """Nothing is uploaded that the plan refuses."""
    world.limits = Limits(max_size_bytes=1000, credits=world.limits.credits)
    write_wav(world.drop / "song.wav")
    world.start()

    world.pass_time(60)

    assert "limits.max_size" in world.jobs()[0].reason
    assert world.service.count("create") == 0


def test_the_ledger_adds_up_to_what_the_service_charged(world):
    """Reserved, charged, settled."""
    three_songs(world, seconds=130)
    world.start()
    world.finish()
    world.pass_time(120)

    today = world.engine.context.today()
    spent = world.store.separations.spent("mvsep", today, today)

    assert spent == 6 == 1000 - world.service.account.credits
    assert {row.credits_charged for row in world.store.separations._rows("1")} == {2}
    assert world.store.separations.reserved_against_balance() == 0


def test_what_the_service_gave_back_is_given_back(world):
    """A failed separation that was refunded does not count against the day."""
    write_wav(world.drop / "song.wav", seconds=130)
    world.start()
    world.pass_time(20)
    world.service.finish(next(iter(world.service.jobs)), status="failed", message="Job failed")

    world.pass_time(200)

    today = world.engine.context.today()
    assert world.store.separations.spent("mvsep", today, today) == 1000 - world.service.account.credits


def test_out_of_credits_closes_one_gate_and_spends_no_attempt(world):
    """What the service says about credits stops new work, and a probe lets it go on."""
    three_songs(world)
    world.service.fault("create", "no_credits")
    world.limits = Limits(uploads=1, credits=world.limits.credits)
    world.start()
    world.pass_time(11)
    gates = {str(gate.name) for gate in world.engine.context.gates()}

    world.finish(rounds=60)

    assert gates == {"credits"}
    assert (world.service.made, set(world.states())) == (3, {"published"})


def test_an_account_that_seems_fine_is_believed_ever_later_while_uploads_are_refused(world):
    """Each refusal costs a whole upload; what the account says anew, or a separation that is taken, ends the doubt."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", *["no_credits"] * 100)
    world.start()
    world.pass_time(3600, step_s=10)
    in_vain = world.service.count("create")
    world.service.account.credits += 50

    world.pass_time(70, step_s=10)
    after = world.service.count("create") - in_vain
    world.service._faults.clear()
    world.service.account.credits += 50
    world.finish()

    assert (3 <= in_vain <= 7, 1 <= after <= 2) == (True, True)
    assert (world.service.made, world.states()) == (1, ["published"])


def test_never_more_unfinished_than_slots(world):
    """Counting what is in flight and what is unknown."""
    world.limits = Limits(separations=2, credits=world.limits.credits)
    for pitch in range(1, 7):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    most = 0
    for _ in range(30):
        world.pass_time(5)
        most = max(most, len(world.service.unfinished))
        if world.service.unfinished:
            world.service.finish(world.service.unfinished[0].hash)

    assert most == 2
    assert world.service.made == 6


def test_what_was_paid_before_adds_nothing_to_a_batch(world):
    """Work that a lost state has paid for is adopted; only what is new counts."""
    three_songs(world)
    world.start()
    world.finish()
    world.lose_state()
    shutil.rmtree(world.stems)
    limited(world, approve_batch_above=1)
    write_wav(world.drop / "new.wav", pitch=9)

    world.start()
    world.finish()

    assert (world.states(), world.service.made) == (["published"] * 4, 4)


def test_what_is_adopted_counts_on_the_day_it_was_paid_for(world):
    """The limits of today are for what is spent today."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.lose_state()
    shutil.rmtree(world.stems)
    world.clock.sleep(36 * 3600.0)

    world.start()
    world.finish()
    world.pass_time(120)

    today = world.engine.context.today()
    assert world.states() == ["published"]
    assert world.store.separations.spent("mvsep", today, today) == 0


def test_refusals_do_not_pause_ever_longer_once_something_is_taken(world):
    """The service takes fewer at once than the limits say: everything gets done, in steps."""
    world.service.slots = 2
    world.service.auto_finish_after = 3
    for pitch in range(1, 13):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()

    world.pass_time(600, step_s=10)

    assert world.states() == ["published"] * 12
    assert world.service.made == 12
