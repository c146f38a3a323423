"""What commands ask beside a writing daemon: whole answers, nothing changed, and no cost for what was finished."""

import pytest

from mvsep_watch.errors import StateError
from mvsep_watch.model import HoldKind, JobState, Output
from mvsep_watch.store import open_still
from mvsep_watch.store.views import Views
from tests.store.test_store_cost import Watched, scans_whole

CHEAP = {
    "live": lambda views: views.live(),
    "live, the newest": lambda views: views.live(limit=5),
    "held": lambda views: views.in_state(JobState.HELD),
    "failed": lambda views: views.groups(JobState.FAILED, of_latest=50),
    "by id": lambda views: views.views(views.by_id([1, 2])),
    "of sources": lambda views: views.views(views.of_sources([1])),
    "at a folder": lambda views: views.at_final("/out/a"),
    "transitions": lambda views: views.transitions(job=1, separations=[1]),
    "ledger": lambda views: views.ledger(1),
}


@pytest.mark.parametrize("question", CHEAP)
def test_what_is_asked_all_the_time_looks_through_no_table(store, question):
    """The cost is what is live and what is shown."""
    watched = store.db._connection = Watched(store.db._connection)

    CHEAP[question](Views(store.db))

    assert watched.plans
    assert [plan for plan in watched.plans if scans_whole(plan)] == []


def test_the_latest_come_last_and_no_more_than_asked_for(store, desk):
    """A first page, however long the list."""
    for number in range(1, 8):
        desk.store.jobs.move(desk.job(final=f"/out/{number}"), JobState.PUBLISHED, now=2.0)
    desk.job(final="/out/live")
    views = Views(store.db)

    finished = [job.id for job in views.finished(limit=3)]

    assert (finished, [job.id for job in views.live(limit=3)]) == ([5, 6, 7], [8])


def test_a_view_has_what_belongs_to_a_job(store, desk):
    """Its source, its separation, whom it waits for, and what is published."""
    first, second = desk.job(final="/out/1"), desk.job(final="/out/2", source_id=desk.source("/drop/b.wav"))
    row = desk.intent()
    for job in (first, second):
        store.jobs.set(job.id, separation_id=row.id)
    output = Output(stem="Vocals", name="Vocals.wav", size_bytes=1, sha256="00")
    store.jobs.set_outputs(first.id, [output])
    views = Views(store.db)

    _, waiting = views.views(views.live())

    assert (str(waiting.source), waiting.separation.id, waiting.carrier, waiting.outputs) == (
        "/drop/b.wav",
        row.id,
        first.id,
        (),
    )


def test_held_jobs_are_gathered_by_reason_with_their_sum(store, desk):
    """What needs a person is said once, not a thousand times."""
    for number, price in enumerate((2, 3, None)):
        job = desk.job(final=f"/out/{number}")
        reason = "dear" if price else "of unknown price"
        store.jobs.hold(job, HoldKind.PRICE, now=2.0, reason=reason, hint="`approve`", price=price)

    groups = Views(store.db).groups(JobState.HELD, of_latest=50)

    assert [(group.reason, group.jobs, group.price) for group in groups] == [
        ("dear", (1, 2), 5),
        ("of unknown price", (3,), None),
    ]


def test_a_failed_job_that_was_followed_by_another_needs_nobody(store, desk):
    """The newer job of the same file and rule speaks for it."""
    for number in (1, 2):
        store.jobs.move(desk.job(final=f"/out/{number}"), JobState.FAILED, now=2.0, reason="no")
    store.jobs.move(desk.job(final="/out/3", rule="drums"), JobState.FAILED, now=2.0, reason="no")

    groups = Views(store.db).groups(JobState.FAILED, of_latest=50)

    assert [group.jobs for group in groups] == [(2, 3)]


def test_a_reader_sees_one_instant_while_the_daemon_writes(store, desk):
    """Counts and rows of one answer fit together."""
    desk.job()
    reader = open_still(store.path)
    views = Views(reader)

    with views.at_one_instant():
        before = len(views.live())
        desk.job(final="/out/b")
        during = len(views.live())
    after = len(views.live())
    reader.close()

    assert (before, during, after) == (1, 1, 2)


def test_a_reader_changes_nothing(store, desk):
    """Not even by mistake."""
    desk.job()
    reader = open_still(store.path)

    with pytest.raises(StateError, match="readonly"):
        reader.run("DELETE FROM jobs")

    reader.close()


def test_the_meaning_of_an_asking_is_what_it_meant_last(store, desk):
    """For any input; unknown where it was never planned."""
    for number, settings in enumerate(("old", "new")):
        store.jobs.set(desk.job(final=f"/out/{number}").id, settings=settings)
    views = Views(store.db)

    assert (views.meaning_of("[40]", realm="mvsep"), views.meaning_of("[41]", realm="mvsep")) == ("new", None)
