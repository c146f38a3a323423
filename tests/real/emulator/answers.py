"""The JSON of every call, in the variants that a client meets least often."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.real.emulator import sound
from tests.real.emulator.account import KEPT_S, Account, Separation
from tests.real.emulator.catalogue import brief

FOLDER = "/storage/processed/55/"


def no(text: str) -> dict:
    return {"success": False, "data": {"message": text}}


def created(made: Separation, base: str) -> dict:
    link = f"{base}/api/separation/get?hash={made.hash}"
    return {"success": "true", "data": {"link": link, "hash": made.hash}}


def user(account: Account) -> dict:
    queue = [{"hash": item.hash, "status": item.status, "order": n} for n, item in enumerate(account.unfinished(), 1)]
    return {
        "success": True,
        "data": {
            "name": "n",
            "email": "someone@example.com",
            "api_token": account.token,
            "created_at": "2023-09-29 15:05:50",
            "updated_at": "2024-01-24 16:28:33",
            "premium_minutes": str(account.balance),
            "premium_enabled": int(account.quirks.premium),
            "long_filenames_enabled": 0,
            "copy_metadata": 0,
            "current_queue": queue or None,
        },
    }


def history(rows: Sequence[Separation]) -> dict:
    return {"success": True, "data": [_history_row(row) for row in rows]}


def _history_row(row: Separation) -> dict:
    hours = (KEPT_S - (time.time() - row.at)) / 3600
    listed_at = _date(row.at + 1)
    return {
        "id": row.id,
        "hash": row.hash,
        "created_at": listed_at,
        "updated_at": listed_at,
        "job_exists": not row.is_gone,
        "credits": row.price if row.status == "done" else None,
        "time_left": int(hours),
        "algorithm": brief(row.model),
    }


def queue(account: Account) -> dict:
    counts = {"in_process": 25, "premium": len(account.unfinished()), "registered": 150, "unregistered": 800}
    return {"queue": counts, "plan": {"plan": "premium" if account.has_premium else "registered", "queue": 5}}


def separation(account: Account, row: Separation | None, files_base: str) -> dict:
    status = "not_found" if row is None else row.status
    match status:
        case "not_found":
            return {"success": False, "status": status, "data": {"message": "File or File Hash not found"}}
        case "waiting":
            order = 1 + [item.hash for item in account.unfinished()].index(row.hash) if row.is_unfinished else 1
            data = {"queue_count": len(account.unfinished()), "current_order": order, "message": "Please wait"}
        case "distributing":
            data = {
                "queue_count": 12,
                "current_order": 4,
                "finished_chunks": 1,
                "all_chunks": 3,
                "message": "Handed out",
            }
        case "done":
            data = _done(row, files_base)
        case _:
            data = {"message": "Your file is being worked on"}
    return {"success": True, "status": status, "data": data}


def _done(row: Separation, files_base: str) -> dict:
    with_files = row.times_done > 0
    row.times_done += 1
    stem = row.hash.rpartition(".")[0]
    return {
        "message": "",
        "hash": row.hash,
        "algorithm": row.model.name,
        "algorithm_description": "<p>...</p>",
        "size": _human(row.size),
        "output_format": sound.LABELS[row.output_format],
        "tags": {"audio": {"dataformat": "wav", "bitrate": 1411200.5}, "tags": {"id3v2": {"title": ["a\0b/c"]}}},
        "input_file": {"url": f"{files_base}/storage/temp/{row.hash}", "size": _human(row.size),
                       "download": f"{stem}_[mvsep.com].wav"},
        "files": [_file(row, slug, files_base) for slug in row.model.outputs] if with_files else [],
        "transcription": [],
        "date": _date(row.at),
    }  # fmt: skip


def _file(row: Separation, slug: str, files_base: str) -> dict:
    size = stem_of(row, slug).size
    name = f"{row.hash.rpartition('.')[0]}_melroformer_mt_11_{slug}.{sound.EXTENSIONS[row.output_format]}"
    return {
        "type": row.model.outputs[slug],
        "url": f"{files_base}{FOLDER}{name}",
        "size": _human(size),
        "image": None,
        "download": f"../audio_melroformer_mt_11_{slug}.{sound.EXTENSIONS[row.output_format]}",
        "bytes": str(size),
        "peaks": [0.1, -0.1] * 500,
    }


def stem_of(row: Separation, slug: str) -> sound.Result:
    place = list(row.model.outputs).index(slug)
    return sound.result(row.output_format, row.seconds, place, f"{row.hash} {slug}")


def stem_at(account: Account, path: str) -> sound.Result | None:
    """Find the result that a path of the storage stands for."""
    name = path.removeprefix(FOLDER)
    for row in account.separations:
        start = f"{row.hash.rpartition('.')[0]}_melroformer_mt_11_"
        if path.startswith(FOLDER) and name.startswith(start) and row.status == "done":
            slug = name.removeprefix(start).rpartition(".")[0]
            return stem_of(row, slug) if slug in row.model.outputs else None
    return None


def _human(size: int) -> str:
    return f"{size / 2**20:.2f} MB"


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
