"""The sandbox's models: what each is called, what it costs, which stems it gives for which options.

Decides only from the project's data file, whose rows have the shape of the server's own answer; it never reads the
daemon's client, so that a mistake there is not shared here. The surprise: which stems come out is said in three places
of a row (`outputs`, `output_variants`, `output_overrides` of a field), and the last one that applies wins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mvsep_watch.data import algorithms_json

TEXT_MODELS = frozenset({39, 64})
MIDI_MODELS = frozenset({80, 113, 114, 127})
SOUND_MODELS = frozenset({62})
SONG_MODELS = frozenset({121})
VOICE_MODELS = frozenset({103, 120})
"""Voice cloning: an upload and a text give speech."""


class Kind(StrEnum):
    """What a model gives."""

    STEMS = "stems"
    TEXT = "text"
    MIDI = "midi"
    MATCHED = "matched"
    """The target of a pair, made to sound like the reference."""
    SPEECH = "speech"
    SOUND = "sound"
    SONG = "song"


class InputKind(StrEnum):
    """What a separation is made from. A link's file is fetched before there is a job."""

    FILE = "file"
    LINK = "link"
    PAIR = "pair"
    NONE = "none"
    """Options alone: the models that make something from a text."""


INPUTS = {
    "single_upload": InputKind.FILE,
    "matchering_upload": InputKind.PAIR,
    "no_upload": InputKind.NONE,
}
"""What an `audio_widget` asks for."""
KINDS = (
    (TEXT_MODELS, Kind.TEXT),
    (MIDI_MODELS, Kind.MIDI),
    (SOUND_MODELS, Kind.SOUND),
    (SONG_MODELS, Kind.SONG),
    (VOICE_MODELS, Kind.SPEECH),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One option field, parsed. `options` is empty for a text input."""

    name: str
    options: Mapping[str, str]
    default_key: str | None
    server_key: str
    required: bool
    multipliers: Mapping[str, float]
    conditions: tuple[tuple[str, tuple[str, ...], bool], ...]
    overrides: Mapping[str, Mapping[str, Any]]

    def is_shown(self, chosen: Mapping[str, str]) -> bool:
        """Say whether the field takes part, given the values of the others."""
        return all((chosen.get(name) in values) is shows for name, values, shows in self.conditions)


@dataclass(frozen=True, slots=True)
class Model:
    """One model; `row` is the server's own shape."""

    row: Mapping[str, Any]
    fields: tuple[Field, ...]
    outputs: Mapping[str, str]
    variants: tuple[Mapping[str, Any], ...] = field(repr=False)

    @property
    def sep_type(self) -> int:
        """The number that a create names."""
        return int(self.row["render_id"])

    @property
    def name(self) -> str:
        """The name that results and history show."""
        return str(self.row["name"])

    @property
    def input_kind(self) -> InputKind:
        """What it is made from; a link is as good as a file."""
        return INPUTS[self.row["audio_widget"]]

    @property
    def kind(self) -> Kind:
        """What it gives."""
        if self.input_kind is InputKind.PAIR:
            return Kind.MATCHED
        for numbers, kind in KINDS:
            if self.sep_type in numbers:
                return kind
        return Kind.SPEECH if self.input_kind is InputKind.NONE else Kind.STEMS

    @property
    def needs_premium(self) -> bool:
        """True for the models that only premium accounts may use."""
        return bool(self.row["orientation"] == 2)

    def chosen(self, sent: Mapping[str, str]) -> dict[str, str]:
        """Fill in the defaults; an empty string is as good as nothing sent, and foreign fields are dropped."""
        return {each.name: sent.get(each.name) or each.default_key or "" for each in self.fields}

    def first_bad_option(self, chosen: Mapping[str, str]) -> str | None:
        """Find a field whose value the model does not have, or a required one without a value."""
        for each in self.fields:
            value = chosen[each.name]
            is_missing = each.required and not value and not each.options
            if is_missing or (value and each.options and value not in each.options):
                return each.name
        return None

    def coefficient(self, chosen: Mapping[str, str]) -> float:
        """Give the price coefficient with the multipliers of the chosen options."""
        coefficient = float(self.row["price_coefficient"] or 1)
        for each in self._shown(chosen):
            coefficient *= each.multipliers.get(chosen[each.name], 1.0)
        return coefficient

    def stems(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Give the stems that come out, slug → label, in the catalogue's order; what is added follows what is set."""
        stems = dict(self._variant(chosen) or self.outputs or self._outputs_by_name())
        overrides = [each.overrides.get(chosen[each.name]) for each in self._shown(chosen)]
        for override in sorted(filter(None, overrides), key=lambda override: bool(override["mode"] == "add")):
            stems = {**(stems if override["mode"] == "add" else {}), **override["outputs"]}
        return stems

    def _shown(self, chosen: Mapping[str, str]) -> list[Field]:
        return [each for each in self.fields if each.is_shown(chosen)]

    def _variant(self, chosen: Mapping[str, str]) -> Mapping[str, str] | None:
        by_server_key = {each.server_key: chosen[each.name] for each in self.fields}
        for variant in self.variants:
            if all(by_server_key.get(key) == value for key, value in variant["match"].items()):
                outputs: Mapping[str, str] = variant["outputs"]
                return outputs
        return None

    def _outputs_by_name(self) -> dict[str, str]:
        """Guess from the name where the row is silent: `MVSep Cowbell` gives Cowbell and Other."""
        if "vocals" in self.name:
            return {"vocals": "Vocals", "other": "Other"}
        label = self.name.removeprefix("MVSep ")
        return {re.sub(r"[^a-z0-9]+", "-", label.lower()): label, "other": "Other"}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models, by `sep_type`, in the server's order."""

    models: Mapping[int, Model]

    def find(self, sep_type: str) -> Model | None:
        """Find an active model by the text that a create sends."""
        model = self.models.get(int(sep_type)) if sep_type.isdecimal() else None
        return model if model and model.row["is_active"] else None

    def rows(self, scopes: frozenset[str]) -> list[Mapping[str, Any]]:
        """Give the rows of the asked-for scopes."""
        return [model.row for model in self.models.values() if model.row["audio_widget"] in scopes]


def load_catalogue() -> Catalogue:
    """Read the project's data file."""
    models = [_model(row) for row in json.loads(algorithms_json())]
    return Catalogue({model.sep_type: model for model in models})


def _model(row: Mapping[str, Any]) -> Model:
    names = {raw["id"]: raw["name"] for raw in row["algorithm_fields"]}
    return Model(
        row=row,
        fields=tuple(_field(raw, names) for raw in row["algorithm_fields"]),
        outputs=_inner(row["outputs"]) or {},
        variants=tuple((_inner(row["output_variants"]) or {"variants": ()})["variants"]),
    )


def _field(raw: Mapping[str, Any], names: Mapping[int, str]) -> Field:
    return Field(
        name=raw["name"],
        options=_inner(raw["options"]) or {},
        default_key=raw["default_key"],
        server_key=raw["server_key"] or raw["name"],
        required=bool(raw["required"]),
        multipliers={rule["option_key"]: float(rule["value"]) for rule in raw["price_rules"]},
        conditions=tuple(
            (names[each["depends_on_field_id"]], tuple(each["value_json"]), each["action"] == "show")
            for each in raw["conditions"]
        ),
        overrides=_inner(raw["output_overrides"]) or {},
    )


def _inner(text: str | None) -> Any:
    """Read JSON inside a string, as the server nests it."""
    return json.loads(text) if text else None
