"""One line for each thing that was measured: against what, how it is, and what it must reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A figure.

    Args:
        what: What was measured, and in which unit.
        found: The figure.
        most: What it must not exceed.
        against: What it is compared with, where it is a ratio; else what else was seen.
    """

    what: str
    found: float
    most: float
    against: str = ""

    @property
    def is_missed(self) -> bool:
        """True where the figure exceeds its bound."""
        return self.found > self.most

    def __str__(self) -> str:
        verdict = "  MISSED" if self.is_missed else ""
        return f"| {self.what} | {self.found:.3g} | {self.most:.3g} | {self.against} |{verdict}"


HEAD = "| measured | found | at most | |\n|---|---|---|---|"


def cpu_s(work: Callable[[], object], *, rounds: int = 3) -> float:
    """Give the CPU seconds of the whole process for a piece of work, the least of a few rounds."""
    found = []
    for _ in range(rounds):
        begun_s = time.process_time()
        work()
        found.append(time.process_time() - begun_s)
    return min(found)
