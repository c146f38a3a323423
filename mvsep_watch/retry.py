"""What follows from trouble: again later, held, given up, or a gate. One table over the branches of the error tree."""

from __future__ import annotations

from dataclasses import dataclass

from mvsep_watch.errors import MvsepWatchError, NeedsUserError, OutputDamagedError, PermanentError, RetryableError
from mvsep_watch.model import GateName

FIRST_DELAY_S = 2.0
LONGEST_DELAY_S = 300.0
LONGEST_ASKED_S = 5400.0
"""Longer than the service's own longest pause; what asks for more has a wrong clock, and is not believed."""
PROBE_S = 60.0
"""How often a closed gate is probed: at least once a minute."""
MAX_DAMAGED = 6
"""Downloads in a row that came damaged before a person is asked; by then it is no network hiccup."""


@dataclass(frozen=True, slots=True)
class Again:
    """By itself, after a delay in seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class CloseGate:
    """No new spending until the gate opens; the step is done again after a delay, and no attempt is spent."""

    gate: GateName
    delay_s: float = PROBE_S


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must act on this job."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """This job will not succeed."""


Consequence = Again | CloseGate | Hold | GiveUp


def after(error: Exception, *, failures: int, spread: float = 0.5) -> Consequence:
    """Decide what follows from an error.

    Args:
        error: What a step ran into. What is not of the project's tree is a bug, and holds the job.
        failures: How often in a row it has failed before.
        spread: 0 to 1, random: spreads what would otherwise come back all at once.
    """
    match error:
        case OutputDamagedError() if failures + 1 >= MAX_DAMAGED:
            return Hold()
        case RetryableError(retry_after_s=asked):
            return Again(max(backoff_s(failures, spread=spread), min(asked or 0.0, LONGEST_ASKED_S)))
        case PermanentError():
            return GiveUp()
        case NeedsUserError(gate=str() as gate):
            return CloseGate(GateName(gate))
        case _:
            return Hold()


def backoff_s(failures: int, *, spread: float = 0.5) -> float:
    """Give seconds that double with every failure in a row, by half of them spread."""
    full = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failures, 16))
    return full * (0.75 + 0.5 * spread)


def words(error: Exception) -> tuple[str, str]:
    """Give an error's message and hint.

    A bug gets ours, without its own text: that may hold anything, a secret too, and only the log takes secrets out.
    """
    if isinstance(error, MvsepWatchError):
        return error.message, error.hint
    return f"a bug: {type(error).__name__}", "the log has the traceback; please report it, then `retry`"
