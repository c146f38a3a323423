"""The JSON of the whole API, plain, with the oddities that were met somewhere written in: nothing else is in here.

Every shape is a function, so that a test may bend what it gets without bending the next one's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

SHORT = "n2AwBjy4KsFZfqqR"
LONG = "20260430153526-ff12686013-audio.mp3"
SLUG = LONG.rpartition(".")[0]

Envelope = Callable[[str], dict[str, Any]]
ENVELOPES: dict[str, Envelope] = {
    "errors": lambda text: {"success": False, "errors": [text]},
    "data": lambda text: {"success": False, "data": {"message": text}},
    "message": lambda text: {"success": False, "message": text},
    "fields": lambda text: {"success": False, "message": {"email": [text]}},
    "errors by field": lambda text: {"success": "false", "errors": {"sep_type": [text]}, "data": []},
    "errors text": lambda text: {"success": 0, "errors": text, "data": None},
}


def algorithm(name: str = "Demucs4 HT (vocals, drums, bass, other)", sep_type: int = 20) -> dict[str, Any]:
    """A model as the lists name it."""
    group = {"id": 2, "name": "HQ Models", "created_at": "2022-11-28 05:54:31", "updated_at": "2022-11-28 05:54:31"}
    return {"name": name, "algorithm_group_id": 2, "orientation": 1, "render_id": sep_type, "order_id": 1,
            "created_at": None, "updated_at": "2023-03-13 02:52:03", "algorithm_group": group}  # fmt: skip


def created(base: str) -> dict[str, Any]:
    return {"success": "true", "data": {"link": f"{base}/api/separation/get?hash={LONG}", "hash": LONG}}


def user() -> dict[str, Any]:
    return {"success": True, "data": {
        "name": "n", "email": "e@example.com", "api_token": None, "created_at": "2023-09-29 15:05:50",
        "updated_at": "2024-01-24 16:28:33", "premium_minutes": "54.75", "premium_enabled": "1",
        "long_filenames_enabled": 1, "copy_metadata": 0, "current_queue": [{"hash": LONG, "algorithm": algorithm()}],
    }}  # fmt: skip


def history() -> dict[str, Any]:
    row = {"id": 1074358, "hash": LONG, "created_at": "2024-02-12 09:51:34", "updated_at": "2024-02-12 09:51:34",
           "job_exists": True, "credits": 2, "time_left": -2038, "algorithm": algorithm()}  # fmt: skip
    gone = {**row, "id": 1074357, "hash": None, "job_exists": False, "credits": None, "algorithm": None}
    return {"success": True, "data": [row, gone]}


def queue() -> dict[str, Any]:
    counts = {"in_process": 25, "premium": "5", "registered": 150, "unregistered": 800}
    return {"queue": counts, "plan": {"plan": "free", "queue": 800}}


def summary() -> dict[str, Any]:
    return {"success": True, "data": {"ahead": 12, "estimated_wait_seconds": "340.5", "plan": "free"}}


def news() -> list[dict[str, Any]]:
    text = "<ol>\r\n<li>Tracks of about 15 minutes and more are split</li>\r\n</ol>"
    return [{"id": 38, "title": "January updates", "lang": "en", "text": text, "status": 1,
             "created_at": "2024-01-13 05:00:00", "updated_at": "2024-01-13 14:15:55"}]  # fmt: skip


def demos() -> list[dict[str, Any]]:
    hash_ = "20240514123536-15f8f16001-lxst-cxntury-carbon-mist.mp3"
    return [{"hash": hash_, "date": "2024-05-14 12:35", "input_audio": f"https://mvsep.com/storage/temp/{hash_}",
             "algorithm": algorithm("DrumSep (kick, snare, cymbals, toms)", 37)}]  # fmt: skip


def quality_entry() -> dict[str, Any]:
    return {"id": 7772, "dataset_type": 1, "date": "2026-01-01 00:00:00", "algo_name": "mine", "main_text": "a\nb",
            "proc": 2, "proc_remote_date": "2026-01-01 00:10:00", "msg": "OK",
            "metrics": "Metric sdr for vocals: 10.1\nMetric sdr for other: 16.3", "sdr_vocals": "10.1",
            "sdr_other": 16.3, "sdr_bass": -1000, "sdr_drums": 0, "is_ensemble": 0,
            "dataset_name": "Multisong"}  # fmt: skip


def leaderboard() -> dict[str, Any]:
    return {"data": [quality_entry()], "dataset_type": "1", "sortables": ["vocals", "other"], "sort": "vocals"}


def waiting(*, said: bool = True) -> dict[str, Any]:
    """`waiting` as of 2024, or with the message that came later."""
    data: dict[str, Any] = {"queue_count": "3", "current_order": 2}
    return {"success": True, "status": "waiting", "data": {**data, "message": "Please wait"} if said else data}


def processing() -> dict[str, Any]:
    return {"success": True, "status": "processing", "data": {"message": "Your file is being processed"}}


def distributing() -> dict[str, Any]:
    data = {"queue_count": 12, "current_order": 4, "finished_chunks": 1, "all_chunks": "3", "message": "Handed out"}
    return {"success": True, "status": "distributing", "data": data}


def merging() -> dict[str, Any]:
    return {"success": True, "status": "merging", "data": {"message": "Parts are being joined"}}


def failed() -> dict[str, Any]:
    return {"success": True, "status": "failed", "data": {"message": "Job failed"}}


def not_found() -> dict[str, Any]:
    return {"success": False, "status": "not_found", "data": {"message": "File or File Hash not found"}}


def done(files_base: str, *, with_files: bool = True) -> dict[str, Any]:
    stream = {"dataformat": "mp3", "channels": 2, "sample_rate": 44100, "bitrate": 320000.5, "lossless": False}
    files = [_file(files_base, label, slug) for label, slug in (("Vocals", "vocals"), ("Other", "other"))]
    return {"success": True, "status": "done", "data": {
        "message": "", "hash": LONG, "algorithm": "MelBand Roformer (vocals, instrumental)",
        "algorithm_description": "<p>...</p>", "size": "5.70 MB", "output_format": "flac (lossless, 16 bit)",
        "tags": {"audio": {**stream, "streams": [stream]},
                 "tags": {"id3v1": {"title": ["a\u0000b"], "track_number": [10]}, "id3v2": {"length": ["149000"]}}},
        "input_file": {"url": f"{files_base}/storage/temp/{LONG}", "size": "5.70 MB",
                       "download": f"{SLUG}_[mvsep.com].mp3"},
        "files": files if with_files else [], "transcription": [], "date": "2026-04-30 15:35:26",
    }}  # fmt: skip


def _file(files_base: str, label: str, slug: str) -> dict[str, Any]:
    name = f"{SLUG}_melroformer_mt_11_{slug}.flac"
    return {"type": label, "url": f"{files_base}/storage/processed/55/{name}", "size": "5.84 MB", "image": None,
            "download": f"../../{name}", "bytes": str(len(content(slug))), "peaks": [0.1, -0.1] * 50}  # fmt: skip


def content(slug: str) -> bytes:
    return b"fLaC" + slug.encode() * 5000


def whispered(files_base: str) -> dict[str, Any]:
    """A text model's result: the words beside a file, or instead of one."""
    answer = done(files_base, with_files=False)
    answer["data"]["transcription"] = {"srt": "1\n00:00:00,000 --> 00:00:01,000\nhello\n", "segments": [{"id": 0}]}
    return answer


def being_downloaded() -> dict[str, Any]:
    text = "Your audio file is being downloaded, please wait a while..."
    return {"success": False, "data": {"message": text}}


def remote_done(base: str) -> dict[str, Any]:
    data = {"link": f"{base}/api/separation/get?hash={LONG}", "hash": LONG}
    return {"success": True, "status": "done", "data": data}


def algorithms(*, shape: str = "2026") -> list[dict[str, Any]]:
    """The catalogue: as of 2026, with `options` as objects as one page shows them, or as of 2024."""
    entry = _entry()
    if shape == "objects":
        for key in ("outputs", "output_variants"):
            entry[key] = json.loads(entry[key])
        entry["algorithm_fields"][0]["options"] = json.loads(entry["algorithm_fields"][0]["options"])
    if shape == "2024":
        entry = {key: entry[key] for key in ("id", "name", "algorithm_group_id", "orientation", "render_id", "order_id",
                                             "created_at", "updated_at", "algorithm_fields")}  # fmt: skip
        field = entry["algorithm_fields"][0]
        entry["algorithm_fields"] = [{key: field[key] for key in ("id", "name", "text", "algorithm_id", "options")}]
    return [entry]


def _entry() -> dict[str, Any]:
    variants = {"keys": ["detailed"], "variants": [{"match": {"detailed": "1"}, "outputs": {"vocals": "Vocals",
                "max": "max_fft"}, "n": 2, "src": "x"}]}  # fmt: skip
    field = {"id": 22, "name": "add_opt1", "text": "Output files", "algorithm_id": 27,
             "options": '{\n    "0": "Standard set",\n    "1": "Include intermediate results"\n}',
             "output_overrides": None, "created_at": "2024-03-11 15:00:53", "updated_at": "2026-03-04 07:43:37",
             "default_key": "0", "server_key": "detailed", "input_type": "select", "required": 1, "help_link": None,
             "registered_only_keys": None, "conditions": [], "price_rules": [
                 {"id": 1, "algorithm_id": 27, "field_id": 22, "option_key": "1", "mode": "multiplier",
                  "value": "2.0000", "created_at": None, "updated_at": None}]}  # fmt: skip
    shown = {**field, "id": 23, "name": "add_opt2", "text": "Text", "options": "{}", "input_type": "textarea",
             "default_key": None, "price_rules": [], "conditions": [
                 {"id": 1, "algorithm_id": 27, "field_id": 23, "depends_on_field_id": 22, "operator": "in",
                  "value_json": ["1"], "action": "show", "created_at": None, "updated_at": None}]}  # fmt: skip
    return {**algorithm("Ensemble (vocals, instrum)", 26), "id": 27, "orientation": 2, "price_coefficient": "2.0",
            "is_active": 1, "audio_upload_disabled": 0, "audio_widget": "single_upload", "allow_resample": 1,
            "additional_fields": None, "output_stems": '["vocals","instrum"]',
            "outputs": '{"vocals":"Vocals","other":"Other"}', "output_variants": json.dumps(variants),
            "description": "...", "usage": 8567, "rating": {"average": "4.2500", "total": 24},
            "algorithm_fields": [field, shown], "algorithm_descriptions": [
                {"id": 9, "short_description": "...", "long_description": "<p>...</p>", "lang": "ru",
                 "algorithm_id": 27}]}  # fmt: skip


NASTY: tuple[Any, ...] = (
    None, "", "x", "0", "1_0", "-1", "\u0000", "\ud800", "../../etc/passwd", 0, -1, 1.5, 1e300, 10**400, True, False,
    [], {}, [None], ["x"], [[]], {"x": None}, {"0": {}}, [{}], [{"hash": 5}],
)  # fmt: skip
"""What PHP, a change or a mistake could put in any place."""


def bent(value: Any) -> Iterator[Any]:
    """Give a payload with one thing wrong, for every place in it and everything that could stand there."""
    yield from NASTY
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from ({**value, key: wrong} for wrong in bent(item))
    elif isinstance(value, list) and len(value) < 100:
        yield [*value, *value]
        for place, item in enumerate(value):
            yield from ([*value[:place], wrong, *value[place + 1 :]] for wrong in bent(item))
