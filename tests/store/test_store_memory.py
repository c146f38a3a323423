"""What is remembered beside the work: gates, accounts, the history, sightings, requests."""

import pytest

from mvsep_watch.model import Account, Gate, GateName, HistoryRow
from mvsep_watch.planner import SlotsSeen
from mvsep_watch.store import Requests, Sightings, Store, open_requester

TAG, OTHER_TAG = "mw" + "a" * 12, "mw" + "b" * 12
ME = Account(identity="me", credits=9, premium_enabled=True)


def row(number, tag="", **changes):
    return HistoryRow(id=number, hash=f"2026-{number}-{tag or 'somebody'}-x.wav", **changes)


def test_a_gate_is_news_once_and_remembers_since_when(store):
    """A new reason replaces the old one, not the time."""
    first = Gate(name=GateName.CREDITS, reason="none left", hint="buy", since=1.0)
    news = [store.memory.close_gate(gate) for gate in (first, first, Gate(name=first.name, reason="still", since=5.0))]

    assert news == [True, False, False]
    assert store.memory.closed == (Gate(name=GateName.CREDITS, reason="still", since=1.0),)
    assert [store.memory.open_gate(first.name), store.memory.open_gate(first.name)] == [True, False]
    assert store.memory.closed == ()


def test_gates_survive_a_restart_the_oldest_first(path):
    """Also two of one name about different output roots."""
    gates = [
        Gate(name=GateName.DISK, reason="full", since=3.0, scope="/a"),
        Gate(name=GateName.DISK, reason="gone", since=1.0, scope="/b"),
        Gate(name=GateName.PAUSED, reason="paused", since=2.0),
    ]
    store = Store(path)
    for gate in gates:
        store.memory.close_gate(gate)
    store.memory.close_gate(Gate(name=GateName.PAUSED, reason="paused again", since=9.0))
    store.close()
    again = Store(path)
    found = again.memory.closed
    again.close()

    assert [(gate.name, gate.scope, gate.since) for gate in found] == [
        (GateName.DISK, "/b", 1.0), (GateName.PAUSED, "", 2.0), (GateName.DISK, "/a", 3.0),
    ]  # fmt: skip
    assert found[1].reason == "paused again"


def test_what_the_service_took_at_once_is_remembered_for_each_account(path):
    """Another account has slots of its own; a restart forgets nothing."""
    seen = SlotsSeen(at_once=3, since=7.0)
    store = Store(path)
    store.memory.set_slots_seen("mvsep", "me", seen)
    store.memory.set_slots_seen("mvsep", "you", seen)
    store.memory.set_slots_seen("mvsep", "you", None)
    store.close()
    again = Store(path)
    found = [again.memory.slots_seen(*account) for account in (("mvsep", "me"), ("mvsep", "you"), ("sandbox", "me"))]
    again.close()

    assert found == [seen, None, None]


def test_generations_only_grow(store):
    """Each release has its own."""
    assert [store.memory.generation, store.memory.next_generation(), store.memory.next_generation()] == [0, 1, 2]
    assert store.memory.generation == 2


def test_a_generation_is_committed_with_what_it_counts(store):
    """A release that is rolled back was none."""

    def fails():
        with store.transaction():
            store.memory.next_generation()
            raise LookupError

    with pytest.raises(LookupError):
        fails()

    assert store.memory.generation == 0


def test_rows_with_a_tag_of_ours_are_kept_and_found(store):
    """Of this account alone, the newest first."""
    store.memory.account_read("mvsep", ME, now=1.0)
    store.memory.history_read("mvsep", "me", [row(9, TAG), row(8), row(7, TAG), row(6, OTHER_TAG)], now=2.0)
    store.memory.history_read("mvsep", "you", [row(5, TAG)], now=2.0)

    found = store.memory.history_with_tags("mvsep", "me", [TAG])
    assert [each.id for each in found] == [9, 7]
    assert len(store.memory.history_with_tags("mvsep", "me", [TAG, OTHER_TAG])) == 3
    assert store.memory.history_with_tags("sandbox", "me", [TAG]) == []


def test_rows_without_a_tag_are_kept_for_as_long_as_they_explain_something(store):
    """What became of a link can be one of them; after 72 hours nothing is left of it."""
    store.memory.history_read("mvsep", "me", [row(9), row(8, hours_left=-1), row(7, TAG)], now=1.0)
    kept = [each[0] for each in store.db.all("SELECT history_id FROM history ORDER BY 1")]

    store.memory.history_read("mvsep", "me", [], now=1.0 + 5 * 86400)

    assert kept == [7, 9]
    assert [each[0] for each in store.db.all("SELECT history_id FROM history")] == [7]


def test_only_rows_that_nothing_explains_may_be_an_unknown_link(desk):
    """Younger than it, of its model or one that is not named, and no separation that is known."""
    rows = [row(9, sep_type=40), row(8, sep_type=41), row(7), row(6, TAG), row(5, sep_type=40), row(4, sep_type=40)]
    unknown = desk.intent(watermark=4)
    desk.store.memory.history_read(unknown.realm, unknown.account, rows, now=1.0)
    desk.store.separations.set(desk.intent(attempt=2).id, hash=rows[4].hash)

    found = desk.store.memory.history_unexplained(unknown.realm, unknown.account, sep_type=40, after=4)
    assert [each.id for each in found] == [9, 7]


def test_a_row_whose_results_are_gone_by_now_is_no_use_to_a_link(store):
    """What it said of its hours is reckoned from when it was seen; where it says none, from 72."""
    store.memory.history_read("mvsep", "me", [row(9, hours_left=5), row(8, hours_left=None)], now=0.0)

    kept = [
        [each.id for each in store.memory.history_unexplained("mvsep", "me", sep_type=40, kept_at=hours * 3600.0)]
        for hours in (5.5, 6.5, 73.5)
    ]

    assert kept == [[9, 8], [8], []]


def test_a_row_seen_again_takes_what_is_new(store):
    """Its charge and what is left of its time."""
    store.memory.history_read("mvsep", "me", [row(9, TAG)], now=1.0)
    store.memory.history_read("mvsep", "me", [row(9, TAG, credits=4, hours_left=70)], now=2.0)

    assert store.memory.history_with_tags("mvsep", "me", [TAG]) == [row(9, TAG, credits=4, hours_left=70)]


def test_how_far_the_history_was_read_is_known_by_account(store):
    """0 before the first time, the newest id afterwards; a history that began anew is followed."""
    store.memory.account_read("mvsep", ME, now=1.0)
    known = [store.memory.history_known_id("mvsep", "me")]
    for rows in ([row(7), row(9), row(8)], [], [row(12)], [row(3)]):
        store.memory.history_read("mvsep", "me", rows, now=2.0)
        known.append(store.memory.history_known_id("mvsep", "me"))

    assert known == [0, 9, 9, 12, 3]
    assert store.memory.history_known_id("mvsep", "you") == 0


def test_an_account_read_again_keeps_how_far_its_history_is_known(store):
    """A new balance forgets nothing."""
    store.memory.account_read("mvsep", ME, now=1.0)
    store.memory.history_read("mvsep", "me", [row(9)], now=2.0)
    store.memory.account_read("mvsep", Account(identity="me"), now=3.0)

    assert store.memory.history_known_id("mvsep", "me") == 9
    assert tuple(store.db.one("SELECT credits, premium_enabled, read_at FROM accounts")) == (None, 0, 3.0)


def test_sightings_add_up_and_the_worst_lag_stays(store):
    """Once late is late; each account and host by itself."""
    where = ("mvsep", "me", "https://mvsep.com")
    for seen, late, lag_s in ((True, False, 2.0), (True, True, 40.0), (False, False, 0.0), (True, False, 5.0)):
        store.memory.sighted(*where, seen=seen, late=late, lag_s=lag_s)

    found = store.memory.sightings(*where)
    assert (found.seen, bool(found.was_late), found.longest_lag_s) == (3, True, 40.0)
    assert store.memory.sightings("mvsep", "me", "https://de.mvsep.com") == Sightings()


def test_a_request_is_open_until_it_is_answered(store):
    """The oldest first; the answer reaches who asked."""
    ids = [store.requests.append(command, {"jobs": [1]}, now=1.0) for command in ("retry", "cancel")]
    before = [(request.id, request.command, request.arguments) for request in store.requests.open()]
    store.requests.answer(ids[0], {"done": [1]}, now=2.0)

    assert before == [(ids[0], "retry", {"jobs": [1]}), (ids[1], "cancel", {"jobs": [1]})]
    assert [request.id for request in store.requests.open()] == [ids[1]]
    assert [store.requests.answered(number) for number in (*ids, 99)] == [{"done": [1]}, None, None]


def test_a_request_can_be_taken_back_until_it_is_answered(store):
    """A command that gives up waiting leaves nothing to happen later."""
    ids = [store.requests.append("redo", {}, now=1.0) for _ in range(2)]
    store.requests.answer(ids[0], {}, now=2.0)

    assert [store.requests.withdraw(number) for number in (*ids, ids[1])] == [False, True, False]
    assert store.requests.open() == []


def test_a_command_asks_beside_the_owner(store, path):
    """Appending is all that it does."""
    requester = open_requester(path)
    asked = Requests(requester).append("cancel", {"jobs": [3]}, now=1.0)
    store.requests.answer(asked, {"done": [3]}, now=2.0)
    answer = Requests(requester).answered(asked)
    requester.close()

    assert answer == {"done": [3]}


def test_an_answer_is_one_thing_with_what_it_changed(store):
    """Both are committed, or the request is still open."""
    asked = store.requests.append("pause", {}, now=1.0)

    def fails():
        with store.transaction():
            store.requests.answer(asked, {}, now=2.0)
            raise LookupError

    with pytest.raises(LookupError):
        fails()

    assert [request.id for request in store.requests.open()] == [asked]
