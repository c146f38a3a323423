"""Decides which model and which options a rule's words mean, by the catalogue.

What is not certain is refused with the near matches: a wrong guess here would be paid for. Nothing is read or asked;
the catalogue comes as an argument.
"""

from mvsep_watch.options.fields import check_options, prompt_field, resolve_options
from mvsep_watch.options.models import instead_of, resolve_model, why_unfit
from mvsep_watch.options.stems import predict_stems
from mvsep_watch.options.words import describe, near_matches

__all__ = [
    "check_options",
    "describe",
    "instead_of",
    "near_matches",
    "predict_stems",
    "prompt_field",
    "resolve_model",
    "resolve_options",
    "why_unfit",
]
