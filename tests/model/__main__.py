"""The models' states, counted: `python -m tests.model [CRASHES]` prints how many each setting has, and what is broken.

With a number, every setting has so many crashes more: deeper than the suite looks, and longer.
"""

import sys
from dataclasses import replace

from tests.model.game import Game
from tests.model.home import game as home
from tests.model.home import settings
from tests.model.home.protocol import HOME
from tests.model.home.rules import Rules as HomeRules
from tests.model.protocol import NEVER_TWICE
from tests.model.rules import Rules
from tests.model.search import explore
from tests.model.test_never_twice import SETTINGS


def main(crashes: int) -> None:
    """Search every setting to its end and print a line for each."""
    never_twice = {name: Game(Rules(), deeper(setting, crashes)) for name, setting in SETTINGS.items()}
    at_home = {name: home.Game(HomeRules(), deeper(each, crashes)) for name, each in settings.SETTINGS.items()}
    for title, play, games in (("never twice", NEVER_TWICE, never_twice), ("the local end", HOME, at_home)):
        total = 0
        for name, game in games.items():
            outcome = explore(play, game)
            total += outcome.states
            print(f"{outcome.states:8}  {outcome.broken or 'none'}  {name}", flush=True)
        print(f"{total:8}  states of {title}, every one that can be reached")


def deeper(setting, crashes):
    return replace(setting, budget=setting.budget._replace(crashes=setting.budget.crashes + crashes))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
