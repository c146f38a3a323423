"""The shapes of the service's JSON, read into the model's values. Decides nothing and touches nothing.

Numbers may come as strings, unknown keys and statuses are let through, null means unknown. What is missing and must
not be guessed is an error and never a gap: a history row without its hash would look like work that was never sent.

The surprise: a separation that failed has `success: true`, and the word in `status` is what counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urljoin

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import Account, Created, HistoryRow, Queue, Remote, RemoteFile, RemoteLink
from mvsep_watch.mvsep.envelope import Answer, is_true, one_line, redact


def read_created(answer: Answer) -> Created | None:
    """Read the answer to `create`; None where it gives no hash.

    Source: recorded, 2026: {"success": true, "data": {"link": "https://…/get?hash=H", "hash": "H"}}
    """
    hash_ = _text(answer.data.get("hash"))
    if not (answer.is_ok and answer.succeeded and hash_):
        return None
    return Created(hash=hash_, link=_text(answer.data.get("link")))


def read_remote(answer: Answer, *, hash_: str, base_url: str) -> Remote | None:
    """Read the answer to `get`; None where it has no status.

    Source: recorded, 2024 to 2026; the seven statuses are the API page's own list, 2025. `not_found` comes with
    `success: false` and 200; "File or File Hash not found" without a status is taken for the same.
    """
    status = _text(answer.object.get("status"))
    if not status and not answer.succeeded and "not found" in answer.words.lower():
        status = "not_found"
    if not status or not (answer.is_ok or status == "not_found"):
        return None
    data = answer.data
    return Remote(
        hash=hash_,
        status=status,
        message=_message(answer),
        queue_count=whole(data.get("queue_count")),
        current_order=whole(data.get("current_order")),
        finished_chunks=whole(data.get("finished_chunks")),
        all_chunks=whole(data.get("all_chunks")),
        algorithm=one_line(_text(data.get("algorithm"))),
        output_format=_text(data.get("output_format")),
        files=_files(data.get("files"), base_url=base_url, answer=answer) if status == "done" else (),
        transcription=_transcription(data.get("transcription")),
    )


def read_remote_link(answer: Answer) -> RemoteLink | None:
    """Read the answer to `get-remote`; None where it says nothing of the link.

    Straight after `create` it may say `success: false`, with "being downloaded" or as not found, although the service
    has the link: it means "not yet" for two or three minutes. Source: two public clients, 2026. The long hash stands
    under `hash`, else in the address under `link`.
    """
    status, words = _text(answer.object.get("status")), answer.words.lower()
    is_early = not answer.succeeded and ("being downloaded" in words or "not found" in words or status == "not_found")
    status = status or ("waiting" if "being downloaded" in words else "not_found" if is_early else "")
    if not status or not (answer.is_ok or is_early):
        return None
    data = answer.data
    return RemoteLink(
        status=status,
        message=_message(answer),
        queue_count=whole(data.get("queue_count")),
        current_order=whole(data.get("current_order")),
        hash=(_text(data.get("hash")) or _hash_in(_text(data.get("link")))) if status == "done" else "",
        is_early=is_early,
    )


def read_account(answer: Answer) -> Account:
    """Read the answer to `app/user`. `premium_minutes` is the balance of credits.

    Source: recorded login, 2024, and the API page, 2025; the balance also as a string or a float: public clients, 2026.
    """
    data = answer.data
    name, email = one_line(_text(data.get("name"))), one_line(_text(data.get("email")))
    if not (email or name):
        raise ServiceError(f"{answer.host} does not say whose account it is", hint="asked again by itself")
    return Account(
        identity=email or name,
        name=name,
        email=email,
        credits=whole(data.get("premium_minutes")),
        premium_enabled=is_true(data.get("premium_enabled")),
        queue_is_empty=_is_empty(data),
    )


def read_history(answer: Answer) -> tuple[HistoryRow, ...]:
    """Read the answer to `app/separation_history`, newest first.

    Source: recorded, 2024. `credits` is null when the job is gone; `time_left` are hours, negative after the end.

    Raises:
        ServiceError: It is no list, or a row cannot be told from another: then nothing may be called absent.
    """
    rows = answer.object.get("data")
    if not isinstance(rows, list):
        raise ServiceError(f"{answer.host} gave no list as the history", hint="asked again by itself")
    return tuple(_history_row(row, answer.host) for row in rows)


def read_queue(answer: Answer) -> Queue:
    """Read the answer to `app/queue`, which has no envelope.

    Source: MVSEP API page, 2026: {"queue": {"in_process": 25, …}, "plan": {"plan": "free", "queue": 800}}
    """
    counts = answer.object.get("queue")
    if not isinstance(counts, Mapping):
        raise ServiceError(f"{answer.host} gave no queue", hint="asked again by itself")
    plan = answer.object.get("plan")
    of_plan = plan if isinstance(plan, Mapping) else {}
    numbers = {str(key): whole(value) for key, value in counts.items()}
    return Queue(
        counts={key: number for key, number in numbers.items() if number is not None},
        plan=_text(of_plan.get("plan")),
        plan_queue=whole(of_plan.get("queue")),
    )


def number(value: Any) -> float | None:
    """Read a number that may come as a string; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def whole(value: Any) -> int | None:
    """Read a number and round it down; None where it is none."""
    read = number(value)
    return None if read is None else math.floor(read)


def _message(answer: Answer) -> str:
    text = _text(answer.data.get("message")) or _text(answer.object.get("message"))
    return redact(one_line(text), answer.secret)


def _hash_in(link: str) -> str:
    """Give the hash that an address asks for."""
    return parse_qs(link.partition("?")[2]).get("hash", [""])[-1]


def _history_row(row: Any, host: str) -> HistoryRow:
    values = row if isinstance(row, Mapping) else {}
    id_, exists = whole(values.get("id")), values.get("job_exists") is None or is_true(values.get("job_exists"))
    hash_ = _text(values.get("hash"))
    if id_ is None or (exists and not hash_):
        raise ServiceError(f"{host} gave a history row without its id or hash", hint="asked again by itself")
    algorithm = values.get("algorithm")
    model = algorithm if isinstance(algorithm, Mapping) else {}
    return HistoryRow(
        id=id_,
        hash=hash_,
        created_at=_text(values.get("created_at")),
        exists=exists,
        credits=whole(values.get("credits")),
        hours_left=whole(values.get("time_left")),
        sep_type=whole(model.get("render_id")),
        algorithm=one_line(_text(model.get("name"))),
    )


def _files(value: Any, *, base_url: str, answer: Answer) -> tuple[RemoteFile, ...]:
    """Read `files`: `type`, `url`, `download`, newer also `bytes` as digits. Source: public clients' logs, 2026.

    `size` is human text and no size. A file without an address is an error, or a part would pass for the whole.
    """
    listed: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return tuple(_file(item, position, base_url=base_url, answer=answer) for position, item in enumerate(listed, 1))


def _file(item: Any, position: int, *, base_url: str, answer: Answer) -> RemoteFile:
    values = item if isinstance(item, Mapping) else {}
    url = _text(values.get("url"))
    if not url:
        raise ServiceError(f"{answer.host} lists a result without its address", hint="asked again by itself")
    name = _text(values.get("download"))
    return RemoteFile(
        label=one_line(_text(values.get("type"))) or f"Output {position}",
        url=urljoin(f"{base_url}/", url),
        name=name,
        size_bytes=whole(values.get("bytes")),
    )


def _transcription(value: Any) -> dict[str, str]:
    """Read text results: `[]` without any, else an object by kind. Source: types generated from real JSON, 2026."""
    if not isinstance(value, Mapping):
        return {}
    return {str(kind): text for kind, text in value.items() if isinstance(text, str) and text}


def _is_empty(data: Mapping[str, Any]) -> bool | None:
    """Read `current_queue`: a list, or null when idle; anything else is not understood. Source: clients, 2026."""
    if "current_queue" not in data:
        return None
    queue = data["current_queue"]
    if queue is None or isinstance(queue, list):
        return not queue
    return True if queue == {} else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
