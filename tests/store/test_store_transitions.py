"""What happened to jobs since somebody looked last."""

from mvsep_watch.model import HoldKind, JobState


def hold(store, job, reason):
    store.jobs.hold(store.jobs.get(job.id), HoldKind.TROUBLE, now=2.0, reason=reason, hint="do this")


def test_what_came_to_a_state_and_is_in_it_is_news_once(store, desk):
    """With its words of now, and the file's path; what was told before is not, and what went on is not."""
    old, held, gone, failed = (desk.job(source_id=desk.source(f"/drop/{n}.wav"), final=f"/out/{n}") for n in range(4))
    hold(store, old, "old")
    known = store.transitions.newest
    hold(store, held, "first")
    hold(store, held, "second")
    hold(store, gone, "over")
    store.jobs.move(store.jobs.get(gone.id), JobState.QUEUED, now=3.0)
    store.jobs.move(failed, JobState.FAILED, now=3.0, reason="broken")

    found = list(store.transitions.arrived([JobState.HELD, JobState.FAILED], after=known))
    only_failed = list(store.transitions.arrived([JobState.FAILED], after=known))

    assert [(job.id, job.state, job.reason, job.hint, str(job.path)) for job in found] == [
        (held.id, "held", "second", "do this", "/drop/1.wav"),
        (failed.id, "failed", "broken", "", "/drop/3.wav"),
    ]
    assert only_failed == found[1:]
    assert list(store.transitions.arrived([JobState.HELD], after=store.transitions.newest)) == []


def test_each_coming_to_a_state_is_counted(store, desk):
    """Another reason in the same state is none; nor is what happens to a separation."""
    job = desk.job()
    desk.intent()
    known = store.transitions.newest
    hold(store, job, "first")
    hold(store, job, "second")
    store.jobs.move(store.jobs.get(job.id), JobState.QUEUED, now=3.0)
    hold(store, job, "third")

    assert store.transitions.counts(after=known) == {"held": 2, "queued": 1}
    assert store.transitions.counts(after=0) == {"held": 2, "queued": 2}
