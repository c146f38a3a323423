"""What a job is, in words and as JSON: above all why it waits.

A held or failed job has its reason written down. One that waits for what all wait for has none: here it gets the
planner's own words for the gate, the limit or the slots that keep it, or the separation of another job.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from mvsep_watch.cli.rendering import about_left, full_path, instant, joined, local_day, said_in_parts, size
from mvsep_watch.cli.selecting import START
from mvsep_watch.daemon import told
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
from mvsep_watch.planner.polling import work_left_s
from mvsep_watch.pricing import month_of
from mvsep_watch.store import JobRow, SeparationRow
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
        self._now = now
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
                return (_said(self._bringing_home(job)), "") if self._running else NOT_RUNNING
            case JobState.PUBLISHED if view.replaced_by is not None:
                return f"its outputs were replaced by those of job {view.replaced_by}", ""
            case _:
                return job.reason, job.hint

    def _why_not_started(self, view: JobView) -> Words:
        """Give the reason that a job shares with all others: it costs hardly anything, is small, and may not start."""
        root, account = escape_path(view.job.output_root), self.account
        has_unknown_balance = account is not None and account.has_premium and account.credits is None
        proposal = Proposal(
            price=int(has_unknown_balance), size_bytes=0, duration_s=None, root=root, folder=view.job.folder
        )
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

    def doing(self, view: JobView) -> Words:
        """Say what is done about a job that is under way, and apart from that how far it is."""
        job, row = view.job, view.separation
        parts: tuple[str, ...] = (self.why(view)[0],)
        if row is not None and job.state in (JobState.QUEUED, JobState.SUBMITTED) and view.carrier in (None, job.id):
            parts = self.in_parts(row)
        elif job.state in (JobState.SEPARATED, JobState.FETCHED) and not job.not_before and self._running:
            parts = self._bringing_home(job)
        return parts[0], _said(parts[1:])

    def _bringing_home(self, job: JobRow) -> tuple[str, ...]:
        if job.state == JobState.FETCHED:
            return ("its outputs are published",)
        size_bytes, per_s = self._moves.fetched if self._moves.fetching == {job.id} else (0, 0.0)
        amount = f"{size(size_bytes)} {_speed(per_s)}".rstrip() if size_bytes else ""
        return "its outputs are fetched", amount

    def of_separation(self, row: SeparationRow) -> str:
        """Say where an unfinished separation is: in the server's words, once it has it."""
        return _said(self.in_parts(row))

    def in_parts(self, row: SeparationRow) -> tuple[str, ...]:
        """Say where an unfinished separation is, and apart from that what changes all the time; parts may be empty."""
        match row.state:
            case SeparationState.INTENDED if not row.reason and self._running:
                return "being uploaded", *self._uploaded(row)
            case SeparationState.INTENDED:
                return (row.reason or NOT_RUNNING[0],)
            case SeparationState.RELEASED:
                return (row.reason or "it is sent, and the answer is awaited",)
            case SeparationState.SUBMITTED:
                return *said_in_parts(row.server_words), self._left(row)
            case _:
                return (row.reason,)

    def _uploaded(self, row: SeparationRow) -> Iterator[str]:
        """Say how far an upload is, how fast it goes, and how long it takes still, as far as the daemon told lately."""
        sent_bytes, per_s = self._moves.uploads.get(row.id, (0, 0.0))
        if sent_bytes:
            yield f"{size(sent_bytes)} of {size(row.size_bytes)} {_speed(per_s)}".rstrip()
        if per_s >= 1 and row.size_bytes > sent_bytes:
            yield about_left((row.size_bytes - sent_bytes) / per_s)

    def _left(self, row: SeparationRow) -> str:
        """Say how long the service takes still, as is typical of its like; empty where that is not known.

        One that was not asked for yet counts as worked on: its like has taught when that is worth while.
        """
        if not self._running or row.server_words.get("status") == "waiting":
            return ""
        has_premium = self.account is not None and self.account.has_premium
        learned = self._views.durations.get(realm=row.realm, settings=row.settings, has_premium=has_premium)
        elapsed_s = self._now - (row.submitted_at or row.intended_at)
        left_s = work_left_s(learned, duration_s=row.duration_s, elapsed_s=elapsed_s)
        return about_left(left_s) if left_s else ""

    @cached_property
    def _moves(self) -> told.Moves:
        return told.moves(self._views.memory, now=self._now) if self._running else told.Moves()

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


def _said(parts: Iterable[str]) -> str:
    return ", ".join(filter(None, parts))


def _speed(per_s: float) -> str:
    return f"at {size(per_s)}/s" if per_s >= 1 else ""


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
