import json

import pytest

from mvsep_watch import bundling
from mvsep_watch.bundling import Day, Digest, Told
from mvsep_watch.flapping import BALANCE, GateNews
from mvsep_watch.model import Gate, GateName, JobState

DISK = Gate(name=GateName.DISK, reason="it is full", hint="free some space", scope="/music/stems")
CREDITS = Gate(name=GateName.CREDITS, reason="none left")


def digest(*reasons, state=JobState.HELD, hint="do this"):
    found = Digest()
    for job_id, reason in enumerate(reasons, 1):
        found.add(job_id=job_id, name=f"{job_id}.wav", state=state, reason=reason, hint=hint)
    return found


@pytest.mark.parametrize(
    ("now_s", "is_last", "is_collected"), [(39, False, False), (40, False, True), (11, True, True)]
)
def test_what_comes_within_half_a_minute_is_one_notice(now_s, is_last, is_collected):
    """At the end of a process nothing more is waited for."""
    assert bundling.is_collected(since_s=10, now_s=now_s, is_last=is_last) is is_collected


@pytest.mark.parametrize(("ago_s", "is_too_soon"), [(0, True), (899, True), (900, False), (-5, False)])
def test_there_is_one_notice_in_a_quarter_of_an_hour(ago_s, is_too_soon):
    """A clock that was set back silences nothing."""
    assert bundling.is_too_soon(ago_s) is is_too_soon


def test_the_pauses_grow_up_to_a_quarter_of_an_hour():
    """However often it was tried."""
    assert [bundling.pause_s(tries) for tries in (1, 2, 3, 6, 400)] == [30, 60, 120, 900, 900]


def test_what_was_told_is_read_as_it_was_written():
    """And nothing where nothing was."""
    told = Told(
        jobs=7,
        jobs_at=1.5,
        gates=("credits", "disk /a"),
        flapping=("service",),
        gates_at=2.5,
        summary=3,
        summary_day="2026-01-01",
    )

    assert bundling.told_from(told.as_json()) == told
    assert bundling.told_from(None) == bundling.told_from("") == Told()


def test_what_a_person_wants_closed_is_no_news():
    """Hours, a pause, the end."""
    worth = {gate for gate in GateName if bundling.is_worth_telling(Gate(name=gate, reason=""))}

    assert set(GateName) - worth == {"hours", "paused", "stopping"}
    assert (bundling.gate_key(DISK), bundling.gate_key(CREDITS)) == ("disk /music/stems", "credits")


def test_a_job_is_told_with_its_file_its_reason_and_what_to_do():
    """On the host that it is on."""
    message = bundling.about_jobs(digest("it would cost 60 credits"), host="nas")

    assert message.title == "mvsep-watch on nas: 1 held"
    assert message.text == "held: job 1 (1.wav): it would cost 60 credits\n  hint: do this"
    assert json.loads(message.facts) == {
        "host": "nas",
        "title": message.title,
        "about": "jobs",
        "counts": {"held": 1},
        "unshown": 0,
        "refused": [],
        "jobs": [
            {
                "state": "held",
                "count": 1,
                "reason": "it would cost 60 credits",
                "hint": "do this",
                "first": [{"id": 1, "source": "1.wav"}],
            }
        ],
    }


def test_five_hundred_failures_are_a_few_lines():
    """Counts, and the first three."""
    message = bundling.about_jobs(digest(*["it failed"] * 500, state=JobState.FAILED, hint=""), host="nas")

    assert message.title.endswith(": 500 failed")
    assert message.text == "failed: 500 jobs: 1 (1.wav), 2 (2.wav), 3 (3.wav) and 497 more: it failed"


@pytest.mark.parametrize(("number", "more"), [(9, "and 1 job for other"), (500, "and 492 jobs for other")])
def test_a_reason_for_each_of_them_stays_bounded(number, more):
    """Eight reasons, each cut, and on one line."""
    message = bundling.about_jobs(digest(*[f"{n}\n{'x' * 1000}" for n in range(number)]), host="nas")
    lines = message.text.splitlines()

    assert len(lines) == 17
    assert max(map(len, lines)) < 400
    assert lines[-1].startswith(more)
    assert len(message.facts) < 10_000


def about_gates(*shut, **news):
    keys = {bundling.gate_key(gate): gate for gate in shut}
    return bundling.about_gates(GateNews(**{"closed": tuple(keys), **news}), keys, keys, host="nas")


def test_gates_are_told_with_reason_hint_and_place():
    """Closed ones, and those that are open again."""
    message = about_gates(CREDITS, DISK, opened=("service", "disk /other"))

    assert message.title == "mvsep-watch on nas: credits, disk closed; disk, service open again"
    assert message.text.splitlines() == [
        "gate credits is closed: none left",
        "gate disk (/music/stems) is closed: it is full",
        "  hint: free some space",
        "gate service is open again",
        "gate disk (/other) is open again",
    ]
    assert about_gates(opened=("service",)).title.endswith(": service open again")
    assert about_gates(DISK).title.endswith(": disk closed")


def test_a_gate_that_flaps_is_told_with_how_often_and_why():
    """Whether it is closed at the moment, and when that is over."""
    closed = about_gates(DISK, closed=(), flapping=(("disk /music/stems", 14),))
    over = about_gates(steady=("service",))

    assert closed.title.endswith(": disk closed again and again")
    assert closed.text.splitlines() == [
        "gate disk (/music/stems) closed 14 times in the last hour, now closed: it is full",
        "  hint: free some space",
    ]
    assert json.loads(closed.facts)["flapping"][0]["times"] == 14
    assert (over.title.partition(": ")[2], over.text) == (
        "service steady again",
        "gate service has been open for an hour",
    )


def test_a_balance_that_is_too_low_is_told_in_its_own_words():
    """It is no gate: what costs less goes on."""
    gate = Gate(name=GateName.CREDITS, reason="job 3 (a.wav) waits: it costs 5 credits", hint="buy credits")
    low = bundling.about_gates(GateNews(closed=(BALANCE,)), {BALANCE: gate}, {}, host="nas")
    over = bundling.about_gates(GateNews(opened=(BALANCE,)), {}, {}, host="nas")

    assert low.title == "mvsep-watch on nas: balance too low"
    assert low.text == f"the balance is too low: {gate.reason}\n  hint: buy credits"
    assert (over.title.partition(": ")[2], over.text) == (
        "nothing waits for credits",
        "nothing waits for credits any more",
    )
    assert json.loads(low.facts)["closed"][0]["gate"] == "balance"


@pytest.mark.parametrize(
    ("changes", "last_lines"),
    [
        ({}, ["credits: 5 spent yesterday, 6 today, 7 left"]),
        ({"left": None}, ["credits: 5 spent yesterday, 6 today, an unknown number left"]),
        (
            {"held": 3, "unseen": {"drop": "not mounted"}, "gates": ("disk",)},
            ["cannot be seen: drop: not mounted", "closed gates: disk", "`mvsep-watch status` tells who waits for you"],
        ),
    ],
    ids=["plain", "unknown", "trouble"],
)
def test_a_summary_counts_what_was_done_spent_and_left(changes, last_lines):
    """And says what cannot be seen."""
    values = {"published": 1, "failed": 2, "held": 0, "waiting": 4, "spent_yesterday": 5, "spent_today": 6, "left": 7}
    day = Day(**{**values, "unseen": {}, "gates": (), **changes})

    message = bundling.about_day(day, host="nas")

    lines = message.text.splitlines()
    assert lines[0] == "since the last summary: 1 published, 2 failed"
    assert lines[-len(last_lines) :] == last_lines
    assert json.loads(message.facts)["about"] == "summary"


def test_a_test_says_that_it_is_one():
    """Nobody is to be frightened."""
    assert bundling.about_nothing(host="nas").title == "mvsep-watch on nas: a test"


def test_a_refused_file_whose_reason_names_it_is_named_once():
    """Paths are long enough."""
    found = Digest()
    found.refuse("a.mp3", "/drop/a.mp3 holds only 6 bytes.")

    assert bundling.about_jobs(found, host="nas").text == "refused: /drop/a.mp3 holds only 6 bytes."


@pytest.mark.parametrize(("number", "last"), [(1, "0.mp3"), (3, "2.mp3"), (4, "1 more file"), (500, "497 more files")])
def test_refused_files_are_told_by_name_as_far_as_they_are_few(number, last):
    """They have no job."""
    found = Digest()
    for each in range(number):
        found.refuse(f"{each}.mp3", "cut off")

    message = bundling.about_jobs(found, host="nas")

    assert message.title == f"mvsep-watch on nas: {number} refused"
    assert message.text.splitlines()[-1].startswith(f"refused: {last}")
    assert json.loads(message.facts)["counts"] == {"refused": number}
