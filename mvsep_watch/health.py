"""Decides whether all is well: whether what this daemon is for would happen just now. Pure; instants are monotonic.

Well is only what was seen to work: every folder looked through as a whole, and the service heard, since the last time
that it was said. What is not known yet is neither well nor ill, and a watching service that hears nothing raises its
alarm by itself. Jobs that wait for a person, an empty purse, closed hours and a pause are no illness: all of that works
as it should.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mvsep_watch.model import Gate, GateName

LASTS_S = 60.0
"""An illness is told of once it has lasted for so long."""
ILL_GATES = (GateName.TOKEN, GateName.ACCOUNT, GateName.SERVICE, GateName.DISK, GateName.STATE)
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Well:
    """All that is to be seen was seen."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """Something has not been seen yet."""


@dataclass(frozen=True, slots=True)
class Ill:
    """Something is wrong."""

    reason: str


Verdict = Well | Unsure | Ill


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known.

    Args:
        looked_s: When each folder was last looked through as a whole, by name; None for never.
        unseen: Folders that cannot be seen, or heard, as they should be, by name, with what is the matter.
        gates: The closed gates.
        stuck: A step that makes no progress; empty where there is none.
        answered_s: When the service answered last; None for never.
    """

    looked_s: Mapping[str, float | None]
    unseen: Mapping[str, str]
    gates: Sequence[Gate]
    stuck: str
    answered_s: float | None


def verdict(signs: Signs, *, since_s: float, answered_since_s: float) -> Verdict:
    """Say how it is.

    Args:
        signs: What is known.
        since_s: Every folder must have been looked through after that.
        answered_since_s: The service must have answered after that.
    """
    reasons = [f"{name} cannot be seen: {trouble}" for name, trouble in signs.unseen.items()]
    reasons += [f"gate {gate.name} is closed: {gate.reason}" for gate in signs.gates if gate.name in ILL_GATES]
    reasons += [f"it hangs: {signs.stuck}"] if signs.stuck else []
    if reasons:
        return Ill("; ".join(reasons)[:LONGEST_REASON])
    is_seen = all(looked_s is not None and looked_s > since_s for looked_s in signs.looked_s.values())
    is_answered = signs.answered_s is not None and signs.answered_s > answered_since_s
    return Well() if is_seen and is_answered else Unsure()
