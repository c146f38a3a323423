"""What a job is, in words and as JSON: above all why it waits.

A held or failed job has its reason written down. One that waits for what all wait for has none: here it gets the
planner's own words for the gate, the limit or the slots that keep it, or the separation of another job.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from mvsep_watch.cli.rendering import full_path, instant, joined, local_day, said
from mvsep_watch.cli.selecting import START
from mvsep_watch.model import (
    FORMATS,
    Account,
    Config,
    Gate,
    HoldKind,
    JobState,
    SeparationState,
    Settings,
    realm_of,
)
from mvsep_watch.naming import escape_path
from mvsep_watch.planner import Proposal, Situation, Wait, in_force, may_start
from mvsep_watch.pricing import month_of
from mvsep_watch.store import SeparationRow
from mvsep_watch.store.views import JobView, Views

KEEPERS_SHOWN = 3
"""Of the jobs that keep a slot; each of them says so itself."""

Words = tuple[str, str]
"""A reason, and what to do about it; either may be empty."""


class Describer:
    """Says what jobs are and why they wait.

    Args:
        views: The state, at one instant.
        config: Its limits are what keeps a job waiting.
        running: Whether a daemon is at work.
        now: Seconds since 1970.
    """

    def __init__(self, views: Views, config: Config, *, running: bool, now: float) -> None:
        self._views = views
        self._config = config
        self._running = running
        self._today = str(local_day(now))

    def why(self, view: JobView) -> Words:
        """Say why a job is where it is, and what can be done about it; empty where there is nothing to say."""
        job = view.job
        match job.state:
            case JobState.QUEUED if job.separation_id is None:
                return (job.reason, job.hint) if job.not_before and job.reason else self._why_not_started(view)
            case JobState.QUEUED | JobState.SUBMITTED:
                return self._why_not_separated(view)
            case JobState.SEPARATED | JobState.FETCHED if not job.not_before:
                doing = "its outputs are fetched" if job.state == JobState.SEPARATED else "its outputs are published"
                return (doing, "") if self._running else NOT_RUNNING
            case JobState.PUBLISHED if view.replaced_by is not None:
                return f"its outputs were replaced by those of job {view.replaced_by}", ""
            case _:
                return job.reason, job.hint

    def _why_not_started(self, view: JobView) -> Words:
        """Give the reason that a job shares with all others: it costs nothing and is small, and still may not start."""
        root = escape_path(view.job.output_root)
        proposal = Proposal(price=0, size_bytes=0, duration_s=None, root=root, folder=view.job.folder)
        wait = may_start(proposal, self.situation)
        if isinstance(wait, Wait) and (self.account is not None or self.situation.gates):
            kept = self._slots_kept if self.situation.slots_taken >= self.situation.plan.separations else ""
            return f"{wait.reason}{kept}", wait.hint
        return ("it waits for its turn", "") if self._running else NOT_RUNNING

    def _why_not_separated(self, view: JobView) -> Words:
        job, row = view.job, view.separation
        if row is None:
            return job.reason, job.hint
        words = self.of_separation(row)
        if view.carrier not in (None, job.id):
            words = f"it waits for separation {row.id} (job {view.carrier}): {words}"
        is_kept_waiting = row.state == SeparationState.INTENDED and not self._running
        return (words, NOT_RUNNING[1]) if is_kept_waiting else (words, "")

    def of_separation(self, row: SeparationRow) -> str:
        """Say where an unfinished separation is: in the server's words, once it has it."""
        match row.state:
            case SeparationState.INTENDED:
                return row.reason or ("it is being uploaded" if self._running else NOT_RUNNING[0])
            case SeparationState.RELEASED:
                return row.reason or "it is sent, and the answer is awaited"
            case SeparationState.SUBMITTED:
                return said(row.server_words)
            case _:
                return row.reason

    @cached_property
    def _account(self) -> tuple[Account, float] | None:
        return self._views.account(realm_of(self._config.service.base_url))

    @property
    def account(self) -> Account | None:
        """The account as it was read last."""
        return self._account[0] if self._account else None

    @property
    def account_read_at(self) -> float | None:
        """When the account was read last, seconds since 1970."""
        return self._account[1] if self._account else None

    @cached_property
    def situation(self) -> Situation:
        """What holds for every separation that might start now."""
        separations, account = self._views.separations, self.account
        realm = realm_of(self._config.service.base_url)
        mine = (realm, account.identity) if account else None
        return Situation(
            gates=self._views.memory.closed,
            plan=in_force(self._config.limits, account, self._views.memory.slots_seen(*mine) if mine else None),
            credits=self._config.limits.credits,
            account=account,
            slots_taken=separations.slots_taken(account=mine),
            sent_today=separations.sent_on(realm, self._today),
            reserved=separations.reserved_against_balance(account=mine),
            spent_today=separations.spent(realm, self._today, self._today),
            spent_this_month=separations.spent(realm, *month_of(self._today)),
        )

    @cached_property
    def _slots_kept(self) -> str:
        held = self._views.views(self._views.jobs.held(HoldKind.UNKNOWN))
        kept = {row.id: view.job.id for view in reversed(held) if (row := view.separation) and row.keeps_slot}
        shown = [str(job_id) for job_id in sorted(kept.values())]
        if len(shown) > KEEPERS_SHOWN:
            shown[KEEPERS_SHOWN:] = [f"{len(shown) - KEEPERS_SHOWN} more"]
        return f"; slot kept by job {joined(shown)}" if shown else ""

    def as_json(self, view: JobView) -> dict[str, Any]:
        """Give a job for programs. Paths are absolute and escaped; times are ISO 8601 in UTC."""
        job, row = view.job, view.separation
        reason, hint = self.why(view)
        return {
            "id": job.id,
            "source": full_path(view.source),
            "folder": job.folder,
            "rule": job.rule,
            "state": str(job.state),
            "hold": None if job.hold is None else str(job.hold),
            "hash": row.hash if row else None,
            "sep_type": sep_type_of(view),
            "attempt": row.attempt if row else job.attempt_wanted,
            "separation": row.id if row else None,
            "credits_estimated": row.credits_estimated if row else job.price,
            "credits_charged": row.credits_charged if row else None,
            "reason": reason,
            "hint": hint,
            "output_folder": full_path(job.place.folder),
            "outputs": [
                {
                    "path": full_path(job.place.file(output.name)),
                    "stem": output.stem,
                    "sha256": output.sha256,
                    "size": output.size_bytes,
                }
                for output in view.outputs
            ],
            "queued_at": instant(job.queued_at),
            "finished_at": instant(job.finished_at),
        }


NOT_RUNNING: Words = ("no daemon is running", START)


def sep_type_of(view: JobView) -> int | None:
    """Give the model's number, or None while the job was never planned."""
    settings = view.separation.settings if view.separation else view.job.settings
    return json.loads(settings)["sep_type"] if settings else None


def in_words(settings: str) -> str:
    """Put settings (their canonical JSON) into words: the model's number, every option, the format."""
    meant = Settings.from_canonical(settings)
    options = "".join(f", {name}={value}" for name, value in meant.options)
    demo = ", shown on the site's demo page" if meant.is_demo else ""
    return f"sep_type {meant.sep_type}{options}, {FORMATS[meant.output_format].name}{demo}"


def gate_json(gate: Gate) -> dict[str, Any]:
    """Give a closed gate for programs."""
    scope = {"scope": gate.scope} if gate.scope else {}
    return {"name": str(gate.name), "reason": gate.reason, "hint": gate.hint, "since": instant(gate.since), **scope}
