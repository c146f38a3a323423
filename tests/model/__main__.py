"""The protocol's states, counted: `python -m tests.model` prints how many each setting has, and what is broken."""

from tests.model.game import Game
from tests.model.rules import Rules
from tests.model.search import explore
from tests.model.test_never_twice import SETTINGS


def main() -> None:
    """Search every setting to its end and print a line for each."""
    total = 0
    for name, setting in SETTINGS.items():
        outcome = explore(Game(Rules(), setting))
        total += outcome.states
        print(f"{outcome.states:8}  {outcome.broken or 'none'}  {name}")
    print(f"{total:8}  states, every one that can be reached")


if __name__ == "__main__":
    main()
