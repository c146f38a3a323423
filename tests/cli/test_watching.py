"""`status --watch`: again and again, until somebody has seen enough."""

import json

import pytest
from rich.console import Console

from mvsep_watch.cli import rendering, watching
from tests.cli.settled import Person, limit
from tests.daemon.world import write_wav


@pytest.fixture
def person(run, world, capsys):
    limit(world)
    return Person(run, world, capsys)


@pytest.fixture
def between(monkeypatch):
    """Let something happen between two looks; Ctrl-C comes after the last of them."""

    def between(*events):
        left = iter(events)

        def wait():
            event = next(left, None)
            if event is None:
                raise KeyboardInterrupt
            event()

        monkeypatch.setattr(watching, "_wait", wait)

    return between


def nothing():
    """Let nothing happen."""


def test_a_pipe_gets_what_has_changed_and_ctrl_c_is_no_failure(person, world, between):
    """What is as it was is not repeated."""
    world.start()

    def drop():
        write_wav(world.drop / "song.wav")
        world.rescan()
        world.pass_time(30)

    between(nothing, drop, nothing)

    code, out, _ = person("status", "--watch")

    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("jobs: ")] == ["jobs: none yet", "jobs: 1 submitted"]


def test_with_json_each_change_is_a_line(person, world, between):
    """For programs that follow."""
    world.start()
    between(nothing, lambda: world.engine.context.close_gate("service", "no answer"))

    code, out, _ = person("status", "--watch", "--json")

    found = [json.loads(line) for line in out.splitlines()]
    assert (code, [len(each["gates"]) for each in found]) == (0, [0, 1])


def test_a_terminal_is_redrawn_in_place(person, world, between, monkeypatch, capsys):
    """The last look stays; nothing scrolls by."""
    world.start()
    world.stop()
    monkeypatch.setattr(
        rendering,
        "console",
        lambda **_: Console(force_terminal=True, width=80, height=24, markup=False, soft_wrap=True),
    )
    between(nothing, nothing)

    code, out, _ = person("status", "--watch")

    *looks, last = out.split("\x1b[H")
    assert (code, sum("jobs: none yet" in look for look in looks) >= 2) == (0, True)
    assert not any("\x1b[2J" in look for look in looks[2:]), "nothing is cleared, so nothing flickers"
    assert "jobs: none yet" in last.partition("\x1b[?1049l")[2]
