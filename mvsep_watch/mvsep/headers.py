"""The few headers of an answer that matter, read with doubt: what cannot be read is absent."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


def content_type_of(response: httpx.Response) -> str:
    """Give the content type without its parameters, in lower case."""
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def whole_header(response: httpx.Response, name: str) -> int | None:
    """Give a header that is a whole number, not negative; None otherwise."""
    text = str(response.headers.get(name, "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def retry_after_of(response: httpx.Response) -> float | None:
    """Give the seconds of a `Retry-After`, which are a number or a date; None where there is none.

    A date is measured against the server's own clock where it tells it.
    """
    seconds = whole_header(response, "Retry-After")
    if seconds is not None:
        return float(seconds)
    until = _date(response.headers.get("Retry-After"))
    if until is None:
        return None
    now = _date(response.headers.get("Date")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def date_of(response: httpx.Response) -> float | None:
    """Give the time by the server's own clock, seconds since 1970; None where it does not tell."""
    told = _date(response.headers.get("Date"))
    return told.timestamp() if told else None


def _date(text: str | None) -> datetime | None:
    try:
        read = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
