"""Estimates are settled by what the history says was charged; each case with its lines in the ledger."""

import pytest

from mvsep_watch.model import InputKind, Rule
from mvsep_watch.store.views import Views
from tests.daemon.test_inputs import URL, drop_link
from tests.daemon.test_never_twice import with_strange_queue
from tests.daemon.test_protocol_rules import be_prompt
from tests.daemon.test_requests import ask
from tests.daemon.world import World, limited, write_wav
from tests.fakes.answers import answer_json

NEVER = float("inf")


def submit(world, *, pitch=1):
    """Send a song of two credits; give what the service has."""
    write_wav(world.drop / f"{pitch}.wav", pitch=pitch, seconds=130)
    world.start() if world.store is None else world.rescan()
    world.pass_time(30)
    return world.service.unfinished[-1]


def ledger(world, separation=1):
    return [(entry.entry, entry.credits) for entry in Views(world.store.db).ledger(separation)]


def spent(world):
    """What `spend` says of everything, and what limits count: (charged, given back, open, counted)."""
    today = world.engine.context.today()
    rows = Views(world.store.db).spent("mvsep", today, today)
    sums = tuple(sum(getattr(row, name) for row in rows) for name in ("charged", "given_back", "open"))
    return *sums, world.store.separations.spent("mvsep", today, today)


def test_what_costs_what_was_estimated(world):
    """One line: the reservation becomes the charge."""
    job = submit(world)
    before = spent(world)
    world.service.finish(job.hash)
    world.pass_time(120)

    assert before == (0, 0, 2, 2)
    assert (ledger(world), spent(world)) == ([("reserved", 2)], (2, 0, 0, 2))


@pytest.mark.parametrize(
    ("charged", "lines", "expected"),
    [
        (1, [("reserved", 2), ("given_back", -1)], (1, 1, 0, 1)),
        (7, [("reserved", 2), ("charged", 5)], (7, 0, 0, 7)),
    ],
)
def test_what_costs_something_else_than_was_estimated(world, charged, lines, expected):
    """The ledger moves to what was charged."""
    job = submit(world)
    job.charged = charged
    world.service.finish(job.hash)
    world.pass_time(120)

    assert (ledger(world), spent(world)) == (lines, expected)


def test_what_was_done_and_cost_nothing_yet_is_believed_to_be_free_late(world):
    """A charge may be listed late, and a limit must not count on that it will not come."""
    job = submit(world)
    job.charged = 0
    world.service.finish(job.hash)
    world.pass_time(300)
    early = ledger(world), spent(world)
    world.pass_time(600)

    assert early == ([("reserved", 2)], (0, 0, 2, 2))
    assert (ledger(world), spent(world)) == ([("reserved", 2), ("given_back", -2)], (0, 2, 0, 0))


def test_a_charge_that_is_listed_late_counts(world):
    """As if it had been there from the start."""
    job = submit(world)
    job.charged = 0
    world.service.finish(job.hash)
    world.pass_time(300)
    job.charged = 3
    world.pass_time(120)

    assert (ledger(world), spent(world)) == ([("reserved", 2), ("charged", 1)], (3, 0, 0, 3))


@pytest.mark.parametrize(
    ("is_refunded", "lines", "expected"),
    [(True, [("reserved", 2), ("given_back", -2)], (0, 2, 0, 0)), (False, [("reserved", 2)], (2, 0, 0, 2))],
)
def test_a_failure_gives_back_what_the_service_gave_back(world, is_refunded, lines, expected):
    """And counts where it did not."""
    world.service.refund_failed = is_refunded
    job = submit(world)
    world.service.finish(job.hash, status="failed", message="Job failed")
    world.pass_time(300)

    assert (ledger(world), spent(world), world.states()) == (lines, expected, ["held"])


def test_a_cancellation_gives_back_what_the_service_gave_back(world):
    """The history lists it with 0 credits."""
    job = submit(world)
    ask(world, "cancel", {"id": 1})
    world.pass_time(10)
    job.exists, job.status = True, "failed"
    world.pass_time(300)

    assert (ledger(world), spent(world)) == ([("reserved", 2), ("given_back", -2)], (0, 2, 0, 0))


def test_a_cancellation_of_unknown_price_stays_reserved(world):
    """The history lists a job that is gone without credits: that is unknown, and not 0."""
    submit(world)
    ask(world, "cancel", {"id": 1})
    world.pass_time(7200, step_s=60)

    assert world.states() == ["cancelled"]
    assert (ledger(world), spent(world)) == ([("reserved", 2)], (0, 0, 2, 2))


def test_a_cancellation_that_the_service_refuses_is_paid(world):
    """The separation goes on, and counts as what it costs."""
    job = submit(world)
    world.service.set_status(job.hash, "processing")
    ask(world, "cancel", {"id": 1})
    world.pass_time(30)
    before = spent(world)
    world.service.finish(job.hash)
    world.pass_time(300)

    assert before == (0, 0, 2, 2)
    assert (ledger(world), spent(world)) == ([("reserved", 2)], (2, 0, 0, 2))


def test_an_intent_that_is_given_up_leaves_nothing(world):
    """It was reserved, and never sent."""
    world.start()
    world.hands.held = {"uploads"}
    write_wav(world.drop / "song.wav", seconds=130)
    world.rescan()
    world.pass_time(30)
    before = spent(world)
    ask(world, "cancel", {"id": 1})
    world.settle()

    assert before == (0, 0, 2, 2)
    assert (ledger(world), spent(world)) == ([("reserved", 2), ("released", -2)], (0, 0, 0, 0))


def test_a_separation_that_the_history_never_lists_costs_its_estimate(world):
    """It is looked for during an hour, and then no more."""
    world.service.history_lag_s = NEVER
    job = submit(world)
    world.service.finish(job.hash)
    world.pass_time(4200, step_s=60)
    reads = world.service.count("history")
    world.pass_time(3600, step_s=60)

    assert world.service.count("history") == reads
    assert (ledger(world), spent(world)) == ([("reserved", 2)], (0, 0, 2, 2))


def test_a_refused_separation_costs_nothing(world):
    """The service did not take it."""
    world.service.fault("create", "refused")
    write_wav(world.drop / "song.wav", seconds=130)
    world.start()
    world.pass_time(60)

    assert (ledger(world), spent(world)) == ([("reserved", 2), ("given_back", -2)], (0, 2, 0, 0))


def test_what_was_refused_and_made_is_paid(world, monkeypatch):
    """It counted as never made, by a history that had always been prompt, until that listed it under its tag."""
    user = world.service.site.user
    monkeypatch.setattr(world.service.site, "user", lambda *question: with_strange_queue(user(*question)))
    be_prompt(world)
    world.service.fault("create", "too_many_after_made")
    world.service.history_lag_s = 400.0
    write_wav(world.drop / "1.wav", seconds=130)
    world.rescan()
    world.pass_time(12)
    (job,) = world.service.unfinished
    (world.drop / "1.wav").unlink()
    world.rescan()
    world.pass_time(200)
    before = spent(world)
    world.pass_time(300)
    write_wav(world.drop / "1.wav", seconds=130)
    world.rescan()
    world.pass_time(300)
    found = spent(world)
    world.service.finish(job.hash)
    world.pass_time(300)

    assert (before, found) == ((1, 2, 0, 1), (1, 2, 2, 3))
    assert (ledger(world, 2)[-1], spent(world), world.service.made) == (("reserved", 2), (3, 2, 0, 3), 2)


def test_a_charge_above_the_estimate_can_pass_a_limit_and_then_nothing_starts(world):
    """What is spent is spent; the next one waits, and says how much is left."""
    limited(world, per_day=4)
    job = submit(world)
    job.charged = 7
    world.service.finish(job.hash)
    world.pass_time(120)
    write_wav(world.drop / "2.wav", pitch=2, seconds=130)
    world.rescan()
    world.pass_time(60)

    assert (world.service.made, world.states()) == (1, ["published", "queued"])
    assert world.jobs()[1].reason == "it costs 2 credits and 0 of 4 are left for this day"


def test_an_approved_unknown_price_that_turns_out_dear_is_told(tmp_path):
    """A person said yes to whatever it costs; the least was reserved."""
    world = World(tmp_path)
    limited(world, approve_job_above=2)
    world.folder_options = {"include": ("*",)}
    world.rules = (Rule(sep_type=40, output_format=1, input=InputKind.LINK),)
    (world.drop / "song.url").write_text("[InternetShortcut]\nURL=https://example.com/song.wav\n")
    world.start()
    world.pass_time(30)
    held = (world.jobs()[0].hold, world.jobs()[0].price)
    ask(world, "approve", {"id": 1, "price": None, "attempt": 1})
    world.pass_time(30)
    before = spent(world)
    (job,) = world.service.unfinished
    job.charged = 50
    world.service.finish(job.hash)
    world.pass_time(300)

    assert (held, before) == (("price", None), (0, 0, 1, 1))
    assert (ledger(world), spent(world)) == ([("reserved", 1), ("charged", 49)], (50, 0, 0, 50))
    world.stop()


# Links that failed before the service had fetched them


def failed_links(world, *credits_, refused=True):
    """Let links be approved, sent, and fail while the service fetches them; each was charged so much."""
    world.folder_options = {"include": ("*",)}
    world.rules = (Rule(sep_type=40, input=InputKind.LINK),)
    limited(world, per_day=50)
    world.service.link_polls = 10_000
    for number, _ in enumerate(credits_):
        drop_link(world, f"{number}.url", f"{URL}?{number}")
    world.start()
    world.pass_time(20)
    ask(world, "approve", *({"id": job.id} for job in world.jobs()))
    world.pass_time(60)
    for job, charged in zip(world.service.jobs.values(), credits_, strict=True):
        job.charged = charged
    failed = {"success": True, "status": "failed", "data": {"message": "the address answers 404"}}
    world.service.fault("get_remote", *([lambda *_: answer_json(failed)] * 2 * len(credits_)))


@pytest.mark.parametrize("credits_", [(0,), (3,), (0, 4)], ids=str)
def test_a_link_that_failed_while_it_was_fetched_costs_what_its_row_says(world, credits_):
    """The row has a hash that the link never had here; of several, each counts once."""
    failed_links(world, *credits_)
    world.pass_time(900, step_s=20)

    assert [job.hold for job in world.jobs()] == ["ended"] * len(credits_)
    assert spent(world)[2:] == (0, sum(credits_))


def test_a_failed_link_that_the_history_does_not_list_cost_nothing(world):
    """The estimate does not stand for ever."""
    world.service.history_lag_s = NEVER
    failed_links(world, 1)
    before = spent(world)[3]
    world.pass_time(900, step_s=20)

    assert (before, spent(world)[2:]) == (1, (0, 0))


def test_a_failed_link_is_settled_by_a_later_look_where_once_has_ended(world):
    """Whoever looks at the history next, within 72 hours."""
    failed_links(world, 2)
    world.pass_time(15)
    world.stop()
    world.clock.sleep(7200)
    drop_link(world, "next.url", URL + "?next")
    world.start()
    world.pass_time(60)

    assert world.store.separations.get(1).credits_charged == 2
