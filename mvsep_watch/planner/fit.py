"""Whether a work may be sent as the service is just now: its model, its options, its format, its account's plan.

The catalogue changes on the service's side, between two looks and under work that was planned long ago. What does not
fit any more is found here, before anything is sent, with what comes nearest; what is listed again fits again.

The one surprise: settings hold numbers and keys, so a model, a field or a value that only got another name still fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mvsep_watch.errors import MvsepWatchError, PremiumRequiredError, RequestRefusedError
from mvsep_watch.model import FORMATS, Algorithm, Catalogue, InputKind, Scope, Settings
from mvsep_watch.options import check_options, describe, instead_of, resolve_model, why_unfit
from mvsep_watch.planner.work import required_prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the service offers this account.

    Args:
        catalogue: The models.
        known: Models that were listed once: what hints call those that are gone.
        has_premium: Whether the account may use what is for premium accounts.
    """

    catalogue: Catalogue
    known: Catalogue = field(default_factory=dict)
    has_premium: bool = True


def misfit(settings: Settings, kind: InputKind, offer: Offer) -> MvsepWatchError | None:
    """Say why settings cannot be sent, or None where they can.

    Args:
        settings: What would be sent.
        kind: What would be sent it with.
        offer: What the service offers.
    """
    try:
        algorithm = resolve_model(settings.sep_type, offer.catalogue, known=offer.known)
        check_options(settings.options, algorithm, known=offer.known.get(settings.sep_type))
        if kind == InputKind.TEXT and algorithm.scope == Scope.NO_UPLOAD:
            required_prompt(algorithm, settings.options)
    except RequestRefusedError as error:
        return error
    if unfit := why_unfit(algorithm, kind):
        hint = "choose another model, or another `input:` for the rule"
        return RequestRefusedError(f"model {describe(algorithm)} {unfit}", hint=hint)
    return premium_misfit(algorithm, offer) or format_misfit(settings.output_format, offer)


def premium_misfit(algorithm: Algorithm, offer: Offer) -> PremiumRequiredError | None:
    """Say why the account may not use a model, or None where it may."""
    if offer.has_premium or not algorithm.needs_premium:
        return None
    return PremiumRequiredError(
        f"the model {algorithm.name} needs a premium account",
        hint=f"switch premium on, or {instead_of(algorithm, offer.catalogue, has_premium=False)}",
    )


def format_misfit(output_format: int, offer: Offer) -> PremiumRequiredError | None:
    """Say why an output format cannot be had, or None where it can."""
    wanted = FORMATS[output_format]
    if offer.has_premium or not wanted.needs_premium:
        return None
    nearest = next(other for other in FORMATS if other.extension == wanted.extension and not other.needs_premium)
    return PremiumRequiredError(
        f"the format {wanted.name} needs a premium account",
        hint=f"switch premium on, or give the rule `format: {nearest.name}`",
    )
