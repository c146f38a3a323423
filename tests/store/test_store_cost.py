"""The cost of a turn: what is asked every turn never looks through a whole table."""

import pytest

from mvsep_watch.model import BatchOrigin, HoldKind, JobState, SeparationState, Settings, Work

GROWING = ("jobs", "separations", "sources", "history", "ledger", "transitions", "requests", "outputs")
WORK = Work(realm="mvsep", input_key="sha256:aa", settings=Settings(sep_type=40))

QUESTIONS = {
    "jobs.waiting": lambda store: store.jobs.waiting("drop", now=1.0, limit=8, except_for=(1, 2)),
    "jobs.with_a_separation_to_share": lambda store: store.jobs.with_a_separation_to_share(
        now=1.0, after=0, looked_at=100
    ),
    "jobs.waiting_with": lambda store: store.jobs.waiting_with("buy"),
    "jobs.wake_from": lambda store: store.jobs.wake_from("buy"),
    "jobs.folders_waiting": lambda store: store.jobs.folders_waiting(),
    "jobs.due": lambda store: store.jobs.due(JobState.SEPARATED, now=1.0, limit=8),
    "jobs.newest_id": lambda store: store.jobs.newest_id,
    "jobs.live": lambda store: store.jobs.live(),
    "jobs.roots_of_one_offs": lambda store: store.jobs.roots_of_one_offs(),
    "jobs.of_one_offs_at": lambda store: store.jobs.of_one_offs_at("/out"),
    "jobs.held": lambda store: store.jobs.held(HoldKind.UNKNOWN),
    "jobs.of_separation": lambda store: store.jobs.of_separation(1),
    "jobs.of_batch": lambda store: store.jobs.of_batch(1, after=3),
    "jobs.of_source": lambda store: store.jobs.of_source(1),
    "jobs.on_bytes": lambda store: store.jobs.on_bytes("sha256:aa"),
    "jobs.on_input": lambda store: store.jobs.on_input("sha256:aa"),
    "jobs.settings_planned_before": lambda store: store.jobs.settings_planned_before(
        realm="mvsep", input_key="sha256:aa", asked=""
    ),
    "jobs.is_reserved": lambda store: store.jobs.is_reserved("/out/a"),
    "jobs.counts": lambda store: store.jobs.counts(),
    "approvals.close_old_batches": lambda store: store.approvals.close_old_batches(
        BatchOrigin.SCAN, opened_before=1.0, now=2.0
    ),
    "separations.of_work": lambda store: store.separations.of_work(WORK),
    "separations.unfinished": lambda store: store.separations.unfinished(),
    "separations.in_state": lambda store: store.separations.in_state(SeparationState.SUBMITTED),
    "separations.in_state due": lambda store: store.separations.in_state(SeparationState.INTENDED, due=1.0),
    "separations.next_due": lambda store: store.separations.next_due(after=1.0),
    "separations.slots_taken": lambda store: store.separations.slots_taken(),
    "separations.unsettled": lambda store: store.separations.unsettled(ended_after=1.0),
    "separations.balance_was_read": lambda store: store.separations.balance_was_read(begun_at=1.0),
    "separations.reserved_against_balance": lambda store: store.separations.reserved_against_balance(),
    "separations.spent": lambda store: store.separations.spent("mvsep", "2026-03-01", "2026-03-31"),
    "separations.sent_on": lambda store: store.separations.sent_on("mvsep", "2026-03-01"),
    "sources.to_dispose": lambda store: store.sources.to_dispose(1.0),
    "sources.at": lambda store: store.sources.at("/drop/a.wav"),
    "sources.is_ignored": lambda store: store.sources.is_ignored("sha256:aa"),
    "memory.history_with_tags": lambda store: store.memory.history_with_tags("mvsep", "me", WORK.tags()),
    "notes.due": lambda store: store.notes.due(limit=50),
    "transitions.newest": lambda store: store.transitions.newest,
    "transitions.counts": lambda store: store.transitions.counts(after=5),
    "transitions.arrived": lambda store: list(store.transitions.arrived([JobState.HELD], after=5)),
    "one_offs.get": lambda store: store.one_offs.get("separate/1"),
    "requests.open": lambda store: store.requests.open(),
}


class Watched:
    """A connection that notes how SQLite means to go about each statement."""

    def __init__(self, connection):
        self._connection = connection
        self.plans = []

    def execute(self, sql, params=()):
        self.plans += [row[3] for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", params)]
        return self._connection.execute(sql, params)

    def close(self):
        self._connection.close()


def scans_whole(plan):
    """Say whether a step of a plan goes over a whole growing table: no index, or not one of a part of its rows."""
    words = plan.split()
    part = {"jobs_live", "jobs_one_off", "requests_open"}
    return words[0] == "SCAN" and words[1] in GROWING and not part.intersection(words)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_of_a_turn_looks_through_a_whole_table(store, question):
    """A state that has seen a hundred thousand files answers as fast as a new one."""
    watched = store.db._connection = Watched(store.db._connection)

    QUESTIONS[question](store)

    assert watched.plans
    assert [plan for plan in watched.plans if scans_whole(plan)] == []


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("jobs.waiting", "jobs_waiting"),
        ("jobs.folders_waiting", "jobs_waiting"),
        ("jobs.waiting_with", "jobs_hinted"),
        ("jobs.wake_from", "jobs_hinted"),
        ("jobs.due", "jobs_to_do"),
        ("separations.in_state due", "separations_unfinished"),
        ("separations.next_due", "separations_unfinished"),
        ("separations.slots_taken", "separations_unfinished"),
        ("separations.unsettled", "separations_unsettled"),
        ("separations.reserved_against_balance", "separations_unread"),
        ("sources.to_dispose", "sources_to_dispose"),
        ("memory.history_with_tags", "history_by_tag"),
        ("requests.open", "requests_open"),
    ],
)
def test_what_is_asked_every_turn_has_an_index_of_its_own(store, question, index):
    """One that holds only the rows that can be the answer, so that finished work costs nothing."""
    watched = store.db._connection = Watched(store.db._connection)

    QUESTIONS[question](store)

    assert {plan.split(" INDEX ")[1].split()[0] for plan in watched.plans if " INDEX " in plan} == {index}
