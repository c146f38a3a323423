"""Breadth-first search over all states: the shortest story that breaks a promise, if there is one."""

import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.model.table import Play, steps

STUCK = "the world goes on for ever and comes to no rest"
Promise = Callable[[Any, Any], str | None]


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Args:
        states: How many states were seen.
        broken: The promise that does not hold, or None.
        story: What happened until then.
        names: Which actions changed anything.
    """

    states: int
    broken: str | None = None
    story: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return "\n".join([f"{self.broken} ({self.states} states)", *(f"  {line}" for line in self.story)])


class Explorer:
    """One search: every state, by its number, with how it was reached, and every step that it takes by itself."""

    def __init__(self, play: Play, game: Any, promise: Promise) -> None:
        self._play = play
        self._game = game
        self._promise = promise
        self._worlds = [game.setting.first_world()]
        self._numbers = {self._worlds[0]: 0}
        self._came_from: list[tuple[int, str]] = [(-1, "")]
        self._before: list[list[int]] = [[]]
        self._moving: set[int] = set()
        self._names: set[str] = set()

    def run(self) -> Outcome:
        number = 0
        while number < len(self._worlds):
            if broken := self._promise(self._game, self._worlds[number]):
                return self._outcome(broken, number)
            self._expand(number)
            number += 1
        return self._rest()

    def _expand(self, number: int) -> None:
        world, lasting = self._worlds[number], self._play.lasting
        held = lasting(world)
        for name, after in steps(self._game, world, self._play.own):
            self._before[self._reach(number, name, after)].append(number)
            if number not in self._moving and lasting(after) != held:
                self._moving.add(number)
        for name, after in steps(self._game, world, self._play.trouble):
            self._reach(number, name, after)

    def _reach(self, number: int, name: str, after: Any) -> int:
        self._names.add(name)
        reached = self._numbers.setdefault(after, len(self._worlds))
        if reached == len(self._worlds):
            self._worlds.append(after)
            self._came_from.append((number, name))
            self._before.append([])
        return reached

    def _rest(self) -> Outcome:
        """Look at where nothing that lasts changes any more, and whether the world always gets there."""
        everything = range(len(self._worlds))
        going_on = self._leading_to(self._moving)
        resting = [number for number in everything if number not in going_on]
        for number in resting:
            if broken := self._play.broken_at_rest(self._game, self._worlds[number]):
                return self._outcome(broken, number)
        ending = self._leading_to(resting)
        stuck = next((number for number in everything if number not in ending), None)
        return self._outcome(None if stuck is None else STUCK, stuck)

    def _leading_to(self, numbers: Iterable[int]) -> set[int]:
        """Give the states from which one of these is reached by what happens by itself."""
        found = set(numbers)
        open_ = list(found)
        while open_:
            for before in self._before[open_.pop()]:
                if before not in found:
                    found.add(before)
                    open_.append(before)
        return found

    def _outcome(self, broken: str | None, number: int | None) -> Outcome:
        story: list[str] = []
        while number:
            number, name = self._came_from[number]
            story.append(name)
        return Outcome(len(self._worlds), broken, tuple(reversed(story)), frozenset(self._names))


def explore(play: Play, game: Any, promise: Promise | None = None) -> Outcome:
    """Search every state that can be reached, until a promise does not hold in one."""
    gc.disable()  # worlds are trees of values: there is nothing to collect, and a lot to look through for it
    try:
        return Explorer(play, game, promise or play.broken).run()
    finally:
        gc.enable()
