"""Models in the shape of the live list, with JSON inside strings."""

from __future__ import annotations

import json

from tests.fakes.answers import slug_of


def default_catalogue() -> list[dict]:
    """Give models in the live shape: ordinary ones, one of them with options, and one for each other kind of input."""
    return [
        model_row(20, "Demucs4 HT (vocals, drums, bass, other)", orientation=1, coefficient=1),
        model_row(26, "Ensemble (vocals, instrum)", orientation=2, coefficient=2),
        model_row(40, "BS Roformer (vocals, instrumental)", orientation=0, coefficient=1, fields=[
            field_row(1, "add_opt1", "Vocal model type", {"29": "ver 2024.08", "81": "ver 2025.07"}, default="81"),
            field_row(2, "add_opt2", "Overlap", {"2": "50%", "8": "87.5%"}, default="2", multipliers={"8": "2.0000"}),
        ]),
        model_row(104, "VibeVoice TTS", orientation=0, coefficient=1, scope="no_upload", fields=[
            field_row(3, "add_opt1", "Text", {}, default=None, input_type="textarea"),
        ]),
        model_row(68, "Matchering (by sergree)", orientation=0, coefficient=1, scope="matchering_upload"),
    ]  # fmt: skip


def model_row(
    number: int,
    name: str,
    *,
    orientation: int,
    coefficient: float,
    fields: list | None = None,
    scope: str = "single_upload",
) -> dict:
    """Make an entry of the catalogue."""
    return {
        "id": number + 1, "name": name, "render_id": number, "orientation": orientation, "order_id": number,
        "price_coefficient": coefficient, "is_active": 1, "audio_upload_disabled": 0, "audio_widget": scope,
        "outputs": json.dumps({"vocals": "Vocals", "instrumental": "Instrumental"}), "output_variants": None,
        "rating": {"average": "4.2500", "total": 24}, "algorithm_fields": fields or [],
        "algorithm_group": {"id": 1, "name": "Fake"},
    }  # fmt: skip


def field_row(
    id_: int,
    name: str,
    label: str,
    options: dict,
    *,
    default: str | None,
    multipliers: dict[str, str] | None = None,
    input_type: str = "select",
) -> dict:
    """Make an option field of an entry."""
    rules = [{"field_id": id_, "option_key": key, "mode": "multiplier", "value": value}
             for key, value in (multipliers or {}).items()]  # fmt: skip
    return {
        "id": id_, "name": name, "text": label, "options": json.dumps(options, indent=4), "default_key": default,
        "server_key": slug_of(label), "input_type": input_type, "required": 1, "output_overrides": None,
        "price_rules": rules, "conditions": [],
    }  # fmt: skip
