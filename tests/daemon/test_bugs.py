"""A bug in any kind of step ends in something that a person sees, and lets `once` come to its end."""

import pytest

from mvsep_watch.model import InputKind, Rule
from mvsep_watch.steps import asking, fetch, publish, reading, scanning, submit, tidying
from tests.daemon.test_inputs import ask, drop_link
from tests.daemon.test_never_twice import made_twice
from tests.daemon.world import write_wav

STEPS = [
    asking.Poll, asking.PollLink, asking.ReadAccount, asking.ReadCatalogue, asking.ReadHistory, asking.DeleteRemote,
    fetch.Fetch, publish.CheckRoot, publish.Dispose, publish.Publish, publish.Recover, reading.Identify,
    reading.LookAt, scanning.Scan, submit.Submit,
]  # fmt: skip
QUIET = {asking.DeleteRemote, publish.Dispose, publish.Recover, tidying.Tidy}
"""What these do is tidying up: it is in the log, and tried again, and no job waits for it."""


def boom(*_):
    raise RuntimeError("a secret")


def said(world):
    """Give all that a person is shown."""
    candidates = world.engine.desks.candidates
    return [
        *(job.reason for job in world.jobs()),
        *(gate.reason for gate in world.engine.context.gates()),
        *world.engine.desks.scans.troubled_folders.values(),
        *candidates.not_taken.values(),
        *(row["reason"] for row in world.store.db.all("SELECT reason FROM sources")),
    ]


def live(world):
    """Let a song and a link go all the way, as far as they come."""
    world.rules = (
        Rule(name="songs", sep_type=40, output_format=1, delete_remote=True),
        Rule(name="links", sep_type=40, input=InputKind.LINK),
    )
    world.folder_options = {"source": "delete", "include": ("*",)}
    world.start()
    write_wav(world.drop / "song.wav")
    drop_link(world)
    world.rescan()
    for _ in range(8):
        world.pass_time(20)
        world.service.finish_all()
    world.pass_time(400, step_s=20)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_bug_in_a_step_is_told_and_once_ends_and_nothing_is_lost(world, monkeypatch, step):
    """Held, or a gate, or said of the file or the folder, without its own text; mended, everything goes on."""
    with monkeypatch.context() as patch:
        patch.setattr(step, "perform", boom)
        live(world)
    told = [reason for reason in said(world) if "a bug" in reason]
    rests, states = world.engine.is_at_rest(gated_for_s=120.0), world.states()
    for path in world.drop.iterdir():
        path.touch()
    world.restart()
    ask(world, "retry", *({"id": job.id} for job in world.jobs() if job.state == "held"))
    for _ in range(12):
        world.pass_time(30, step_s=10)
        world.service.finish_all()

    assert rests
    assert told or (step in QUIET and states == ["published", "published"])
    assert "a secret" not in " ".join(told)
    assert (world.states(), world.service.made) == (["published", "published"], 2)


def test_a_bug_with_what_a_step_brings_back_holds_as_well(world, monkeypatch):
    """The next answer, taken well, lets the job go on by itself."""
    write_wav(world.drop / "song.wav")
    world.start()
    polling = world.engine.desks.polling
    monkeypatch.setattr(polling, "_done", boom)
    world.pass_time(20)
    world.service.finish_all()
    world.pass_time(60)
    held = [(job.hold, job.reason) for job in world.jobs()]
    rests = world.engine.is_at_rest(gated_for_s=0.0)
    monkeypatch.undo()
    world.pass_time(900, step_s=20)

    assert (held, rests) == ([("trouble", "a bug: RuntimeError")], True)
    assert world.states() == ["published"]


def test_a_bug_in_comparing_rows_holds_the_unknown(world, monkeypatch):
    """It is looked for on, and adopted once they can be compared; nothing is sent again."""
    with monkeypatch.context() as patch:
        patch.setattr(asking.Compare, "perform", boom)
        made_twice(world, status="done")
        world.pass_time(120)
        held = [(job.hold, "a bug" in job.reason) for job in world.jobs()]
        rests = world.engine.is_at_rest(gated_for_s=120.0)
    world.pass_time(300)

    assert (held, rests) == ([("unknown", True)], True)
    assert (world.states(), world.service.count("create")) == (["published"], 1)
