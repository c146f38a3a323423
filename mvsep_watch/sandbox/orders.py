"""What a create asks for: understood, priced, and checked against a plan.

Decides from the request, the catalogue and the plan alone; no counting, no queue, no clock. Refusals use the service's
recorded words where there are any; the rest of the texts are the sandbox's own, since nobody has recorded them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mvsep_watch.sandbox.audio import FORMATS
from mvsep_watch.sandbox.catalogue import Catalogue, InputKind, Model
from mvsep_watch.sandbox.jobs import FREE, MEBIBYTE, Plan, Upload, price

BAD_TOKEN = "invalid token"  # noqa: S105 - what the service says of one
BUSY = "You already have unprocessed file in queue. Please wait before adding new file!"
NOT_FOUND = "File or File Hash not found"
NO_TYPE = "Seperation type is not set"
PREMIUM_ONLY = "Seperation type is unavailable until you purchase premium membership"
BAD_PARAMETER = "Invalid parameter"
TRUE = frozenset({"1", "true", "on", "yes"})
"""What Laravel's rule for booleans takes for yes."""
FILE_FIELDS: Mapping[InputKind, tuple[str, ...]] = {
    InputKind.FILE: ("audiofile",),
    InputKind.PAIR: ("target_audiofile", "reference_audiofile"),
    InputKind.NONE: (),
}


class RefusalError(Exception):
    """The service says no to a request: HTTP status and text."""

    def __init__(self, text: str, *, http_status: int = 400) -> None:
        super().__init__(text)
        self.text = text
        self.http_status = http_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to separate, as received.

    Args:
        fields: Every text field.
        uploads: Every file, by its field.
        is_fetched: Whether the file was behind a link.
    """

    token: str
    fields: Mapping[str, str]
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    is_fetched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order that makes sense. `cost` is what premium accounts pay for it, in credits."""

    input_kind: InputKind
    model: Model
    inputs: tuple[Upload, ...]
    options: dict[str, str]
    output_format: int
    is_demo: bool
    cost: int

    @property
    def size_bytes(self) -> int:
        """All that was sent."""
        return sum(each.size_bytes for each in self.inputs)

    @property
    def duration_s(self) -> float:
        """How long the longest input plays."""
        return max((each.duration_s or 0.0 for each in self.inputs), default=0.0)

    @property
    def name(self) -> str:
        """What the hash tells: the first file's name. What the service takes without a file is unknown; the model's."""
        return next((each.name for each in self.inputs), f"{self.model.name}.{FORMATS[self.output_format].extension}")


def understand(order: Order, catalogue: Catalogue) -> Wish:
    """Read an order.

    Raises:
        RefusalError: The model, an option, the format or the file does not do.
    """
    model = _model(order, catalogue)
    inputs = tuple(_readable(order, name) for name in FILE_FIELDS[model.input_kind])
    options = model.chosen(order.fields)
    bad = model.first_bad_option(options)
    if bad:
        raise RefusalError(f"{BAD_PARAMETER}: {bad}")
    return Wish(
        input_kind=InputKind.LINK if order.is_fetched else model.input_kind,
        model=model,
        inputs=inputs,
        options=options,
        output_format=_output_format(order.fields.get("output_format")),
        is_demo=order.fields.get("is_demo", "").lower() in TRUE,
        cost=_cost(inputs, model.coefficient(options)),
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
    if wish.size_bytes > plan.size_bytes:
        raise RefusalError(f"File exceeds the {plan.size_bytes // MEBIBYTE} MB {adjective} limit")
    if wish.duration_s > plan.duration_s:
        raise RefusalError(f"Audio exceeds the {plan.duration_s / 60:.0f} minutes {adjective} limit")


def _model(order: Order, catalogue: Catalogue) -> Model:
    model = catalogue.find(order.fields.get("sep_type", ""))
    if model is None:
        raise RefusalError(NO_TYPE)
    return model


def _readable(order: Order, name: str) -> Upload:
    upload = order.uploads.get(name)
    if upload is None:
        raise RefusalError(f"The {name} field is required.")
    if upload.duration_s is None:
        raise RefusalError("Unable to read the audio file")
    return upload


def _cost(inputs: tuple[Upload, ...], coefficient: float) -> int:
    """Price the first input: of a pair, the target. What the service takes where there is none is unknown; 1 here."""
    return price(duration_s=next((each.duration_s or 0.0 for each in inputs), 0.0), coefficient=coefficient)


def _output_format(sent: str | None) -> int:
    value = sent or "0"
    if value not in {"0", "1", "2", "3", "4", "5"}:
        raise RefusalError(f"{BAD_PARAMETER}: output_format")
    return int(value)
