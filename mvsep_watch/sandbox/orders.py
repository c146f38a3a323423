"""What a create asks for: understood, priced, and checked against a plan.

Decides from the request, the catalogue and the plan alone; no counting, no queue, no clock. Refusals use the service's
recorded words where there are any; the rest of the texts are the sandbox's own, since nobody has recorded them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mvsep_watch.sandbox.catalogue import Catalogue, Kind, Model
from mvsep_watch.sandbox.jobs import FREE, MEBIBYTE, Plan, Upload, price

BAD_TOKEN = "invalid token"  # noqa: S105 - what the service says of one
BUSY = "You already have unprocessed file in queue. Please wait before adding new file!"
NOT_FOUND = "File or File Hash not found"
NO_TYPE = "Seperation type is not set"
PREMIUM_ONLY = "Seperation type is unavailable until you purchase premium membership"
BAD_PARAMETER = "Invalid parameter"


class RefusalError(Exception):
    """The service says no to a request: HTTP status and text."""

    def __init__(self, text: str, *, http_status: int = 400) -> None:
        super().__init__(text)
        self.text = text
        self.http_status = http_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to separate, as received; `fields` holds every text field."""

    token: str
    fields: Mapping[str, str]
    upload: Upload | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order that makes sense. `cost` is what premium accounts pay for it, in credits."""

    model: Model
    upload: Upload
    options: dict[str, str]
    output_format: int
    cost: int


def understand(order: Order, catalogue: Catalogue) -> Wish:
    """Read an order.

    Raises:
        RefusalError: The model, an option, the format or the file does not do.
    """
    model = _model(order, catalogue)
    upload = _readable(order)
    options = model.chosen(order.fields)
    bad = model.first_bad_option(options)
    if bad:
        raise RefusalError(f"{BAD_PARAMETER}: {bad}")
    return Wish(
        model=model,
        upload=upload,
        options=options,
        output_format=_output_format(order.fields.get("output_format")),
        cost=price(duration_s=upload.duration_s or 0, coefficient=model.coefficient(options)),
    )


def check_plan(plan: Plan, wish: Wish) -> None:
    """Say no to what the plan does not include.

    Raises:
        RefusalError: The model or the format is for premium accounts, or the file is too large or too long.
    """
    adjective = "free" if plan is FREE else "premium"
    if wish.model.needs_premium and plan is FREE:
        raise RefusalError(PREMIUM_ONLY)
    if wish.output_format not in plan.formats:
        raise RefusalError("Output format is unavailable until you purchase premium membership")
    if wish.upload.size_bytes > plan.size_bytes:
        raise RefusalError(f"File exceeds the {plan.size_bytes // MEBIBYTE} MB {adjective} limit")
    if (wish.upload.duration_s or 0) > plan.duration_s:
        raise RefusalError(f"Audio exceeds the {plan.duration_s / 60:.0f} minutes {adjective} limit")


def _model(order: Order, catalogue: Catalogue) -> Model:
    model = catalogue.find(order.fields.get("sep_type", ""))
    if model is None:
        raise RefusalError(NO_TYPE)
    if model.kind is Kind.UNSUPPORTED:
        raise RefusalError(f"{model.name} is not available in the sandbox")
    return model


def _readable(order: Order) -> Upload:
    upload = order.upload
    if upload is None and order.fields.get("url"):
        raise RefusalError("Remote uploads are not available in the sandbox")
    if upload is None:
        raise RefusalError("The audiofile field is required.")
    if upload.duration_s is None:
        raise RefusalError("Unable to read the audio file")
    return upload


def _output_format(sent: str | None) -> int:
    value = sent or "0"
    if value not in {"0", "1", "2", "3", "4", "5"}:
        raise RefusalError(f"{BAD_PARAMETER}: output_format")
    return int(value)
