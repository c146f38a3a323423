"""What was spent, separation by separation, adds up to the ledger."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mvsep_watch.model import SeparationState, Settings, Work
from mvsep_watch.store.views import Views

DAYS = ("2026-02-28", "2026-03-01", "2026-03-02")
WORK = Work(realm="mvsep", input_key="sha256:" + "a" * 64, settings=Settings(sep_type=40))
ENDS = (SeparationState.DONE, SeparationState.FAILED, SeparationState.LOST, SeparationState.CANCELLED)
CREDITS = st.integers(0, 9)
RELEASES = st.lists(st.tuples(st.sampled_from(DAYS), CREDITS), max_size=3)
STEPS = st.lists(st.sampled_from(["settle", "unsettle", "end"]), max_size=5)
LIVES = st.tuples(
    st.sampled_from(["mvsep", "sandbox"]), st.sampled_from(["me", "you"]), CREDITS, RELEASES, STEPS, CREDITS
)


def live(desk, number, life):
    """Intend a separation, send it again and again, and let it end, or give its intent up."""
    realm, account, price, releases, steps, charged = life
    separations = desk.store.separations
    work = Work(realm=realm, input_key=WORK.input_key, settings=WORK.settings)
    row = desk.intent(work, attempt=number, account=account, price=price, day=DAYS[number % len(DAYS)])
    if not releases:
        separations.remove_intent(row, reason="", now=2.0)
        return
    for at, (day, new_price) in enumerate(releases):
        if at:
            separations.move(desk.again(row), SeparationState.INTENDED, now=3.0)
        separations.release(desk.again(row), send=separations.begin_send(row.id), price=new_price, day=day, now=4.0)
    for step in steps:
        match step:
            case "settle":
                separations.settle(desk.again(row), charged, now=5.0)
            case "unsettle":
                separations.unsettle(desk.again(row), now=6.0)
            case _:
                separations.move(desk.again(row), ENDS[number % len(ENDS)], now=7.0, hash=f"h{row.id}")


@given(st.lists(LIVES, max_size=6))
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_spent_adds_up_to_the_ledger_on_every_day(desk, lives):
    """Whatever became of the separations: on each day, and on each realm, to the credit."""
    for table in ("separations", "ledger"):
        desk.store.db.run(f"DELETE FROM {table}")
    for number, life in enumerate(lives, 1):
        live(desk, number, life)

    views = Views(desk.store.db)
    for realm in ("mvsep", "sandbox"):
        for day in DAYS:
            rows = views.spent(realm, day, day)
            assert sum(row.charged + row.open for row in rows) == desk.store.separations.spent(realm, day, day)
        rows = views.spent(realm, DAYS[0], DAYS[-1])
        entries = "SELECT coalesce(sum(credits), 0) FROM ledger WHERE realm = ? AND entry "
        estimated = desk.store.db.value(f"{entries} NOT IN ('charged', 'given_back')", (realm,))
        given_back = -desk.store.db.value(f"{entries} = 'given_back'", (realm,))
        assert (sum(row.estimated for row in rows), sum(row.given_back for row in rows)) == (estimated, given_back)


def test_a_separation_counts_for_the_job_that_began_it(desk):
    """However many share it, and whichever of them is older."""
    older, began = desk.job(folder="older"), desk.job(folder="began", rule="drums")
    row = desk.intent(began_for=began.id)
    for job in (older, began):
        desk.store.jobs.set(job.id, separation_id=row.id)

    found = Views(desk.store.db).spent("mvsep", "2026-03-01", "2026-03-01")

    assert [(each.folder, each.rule, each.estimated) for each in found] == [("began", "drums", 5)]


def test_an_unknown_beginner_is_the_oldest_job(desk):
    """What a sidecar has restored was begun by nobody who is known; without any job nobody is named."""
    jobs = [desk.job(folder="first"), desk.job(folder="second")]
    row = desk.intent()
    desk.intent(attempt=2)
    for job in jobs:
        desk.store.jobs.set(job.id, separation_id=row.id)

    found = Views(desk.store.db).spent("mvsep", "2026-03-01", "2026-03-01")

    assert [each.folder for each in found] == ["first", None]


@pytest.mark.parametrize(
    ("charged", "expected"),
    [(None, (5, 0, 0, 5)), (5, (5, 5, 0, 0)), (3, (5, 3, 2, 0)), (0, (5, 0, 5, 0)), (8, (5, 8, 0, 0))],
)
def test_what_is_charged_given_back_and_open(desk, charged, expected):
    """Until the charge is known it is open; what was estimated too high is given back."""
    row = desk.intent()
    if charged is not None:
        desk.store.separations.settle(row, charged, now=2.0)

    (found,) = Views(desk.store.db).spent("mvsep", "2026-03-01", "2026-03-01")

    assert (found.estimated, found.charged, found.given_back, found.open) == expected


@pytest.mark.parametrize(
    ("state", "hash_", "was_made"),
    [
        (SeparationState.FAILED, None, False),
        (SeparationState.CANCELLED, None, False),
        (SeparationState.FAILED, "h", True),
        (SeparationState.LOST, None, True),
        (SeparationState.DONE, "h", True),
    ],
)
def test_what_was_certainly_never_made_is_no_separation(desk, state, hash_, was_made):
    """What may have been made is one."""
    desk.store.separations.move(desk.intent(), state, now=2.0, hash=hash_)

    (found,) = Views(desk.store.db).spent("mvsep", "2026-03-01", "2026-03-01")

    assert found.was_made is was_made
