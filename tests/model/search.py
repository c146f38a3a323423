"""Breadth-first search over all states: the shortest story that breaks a promise, if there is one."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.model.game import Game
from tests.model.promises import broken_at_rest, broken_promise
from tests.model.protocol import OWN, TROUBLE, steps
from tests.model.world import World

STUCK = "the world goes on for ever and comes to no rest"


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
    """One search: every state with how it was reached, and every step that the world takes by itself."""

    def __init__(self, game: Game, promise: Callable[[Game, World], str | None]) -> None:
        self._game = game
        self._promise = promise
        first = game.setting.first_world()
        self._came_from: dict[World, tuple[World, str] | None] = {first: None}
        self._frontier = deque([first])
        self._before: dict[World, list[World]] = {}
        self._moving: list[World] = []
        self._names: set[str] = set()

    def run(self) -> Outcome:
        while self._frontier:
            world = self._frontier.popleft()
            if broken := self._promise(self._game, world):
                return self._outcome(broken, world)
            self._expand(world)
        return self._rest()

    def _expand(self, world: World) -> None:
        for name, after in steps(self._game, world, OWN):
            self._reach(world, name, after)
            self._before.setdefault(after, []).append(world)
            if lasting(after) != lasting(world):
                self._moving.append(world)
        for name, after in steps(self._game, world, TROUBLE):
            self._reach(world, name, after)

    def _reach(self, world: World, name: str, after: World) -> None:
        self._names.add(name)
        if after not in self._came_from:
            self._came_from[after] = (world, name)
            self._frontier.append(after)

    def _rest(self) -> Outcome:
        """Look at where nothing that lasts changes any more, and whether the world always gets there."""
        resting = self._came_from.keys() - self._leading_to(self._moving)
        for world in resting:
            if broken := broken_at_rest(self._game, world):
                return self._outcome(broken, world)
        for world in self._came_from.keys() - self._leading_to(resting):
            return self._outcome(STUCK, world)
        return self._outcome(None, None)

    def _leading_to(self, worlds: Iterable[World]) -> set[World]:
        """Give the states from which one of these is reached by what happens by itself."""
        found = set(worlds)
        open_ = list(found)
        while open_:
            for before in self._before.get(open_.pop(), ()):
                if before not in found:
                    found.add(before)
                    open_.append(before)
        return found

    def _outcome(self, broken: str | None, world: World | None) -> Outcome:
        story: list[str] = []
        while world is not None and (step := self._came_from[world]) is not None:
            world, name = step
            story.append(name)
        return Outcome(len(self._came_from), broken, tuple(reversed(story)), frozenset(self._names))


def lasting(world: World) -> Any:
    """Leave out what only tells how long ago something was, or what was looked at."""
    statuses = tuple(remote.status for remote in world.remotes)
    return (world.state, world.hands, world.flying, statuses, world.claim)


def explore(game: Game, promise: Callable[[Game, World], str | None] = broken_promise) -> Outcome:
    """Search every state that can be reached, until a promise does not hold in one."""
    return Explorer(game, promise).run()
