"""Actions: what may happen in a model's world, to which things, when, and what it changes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Action:
    """Something that may happen: to each of which things, when, and what it changes."""

    name: str
    each: Callable[[Any], Iterable[Any]]
    when: Callable[[Any, Any, Any], bool]
    then: Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Play:
    """A model, whatever its world is made of.

    Args:
        own: What happens by itself; where none of it changes anything that lasts, the world has come to rest.
        trouble: What may happen a few times, and what people say.
        broken: Names a promise that does not hold in a state.
        broken_at_rest: Names one that does not hold in a state that is at rest.
        lasting: Leaves out of a state what tells only how long ago something was, or what was looked at.
    """

    own: tuple[Action, ...]
    trouble: tuple[Action, ...]
    broken: Callable[[Any, Any], str | None]
    broken_at_rest: Callable[[Any, Any], str | None]
    lasting: Callable[[Any], Any]


def once(_: Any) -> Iterator[None]:
    yield None


def always(_: Any, __: Any, ___: Any) -> bool:
    return True


def steps(game: Any, world: Any, table: tuple[Action, ...]) -> Iterator[tuple[str, Any]]:
    """Give what may happen next, leaving out what changes nothing."""
    for action in table:
        for thing in action.each(world):
            if action.when(game, world, thing) and (after := action.then(game, world, thing)) != world:
                yield action.name, after
