"""What a sidecar says is put back once, beside whatever the state knows of it."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from mvsep_watch.model import HoldKind, JobState, Output, Provenance, SeparationState
from mvsep_watch.naming import OutputPlace
from mvsep_watch.store.restoring import Published, Restored, Restoring
from tests.store.conftest import WORK

SAID = Provenance(
    state_id="lost",
    job_id=7,
    source_name="a.wav",
    source_size_bytes=10,
    source_sha256="a" * 64,
    folder="drop",
    rule="vocals",
    realm=WORK.realm,
    host="https://mvsep.com",
    account="me",
    input_key=WORK.input_key,
    settings=WORK.settings.canonical(),
    attempt=1,
    algorithm="a model",
    hash="20260301120000-aaaaaaaaaa-song.wav",
    tag=WORK.tag(1),
    queued_at="2026-03-01T11:59:00+00:00",
    submitted_at="2026-03-01T12:00:00+00:00",
    fetched_at="2026-03-01T12:05:00+00:00",
    credits_estimated=5,
    credits_charged=4,
    outputs=(Output(stem="Vocals", name="Vocals.wav", size_bytes=3, sha256="b" * 64),),
)
FOUND = Published.of(SAID, place=OutputPlace(Path("/out/a")), root=Path("/out"), source=Path("/drop/a.wav"))
NEW, KNOWN = Restored(job=True, separation=True), Restored(job=False, separation=False)


def test_a_sidecar_is_taken_once(store):
    """The second time it is known."""
    restoring = Restoring(store.db)

    assert [restoring.take(FOUND, now=9.0) for _ in range(2)] == [NEW, KNOWN]
    assert (store.jobs.get(1).state, store.separations.get(1).state) == (JobState.PUBLISHED, SeparationState.DONE)


def test_what_was_charged_is_in_the_ledger_on_its_day(store, desk):
    """The limits of a month outlive a lost state; a day is one of where the daemon runs."""
    day = dt.datetime.fromisoformat(SAID.submitted_at).astimezone().date().isoformat()

    Restoring(store.db).take(FOUND, now=9.0)

    assert (sum(entry[2] for entry in desk.ledger()), {entry[0] for entry in desk.ledger()}) == (4, {day})
    assert store.separations.reserved_against_balance() == 0


def test_a_link_that_was_still_being_fetched_is_the_same_separation(store, desk):
    """It had another hash then."""
    row = desk.intent()
    store.separations.move(
        row, SeparationState.SUBMITTED, now=2.0, hash="n2AwBjy4KsFZfqqR", link_hash="n2AwBjy4KsFZfqqR"
    )

    Restoring(store.db).take(FOUND, now=9.0)

    rows = store.separations.of_work(WORK)
    assert [(each.id, each.state, each.hash) for each in rows] == [(row.id, SeparationState.DONE, SAID.hash)]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.SUBMITTED, JobState.HELD])
def test_others_that_waited_for_the_separation_go_on(store, desk, state):
    """A second folder's job publishes from it."""
    row, other = desk.intent(), desk.job(folder="second", final="/out/b")
    store.jobs.set(other.id, separation_id=row.id)
    held = {"hold": HoldKind.UNKNOWN} if state == JobState.HELD else {}
    store.jobs.move(store.jobs.get(other.id), state, now=2.0, **held)

    restored = Restoring(store.db).take(FOUND, now=9.0)

    assert (restored, store.jobs.get(other.id).state) == (NEW, JobState.SEPARATED)


def test_a_job_that_waits_for_something_else_keeps_waiting(store, desk):
    """Only what the separation was in the way of goes on."""
    row, other = desk.intent(), desk.job(folder="second", final="/out/b")
    store.jobs.set(other.id, separation_id=row.id)
    store.jobs.hold(store.jobs.get(other.id), HoldKind.TROUBLE, now=2.0, reason="a name too long", hint="")

    Restoring(store.db).take(FOUND, now=9.0)

    assert store.jobs.get(other.id).state == JobState.HELD


def test_outputs_that_were_changed_let_no_source_go(store):
    """It may be all that is left of the song."""
    Restoring(store.db).take(replace(FOUND, is_intact=False), now=9.0)

    assert store.sources.to_dispose(10.0) == []
