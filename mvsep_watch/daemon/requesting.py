"""Applies what commands ask for: retry, approve, cancel, redo, forget. Each in one transaction with its answer.

A request names the attempt and the highest price that a person confirmed; it is refused if that attempt exists already
or would cost more. The running daemon applies requests; without one, the command itself does, under the lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mvsep_watch.model import FINISHED, HoldKind, JobState, SeparationState
from mvsep_watch.store import JobRow, Request, SeparationRow, Store

Answer = dict[str, Any]
"""`done`: ids of the jobs that were changed; `refused`: `{id, reason}` for each that was not; `made`: new jobs' ids."""

RETRIABLE = (HoldKind.TROUBLE, HoldKind.ELSEWHERE, HoldKind.OUTPUTS_GONE)


def apply_open(store: Store, *, now: float, reserve: Callable[[JobRow], Path | None]) -> list[tuple[Request, Answer]]:
    """Apply every request that nobody has answered.

    Args:
        store: The state, for its owner.
        now: Seconds since 1970.
        reserve: Names the final folder of a redone job, or None where its rule is gone.
    """
    applied = []
    for request in store.requests.open():
        with store.transaction():
            answer = _apply(store, request, now=now, reserve=reserve)
            store.requests.answer(request.id, answer, now=now)
        applied.append((request, answer))
    return applied


def _apply(store: Store, request: Request, *, now: float, reserve: Callable[[JobRow], Path | None]) -> Answer:
    answer: Answer = {"done": [], "refused": [], "made": []}
    if request.command == "forget":
        _forget_sources(store, request.arguments.get("sources", []), answer)
    for item in request.arguments.get("jobs", []):
        job = store.jobs.get(item["id"])
        if job is None:
            _refuse(answer, item["id"], "there is no such job")
            continue
        match request.command:
            case "retry":
                _retry(store, job, answer, now=now)
            case "approve":
                _approve(store, job, item.get("price"), answer, now=now)
            case "cancel":
                _cancel(store, job, answer, now=now)
            case "redo":
                _redo(store, job, item, answer, now=now, reserve=reserve)
            case "forget":
                _forget(store, job, answer, now=now)
            case _:
                _refuse(answer, job.id, f"this version knows no request {request.command!r}")
    return answer


def _refuse(answer: Answer, job_id: int, reason: str) -> None:
    answer["refused"].append({"id": job_id, "reason": reason})


def _retry(store: Store, job: JobRow, answer: Answer, *, now: float) -> None:
    """Resume what needs no payment."""
    if job.state == JobState.HELD and job.hold in RETRIABLE and job.resume:
        store.jobs.move(job, job.resume, now=now, reason="retried")
        _ask_now(store, job)
    elif job.state == JobState.FAILED and _was_never_paid(store, job):
        store.jobs.move(job, JobState.QUEUED, now=now, reason="retried", finished_at=None)
        store.jobs.set(job.id, separation_id=None)
    elif job.state == JobState.CANCELLED and job.separation_id is None:
        store.jobs.move(job, JobState.QUEUED, now=now, reason="retried", finished_at=None)
    elif job.state in (JobState.QUEUED, JobState.SUBMITTED, JobState.SEPARATED, JobState.FETCHED):
        store.jobs.set(job.id, not_before=0.0)
        _ask_now(store, job)
    else:
        _refuse(answer, job.id, _why_no_retry(job))
        return
    answer["done"].append(job.id)


def _was_never_paid(store: Store, job: JobRow) -> bool:
    row = _separation(store, job)
    return row is None or (row.hash is None and row.state != SeparationState.RELEASED)


def _why_no_retry(job: JobRow) -> str:
    if job.state == JobState.PUBLISHED:
        return "it is published; `redo` does it again, and pays"
    if job.hold in (HoldKind.PRICE, HoldKind.BATCH):
        return "it waits for `approve`"
    return "going on would need a payment: `redo`"


def _ask_now(store: Store, job: JobRow) -> None:
    row = _separation(store, job)
    if row is not None and row.state.is_unfinished:
        store.separations.set(row.id, not_before=0.0)


def _separation(store: Store, job: JobRow) -> SeparationRow | None:
    return store.separations.get(job.separation_id) if job.separation_id else None


def _approve(store: Store, job: JobRow, price: int | None, answer: Answer, *, now: float) -> None:
    """Let a job go that waits for its price; one approve frees every job of its work, or of its batch."""
    if job.state != JobState.HELD or job.hold not in (HoldKind.PRICE, HoldKind.BATCH):
        _refuse(answer, job.id, "it does not wait for `approve`")
        return
    if job.price is not None and price is not None and job.price > price:
        _refuse(answer, job.id, f"it costs {job.price} credits now, and {price} were confirmed")
        return
    if job.hold == HoldKind.BATCH:
        _free(store, job, now=now, batch=store.jobs.approved_batch(now=now))
    else:
        store.jobs.approve(job, attempt=_next_attempt(store, job), credits_=job.price, now=now)
        for other in store.jobs.held(HoldKind.PRICE):
            if _is_same_work(other, job):
                _free(store, other, now=now)
    answer["done"].append(job.id)


def _is_same_work(one: JobRow, other: JobRow) -> bool:
    return (one.realm, one.input_key, one.settings) == (other.realm, other.input_key, other.settings)


def _free(store: Store, job: JobRow, *, now: float, batch: int | None = None) -> None:
    store.jobs.move(job, JobState.QUEUED, now=now, reason="approved")
    if batch is not None:
        store.jobs.set(job.id, batch_id=batch)


def _next_attempt(store: Store, job: JobRow) -> int:
    if job.attempt_wanted is not None or job.settings is None:
        return job.attempt_wanted or 1
    rows = store.separations.of_settings(realm=job.realm, input_key=job.input_key, settings=job.settings)
    return max((row.attempt for row in rows), default=0) + 1


def _cancel(store: Store, job: JobRow, answer: Answer, *, now: float) -> None:
    """End a job; its separation only when no other live job needs it."""
    if job.state in FINISHED:
        _refuse(answer, job.id, f"it is {job.state} already")
        return
    store.jobs.move(job, JobState.CANCELLED, now=now, reason="cancelled by a person")
    row = _separation(store, job)
    if row is not None and not store.jobs.of_separation(row.id):
        _cancel_separation(store, row, job, now=now)
    answer["done"].append(job.id)


def _cancel_separation(store: Store, row: SeparationRow, job: JobRow, *, now: float) -> None:
    if row.state == SeparationState.INTENDED and row.releases == 0:
        store.separations.remove_intent(row, reason="cancelled by a person", now=now)
    elif row.state == SeparationState.RELEASED and job.hold == HoldKind.UNKNOWN:
        store.separations.move(row, SeparationState.LOST, now=now, reason="given up by a person, outcome unknown")
    elif row.state.is_unfinished:
        store.separations.set(row.id, cancel_wanted=1, not_before=0.0)


def _redo(
    store: Store,
    job: JobRow,
    item: dict[str, Any],
    answer: Answer,
    *,
    now: float,
    reserve: Callable[[JobRow], Path | None],
) -> None:
    """Make a new attempt: a new job, linked to the old one."""
    if reason := _why_no_redo(store, job, item):
        _refuse(answer, job.id, reason)
        return
    final = job.final if item.get("replace") and job.state == JobState.PUBLISHED else reserve(job)
    if final is None:
        _refuse(answer, job.id, "the configuration has no such folder or rule any more")
        return
    row = _separation(store, job)
    if row is not None and row.state == SeparationState.RELEASED:
        store.separations.move(row, SeparationState.LOST, now=now, reason="given up for another attempt")
    if job.state not in FINISHED:
        store.jobs.move(job, JobState.CANCELLED, now=now, reason="redone")
    made = store.jobs.add(
        source_id=job.source_id,
        folder=job.folder,
        rule=job.rule,
        realm=job.realm,
        input_key=job.input_key,
        asked=item.get("asked") or job.asked,
        priority=job.priority,
        output_root=job.output_root,
        final=final,
        batch_id=store.jobs.approved_batch(now=now),
        now=now,
        redo_of=job.id,
        attempt_wanted=item["attempt"],
        price_allowed=item.get("price"),
        replaces=final == job.final,
    )
    _approve_redo(store, made, item, now=now)
    answer["made"].append(made)
    answer["done"].append(job.id)


def _approve_redo(store: Store, made: int, item: dict[str, Any], *, now: float) -> None:
    store.jobs.set(made, settings=item["settings"])
    job = store.jobs.get(made)
    if job is not None:
        store.jobs.approve(job, attempt=item["attempt"], credits_=item.get("price"), now=now)


def _why_no_redo(store: Store, job: JobRow, item: dict[str, Any]) -> str:
    source = store.sources.get(job.source_id)
    if source.input_key != job.input_key or not os.path.lexists(source.path):
        return f"the source {source.path} is gone, or holds other bytes now"
    rows = store.separations.of_settings(realm=job.realm, input_key=job.input_key, settings=item["settings"])
    if any(row.attempt >= item["attempt"] for row in rows):
        return f"attempt {item['attempt']} exists already"
    if any(row.state in (SeparationState.INTENDED, SeparationState.SUBMITTED) for row in rows):
        return "an attempt is under way; `cancel` it first"
    return ""


def _forget(store: Store, job: JobRow, answer: Answer, *, now: float) -> None:
    """Leave a note that the file is to be ignored, and end what is still to be done for it."""
    store.sources.ignore(job.source_id)
    if job.state not in FINISHED:
        _cancel(store, job, answer, now=now)
    else:
        answer["done"].append(job.id)


def _forget_sources(store: Store, source_ids: list[int], answer: Answer) -> None:
    for source_id in source_ids:
        store.sources.ignore(source_id)
        answer.setdefault("sources", []).append(source_id)
