"""A small catalogue in the wire's shape: JSON inside strings, fields out of order, ratings of both kinds."""

from __future__ import annotations

import json
from dataclasses import dataclass

VOCALS = {"vocals": "Vocals", "other": "Other"}
KARAOKE = {"vocals-lead": "Lead vocals", "vocals-back": "Back vocals", "instrum-only": "Instrumental only",
           "back-instrum": "Back vocals + instrumental"}  # fmt: skip
BAND = {"vocals": "Vocals", "bass": "Bass", "drums": "Drums", "guitar": "Guitar", "piano": "Piano", "other": "Other",
        "instrum": "Instrumental"}  # fmt: skip
DATED = {"created_at": "2024-03-11 15:00:53", "updated_at": "2026-03-04 07:43:37"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One option field: `add_optN`, label, key → label, the default, and what it does to the price."""

    name: str
    text: str
    options: dict[str, str]
    default: str
    server_key: str
    prices: dict[str, str] | None = None
    shown_when: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as the emulator works with it."""

    render_id: int
    name: str
    outputs: dict[str, str]
    fields: tuple[Field, ...] = ()
    orientation: int = 0
    price: float = 1.0

    def multiplier(self, options: dict[str, str]) -> float:
        product = self.price
        for field in self.fields:
            product *= float((field.prices or {}).get(options.get(field.name, ""), "1"))
        return product

    def must_be_said(self, options: dict[str, str]) -> list[Field]:
        """Give the fields that a request has to name: all that are shown."""
        return [
            field
            for field in self.fields
            if field.shown_when is None or options.get(field.shown_when[0]) in field.shown_when[1]
        ]


MODELS = (
    Model(
        render_id=26,
        name="Ensemble (vocals, instrum)",
        outputs=VOCALS,
        orientation=2,
        price=2.0,
        fields=(
            Field(
                name="add_opt2",
                text="Model Type",
                options={"1": "SDR Vocals 10.44", "7": "SDR Vocals 11.93", "9": "High Instrumental Fullness"},
                default="7",
                server_key="model_type",
            ),
            Field(
                name="add_opt1",
                text="Output files",
                options={"0": "Standard set", "1": "Include intermediate results and max_fft, min_fft"},
                default="0",
                server_key="detailed",
            ),
        ),
    ),
    Model(
        render_id=40,
        name="BS Roformer (vocals, instrumental)",
        outputs=VOCALS,
        fields=(
            Field(
                name="add_opt1",
                text="Vocal model type",
                options={
                    "3": "ver. 2024.02 (SDR vocals: 10.42, SDR instrum: 16.73)",
                    "143": "unwa  BS Roformer HyperACE v2 vocals (SDR vocals: 11.39)",
                    "81": "ver 2025.07 (SDR vocals: 11.89, SDR instrum: 18.20)",
                    "171": "124 bands (SDR vocals: 12.33, SDR instrum: 18.64)",
                },
                default="81",
                server_key="model_type",
                prices={"171": "1.0000"},
            ),
            Field(
                name="add_opt2",
                text="Overlap",
                options={"2": "50%", "8": "87.5%"},
                default="2",
                server_key="overlap",
                prices={"8": "2.0000"},
            ),
            Field(
                name="add_opt3",
                text="Set of stems",
                options={"0": "Standard", "1": "Include fullness stems"},
                default="0",
                server_key="extract_type",
                shown_when=("add_opt1", ("171",)),
            ),
        ),
    ),
    Model(
        render_id=49,
        name="MVSep Karaoke (lead/back vocals)",
        outputs=KARAOKE,
        fields=(
            Field(
                name="add_opt1",
                text="Karaoke model type",
                options={"5": "BS Roformer by frazer and becruily", "6": "BS Roformer by MVSep Team"},
                default="6",
                server_key="model_type",
            ),
            Field(
                name="add_opt2",
                text="Extraction type",
                options={"0": "Use as is", "1": "Extract vocals first"},
                default="0",
                server_key="extract_type",
            ),
        ),
    ),
    Model(render_id=63, name="BS Roformer SW (vocals, bass, drums, guitar, piano, other)", outputs=BAND),
    Model(
        render_id=20,
        name="Demucs4 HT (vocals, drums, bass, other)",
        orientation=1,
        outputs={"vocals": "Vocals", "drums": "Drums", "bass": "Bass", "other": "Other"},
        fields=(
            Field(
                name="add_opt1",
                text="Model type",
                options={"0": "htdemucs_ft (High Quality, Slow)", "1": "htdemucs (Good Quality, Fast)"},
                default="1",
                server_key="model_type",
            ),
        ),
    ),
)
BY_ID = {str(model.render_id): model for model in MODELS}


def listing() -> list[dict]:
    """Give the answer of `app/algorithms`: a bare array."""
    return [_on_the_wire(model, place) for place, model in enumerate(MODELS)]


def brief(model: Model) -> dict:
    """Give what a history row says of its model."""
    return {
        "name": model.name,
        "algorithm_group_id": 21,
        "orientation": model.orientation,
        "render_id": model.render_id,
        "order_id": 10,
        **DATED,
        "algorithm_group": {"id": 21, "name": "Vocals / Instrumental", **DATED},
    }


def _on_the_wire(model: Model, place: int) -> dict:
    own_id = model.render_id - 1
    return {
        "id": own_id,
        **brief(model),
        "additional_fields": None,
        "price_coefficient": model.price if place else int(model.price),
        "is_active": 1,
        "audio_upload_disabled": 0,
        "audio_widget": "single_upload",
        "allow_resample": 1,
        "output_stems": json.dumps(list(model.outputs)),
        "outputs": json.dumps(model.outputs),
        "output_variants": json.dumps({"keys": ["model_type"], "variants": []}) if place % 2 else None,
        "description": "A <b>model</b>",
        "usage": 8567,
        "rating": {"average": "4.2500", "total": 24} if place % 2 else {"average": 0, "total": 0},
        "algorithm_fields": [_field(model, number, field) for number, field in enumerate(model.fields)],
        "algorithm_descriptions": [
            {
                "id": 9,
                "short_description": "...",
                "long_description": "<p>...</p>",
                "lang": "ru",
                "algorithm_id": own_id,
            }
        ],
    }


def _field(model: Model, number: int, field: Field) -> dict:
    own_id, field_id = model.render_id - 1, model.render_id * 10 + number
    rules = [
        {"id": 1, "algorithm_id": own_id, "field_id": field_id, "option_key": key, "mode": "multiplier",
         "value": value, **DATED}
        for key, value in (field.prices or {}).items()
    ]  # fmt: skip
    return {
        "id": field_id,
        "name": field.name,
        "text": field.text,
        "algorithm_id": own_id,
        "options": json.dumps(field.options, indent=4),
        "output_overrides": None,
        "default_key": field.default,
        "server_key": field.server_key,
        "input_type": "select",
        "required": int(field.shown_when is None),
        "help_link": None,
        "registered_only_keys": None,
        "price_rules": rules,
        "conditions": _conditions(model, field_id, field),
        **DATED,
    }


def _conditions(model: Model, field_id: int, field: Field) -> list[dict]:
    if field.shown_when is None:
        return []
    other, values = field.shown_when
    place = next(number for number, candidate in enumerate(model.fields) if candidate.name == other)
    return [
        {"id": 1, "algorithm_id": model.render_id - 1, "field_id": field_id,
         "depends_on_field_id": model.render_id * 10 + place, "operator": "in", "value_json": list(values),
         "action": "show", **DATED}
    ]  # fmt: skip
