"""Which command frees which hold: one table for the commands and for whoever applies them. Values only."""

from __future__ import annotations

from mvsep_watch.model import HoldKind

WAITS_FOR = {
    HoldKind.PRICE: "it waits for `approve`",
    HoldKind.BATCH: "it waits for `approve`",
    HoldKind.SENT_BEFORE: "it waits for `approve`, or for `retry --hash HASH`",
    HoldKind.UNKNOWN: "it is looked for by itself; `redo` or `cancel` give it up",
    HoldKind.ENDED: "going on would need a payment: `redo`",
    HoldKind.OUTPUTS_GONE: "`retry` looks for its outputs once more, `redo` pays",
    HoldKind.SHORT: "`approve` takes its results as they are, `retry` fetches them once more",
    HoldKind.ELSEWHERE: "it waits for its own account and host",
    HoldKind.MISFIT: "it waits for its rule, or the service's models, to change; `retry` tries at once",
    HoldKind.TROUBLE: "it waits for `retry`",
}
"""Why another command is refused."""
RETRIABLE = (HoldKind.TROUBLE, HoldKind.MISFIT, HoldKind.ELSEWHERE, HoldKind.OUTPUTS_GONE, HoldKind.SHORT)
PRICED = (HoldKind.PRICE, HoldKind.BATCH)
"""Wait for a word on their price alone: those that `--all` and `--yes` mean."""
APPROVABLE = (*PRICED, HoldKind.SENT_BEFORE)
REDOABLE = (HoldKind.ENDED, HoldKind.OUTPUTS_GONE)
WITHOUT_RESULTS = (HoldKind.UNKNOWN, *REDOABLE)
"""Holds of the work: a new attempt serves every job that has one of them."""
