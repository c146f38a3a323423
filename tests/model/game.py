"""A run's rules and setting, and what the planner is asked in it."""

from dataclasses import dataclass
from typing import Any

from mvsep_watch.model import SeparationState
from tests.model.rules import Rules, start
from tests.model.world import UNFINISHED, Separation, Setting, World

INTENDED, RELEASED, SUBMITTED = UNFINISHED
DONE, FAILED, LOST = SeparationState.DONE, SeparationState.FAILED, SeparationState.LOST
CANCELLED = SeparationState.CANCELLED


@dataclass(frozen=True)
class Game:
    """The rules and the setting of a run."""

    rules: Rules
    setting: Setting


def decision(game: Game, world: World, *, own: Separation | None = None) -> Any:
    """Say whether a separation may start, leaving its own reservation out."""
    rows = [row for row in world.state.separations if own is None or row.key != own.key]
    return start(
        game.rules,
        is_doubtful=world.claim > world.state.generation,
        slots=game.setting.slots,
        taken=sum(takes_slot(game, row) for row in rows),
        balance=world.memory.balance,
        reserved=sum(is_reserved(game, row) for row in rows),
        is_tagged=game.setting.is_tagged,
        is_one_unknown=any(row.state == RELEASED for row in rows),
    )


def takes_slot(game: Game, row: Separation) -> bool:
    if row.state == INTENDED and not game.rules.reserves_at_intent:
        return False
    return row.state in UNFINISHED and row.keeps_slot


def is_reserved(game: Game, row: Separation) -> bool:
    if row.was_refused or (row.state == INTENDED and not game.rules.reserves_at_intent):
        return False
    if row.is_charged and not game.rules.counts_until_balance:
        return False
    return game.setting.counts_money and not row.balance_read
