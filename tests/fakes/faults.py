"""How the fake service misbehaves, by name."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from tests.fakes.answers import PREMIUM, TOO_MANY, Chunks, answer_json, html, refusal

Effect = Callable[[httpx.Request, httpx.Response | None], httpx.Response]


def _raises(kind: type[httpx.TransportError], text: str) -> Effect:
    def effect(request: httpx.Request, _: httpx.Response | None) -> httpx.Response:
        raise kind(text, request=request)

    return effect


def _answers(make: Callable[[], httpx.Response]) -> Effect:
    return lambda _, __: make()


def _too_many_requests(retry_after: str | None) -> httpx.Response:
    response = answer_json({"message": "Too Many Attempts."}, status=429)
    if retry_after:
        response.headers["Retry-After"] = retry_after
    return response


def _truncated(_: httpx.Request, well: httpx.Response | None) -> httpx.Response:
    content = b"".join(well.stream)
    half = Chunks(content[: len(content) // 2], broken=True)
    return httpx.Response(well.status_code, headers=well.headers, stream=half)


def _without_ranges(request: httpx.Request, well: httpx.Response | None) -> httpx.Response:
    content = b"".join(well.stream)
    return httpx.Response(200, stream=Chunks(content), headers={"Content-Length": str(len(content))})


UNREAD = frozenset({"connect_error", "drop_mid_upload"})
"""Faults that come before a body was read to its end."""

FAULTS: dict[str, tuple[bool, Effect]] = {
    # name: (whether the request does its work first, what the client then sees)
    "connect_error": (False, _raises(httpx.ConnectError, "connection refused")),
    "drop": (False, _raises(httpx.ReadError, "connection reset")),
    "timeout": (False, _raises(httpx.ReadTimeout, "timed out")),
    "drop_before_made": (False, _raises(httpx.ReadError, "connection reset")),
    "drop_mid_upload": (False, _raises(httpx.WriteError, "connection reset while sending")),
    "drop_after_made": (True, _raises(httpx.ReadError, "connection reset")),
    "timeout_after_made": (True, _raises(httpx.ReadTimeout, "timed out")),
    "http_500": (False, _answers(lambda: html(500))),
    "http_503": (False, _answers(lambda: html(503))),
    "http_500_after_made": (True, _answers(lambda: html(500))),
    "html": (False, _answers(lambda: html(200))),
    "html_after_made": (True, _answers(lambda: html(200))),
    "no_hash_after_made": (True, _answers(lambda: answer_json({"success": True, "data": []}))),
    "429": (False, _answers(lambda: _too_many_requests("1"))),
    "429_without_time": (False, _answers(lambda: _too_many_requests(None))),
    "429_html": (False, _answers(lambda: html(429))),
    "413_html": (False, _answers(lambda: html(413))),
    "403_html": (False, _answers(lambda: html(403))),
    "bad_token": (False, _answers(lambda: refusal("invalid token", status=401))),
    "too_many": (False, _answers(lambda: refusal(TOO_MANY))),
    "too_many_after_made": (True, _answers(lambda: refusal(TOO_MANY))),
    "premium": (False, _answers(lambda: refusal(PREMIUM))),
    "no_credits": (False, _answers(lambda: refusal("Insufficient credits"))),
    "daily": (False, _answers(lambda: refusal("You have reached your daily limit"))),
    "refused": (False, _answers(lambda: refusal("Invalid parameter"))),
    "truncate_download": (True, _truncated),
    "link_expired": (False, _answers(lambda: httpx.Response(403, stream=Chunks(b"expired")))),
    "no_ranges": (True, _without_ranges),
}
