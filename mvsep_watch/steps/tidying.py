"""Steps that find stagings, and remove those that nobody needs any longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import staging
from mvsep_watch.steps.base import Pool, Tools

LONGEST_SWEEP_S = 1800.0
"""What is not looked through by then is passed over: it costs room and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What came of tidying.

    Args:
        removed: The stagings that are gone.
        over: The revisited places where nothing of a former id is left.
        troubles: Where it went wrong, with the reason.
    """

    removed: tuple[Path, ...] = ()
    over: tuple[Path, ...] = ()
    troubles: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidy:
    """Remove our own stagings that nobody needs.

    Args:
        owner: Whose they are.
        parents: The folders that are looked at.
        revisited: Those of them where something was staged under a former id.
    """

    pool: ClassVar[Pool] = Pool.FILING

    owner: staging.Owner
    parents: tuple[Path, ...]
    revisited: frozenset[Path] = frozenset()

    @property
    def key(self) -> str:
        """Once."""
        return "tidy"

    def perform(self, tools: Tools) -> Tidied:
        """Remove them; a folder that is in trouble holds no other up."""
        removed: list[Path] = []
        over: list[Path] = []
        troubles: list[tuple[Path, str]] = []
        for parent in self.parents:
            try:
                removed += staging.clean(parent, self.owner, now=tools.now())
                if parent in self.revisited and staging.is_over(parent, self.owner):
                    over.append(parent)
            except MvsepWatchError as error:
                troubles.append((parent, error.message))
        return Tidied(removed=tuple(removed), over=tuple(over), troubles=tuple(troubles))


@dataclass(frozen=True, slots=True)
class Sweep:
    """Look through output roots for stagings, whoever's they are."""

    pool: ClassVar[Pool] = Pool.FILING

    roots: tuple[Path, ...]

    @property
    def key(self) -> str:
        """One at a time."""
        return "sweep"

    def perform(self, tools: Tools) -> Mapping[Path, str]:
        """Give each staging with the id of the state that it is of."""
        ends_s = tools.monotonic() + LONGEST_SWEEP_S

        def is_over() -> bool:
            return tools.stopping.is_set() or tools.monotonic() > ends_s

        return dict(found for root in self.roots for found in staging.stagings_below(root, stopping=is_over))
