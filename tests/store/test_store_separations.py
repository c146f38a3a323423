"""Separations and the ledger: the paid unit is unique, the release is exact, the credits add up."""

import sqlite3
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mvsep_watch.model import SeparationState, Settings, Work

DAY, NEXT_DAY = "2026-03-01", "2026-03-02"
KEY = "sha256:" + "a" * 64
WORK = Work(realm="mvsep", input_key=KEY, settings=Settings(sep_type=40))
OTHER = Work(realm="mvsep", input_key=KEY, settings=Settings(sep_type=41))
INTENDED, RELEASED, SUBMITTED = SeparationState.INTENDED, SeparationState.RELEASED, SeparationState.SUBMITTED
ENDS = (SeparationState.DONE, SeparationState.FAILED, SeparationState.LOST, SeparationState.CANCELLED)


def release(desk, row, *, send=None, price=5, day=DAY):
    number = desk.store.separations.begin_send(row.id) if send is None else send
    return desk.store.separations.release(row, send=number, price=price, day=day, now=2.0)


def ended(desk, row, state=SeparationState.DONE, *, at=10.0):
    desk.store.separations.move(row, state, now=at)
    return desk.again(row)


def test_an_intent_holds_all_that_is_needed_to_send_it(desk):
    """After a crash nothing else is known."""
    row = desk.intent()

    assert row.work == WORK
    assert (row.state, row.tag, row.attempt) == (INTENDED, WORK.tag(1), 1)
    assert (row.credits_estimated, row.credits_charged, row.keeps_slot, row.cancel_wanted) == (5, None, True, False)
    assert desk.transitions() == [("separation", None, "intended", "")]
    assert desk.ledger() == [(DAY, "reserved", 5)]


def test_an_attempt_exists_once(desk):
    """The database itself refuses the same work, settings and attempt a second time, and reserves nothing for it."""
    desk.intent()

    with pytest.raises(sqlite3.IntegrityError):
        desk.intent()

    assert desk.ledger() == [(DAY, "reserved", 5)]
    assert len(desk.store.separations.of_work(WORK)) == 1


def test_attempts_of_a_work_come_in_order(desk):
    """And those of other settings or realms are not among them."""
    for attempt in (2, 1, 3):
        desk.intent(attempt=attempt)
    desk.intent(OTHER)
    desk.intent(replace(WORK, realm="sandbox"))

    found = desk.store.separations.of_work(WORK)

    assert [row.attempt for row in found] == [1, 2, 3]
    assert found == desk.store.separations.of_settings(
        realm=WORK.realm, input_key=WORK.input_key, settings=WORK.settings.canonical()
    )


def test_a_separation_that_is_not_there_is_a_bug(store):
    """An id is only ever taken from a row."""
    with pytest.raises(LookupError):
        store.separations.get(7)


def test_an_id_is_never_used_again(desk):
    """A late hand must not match a newer row."""
    row = desk.intent()
    desk.store.separations.remove_intent(row, reason="given up", now=2.0)

    assert desk.intent().id > row.id


def test_a_release_counts_and_is_written_down(desk):
    """With the day that it is charged on."""
    row = desk.intent()

    assert release(desk, row)

    after = desk.again(row)
    assert (after.state, after.releases, after.released_at) == (RELEASED, 1, 2.0)
    assert desk.transitions()[-1] == ("separation", "intended", "released", "")


def test_only_the_current_send_is_released_and_only_once(desk):
    """A hand that was overtaken gets no, and changes nothing."""
    row = desk.intent()
    old = desk.store.separations.begin_send(row.id)
    current = desk.store.separations.begin_send(row.id)
    answers = [release(desk, row, send=number) for number in (old, current + 1, current, current, old)]

    assert answers == [False, False, True, False, False]
    assert desk.again(row).releases == 1
    assert [entry[2] for entry in desk.transitions()] == ["intended", "released"]


@pytest.mark.parametrize("state", [SUBMITTED, *ENDS])
def test_nothing_is_released_that_is_no_longer_intended(desk, state):
    """Cancelled, found in the history, or given up in the meantime."""
    row = desk.intent()
    send = desk.store.separations.begin_send(row.id)
    desk.store.separations.move(row, state, now=2.0)

    assert not release(desk, row, send=send)
    assert desk.again(row).state == state


def test_a_release_moves_the_reservation_to_its_day_and_its_price(desk):
    """An intent may wait over midnight, and its price may change."""
    row = desk.intent()
    release(desk, row, price=7, day=NEXT_DAY)

    separations = desk.store.separations
    assert (separations.spent("mvsep", DAY, DAY), separations.spent("mvsep", NEXT_DAY, NEXT_DAY)) == (0, 7)
    assert desk.again(row).credits_estimated == separations.reserved_against_balance() == 7
    assert (separations.sent_on("mvsep", DAY), separations.sent_on("mvsep", NEXT_DAY)) == (0, 1)


def test_a_release_that_is_refused_moves_no_credits(desk):
    """Nothing of it is committed."""
    row = desk.intent()
    release(desk, row, send=99, price=7, day=NEXT_DAY)

    assert desk.ledger() == [(DAY, "reserved", 5)]


def test_an_intent_that_never_left_is_taken_back_whole(desk):
    """Its jobs are free, its credits too, the attempt is unspent, and the history of it stays."""
    row = desk.intent()
    job = desk.job()
    desk.store.jobs.set(job.id, separation_id=row.id)
    desk.store.separations.remove_intent(row, reason="the source changed", now=2.0)

    assert desk.store.jobs.get(job.id).separation_id is None
    assert desk.store.separations.of_work(WORK) == []
    assert desk.store.separations.spent("mvsep", DAY, DAY) == 0
    assert desk.transitions()[-1] == ("separation", "intended", "cancelled", "the source changed")


def test_what_the_history_lists_is_adopted_without_paying(desk):
    """It was paid for before."""
    row_id = desk.store.separations.adopt(
        WORK, attempt=2, hash_="h", host="https://mvsep.com", account="me", watermark=6, size_bytes=1, duration_s=None,
        day=DAY, now=3.0,
    )  # fmt: skip

    row = desk.store.separations.get(row_id)
    assert (row.state, row.hash, row.attempt, row.submitted_at) == (SUBMITTED, "h", 2, 3.0)
    assert (desk.ledger(), desk.store.separations.reserved_against_balance()) == ([], 0)


@pytest.mark.parametrize("state", ENDS)
def test_an_end_has_its_time_and_leaves_trouble_behind(desk, state):
    """Failures and delays belong to what it has left."""
    row = desk.intent()
    desk.store.separations.set(row.id, failures=3, not_before=99.0)

    after = ended(desk, row, state, at=8.0)

    assert (after.state, after.ended_at, after.failures, after.not_before) == (state, 8.0, 0, 0.0)


def test_unfinished_separations_are_found_by_state_and_when_due(desk):
    """The ended ones never come up."""
    rows = [desk.intent(attempt=attempt) for attempt in range(1, 8)]
    for row, state in zip(rows, SeparationState, strict=True):
        if state != INTENDED:
            desk.store.separations.move(row, state, now=2.0)
    desk.store.separations.set(rows[1].id, not_before=50.0)
    separations = desk.store.separations

    assert [row.id for row in separations.unfinished()] == [row.id for row in rows[:3]]
    assert [[row.id for row in separations.in_state(state)] for state in (INTENDED, RELEASED, SUBMITTED)] == [
        [rows[0].id], [rows[1].id], [rows[2].id],
    ]  # fmt: skip
    assert separations.in_state(RELEASED, due=49.0) == []
    assert [row.id for row in separations.in_state(RELEASED, due=50.0)] == [rows[1].id]
    assert separations.in_state(SeparationState.DONE) == []


def test_a_slot_is_taken_by_what_may_be_unfinished_on_the_server(desk):
    """The intended and the unknown included, until they end or the slot is given back."""
    rows = [desk.intent(attempt=attempt) for attempt in (1, 2, 3)]
    release(desk, rows[1])
    taken = [desk.store.separations.slots_taken()]
    desk.store.separations.set(rows[1].id, keeps_slot=0)
    taken.append(desk.store.separations.slots_taken())
    ended(desk, rows[2])
    taken.append(desk.store.separations.slots_taken())

    assert taken == [3, 2, 1]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.booleans(),
            st.integers(0, 9),
            st.sampled_from(["leave", "give up", "settle", "settle twice"]),
            st.integers(0, 12),
        ),
        max_size=6,
    )
)
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_ledger_adds_up(desk, lives):
    """Reserved, moved, given up, charged or given back: the days' sum is what is charged or still reserved."""
    for table in ("separations", "ledger"):
        desk.store.db.run(f"DELETE FROM {table}")
    for attempt, (price, is_released, new_price, end, charged) in enumerate(lives, 1):
        row = desk.intent(attempt=attempt, price=price)
        if is_released:
            release(desk, row, price=new_price, day=NEXT_DAY)
        if end == "give up" and not is_released:
            desk.store.separations.remove_intent(row, reason="", now=3.0)
        for correction in {"settle": [charged], "settle twice": [charged + 3, charged]}.get(end, []):
            desk.store.separations.settle(desk.again(row), correction, now=4.0)

    rows = [desk.store.separations.get(row[0]) for row in desk.store.db.all("SELECT id FROM separations")]
    expected = sum(row.credits_estimated if row.credits_charged is None else row.credits_charged for row in rows)
    assert desk.store.separations.spent("mvsep", DAY, NEXT_DAY) == expected
    assert all(credits_ for _, _, credits_ in desk.ledger())


def test_what_counted_as_never_made_is_reserved_again(desk):
    """It was given back, and then the history listed it: what it costs is still to be seen."""
    row = ended(desk, desk.intent(), SeparationState.FAILED)
    desk.store.separations.settle(row, 0, now=11.0)
    desk.store.separations.balance_was_read(begun_at=12.0)
    before = desk.store.separations.spent("mvsep", DAY, DAY)

    for _ in range(2):
        desk.store.separations.unsettle(desk.again(row), now=13.0)

    assert (before, desk.store.separations.spent("mvsep", DAY, DAY)) == (0, 5)
    assert desk.store.separations.reserved_against_balance() == 5
    assert desk.again(row).credits_charged is None


def test_each_realm_has_a_ledger_of_its_own(desk):
    """What is spent in a sandbox is not spent."""
    other = Work(realm="sandbox", input_key=WORK.input_key, settings=WORK.settings)
    desk.intent()
    desk.intent(other, price=3)
    desk.store.separations.remove_intent(desk.intent(other, attempt=2, price=9), reason="", now=2.0)

    separations = desk.store.separations

    assert [separations.spent(realm, DAY, DAY) for realm in ("mvsep", "sandbox", "elsewhere")] == [5, 3, 0]
    assert [separations.sent_on(realm, DAY) for realm in ("mvsep", "sandbox", "elsewhere")] == [1, 1, 0]


@pytest.mark.parametrize("state", [INTENDED, RELEASED, SUBMITTED])
def test_a_reservation_counts_while_its_separation_is_unfinished(desk, state):
    """However often the balance is read: it may be charged a moment later."""
    row = desk.intent()
    if state != INTENDED:
        desk.store.separations.move(row, state, now=2.0)
    desk.store.separations.balance_was_read(begun_at=99.0)

    assert desk.store.separations.reserved_against_balance() == 5


@pytest.mark.parametrize(("begun_at", "expected"), [(9.0, 5), (10.0, 5), (10.5, 0)])
def test_a_reservation_counts_until_a_balance_read_that_began_after_the_end(desk, begun_at, expected):
    """One that began before may not show the charge."""
    ended(desk, desk.intent(), at=10.0)
    desk.store.separations.balance_was_read(begun_at=begun_at)

    assert desk.store.separations.reserved_against_balance() == expected


@pytest.mark.parametrize("charged", [0, 3, 8])
def test_a_charge_counts_against_a_balance_that_does_not_show_it_yet(desk, charged):
    """The history can be read before the account: until then the old balance must not be spent twice."""
    row = ended(desk, desk.intent())
    desk.store.separations.settle(row, charged, now=11.0)
    before = desk.store.separations.reserved_against_balance()
    desk.store.separations.balance_was_read(begun_at=12.0)

    assert (before, desk.store.separations.reserved_against_balance()) == (charged, 0)
    assert desk.store.separations.spent("mvsep", DAY, DAY) == charged


def test_what_ended_lately_and_is_not_settled_is_looked_for(desk):
    """The latest end first; without a hash nothing can be found."""
    rows = [desk.intent(attempt=attempt) for attempt in (1, 2, 3, 4, 5)]
    for row, at in zip(rows[:4], (10.0, 20.0, 30.0, 5.0), strict=True):
        desk.store.separations.move(row, SeparationState.DONE, now=at, hash=f"h{row.id}")
    desk.store.separations.settle(desk.again(rows[2]), 5, now=31.0)
    ended(desk, rows[4], SeparationState.LOST, at=40.0)

    assert [row.id for row in desk.store.separations.unsettled(ended_after=5.0)] == [rows[1].id, rows[0].id]


def test_a_days_count_is_of_what_was_sent_or_is_about_to_be(desk):
    """What never got a hash does not count once it has ended."""
    rows = [desk.intent(attempt=attempt) for attempt in (1, 2, 3)]
    release(desk, rows[1])
    ended(desk, rows[2], SeparationState.FAILED)
    before = desk.store.separations.sent_on("mvsep", DAY)
    desk.store.separations.move(desk.again(rows[1]), SUBMITTED, now=3.0, hash="h")
    after = [desk.store.separations.sent_on("mvsep", day) for day in (DAY, NEXT_DAY)]

    assert (before, after) == (2, [2, 0])
