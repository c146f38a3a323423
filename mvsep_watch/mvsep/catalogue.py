"""The models as `app/algorithms` lists them, read into the model's values. Decides nothing and touches nothing.

Keyed by `render_id`, which is the sep_type; `id` is another number. The server's order is kept everywhere. An entry
that cannot be read is left out and does not spoil the others: a rule that names it says so.

The surprise: `options`, `outputs`, `output_variants` and `output_overrides` are JSON inside a string. Source: a raw
copy of the list, August 2026. The recording of 2024 lacks most keys; what is missing is unknown, not zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import Algorithm, Description, Field, FieldCondition, OutputOverride, OutputVariant, Scope
from mvsep_watch.mvsep.envelope import Answer, decode, is_true, one_line
from mvsep_watch.mvsep.parse import number, whole

NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueText:
    """The list of algorithms as a text that can be kept.

    Args:
        text: What `read_catalogue` reads; empty if unchanged.
        etag: What to ask with next time; empty where the service gave none.
        is_unchanged: The list is still the one that `etag` stands for.
    """

    text: str
    etag: str = ""
    is_unchanged: bool = False


def read_algorithms(answer: Answer) -> dict[int, Algorithm]:
    """Read the list, which has no envelope.

    Raises:
        ServiceError: It is no list, or none of its entries can be read.
    """
    if not answer.is_ok or not isinstance(answer.payload, list):
        raise ServiceError(f"{answer.host} gave no list of algorithms", hint="asked again by itself")
    found = {algorithm.sep_type: algorithm for algorithm in _readable(answer.payload)}
    if answer.payload and not found:
        raise ServiceError(f"{answer.host} gave algorithms of an unknown shape", hint="asked again by itself")
    return found


def read_catalogue_text(answer: Answer) -> CatalogueText:
    """Read the list as what it was asked for: a text to be kept, once it is known to hold algorithms.

    Raises:
        ServiceError: It is no list, or none of its entries can be read.
    """
    if answer.status == NOT_MODIFIED:
        return CatalogueText(text="", etag=answer.etag, is_unchanged=True)
    read_algorithms(answer)
    return CatalogueText(text=json.dumps(answer.payload), etag=answer.etag)


def read_catalogue(text: str) -> dict[int, Algorithm]:
    """Read a list that was kept as a text, such as the packaged one.

    Raises:
        ServiceError: It is no list, or none of its entries can be read.
    """
    payload = decode(text.encode())
    return read_algorithms(Answer(call="app/algorithms", host="the packaged catalogue", status=200, payload=payload))


def _readable(entries: Iterable[Any]) -> Iterator[Algorithm]:
    for entry in entries:
        try:
            yield _algorithm(entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


def _algorithm(entry: Mapping[str, Any]) -> Algorithm:
    sep_type = whole(entry["render_id"])
    if sep_type is None:
        raise ValueError(entry["render_id"])
    fields = entry.get("algorithm_fields") or []
    names = {field["id"]: str(field["name"]) for field in fields if "id" in field}
    return Algorithm(
        sep_type=sep_type,
        name=one_line(str(entry["name"])),
        group=one_line(str((entry.get("algorithm_group") or {}).get("name") or "")),
        price_coefficient=_coefficient(entry, fields),
        orientation=whole(entry.get("orientation")),
        is_active=is_true(entry.get("is_active", 1)),
        takes_audio=_scope(entry) is Scope.SINGLE_UPLOAD,
        fields=tuple(_field(field, names=names) for field in fields),
        outputs=_labels(entry.get("outputs")),
        output_variants=tuple(_variants(_unpacked(entry.get("output_variants")))),
        scope=_scope(entry),
        group_id=whole(entry.get("algorithm_group_id")),
        rating=_rating(entry).get("average"),
        votes=whole(_rating(entry).get("total")) or 0,
        usage=whole(entry.get("usage")),
        descriptions=_descriptions(entry.get("algorithm_descriptions") or []),
    )


def _coefficient(entry: Mapping[str, Any], fields: list[Mapping[str, Any]]) -> float | None:
    """Read the price; unknown as a whole where one of its rules is not understood, so that nobody reckons with it."""
    rules = [rule for field in fields for rule in field.get("price_rules") or []]
    if all(rule.get("mode") == "multiplier" and number(rule.get("value")) is not None for rule in rules):
        return number(entry.get("price_coefficient"))
    return None


def _scope(entry: Mapping[str, Any]) -> Scope:
    """Read how a model is fed; an unknown word, or none, is the ordinary upload unless that is said to be off."""
    widget = entry.get("audio_widget")
    if widget in (Scope.NO_UPLOAD, Scope.MATCHERING_UPLOAD):
        return Scope(widget)
    return Scope.NO_UPLOAD if is_true(entry.get("audio_upload_disabled")) else Scope.SINGLE_UPLOAD


def _rating(entry: Mapping[str, Any]) -> dict[str, float]:
    """Read the votes; where nobody voted the average is the number 0 and otherwise a string. Source: the same copy."""
    rating = entry.get("rating")
    numbers = {key: number(value) for key, value in rating.items()} if isinstance(rating, Mapping) else {}
    return {key: value for key, value in numbers.items() if value}


def _descriptions(listed: Iterable[Mapping[str, Any]]) -> dict[str, Description]:
    return {
        str(item.get("lang") or ""): Description(
            short=one_line(str(item.get("short_description") or "")), long=str(item.get("long_description") or "")
        )
        for item in listed
    }


def _field(field: Mapping[str, Any], *, names: Mapping[Any, str]) -> Field:
    default = field.get("default_key")
    return Field(
        name=str(field["name"]),
        label=one_line(str(field.get("text") or "")),
        options=_labels(field.get("options")),
        default_key=None if default is None else str(default),
        server_key=str(field.get("server_key") or ""),
        input_type=str(field.get("input_type") or "select"),
        required=is_true(field.get("required")),
        multipliers=_multipliers(field.get("price_rules") or []),
        conditions=tuple(_conditions(field.get("conditions") or [], names)),
        output_overrides=_overrides(_unpacked(field.get("output_overrides"))),
    )


def _multipliers(rules: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    read = {str(rule["option_key"]): number(rule.get("value")) for rule in rules}
    return {key: value for key, value in read.items() if value is not None}


def _conditions(conditions: Iterable[Mapping[str, Any]], names: Mapping[Any, str]) -> Iterator[FieldCondition]:
    """Read the conditions; they name the other field by its id and know one operator, `in`."""
    for condition in conditions:
        depends_on = names.get(condition.get("depends_on_field_id"))
        if depends_on is None or condition.get("operator", "in") != "in":
            continue
        values = _unpacked(condition.get("value_json")) or []
        yield FieldCondition(
            depends_on=depends_on,
            values=tuple(str(value) for value in values),
            shows=condition.get("action") != "hide",
        )


def _overrides(value: Any) -> dict[str, OutputOverride]:
    """Read which stems an option brings: `set` names all of them, `add` those besides the model's own."""
    if not isinstance(value, Mapping):
        return {}
    return {
        str(key): OutputOverride(outputs=_labels(change.get("outputs")), adds=change.get("mode") == "add")
        for key, change in value.items()
    }


def _variants(value: Any) -> Iterator[OutputVariant]:
    """Read the combinations, which stand under `variants`."""
    listed = value.get("variants") if isinstance(value, Mapping) else value
    for variant in listed or []:
        yield OutputVariant(match=_labels(variant.get("match")), outputs=_labels(variant.get("outputs")))


def _labels(value: Any) -> dict[str, str]:
    """Read a map from key to label; PHP writes an empty one as `[]`, and one with the keys 0, 1, … as a list."""
    unpacked = _unpacked(value)
    if isinstance(unpacked, list):
        unpacked = dict(enumerate(unpacked))
    if not unpacked:
        return {}
    return {str(key): one_line(str(label)) for key, label in unpacked.items()}


def _unpacked(value: Any) -> Any:
    """Give what a JSON string holds; everything else as it is."""
    return decode(value.encode()) if isinstance(value, str) else value
