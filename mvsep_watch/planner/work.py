"""Which separation serves a job: an existing attempt of its work, a new one, or none without a person's word.

Never pays twice by construction: a new attempt is proposed only where the work has none, where the service itself
called the latest one failed and `limits.attempts` allows another, or where a person asked for it. What the service
refused unpaid does not count as an attempt, and hides none that came before it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mvsep_watch.errors import RequestRefusedError
from mvsep_watch.model import Algorithm, Catalogue, InputKind, Rule, SeparationState, Settings
from mvsep_watch.options import describe, prompt_field, resolve_model, resolve_options


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
    first = wanted or 1
    following = max([first, *(attempt.number + 1 for attempt in attempts)])
    counted = sorted(
        (attempt for attempt in attempts if attempt.number >= first and not attempt.was_refused),
        key=lambda attempt: attempt.number,
    )
    if not counted:
        return Begin(following)
    done = [attempt for attempt in counted if attempt.state == SeparationState.DONE]
    unfinished = [attempt for attempt in counted if attempt.state.is_unfinished]
    if found := done or unfinished:
        return Join(found[-1].id)
    may_fail_again = wanted is None and _may_fail_again(counted, allowed_failures)
    return Begin(following) if may_fail_again else Ended(counted[-1].id)


def _may_fail_again(counted: Sequence[Attempt], allowed_failures: int) -> bool:
    failures = sum(attempt.state == SeparationState.FAILED for attempt in counted)
    return counted[-1].state == SeparationState.FAILED and failures < allowed_failures


def asked_of(rule: Rule) -> str:
    """Give the canonical text of what a rule asks for as it is written, before defaults are filled in."""
    return json.dumps(
        [rule.sep_type, sorted(rule.options), rule.output_format, rule.demo], separators=(",", ":"), ensure_ascii=True
    )


def settings_of(rule: Rule, catalogue: Catalogue, *, known: Catalogue | None = None) -> Settings:
    """Give exactly what is sent for a rule, the catalogue's defaults filled in.

    Args:
        rule: The rule.
        catalogue: The models.
        known: Models that were listed once, for the hints.

    What a dropped text fills is the input and no setting: it is left out.

    Raises:
        RequestRefusedError: The catalogue has no such model, option or value, or the model no room for a text.
    """
    algorithm = resolve_model(rule.sep_type, catalogue, known=known)
    prompt = required_prompt(algorithm, rule.options) if rule.input == InputKind.TEXT else None
    given = rule.options if prompt is None else (*rule.options, (prompt, "the dropped text"))
    options = resolve_options(given, algorithm, known=(known or {}).get(algorithm.sep_type))
    return Settings.of(
        sep_type=algorithm.sep_type,
        options={name: value for name, value in options.items() if name != prompt},
        output_format=rule.output_format,
        is_demo=rule.demo,
    )


def required_prompt(algorithm: Algorithm, options: tuple[tuple[str, str], ...]) -> str:
    """Name the field that a dropped text fills.

    Raises:
        RequestRefusedError: The model needs no text, or the options give it already.
    """
    prompt = prompt_field(algorithm, options)
    if prompt is None:
        raise RequestRefusedError(
            f"model {describe(algorithm)} has no text left for a dropped one to fill",
            hint="choose a model that works from a text, and leave its prompt out of the rule's options",
        )
    return prompt
