"""One answer of the service, before anybody asks what it means: its status, its JSON, the server's own words.

The surprise: there are three envelopes for failure, and the documentation names the one that `create` does not use.

    {"success": false, "errors": ["text", ...]}                         create. Source: recorded logs, 2026
    {"success": false, "data": {"message": "text"}}                     get. Source: recorded, 2024 to 2026
    {"success": false, "message": "text" or {"field": ["text"]}}        account. Source: Postman collection, 2024

`success` is a boolean in every recording; two clients met the string "true". Source: public clients, 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_WORDS = 300
"""Enough for any sentence of the service; a page of HTML or a waveform does not belong in a message."""

HALF = rb"\ud"
"""How an escaped half of a character begins; alone it is valid JSON, and no valid text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one call.

    Args:
        call: The endpoint, `separation/get`.
        host: Who answered.
        payload: The parsed JSON; None where the body was none.
        content_type: As announced, without its parameters.
        retry_after_s: Seconds, from a `Retry-After` of either kind.
        etag: What to ask with next time, where the server gives one.
        secrets: Are blotted out of the server's words.
    """

    call: str
    host: str
    status: int
    payload: Any = None
    content_type: str = ""
    retry_after_s: float | None = None
    etag: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_ok(self) -> bool:
        """True for a status of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def object(self) -> Mapping[str, Any]:
        """The payload if it is an object, else an empty one."""
        return self.payload if isinstance(self.payload, Mapping) else {}

    @property
    def data(self) -> Mapping[str, Any]:
        """The object under `data`, else an empty one; PHP writes an empty object as `[]`."""
        data = self.object.get("data")
        return data if isinstance(data, Mapping) else {}

    @property
    def succeeded(self) -> bool:
        """True where `success` says so, as a boolean or as a string."""
        return is_true(self.object.get("success"))

    @property
    def words(self) -> str:
        """The server's own words, from whichever envelope; empty where it has none."""
        texts = dict.fromkeys(one_line(redact(text, self.secrets)) for text in _texts_of(self.object))
        return "; ".join(text for text in texts if text)[:MAX_WORDS]

    @property
    def refused_fields(self) -> tuple[str, ...]:
        """The names of a form's fields that the server finds fault with, where it names them."""
        told = (self.object.get("message"), self.object.get("errors"))
        return tuple(one_line(str(name)) for fields in told if isinstance(fields, Mapping) for name in fields)

    @property
    def says_no(self) -> bool:
        """True where `success` says so; a list without an envelope says nothing of the kind."""
        return "success" in self.object and not self.succeeded

    @property
    def is_own_refusal(self) -> bool:
        """True where the service itself says no: an object with words and without success."""
        return not self.is_ok and not self.succeeded and bool(self.words)


def decode(body: bytes) -> Any:
    """Parse a body as JSON; None where it is none. Half a character, which no file can hold, becomes a "?"."""
    try:
        payload = json.loads(body)
        if HALF in body.lower():
            payload = json.loads(json.dumps(payload, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return payload


def is_true(value: Any) -> bool:
    """Read a flag as the service writes it: a boolean, 0 and 1, or any of these in a string."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in {"true", "1"})


def one_line(text: str) -> str:
    """Make a text from outside fit for a line of a log: no control characters, single spaces."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return re.sub(r"\s+", " ", printable).strip()


def redact(text: str, secrets: Iterable[str]) -> str:
    """Blot secrets out of a text."""
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text


def _texts_of(payload: Mapping[str, Any]) -> Iterator[str]:
    data = payload.get("data")
    yield from _texts(payload.get("errors"))
    yield from _texts(data.get("message") if isinstance(data, Mapping) else data)
    yield from _texts(payload.get("message"))
    yield from _texts(payload.get("error"))


def _texts(value: Any) -> Iterator[str]:
    """Give the texts in a string, a list or an object of lists; anything else has none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
