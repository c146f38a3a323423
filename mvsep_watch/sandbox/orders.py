"""What a create asks for: understood, priced, and checked against a plan.

Decides from the request, the catalogue and the plan alone; no counting, no queue, no clock. The surprise: models for
registered users only are open to everybody here, since who has a token is registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mvsep_watch.sandbox.audio import FORMATS
from mvsep_watch.sandbox.catalogue import Catalogue, InputKind, Model
from mvsep_watch.sandbox.jobs import FREE, MEBIBYTE, Plan, Upload, price
from mvsep_watch.sandbox.refusals import BAD_PARAMETER, NO_TYPE, PREMIUM_ONLY, RefusalError

TRUE = frozenset({"1", "true", "on", "yes"})
"""What Laravel's rule for booleans takes for yes."""
REMOTE_TYPES = frozenset({"direct", "mega", "drive", "dropbox"})
FILE_FIELDS: Mapping[InputKind, tuple[str, ...]] = {
    InputKind.FILE: ("audiofile",),
    InputKind.PAIR: ("target_audiofile", "reference_audiofile"),
    InputKind.NONE: (),
}


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
    options = _options(order, model)
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
    _check_rights(plan, wish.model, wish.output_format)
    if wish.size_bytes > plan.size_bytes:
        raise RefusalError(f"File exceeds the {plan.size_bytes // MEBIBYTE} MB {adjective} limit")
    if wish.duration_s > plan.duration_s:
        raise RefusalError(f"Audio exceeds the {plan.duration_s / 60:.0f} minutes {adjective} limit")


def check_link(order: Order, catalogue: Catalogue, plan: Plan) -> None:
    """Say no to what is wrong with an order by link, whatever is behind the link.

    Raises:
        RefusalError: The model, an option, the format or the kind of link does not do.
    """
    model = _model(order, catalogue)
    if model.input_kind is not InputKind.FILE:
        raise RefusalError(f"{BAD_PARAMETER}: url")
    if (order.fields.get("remote_type") or "direct") not in REMOTE_TYPES:
        raise RefusalError(f"{BAD_PARAMETER}: remote_type")
    _options(order, model)
    _check_rights(plan, model, _output_format(order.fields.get("output_format")))


def _model(order: Order, catalogue: Catalogue) -> Model:
    model = catalogue.find(order.fields.get("sep_type", ""))
    if model is None:
        raise RefusalError(NO_TYPE)
    return model


def _options(order: Order, model: Model) -> dict[str, str]:
    options = model.chosen(order.fields)
    bad = model.first_bad_option(options)
    if bad:
        raise RefusalError(f"{BAD_PARAMETER}: {bad}")
    return options


def _check_rights(plan: Plan, model: Model, output_format: int) -> None:
    if model.needs_premium and plan is FREE:
        raise RefusalError(PREMIUM_ONLY)
    if output_format not in plan.formats:
        raise RefusalError("Output format is unavailable until you purchase premium membership")


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
