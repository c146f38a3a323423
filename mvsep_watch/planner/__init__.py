"""Decisions: what may start, what an unknown outcome means, where outputs go, whether a source may go.

Values in, values out; no file, socket or clock.
"""

from mvsep_watch.planner.disposal import Served, Wish, may_dispose
from mvsep_watch.planner.fit import Offer, format_misfit, misfit, premium_misfit
from mvsep_watch.planner.limits import PlanLimits, SlotsSeen, in_force, slots_after_refusal, slots_after_success
from mvsep_watch.planner.order import by_name, fair, in_line
from mvsep_watch.planner.publishing import (
    Place,
    RootIs,
    decide_place,
    judge_root,
    may_leave_spool,
    results_are_gone,
)
from mvsep_watch.planner.reconcile import Absent, Doubtful, LookAgain, Promptness, Search, best_row, verdict
from mvsep_watch.planner.start import (
    BUY_CREDITS,
    Ask,
    Misfit,
    Proposal,
    Situation,
    Start,
    Wait,
    any_limit,
    may_start,
)
from mvsep_watch.planner.work import Attempt, Begin, Ended, Join, asked_of, required_prompt, serve, settings_of

__all__ = [
    "BUY_CREDITS",
    "Absent",
    "Ask",
    "Attempt",
    "Begin",
    "Doubtful",
    "Ended",
    "Join",
    "LookAgain",
    "Misfit",
    "Offer",
    "Place",
    "PlanLimits",
    "Promptness",
    "Proposal",
    "RootIs",
    "Search",
    "Served",
    "Situation",
    "SlotsSeen",
    "Start",
    "Wait",
    "Wish",
    "any_limit",
    "asked_of",
    "best_row",
    "by_name",
    "decide_place",
    "fair",
    "format_misfit",
    "in_force",
    "in_line",
    "judge_root",
    "may_dispose",
    "may_leave_spool",
    "may_start",
    "misfit",
    "premium_misfit",
    "required_prompt",
    "results_are_gone",
    "serve",
    "settings_of",
    "slots_after_refusal",
    "slots_after_success",
    "verdict",
]
