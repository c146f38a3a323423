"""Which separation serves a job: an existing attempt of its work, a new one, or none without a person's word.

Never pays twice by construction: a new attempt is proposed only where the work has none, where the service itself
called the latest one failed and `limits.attempts` allows another, where nothing was paid for the latest one because
the service refused it, or where a person asked for exactly this attempt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mvsep_watch.model import Catalogue, Rule, SeparationState, Settings
from mvsep_watch.options import resolve_model, resolve_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What is known of one attempt of a work.

    Args:
        was_refused: The service did not take it: it never had a hash and nothing was paid.
    """

    id: int
    number: int
    state: SeparationState
    was_refused: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """The job takes this separation."""

    separation_id: int


@dataclass(frozen=True, slots=True)
class Begin:
    """The work needs a new attempt with this number."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The work's latest attempt ended without results; only a person may ask for another."""

    separation_id: int


def serve(attempts: Sequence[Attempt], *, wanted: int | None, allowed_failures: int) -> Join | Begin | Ended:
    """Decide which separation a job takes.

    Args:
        attempts: All attempts of the work, in any order.
        wanted: The attempt that a person asked for with `redo`, or None.
        allowed_failures: `limits.attempts`.
    """
    if not attempts:
        return Begin(wanted or 1)
    by_number = sorted(attempts, key=lambda attempt: attempt.number)
    if wanted is not None:
        asked = next((attempt for attempt in by_number if attempt.number == wanted), None)
        return Join(asked.id) if asked and not _ended_without_results(asked) else _after(by_number, wanted=wanted)
    done = [attempt for attempt in by_number if attempt.state == SeparationState.DONE]
    unfinished = [attempt for attempt in by_number if attempt.state.is_unfinished]
    if found := done or unfinished:
        return Join(found[-1].id)
    return _again_or_ended(by_number, allowed_failures)


def _ended_without_results(attempt: Attempt) -> bool:
    return not attempt.state.is_unfinished and attempt.state != SeparationState.DONE


def _after(by_number: list[Attempt], *, wanted: int) -> Begin | Ended:
    latest = by_number[-1]
    if latest.number < wanted:
        return Begin(wanted)
    return Begin(latest.number + 1) if latest.was_refused else Ended(latest.id)


def _again_or_ended(by_number: list[Attempt], allowed_failures: int) -> Begin | Ended:
    latest = by_number[-1]
    failures = sum(attempt.state == SeparationState.FAILED and not attempt.was_refused for attempt in by_number)
    may_fail_again = latest.state == SeparationState.FAILED and failures < allowed_failures
    return Begin(latest.number + 1) if latest.was_refused or may_fail_again else Ended(latest.id)


def asked_of(rule: Rule) -> str:
    """Give the canonical text of what a rule asks for as it is written, before defaults are filled in."""
    return json.dumps(
        [rule.sep_type, sorted(rule.options), rule.output_format, rule.demo], separators=(",", ":"), ensure_ascii=True
    )


def settings_of(rule: Rule, catalogue: Catalogue) -> Settings:
    """Give exactly what is sent for a rule, the catalogue's defaults filled in.

    Raises:
        RequestRefusedError: The catalogue has no such model, option or value.
    """
    algorithm = resolve_model(rule.sep_type, catalogue)
    return Settings.of(
        sep_type=algorithm.sep_type,
        options=resolve_options(rule.options, algorithm),
        output_format=rule.output_format,
        is_demo=rule.demo,
    )
