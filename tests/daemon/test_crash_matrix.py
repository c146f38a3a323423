"""A kill after everything that a life does to the outside: each single one, and pairs of them.

`MVSEP_WATCH_SECOND_KILLS` says how many second kills are tried after each first one around a submission or a
publication; without it, one after every other.
"""

import os
import random

import pytest

from tests.daemon.effects import Effects, Killed
from tests.daemon.invariants import (
    assert_no_source_is_harmed,
    assert_nothing_is_half,
    assert_nothing_is_left,
    assert_nothing_is_paid_twice,
    assert_the_books_agree,
    sha256,
)
from tests.daemon.world import World, write_wav

PARTS = 8
"""So many tests share the kills among them."""
SECOND_KILLS = min(59, int(os.environ.get("MVSEP_WATCH_SECOND_KILLS", "0")))


class Matrix:
    """One song in a new world, and the kills that its daemon meets."""

    def __init__(self, base, *kills, source="keep"):
        base.mkdir()
        self.world = world = World(base)
        elsewhere = base / "moved"
        world.folder_options = {"source": {"moved": elsewhere, "elsewhere": elsewhere}.get(source, source)}
        self.dropped = {sha256(write_wav(world.drop / "song.wav"))}
        self.may_be_gone = source == "delete"
        self.effects = Effects(world, kills=kills, elsewhere=elsewhere if source == "elsewhere" else None)

    def live(self):
        """Live until killed, or at rest; say what the kill came after."""
        died = None
        try:
            with self.effects.watched():
                self.world.restart()
                self.world.finish()
        except Killed as kill:
            died = kill
        assert_nothing_is_half(self.world)
        assert_nothing_is_paid_twice(self.world)
        self.check_source()
        return died

    def check_source(self):
        """Only what is published may be deleted, and only if asked to."""
        if not (self.may_be_gone and (self.world.stems / "song").exists()):
            assert_no_source_is_harmed(self.world, self.dropped)

    def recover(self):
        """Go on, with another song, so that something younger than every unknown is listed; then everything is well."""
        world = self.world
        write_wav(world.drop / "later.wav", pitch=2)
        self.effects.kills = set()
        with self.effects.watched():
            world.restart()
            world.finish(rounds=90)
            world.pass_time(600, step_s=60)

        assert world.states() == ["published", "published"]
        assert world.service.made == 2
        assert sorted(path.name for path in world.stems.iterdir() if path.is_dir()) == ["later", "song"]
        assert_nothing_is_half(world)
        self.check_source()
        assert_nothing_is_left(world)
        assert_the_books_agree(world)
        world.stop()


def survive(base, *kills, source="keep"):
    """Die at each of these effects, one process after the other, and recover; say whether all of them came."""
    matrix = Matrix(base, *kills, source=source)
    died = [str(kill) for kill in (matrix.live() for _ in kills) if kill is not None]
    try:
        matrix.recover()
    except BaseException as error:
        error.add_note(f"killed after {died}")
        raise
    return len(died) == len(kills)


def names_of_a_life(base, source):
    matrix = Matrix(base, source=source)
    matrix.live()
    matrix.world.stop()
    return matrix.effects.names


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_after_any_effect_neither_loses_nor_repeats(tmp_path, part):
    """From an empty state to a song that is published and moved to another disk."""
    number = part + 1

    while survive(tmp_path / str(number), number, source="elsewhere"):
        number += PARTS

    assert number > 100


@pytest.mark.parametrize("source", ["keep", "delete", "moved"])
def test_a_kill_after_any_effect_of_the_end_keeps_the_source_whole(tmp_path, source):
    """However the source is disposed of: from the publishing rename on."""
    names = names_of_a_life(tmp_path / "names", source)
    first = next(number for number, name in enumerate(names, 1) if name.endswith("to stems/song"))

    for number in range(first, len(names) + 1):
        assert survive(tmp_path / str(number), number, source=source)


def around(names, begin, end):
    """Give the numbers of the effects from the first that says `begin` to the first that says `end`."""
    first = next(number for number, name in enumerate(names, 1) if begin in name)
    return range(first, next(number for number, name in enumerate(names, 1) if end in name and number > first) + 1)


@pytest.mark.parametrize(
    ("begin", "end"),
    [("separations intended", "separations submitted"), ("jobs fetched", "jobs published")],
    ids=["submit", "publish"],
)
def test_a_second_kill_in_the_next_process_changes_nothing(tmp_path, begin, end):
    """Killed around a submission or a publication, and again while that is looked after."""
    chance = random.Random(1)
    first = around(names_of_a_life(tmp_path / "names", "keep"), begin, end)
    for number in first if SECOND_KILLS else first[::2]:
        for again in chance.sample(range(number + 1, number + 60), SECOND_KILLS or 1):
            survive(tmp_path / f"{number} {again}", number, again)
