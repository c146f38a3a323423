"""Rules of the protocol at awkward moments: changed accounts and hosts, jumping clocks, kills, lost states, doubts."""

import shutil

import pytest

from mvsep_watch.files.staging import Staging
from mvsep_watch.model import CreditLimits, Limits
from mvsep_watch.steps.publish import Publish
from tests.daemon.test_requests import append, ask
from tests.daemon.world import FakeClock, World, be_prompt, lose_all_memory, rows, write_wav
from tests.fakes.answers import refusal

OTHER_TOKEN = "OtherTokenOfThirtyLetters01234"
YEARS_S = 10 * 365 * 24 * 3600.0


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


def kill(*_, **__):
    raise Killed


class JumpingClock(FakeClock):
    """A wall clock that somebody sets, beside a monotonic clock that nobody can."""

    def __init__(self):
        super().__init__()
        self.jumped_s = 0.0

    def now(self):
        return self.at + self.jumped_s


@pytest.fixture
def jumping(tmp_path):
    """A world whose wall clock may jump; the service's does not."""
    world = World(tmp_path)
    world.clock = JumpingClock()
    world.service.clock = lambda: world.clock.at
    yield world
    world.stop()


def submit(world, **song):
    write_wav(world.drop / "song.wav", **song)
    world.start()
    world.pass_time(20)


def intend(world, **song):
    """Stop where the intent is committed and nothing has left."""
    write_wav(world.drop / "song.wav", **song)
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)


def refuse(world):
    """Stop where the service has refused for now what was released, and it waits to be sent again."""
    path = write_wav(world.drop / "song.wav")
    world.service.fault("create", "429")
    world.start()
    while not any(row.releases for row in rows(world)):
        world.pass_time(1, step_s=1)
    return path


def let_go(world):
    world.hands.held = set()
    world.hands.go_on()


def another_account(world):
    world.service.add_account(OTHER_TOKEN, email="other@example.com", credits=100, premium=True)
    world.service_options = {**world.service_options, "token": OTHER_TOKEN}


def count_uploads(world):
    """Count the uploads that are begun, whatever becomes of them."""
    begun = []
    create = world.client.create

    def counted(*args, **options):
        begun.append(args[0])
        return create(*args, **options)

    world.client.create = counted
    return begun


# Realm, account and host


def test_an_intent_for_another_mirror_is_made_anew(world):
    """What was intended for one host is never sent to another: it would be asked for in the wrong place."""
    intend(world)
    world.service.base_url = "https://de.mvsep.com"

    world.restart()
    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)
    assert {row.host for row in rows(world)} == {"https://de.mvsep.com"}


def test_an_intent_of_another_realm_is_never_sent(world):
    """Not even to an account of the same name."""
    intend(world)
    world.service.base_url = "http://127.0.0.1:8080"

    world.restart()
    world.pass_time(300)

    assert (world.states(), world.service.made) == (["queued"], 0)


def test_an_unknown_is_not_judged_by_the_history_of_another_account(world):
    """It is held until its own account is back, and found there."""
    be_prompt(world)
    write_wav(world.drop / "song.wav", pitch=2)
    world.service.fault("create", "drop_after_made")
    world.service.history_lag_s = 60.0
    world.rescan()
    world.pass_time(10)
    another_account(world)
    world.restart()
    world.pass_time(600)
    held = [(str(job.state), job.hold) for job in world.jobs()[1:]]
    uploads = len(world.service.uploads)

    world.service_options = {}
    world.restart()
    world.finish()

    assert (held, uploads) == ([("held", "elsewhere")], 2)
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_what_waits_to_be_sent_again_is_not_sent_for_another_account(world):
    """Not one byte of it is uploaded in vain."""
    refuse(world)
    another_account(world)
    world.restart()
    begun = count_uploads(world)

    world.pass_time(600)

    assert len(begun) <= 1
    assert world.states() in (["held"], ["submitted"])


def test_results_of_another_realm_are_not_called_gone(world):
    """The sandbox is away, and the real service knows nothing of its work."""
    world.service.base_url = "http://127.0.0.1:8080"
    submit(world)
    world.hands.held = {"downloads"}
    world.service.finish_all()
    world.pass_time(60)
    world.service.base_url = "https://mvsep.com"
    world.restart()
    world.pass_time(900)
    waits = world.states()
    world.service.base_url = "http://127.0.0.1:8080"

    world.restart()
    world.finish()

    assert waits == ["separated"]
    assert world.states() == ["published"]


def test_what_a_sandbox_did_is_not_known_to_the_service(world):
    """A file that was tried out is separated for real once the real service is configured."""
    world.service.base_url = "http://127.0.0.1:8080"
    path = write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.service.base_url = "https://mvsep.com"
    world.service.jobs.clear()
    world.restart()
    path.touch()
    world.rescan()

    world.finish()

    assert [(job.realm, str(job.state)) for job in world.jobs()] == [("sandbox", "published"), ("mvsep", "published")]


# Adoption


def redo_fails(world):
    """Publish attempt 1, and let attempt 2 fail."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    job = world.jobs()[0]
    ask(world, "redo", {"id": job.id, "attempt": 2, "price": 1, "settings": job.settings})
    world.pass_time(20)
    world.service.finish(list(world.service.jobs)[-1], status="failed", message="Job failed")
    world.pass_time(60)


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_lost_state_takes_the_attempt_that_is_done(world, attempts):
    """The newest attempt failed, an older one is done and paid: nothing is paid again."""
    redo_fails(world)
    world.limits = Limits(attempts=attempts, credits=world.limits.credits)
    lose_all_memory(world)

    world.start()
    world.finish(rounds=120)

    assert (world.service.made, world.states()) == (2, ["published"])


def test_adopted_work_that_has_expired_is_held(world):
    """It was paid for once; only a person may have it paid for again."""
    submit(world)
    world.service.finish_all()
    world.clock.sleep(80 * 3600.0)
    lose_all_memory(world)

    world.start()
    world.pass_time(900)

    assert (world.service.made, world.states()) == (1, ["held"])


# Release


def test_a_root_that_fails_at_the_claim_closes_its_gate_and_opens_it_again(world):
    """The disk came off between the upload and its last chunk."""
    intend(world)
    aside = world.stems.rename(world.base / "aside")
    let_go(world)
    world.pass_time(30)
    gates = {(str(gate.name), bool(gate.scope)) for gate in world.engine.context.gates()}
    aside.rename(world.stems)

    world.pass_time(130)
    world.finish()

    assert gates == {("disk", True)}
    assert (world.states(), world.service.made) == (["published"], 1)


def test_nothing_is_sent_before_its_output_root_was_looked_at(world):
    """Whose outputs these are must be known before anything is paid."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held = {"filing"}

    world.pass_time(120)

    assert world.service.made == 0


def test_a_price_that_became_nothing_is_read_again(world):
    """Premium went off after the intent and on again before the release: the balance is asked for once more."""
    intend(world)
    world.service.account.enabled = False
    world.pass_time(320)
    world.service.account.enabled = True
    let_go(world)

    world.finish()

    assert {(row.credits_estimated, row.credits_charged) for row in rows(world)} == {(1, 1)}


def test_nothing_is_uploaded_again_while_a_gate_is_closed(world):
    """An upload that would be told no at its end is not begun."""
    refuse(world)
    begun = count_uploads(world)
    world.engine.context.close_gate("paused", "paused by a person")

    world.pass_time(900)

    assert begun == []


def test_what_cannot_be_sent_again_gives_its_slot_back(world):
    """The source went away between a refusal and the next try."""
    path = refuse(world)
    path.unlink()

    world.pass_time(300)

    assert (world.states(), world.store.separations.slots_taken()) == (["cancelled"], 0)
    today, separations = world.engine.context.today(), world.store.separations
    assert (separations.reserved_against_balance(), separations.spent("mvsep", today, today)) == (0, 0)


def test_a_source_that_comes_back_after_a_refusal_is_sent(world):
    """Nothing was paid for it yet."""
    path = refuse(world)
    aside = path.rename(world.base / "aside.wav")
    world.pass_time(300)
    aside.rename(path)
    world.rescan()

    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)


def test_a_cancelled_upload_that_is_refused_gives_its_slot_back(world):
    """Cancelled while its answer was awaited, and the answer is no."""

    def cancel_first(*_):
        append(world, "cancel", 1)
        world.engine.desks.commands.work()
        return refusal("Too Many Attempts.", status=429)

    write_wav(world.drop / "song.wav")
    world.service.fault("create", cancel_first)
    world.start()

    world.pass_time(120)

    assert (world.states(), world.service.made) == (["cancelled"], 0)
    assert world.store.separations.slots_taken() == 0


# Clocks


def test_a_clock_set_back_by_years_stops_nothing(jumping):
    """What was due in a minute is due in a minute, whatever the date."""
    submit(jumping)
    jumping.clock.jumped_s = -YEARS_S

    jumping.finish()

    assert (jumping.states(), jumping.service.made) == (["published"], 1)


def test_a_clock_set_back_while_nothing_runs_stops_nothing(jumping):
    """The next process finds due times of a far future."""
    submit(jumping)
    jumping.stop()
    jumping.clock.jumped_s = -YEARS_S
    jumping.start()

    jumping.finish()

    assert (jumping.states(), jumping.service.made) == (["published"], 1)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_clock_set_back_holds_up_nothing_that_was_refused_as_one_too_many(jumping, restarts):
    """Whether it was made is seen in the next look at the account, whatever the date."""
    write_wav(jumping.drop / "song.wav")
    jumping.service.fault("create", "too_many")
    jumping.start()
    while not any(row.is_doubted for row in rows(jumping)):
        jumping.pass_time(1, step_s=1)
    jumping.stop() if restarts else None
    jumping.clock.jumped_s = -YEARS_S
    jumping.start() if restarts else None

    jumping.finish(rounds=120)

    assert (jumping.states(), jumping.service.made) == (["published"], 1)


def test_a_clock_set_forward_by_years_loses_nothing(jumping):
    """The service cannot be asked for a moment just then; what it still keeps is not lost."""
    submit(jumping)
    jumping.clock.jumped_s = YEARS_S
    jumping.service.fault("get", *["drop"] * 3)

    jumping.finish(rounds=120)

    assert (jumping.states(), jumping.service.made) == (["published"], 1)


def test_an_unknown_is_not_lost_by_a_clock_that_was_set_forward(jumping):
    """The history lists it a little later; it is looked for as long as ever."""
    be_prompt(jumping)
    jumping.service.history_lag_s = 50.0
    write_wav(jumping.drop / "song.wav", pitch=2)
    jumping.service.fault("create", "drop_after_made")
    jumping.rescan()
    jumping.pass_time(12)
    jumping.clock.jumped_s = YEARS_S

    jumping.finish(rounds=120)

    assert (jumping.states(), jumping.service.made) == (["published"] * 2, 2)


def test_money_moves_to_the_day_of_the_release(world):
    """Intended before midnight, sent after it: it counts where it was spent."""
    intend(world)
    before = world.engine.context.today()
    while world.engine.context.today() == before:
        world.pass_time(3600, step_s=600)
    let_go(world)
    world.settle()

    after = world.engine.context.today()

    assert [world.store.separations.spent("mvsep", day, day) for day in (before, after)] == [0, 1]


# Ends


def test_a_kill_while_an_end_is_recorded_leaves_no_job_behind(world, monkeypatch):
    """A separation and its jobs change together."""
    submit(world)
    another_account(world)
    world.restart()
    world.pass_time(10)
    monkeypatch.setattr(world.engine.desks.finishing, "separation_ended", kill)
    world.clock.sleep(80 * 3600.0)
    with pytest.raises(Killed):
        world.pass_time(300)
    world.restart()
    world.pass_time(300)

    assert [(str(job.state), job.hold) for job in world.jobs()] == [("held", "ended")]


def test_a_job_held_for_its_price_goes_on_when_its_work_is_done(world):
    """Another job's batch was approved; the work of both is paid for once."""
    world.limits = Limits(credits=CreditLimits(approve_batch_above=1))
    for pitch in (1, 2):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.pass_time(60)
    held = world.states()
    other = world.base / "other"
    other.mkdir()
    shutil.copy(world.drop / "1.wav", other / "again.wav")
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    world.restart()

    world.finish()

    assert held == ["held", "held"]
    assert (sorted(world.states()), world.service.made) == (["held", "published", "published"], 1)


def test_a_bug_with_an_answer_leaves_no_outcome_unlooked_for(world, monkeypatch):
    """The answer was lost inside: it is an unknown like any other."""
    write_wav(world.drop / "song.wav")
    world.start()
    sent = world.engine.desks.sending.sent
    calls = []

    def breaks_once(step, result):
        calls.append(step)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        sent(step, result)

    monkeypatch.setattr(world.engine.desks.sending, "sent", breaks_once)

    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)


# Gates


def test_a_closed_gate_is_probed_within_a_minute(world):
    """Also one that closes long after the account was last read."""
    be_prompt(world)
    world.pass_time(100)
    write_wav(world.drop / "song.wav", pitch=2)
    world.service.fault("create", "no_credits")
    world.rescan()
    while not world.engine.context.gates():
        world.pass_time(1, step_s=1)

    world.pass_time(65, step_s=5)

    assert world.engine.context.gates() == ()


def test_a_disk_that_was_full_is_probed_within_a_minute(world):
    """The gate was closed by a download, long before the next regular look."""
    submit(world)
    aside = world.stems.rename(world.base / "aside")
    world.service.finish_all()
    while not world.engine.context.gates():
        world.pass_time(1, step_s=1)
    aside.rename(world.stems)

    world.pass_time(65, step_s=5)

    assert world.engine.context.gates() == ()


# Publishing


def redo_replacing(world):
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    job = world.jobs()[0]
    item = {"id": job.id, "attempt": 2, "price": 1, "settings": job.settings, "replace": True}
    ask(world, "redo", item)
    world.pass_time(20)


def test_a_kill_after_an_exchange_leaves_no_staging(world, monkeypatch):
    """The new outputs are in place; the old ones, in the staging, go."""
    redo_replacing(world)
    world.hands.held = {"filing"}
    world.service.finish_all()
    world.pass_time(30)
    step = next(step for step in world.hands.waiting if isinstance(step, Publish))
    with monkeypatch.context() as patch:
        patch.setattr(Staging, "discard", kill)
        with pytest.raises(Killed):
            step.perform(world.hands.tools)

    world.restart()
    world.finish()

    assert world.states() == ["published", "published"]
    assert list(world.stems.rglob("*.part")) == []


def test_redo_replaces_a_folder_that_is_no_longer_there(world):
    """Nothing is in the way: it is published plainly."""
    redo_replacing(world)
    shutil.rmtree(world.stems / "song")
    world.service.finish_all()

    world.finish()

    assert world.states() == ["published", "published"]


# Refused, and made after all


def refuse_what_was_made(world, *, lag_s=20.0):
    """Let the service say that it takes no more, of what it has just taken; the history lists it a little later."""
    world.service.history_lag_s = lag_s
    write_wav(world.drop / "song.wav")
    world.service.fault("create", "too_many_after_made")
    world.start()
    while not any(row.releases for row in rows(world)):
        world.pass_time(1, step_s=1)


def test_a_restart_does_not_send_again_what_may_have_been_made(world):
    """The next process gives the history as much time as the last one would have."""
    refuse_what_was_made(world)

    world.restart()
    world.finish(rounds=60)

    assert (world.service.made, world.states()) == (1, ["published"])


def test_what_may_have_been_made_is_not_sent_by_another_account(world):
    """Whose history knows nothing of it: it is held until its own account is back."""
    refuse_what_was_made(world)
    another_account(world)
    world.restart()
    world.pass_time(300)
    held = (world.states(), world.jobs()[0].hold)
    world.service_options = {}

    world.restart()
    world.finish()

    assert held == (["held"], "elsewhere")
    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_cancelled_job_that_was_made_after_all_is_cancelled_with_the_service(world):
    """It is looked for first, and its credits come back."""
    refuse_what_was_made(world)
    ask(world, "cancel", 1)

    world.pass_time(200)

    assert (world.states(), world.service.unfinished) == (["cancelled"], [])
    assert world.service.account.credits == 1000


def test_two_works_that_are_to_be_sent_again_do_not_wait_for_each_other(world):
    """One slot, and each was certainly not made: they go one after the other."""
    be_prompt(world)
    for pitch in (1, 2):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.service.fault("create", "drop_before_made", "drop_before_made")
    world.rescan()
    world.pass_time(10)
    world.limits = Limits(separations=1, credits=world.limits.credits)
    world.restart()

    world.finish(rounds=120)

    assert (world.states(), world.service.made) == (["published"] * 3, 3)


def test_another_account_has_slots_of_its_own(world):
    """What is under way on one account keeps no work of the other waiting."""
    world.limits = Limits(separations=1, credits=world.limits.credits)
    submit(world)
    another_account(world)
    world.restart()
    write_wav(world.drop / "other.wav", pitch=2)
    world.rescan()

    world.pass_time(60)

    assert (world.states(), world.service.made) == (["held", "submitted"], 2)
