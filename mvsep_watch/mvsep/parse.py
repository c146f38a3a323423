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
from mvsep_watch.model import (
    Account,
    Created,
    HistoryRow,
    Login,
    Remote,
    RemoteFile,
    RemoteLink,
    is_link_hash,
    tag_in_hash,
)
from mvsep_watch.mvsep.envelope import Answer, is_true, one_line, redact

LARGEST = 2**53
"""Up to here JSON's numbers are exact everywhere."""


def read_created(answer: Answer) -> Created | None:
    """Read the answer to `create`; None where it gives no hash.

    Source: recorded, 2026: {"success": true, "data": {"link": "https://…/get?hash=H", "hash": "H"}}
    """
    hash_ = text(answer.data.get("hash"))
    if not (answer.is_ok and answer.succeeded and hash_):
        return None
    return Created(hash=hash_, link=text(answer.data.get("link")))


def read_remote(answer: Answer, *, hash_: str, base_url: str) -> Remote | None:
    """Read the answer to `get`; None where it has no status.

    Source: recorded, 2024 to 2026; the seven statuses are the API page's own list, 2025. `not_found` comes with
    `success: false` and 200; "File or File Hash not found" without a status is taken for the same.

    Raises:
        ServiceError: It is about another separation, or lists a result without its address.
    """
    status = text(answer.object.get("status")) or ("not_found" if _denies_with(answer, "not found") else "")
    if not status or not (answer.is_ok or (status == "not_found" and answer.status < 500)):
        return None
    data = answer.data
    _require_of(hash_, text(data.get("hash")), answer.host)
    return Remote(
        hash=hash_,
        status=status,
        message=_message(answer),
        queue_count=whole(data.get("queue_count")),
        current_order=whole(data.get("current_order")),
        finished_chunks=whole(data.get("finished_chunks")),
        all_chunks=whole(data.get("all_chunks")),
        algorithm=one_line(text(data.get("algorithm"))),
        output_format=text(data.get("output_format")),
        files=_files(data.get("files"), base_url=base_url, answer=answer) if status == "done" else (),
        transcription=_transcription(data.get("transcription")),
        size=text(data.get("size")),
        input_file=_input_file(data.get("input_file"), base_url=base_url),
        tags=object_of(data.get("tags")),
        date=text(data.get("date")),
    )


def _require_of(hash_: str, said: str, host: str) -> None:
    """Require that an answer which names a separation is about the one that was asked for, as far as its tag tells."""
    if said and not is_link_hash(said) and tag_in_hash(said) != tag_in_hash(hash_):
        raise ServiceError(f"{host} answered about another separation", hint="asked again by itself")


def read_remote_link(answer: Answer) -> RemoteLink | None:
    """Read the answer to `get-remote`; None where it says nothing of the link.

    Straight after `create` it may say `success: false`, with "being downloaded" or as not found, although the service
    has the link: it means "not yet" for two or three minutes. Source: two public clients, 2026. The long hash stands
    under `hash`, else in the address under `link`.
    """
    status = text(answer.object.get("status"))
    if not status:
        is_coming, is_missing = (_denies_with(answer, words) for words in ("being downloaded", "not found"))
        status = "waiting" if is_coming else "not_found" if is_missing else ""
    is_early = answer.status < 500 and (status == "not_found" or (status == "waiting" and not answer.succeeded))
    if not status or not (answer.is_ok or is_early):
        return None
    data = answer.data
    return RemoteLink(
        status=status,
        message=_message(answer),
        queue_count=whole(data.get("queue_count")),
        current_order=whole(data.get("current_order")),
        hash=(text(data.get("hash")) or _hash_in(text(data.get("link")))) if status == "done" else "",
        is_early=is_early,
    )


def read_account(answer: Answer) -> Account:
    """Read the answer to `app/user` or `app/login`. `premium_minutes` is the balance of credits.

    Source: recorded login, 2024, and the API page, 2025; the balance also as a string or a float: public clients, 2026.
    """
    data = answer.data
    name, email = one_line(text(data.get("name"))), one_line(text(data.get("email")))
    if not (email or name):
        raise ServiceError(f"{answer.host} does not say whose account it is", hint="asked again by itself")
    return Account(
        identity=email or name,
        name=name,
        email=email,
        credits=whole(data.get("premium_minutes")),
        premium_enabled=is_true(data.get("premium_enabled")),
        queue_is_empty=_is_empty(data),
        current_queue=_hashes(data.get("current_queue")),
        long_filenames_enabled=is_true(data["long_filenames_enabled"]) if "long_filenames_enabled" in data else None,
        created_at=text(data.get("created_at")),
    )


def read_login(answer: Answer) -> Login:
    """Read the answer to `app/login`; its token was null in the recording of 2024."""
    return Login(account=read_account(answer), token=text(answer.data.get("api_token")) or None)


def read_history(answer: Answer) -> tuple[HistoryRow, ...]:
    """Read the answer to `app/separation_history`, newest first.

    Source: recorded, 2024. `credits` is null when the job is gone; `time_left` are hours, negative after the end.

    Raises:
        ServiceError: It is no list, or a row cannot be told from another: then nothing may be called absent.
    """
    return tuple(_history_row(row, answer.host) for row in rows_of(answer, "the history"))


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
    """Read a number and round it down; None where it is none, or larger than anything that can be counted or kept."""
    read = number(value)
    return None if read is None or abs(read) > LARGEST else math.floor(read)


def text(value: Any) -> str:
    """Read a text; empty where it is none."""
    return value if isinstance(value, str) else ""


def object_of(value: Any) -> Mapping[str, Any]:
    """Give an object; an empty one where it is none, which PHP writes as `[]`."""
    return value if isinstance(value, Mapping) else {}


def rows_of(answer: Answer, what: str) -> list[Any]:
    """Give the rows of a list, which stands alone or under `data`.

    Raises:
        ServiceError: It is no list; that is never taken for an empty one.
    """
    rows = answer.payload if isinstance(answer.payload, list) else answer.object.get("data")
    if not isinstance(rows, list) or answer.says_no:
        raise ServiceError(f"{answer.host} gave no list as {what}", hint="asked again by itself")
    return rows


def _denies_with(answer: Answer, words: str) -> bool:
    """Say whether the service itself says no with these words."""
    return not answer.succeeded and answer.status < 500 and words in answer.words.lower()


def _message(answer: Answer) -> str:
    words = text(answer.data.get("message")) or text(answer.object.get("message"))
    return one_line(redact(words, answer.secrets))


def _hash_in(link: str) -> str:
    """Give the hash that an address asks for."""
    return parse_qs(link.partition("?")[2]).get("hash", [""])[-1]


def _history_row(row: Any, host: str) -> HistoryRow:
    values, model = object_of(row), object_of(object_of(row).get("algorithm"))
    id_, exists = whole(values.get("id")), values.get("job_exists") is None or is_true(values.get("job_exists"))
    hash_ = text(values.get("hash"))
    if id_ is None or (exists and not hash_):
        raise ServiceError(f"{host} gave a history row without its id or hash", hint="asked again by itself")
    return HistoryRow(
        id=id_,
        hash=hash_,
        created_at=text(values.get("created_at")),
        exists=exists,
        credits=_charge(values.get("credits")),
        hours_left=whole(values.get("time_left")),
        sep_type=whole(model.get("render_id")),
        algorithm=one_line(text(model.get("name"))),
    )


def _charge(value: Any) -> int | None:
    """Read what was charged; less than nothing is not known, or it would make room for more."""
    charged = whole(value)
    return None if charged is None or charged < 0 else charged


def _files(value: Any, *, base_url: str, answer: Answer) -> tuple[RemoteFile, ...]:
    """Read `files`: `type`, `url`, `download`, newer also `bytes` as digits. Source: public clients' logs, 2026.

    `size` is human text and no size. A file without an address is an error, or a part would pass for the whole.
    """
    listed: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return tuple(_file(item, position, base_url=base_url, answer=answer) for position, item in enumerate(listed, 1))


def _file(item: Any, position: int, *, base_url: str, answer: Answer) -> RemoteFile:
    values = object_of(item)
    url = _absolute(text(values.get("url")), base_url)
    if not url:
        raise ServiceError(f"{answer.host} lists a result without its address", hint="asked again by itself")
    label = one_line(text(values.get("type")))
    return RemoteFile(
        label=label or f"Output {position}",
        is_labelled=bool(label),
        url=url,
        name=text(values.get("download")),
        size_bytes=whole(values.get("bytes")),
    )


def _input_file(value: Any, *, base_url: str) -> RemoteFile | None:
    """Read `input_file`: `url`, `size`, `download`. Source: public clients' logs, 2026."""
    values = object_of(value)
    url = _absolute(text(values.get("url")), base_url)
    if not url:
        return None
    return RemoteFile(label="Input", url=url, name=text(values.get("download")), size_bytes=whole(values.get("bytes")))


def _absolute(url: str, base_url: str) -> str:
    """Give an address of the service's in full; empty where it is none."""
    try:
        return urljoin(f"{base_url}/", url) if url else ""
    except ValueError:
        return ""


def _transcription(value: Any) -> dict[str, str]:
    """Read text results: `[]` without any, else an object by kind. Source: types generated from real JSON, 2026."""
    if not isinstance(value, Mapping):
        return {}
    return {str(kind): words for kind, words in value.items() if isinstance(words, str) and words}


def _is_empty(data: Mapping[str, Any]) -> bool | None:
    """Read `current_queue`: a list, or null when idle; anything else is not understood. Source: clients, 2026."""
    if "current_queue" not in data:
        return None
    queue = data["current_queue"]
    if queue is None or isinstance(queue, list):
        return not queue
    return True if queue == {} else None


def _hashes(queue: Any) -> tuple[str, ...]:
    """Read the hashes in `current_queue`, whose elements nobody documents: texts, or objects with a `hash`."""
    listed = queue if isinstance(queue, list) else ()
    found = (text(item) or text(object_of(item).get("hash")) for item in listed)
    return tuple(hash_ for hash_ in found if hash_)
