from dataclasses import replace

import pytest

from mvsep_watch.sandbox.catalogue import InputKind
from mvsep_watch.sandbox.jobs import Stage, Status
from mvsep_watch.sandbox.line import QUEUE_S
from mvsep_watch.sandbox.refusals import BUSY, NO_TYPE, PREMIUM_ONLY, RefusalError

from .conftest import NOON, make_order, run_to_the_end

MB = 1024 * 1024


def test_a_job_is_charged_when_it_is_made(make_service):
    """Two minutes of a model with coefficient 1 cost 2."""
    service = make_service(balance=10)

    job = service.create(make_order(seconds=125))

    assert (job.charged, service.accounts.first.credits) == (2, 8)


@pytest.mark.parametrize(("balance", "premium"), [(100, False), (0, True), (1, True)])
def test_without_premium_or_enough_credits_work_is_free(make_service, balance, premium):
    """Such an account is one of the free plan: nothing is charged, one job at a time."""
    service = make_service(balance=balance, premium=premium)

    job = service.create(make_order(seconds=125))

    assert (job.charged, service.accounts.first.credits) == (0, balance)
    with pytest.raises(RefusalError, match=BUSY):
        service.create(make_order(seconds=125))


def test_cancelling_a_waiting_job_gives_the_credits_back(make_service):
    """The job is gone afterwards, and the slot free."""
    service = make_service()
    job = service.create(make_order(seconds=300))

    service.cancel(job.account.token, job.hash)

    assert service.accounts.first.credits == 100
    assert service.find(job.hash) is None
    assert service.unfinished() == []


def test_a_job_that_has_begun_is_not_cancelled(make_service, clock):
    """It goes on and stays paid for."""
    service = make_service()
    job = service.create(make_order())
    clock.now += QUEUE_S
    service.advance()

    with pytest.raises(RefusalError):
        service.cancel(job.account.token, job.hash)

    assert service.accounts.first.credits == 99


def test_a_failed_job_gives_the_credits_back(make_service, clock):
    """Failure is not paid for."""
    service = make_service()
    job = service.create(make_order())
    clock.now += QUEUE_S
    service.advance()

    service.fail(job, "Job failed")

    assert (service.progress(job).status, service.accounts.first.credits) == (Status.FAILED, 100)


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (make_order(sep_type=""), NO_TYPE),
        (make_order(sep_type="9999"), NO_TYPE),
        (make_order(sep_type="68"), "The target_audiofile field is required"),
        (make_order(sep_type="26"), PREMIUM_ONLY),
        (make_order(output_format="4"), "premium"),
        (make_order(output_format="6"), "Invalid parameter"),
        (make_order(add_opt1="nonsense"), "Invalid parameter: add_opt1"),
        (make_order(seconds=601), "10 minutes"),
        (make_order(size=100 * MB + 1), "100 MB"),
        (make_order(seconds=None), "Unable to read"),
    ],
)
def test_the_free_plan_refuses(make_service, order, text):
    """Each refusal says why and makes no job."""
    service = make_service(premium=False)

    with pytest.raises(RefusalError, match=text):
        service.create(order)

    assert service.jobs == []


@pytest.mark.parametrize(
    ("order", "text"), [(make_order(seconds=6001), "100 minutes"), (make_order(size=1000 * MB + 1), "1000 MB")]
)
def test_premium_has_limits_too(make_service, order, text):
    """A thousand megabytes, a hundred minutes."""
    with pytest.raises(RefusalError, match=text):
        make_service(balance=1000).create(order)


def test_premium_may_do_what_free_may_not(make_service):
    """A premium model in a premium format."""
    job = make_service().create(make_order(sep_type="26", output_format="5", seconds=60))

    assert (job.model.sep_type, job.output_format, job.charged) == (26, 5, 2)


def test_options_alone_are_enough_for_a_model_that_takes_no_file(make_service):
    """One credit, whatever comes out, and a hash that tells the model."""
    order = replace(make_order(sep_type="115", add_opt1="Hello", output_format="2"), uploads={})

    job = make_service().create(order)

    assert (job.input_kind, job.inputs, job.charged) == (InputKind.NONE, (), 1)
    assert job.hash.endswith("-bark-speech-gen.flac")


def test_a_pair_is_priced_by_its_target(make_service):
    """And both files are there to be worked on."""
    pair = {
        "target_audiofile": make_order(seconds=125).uploads["audiofile"],
        "reference_audiofile": make_order(seconds=300).uploads["audiofile"],
    }

    job = make_service().create(replace(make_order(sep_type="68"), uploads=pair))

    assert (job.input_kind, job.charged) == (InputKind.PAIR, 2)
    assert [job.upload, job.reference] == list(pair.values())


def test_fields_that_a_model_does_not_have_are_swallowed(make_service):
    """Real clients send them, empty or 0."""
    job = make_service().create(make_order(sep_type="27", add_opt1="", add_opt3="0", is_algo="0"))

    assert job.options == {}


def test_an_unknown_token_is_refused_with_401(make_service):
    """Create is the one call that says 401."""
    with pytest.raises(RefusalError) as caught:
        make_service().create(make_order(token="nobody"))

    assert caught.value.http_status == 401


def test_premium_has_as_many_unfinished_jobs_as_it_likes(make_service):
    """As the service has it, unless a number is set."""
    service = make_service()

    for _ in range(20):
        service.create(make_order())

    assert len(service.unfinished()) == 20


def test_premium_may_have_a_number_of_unfinished_jobs_and_no_more(make_service):
    """The third of two is refused with the recorded words."""
    service = make_service(unfinished=2)
    for _ in range(2):
        service.create(make_order())

    with pytest.raises(RefusalError, match=BUSY):
        service.create(make_order())


def test_the_free_plan_has_fifty_jobs_a_day(make_service, clock):
    """The next day there are fifty more."""
    service = make_service(premium=False)
    for _ in range(50):
        service.create(make_order())
        run_to_the_end(service, clock)
        clock.now = NOON

    with pytest.raises(RefusalError, match="daily limit"):
        service.create(make_order())
    clock.now += 86400
    service.create(make_order())


def test_jobs_start_in_order_as_slots_come_free(make_service, clock):
    """Two slots, three jobs: the third waits until one is done, and its place is shown."""
    service = make_service(slots=2)
    jobs = [service.create(make_order(name=f"{n}.wav")) for n in range(3)]
    places = [service.progress(job).current_order for job in jobs]
    clock.now += QUEUE_S

    first = service.advance()
    for job in first:
        service.finish(job, ())
    clock.now += 100
    second = service.advance()

    assert places == [1, 2, 3]
    assert (first, second) == (jobs[:2], jobs[2:])


def test_a_job_is_done_when_both_its_work_and_its_time_are_over(make_service, clock):
    """Quick machines make nothing earlier than the service says."""
    service = make_service(speed=2)
    job = service.create(make_order(seconds=60))
    clock.now += QUEUE_S / 2
    service.advance()
    seen = [service.progress(job).status]

    service.finish(job, ())
    service.advance()
    seen.append(service.progress(job).status)
    clock.now += (20 + 6) / 2
    service.advance()
    seen.append(service.progress(job).status)

    assert seen == [Status.PROCESSING, Status.PROCESSING, Status.DONE]


def test_long_audio_is_distributed_and_merged(make_service, clock):
    """From a quarter of an hour on, chunks are counted, then joined."""
    service = make_service()
    job = service.create(make_order(seconds=900))
    clock.now += QUEUE_S
    service.advance()
    seen = []

    for _ in range(4):
        progress = service.progress(job)
        seen.append((progress.status, progress.finished_chunks, progress.all_chunks))
        clock.now += job.processing_s * 0.3

    assert seen == [
        (Status.DISTRIBUTING, 0, 3),
        (Status.DISTRIBUTING, 1, 3),
        (Status.DISTRIBUTING, 2, 3),
        (Status.MERGING, None, None),
    ]


def test_results_are_kept_for_72_hours(make_service, clock):
    """Moving the clock is enough to let them expire."""
    service = make_service()
    job = service.create(make_order())
    run_to_the_end(service, clock)
    clock.now = job.created_at

    service.move_clock(72 * 3600 - 1)
    before = service.find(job.hash)
    service.move_clock(1)

    assert (before, service.find(job.hash)) == (job, None)


def test_two_uploads_of_one_name_in_one_second_have_two_hashes(make_service):
    """The digits come from the name, so something has to make them distinct."""
    service = make_service()

    hashes = {service.create(make_order()).hash for _ in range(3)}

    assert len(hashes) == 3


def test_ids_grow_over_restarts(make_service, clock):
    """A sandbox that is started later gives larger numbers, though nothing is kept."""
    before = [make_service().create(make_order()).id for _ in range(1)]
    clock.now += 1

    after = make_service().create(make_order()).id

    assert after > max(before)


def test_a_deleted_job_stays_in_the_history(make_service, clock):
    """It is not found any more, but its row is still there."""
    service = make_service()
    job = service.create(make_order())
    run_to_the_end(service, clock)

    service.delete(job.account.token, job.hash)

    assert service.find(job.hash) is None
    assert [row.stage for row in service.history(job.account)] == [Stage.REMOVED]


def test_the_service_says_when_it_wants_to_be_woken(make_service, clock):
    """At a start, at an end, and not at all while only new work can change anything."""
    service = make_service()
    idle = service.seconds_to_next()
    job = service.create(make_order(seconds=60))
    to_start = service.seconds_to_next()
    clock.now += QUEUE_S
    service.advance()
    while_working = service.seconds_to_next()

    service.finish(job, ())

    assert (idle, to_start, while_working, service.seconds_to_next()) == (None, QUEUE_S, None, 26)
