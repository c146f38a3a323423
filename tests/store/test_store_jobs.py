"""Jobs, sources, batches and approvals as rows."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mvsep_watch.model import BatchOrigin, HoldKind, JobState, Output, Settings

ANY_BYTES = Path(os.fsdecode(b"/out/caf\xe9\xff \n"))


def test_a_job_comes_back_as_it_was_added(desk):
    """Every value, with its type."""
    job = desk.job(priority=3, redo_of=None, attempt_wanted=2, replaces=True)

    assert (job.state, job.priority, job.attempt_wanted, job.replaces) == (JobState.QUEUED, 3, 2, True)
    assert (job.output_root, job.final, job.separation_id, job.hold) == (Path("/out"), Path("/out/a"), None, None)


def test_a_job_that_is_not_there_is_none(store):
    """A command may name any number."""
    assert store.jobs.get(7) is None


def test_paths_are_the_bytes_that_the_kernel_knows(desk):
    """No name is too strange to be remembered, reserved and found again."""
    source_id = desk.source(ANY_BYTES)
    job = desk.job(source_id=source_id, final=ANY_BYTES)

    assert desk.store.sources.get(source_id).path == ANY_BYTES
    assert desk.store.sources.at(os.fsdecode(os.fsencode(ANY_BYTES))).id == source_id
    assert job.final == ANY_BYTES
    assert desk.store.jobs.is_reserved(ANY_BYTES)


def test_every_change_of_state_is_written_down_with_its_reason(desk):
    """`show` tells a job's life from it."""
    job = desk.job()
    desk.store.jobs.move(job, JobState.SUBMITTED, now=2.0, reason="sent")
    desk.store.jobs.hold(desk.store.jobs.get(job.id), HoldKind.TROUBLE, now=3.0, reason="broken", hint="mend it")

    assert desk.transitions() == [
        ("job", None, "queued", ""),
        ("job", "queued", "submitted", "sent"),
        ("job", "submitted", "held", "broken"),
    ]


def test_a_job_that_goes_on_leaves_its_trouble_behind(desk):
    """Reason, hint, hold, delay and failures belong to the state that it has left."""
    job = desk.job()
    desk.store.jobs.wait(job, reason="no", hint="do", not_before=99.0, failures=4)
    desk.store.jobs.hold(desk.store.jobs.get(job.id), HoldKind.PRICE, now=3.0, reason="dear", hint="approve", price=9)
    desk.store.jobs.move(desk.store.jobs.get(job.id), JobState.QUEUED, now=4.0)

    after = desk.store.jobs.get(job.id)
    assert (after.reason, after.hint, after.hold, after.resume, after.price) == ("", "", None, None, None)
    assert (after.failures, after.not_before, after.finished_at) == (0, 0.0, None)


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.SUBMITTED, JobState.SEPARATED, JobState.FETCHED])
def test_a_held_job_remembers_where_to_resume(desk, state):
    """Also when it is held a second time, for another reason."""
    job = desk.job()
    if state != JobState.QUEUED:
        desk.store.jobs.move(job, state, now=2.0)
    for kind in (HoldKind.TROUBLE, HoldKind.ELSEWHERE):
        desk.store.jobs.hold(desk.store.jobs.get(job.id), kind, now=3.0, reason="r", hint="h")

    held = desk.store.jobs.get(job.id)
    assert (held.state, held.hold, held.resume) == (JobState.HELD, HoldKind.ELSEWHERE, state)


def test_waiting_jobs_come_by_priority_and_age(desk):
    """Those that are due, without those in other hands, without what has a separation, of one folder."""
    jobs = [desk.job(priority=priority).id for priority in (0, 5, 0, 5, 9)]
    desk.job(folder="other")
    served = desk.job()
    desk.store.jobs.set(served.id, separation_id=desk.intent().id)
    late = desk.job(priority=10)
    desk.store.jobs.wait(late, reason="r", hint="h", not_before=50.0)

    def waiting(**changes):
        return [job.id for job in desk.store.jobs.waiting("drop", **{"now": 10.0, "limit": 9} | changes)]

    assert waiting() == [jobs[4], jobs[1], jobs[3], jobs[0], jobs[2]]
    assert waiting(limit=2, except_for=(jobs[4],)) == [jobs[1], jobs[3]]
    assert waiting(now=50.0)[0] == late.id
    assert desk.store.jobs.folders_waiting() == ["drop", "other"]


def test_no_folder_waits_in_an_empty_state(store):
    """The first turn of the first run."""
    assert store.jobs.folders_waiting() == []


def test_due_jobs_come_in_the_order_in_which_they_became_due(desk):
    """One state at a time."""
    jobs = [desk.job() for _ in range(3)]
    for job, not_before in zip(jobs, (5.0, 0.0, 99.0), strict=True):
        desk.store.jobs.move(job, JobState.SEPARATED, now=2.0)
        desk.store.jobs.wait(job, reason="", hint="", not_before=not_before)

    assert [job.id for job in desk.store.jobs.due(JobState.SEPARATED, now=10.0, limit=9)] == [jobs[1].id, jobs[0].id]
    assert desk.store.jobs.due(JobState.FETCHED, now=10.0, limit=9) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(list(JobState))), max_size=25))
@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_counts_are_those_of_the_rows(desk, moves):
    """Kept by triggers, whatever happens to jobs."""
    while len(desk.store.jobs.of_source(desk.source())) < 6:
        desk.job()
    ids = [job.id for job in desk.store.jobs.of_source(desk.source())]
    for index, state in moves:
        desk.store.jobs.move(desk.store.jobs.get(ids[index]), state, now=2.0)

    rows = desk.store.db.all("SELECT state, count(*) FROM jobs GROUP BY state")
    assert {state: n for state, n in desk.store.jobs.counts().items() if n} == {row[0]: row[1] for row in rows}
    assert set(desk.store.jobs.counts()) == set(JobState)


def test_live_jobs_are_those_that_something_is_still_to_be_done_for(desk):
    """Held ones too: a person will do it."""
    jobs = {state: desk.job(final=f"/out/{state}/x") for state in JobState}
    for state, job in jobs.items():
        desk.store.jobs.move(job, state, now=2.0)
    desk.store.jobs.set(jobs[JobState.HELD].id, hold=HoldKind.UNKNOWN)
    live = [job.id for state, job in jobs.items() if state.is_live]

    assert [job.id for job in desk.store.jobs.live()] == live
    assert sorted(desk.store.jobs.live_ids()) == live
    assert {parent.name for parent in desk.store.jobs.parents_of_live()} >= {state for state in jobs if state.is_live}
    assert [job.id for job in desk.store.jobs.held(HoldKind.UNKNOWN)] == [jobs[JobState.HELD].id]
    assert desk.store.jobs.held(HoldKind.PRICE) == []


def test_a_separation_knows_the_jobs_it_serves_and_ever_served(desk):
    """The live ones wait for it; the finished ones have its outputs."""
    row = desk.intent()
    jobs = [desk.job() for _ in range(3)]
    for job in jobs[:2]:
        desk.store.jobs.set(job.id, separation_id=row.id)
    desk.store.jobs.move(jobs[0], JobState.PUBLISHED, now=2.0)

    assert [job.id for job in desk.store.jobs.of_separation(row.id)] == [jobs[1].id]
    assert [job.id for job in desk.store.jobs.ever_of_separation(row.id)] == [jobs[0].id, jobs[1].id]
    assert [job.id for job in desk.store.jobs.on_bytes(jobs[0].input_key)] == [job.id for job in jobs]


@pytest.mark.parametrize(("state", "reserved"), [(s, s not in ("failed", "cancelled")) for s in JobState])
def test_a_folder_is_reserved_by_who_has_published_or_may(desk, state, reserved):
    """A failed or cancelled job gives its name back."""
    desk.store.jobs.move(desk.job(), state, now=2.0)

    assert desk.store.jobs.is_reserved(Path("/out/a")) is reserved
    assert not desk.store.jobs.is_reserved(Path("/out/b"))


def test_settings_are_those_that_were_planned_first(desk):
    """A default that the service changes later does not change what known work is."""
    asked = {"realm": "mvsep", "input_key": desk.job().input_key, "asked": "[40]"}
    first = desk.store.jobs.settings_planned_before(**asked)
    for text in ("one", "two"):
        desk.store.jobs.set(desk.job().id, settings=text)

    assert first is None
    assert desk.store.jobs.settings_planned_before(**asked) == "one"
    assert desk.store.jobs.settings_planned_before(**asked | {"realm": "sandbox"}) is None


def test_outputs_are_replaced_as_a_whole(desk):
    """A second fetch leaves nothing of the first."""
    job = desk.job()
    outputs = [
        Output(stem=name, name=f"{name}.flac", size_bytes=1, sha256=name) for name in ("Vocals", "Drums", "Bass")
    ]
    desk.store.jobs.set_outputs(job.id, outputs)
    desk.store.jobs.set_outputs(job.id, outputs[1:])

    assert desk.store.jobs.outputs(job.id) == tuple(outputs[1:])


def test_a_batch_takes_jobs_until_it_is_closed(desk):
    """One open batch for each folder and origin."""
    approvals = desk.store.approvals
    scan, events = (approvals.open_batch("drop", origin, now=1.0, must_ask=True) for origin in BatchOrigin)
    same = approvals.open_batch("drop", BatchOrigin.SCAN, now=2.0)
    approvals.close_batch(scan, now=3.0)
    after = approvals.open_batch("drop", BatchOrigin.SCAN, now=5.0)

    assert same == scan
    assert len({scan, events, after}) == 3
    assert (approvals.batch(scan)["closed_at"], approvals.batch(scan)["must_ask"]) == (3.0, 1)
    assert approvals.batch(99) == {}
    assert approvals.batch(approvals.approved_batch(now=7.0))["approved_at"] == 7.0


def test_old_batches_of_an_origin_are_closed_together(desk):
    """Those that were opened later, and those of another origin, go on."""
    approvals = desk.store.approvals
    old, other = (approvals.open_batch("drop", origin, now=1.0) for origin in (BatchOrigin.EVENTS, BatchOrigin.SCAN))
    late = approvals.open_batch("later", BatchOrigin.EVENTS, now=5.0)
    approvals.close_old_batches(BatchOrigin.EVENTS, opened_before=5.0, now=9.0)

    assert [approvals.batch(batch)["closed_at"] for batch in (old, other, late)] == [9.0, None, None]


def test_a_batch_gives_its_live_jobs_from_where_one_left_off(desk):
    """So that a growing batch is summed up without counting anew."""
    jobs = [desk.job() for _ in range(3)]
    desk.store.jobs.move(jobs[1], JobState.CANCELLED, now=2.0)

    found = [[job.id for job in desk.store.jobs.of_batch(jobs[0].batch_id, after=after)] for after in (0, jobs[0].id)]

    assert found == [[jobs[0].id, jobs[2].id], [jobs[2].id]]


def test_an_approval_is_for_one_attempt_of_one_work_and_the_latest_price_counts(desk):
    """Nothing else is approved by it."""
    settings = Settings(sep_type=40)
    desk.store.jobs.set(desk.job().id, settings=settings.canonical())
    job = desk.store.jobs.get(1)
    asked = {"realm": job.realm, "input_key": job.input_key, "settings": settings, "attempt": 2}

    before = desk.store.approvals.approved(**asked)
    for credits_ in (5, 8):
        desk.store.approvals.approve(job, attempt=2, credits_=credits_, now=1.0)

    assert before == (False, None)
    assert desk.store.approvals.approved(**asked) == (True, 8)
    assert desk.store.approvals.approved(**asked | {"attempt": 1}) == (False, None)
    assert desk.store.approvals.approved(**asked | {"realm": "sandbox"}) == (False, None)
    desk.store.approvals.approve(job, attempt=3, credits_=None, now=1.0)
    assert desk.store.approvals.approved(**asked | {"attempt": 3}) == (True, None)
