"""What a refusal means, and which of them prove that nothing was made."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from mvsep_watch.errors import (
    CreditsExhaustedError,
    MvsepWatchError,
    PremiumRequiredError,
    RateLimitedError,
    RequestRefusedError,
    ServiceError,
    TokenRefusedError,
    TooManyUnfinishedError,
)
from mvsep_watch.mvsep import Pace
from tests.fakes.answers import PREMIUM, TOO_MANY

ENVELOPES = [
    lambda text: {"success": False, "errors": [text]},
    lambda text: {"success": False, "data": {"message": text}},
    lambda text: {"success": False, "message": text},
    lambda text: {"success": False, "message": {"field": [text]}},
    lambda text: {"success": "false", "errors": text},
    lambda text: {"message": text},
]


def refused(text, status=400):
    return httpx.Response(status, json={"success": False, "errors": [text]})


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_the_servers_words_are_found_in_every_envelope(answering, source, settings, envelope):
    """A person must read what the service said, not "HTTP 400"."""
    client = answering(httpx.Response(400, json=envelope("Something of\nits own")))

    with pytest.raises(RequestRefusedError, match="Something of its own") as caught:
        client.create(source, settings)

    assert caught.value.refused


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (TOO_MANY, TooManyUnfinishedError),
        (PREMIUM, PremiumRequiredError),
        ("Seperation type is not set", RequestRefusedError),
        ("Invalid parameter", RequestRefusedError),
        ("File exceeds the 100 MB free limit", RequestRefusedError),
        ("The audio is too long, premium allows 100 min", RequestRefusedError),
        ("invalid token", TokenRefusedError),
        ("Invalid API key", TokenRefusedError),
        ("The api_token field is required", TokenRefusedError),
        ("Insufficient credits", CreditsExhaustedError),
        ("Your quota is used up", CreditsExhaustedError),
        ("You have reached your daily limit of 50", RateLimitedError),
        ("Limit reached", RateLimitedError),
        ("whatever else", RequestRefusedError),
    ],
)
def test_a_refusal_on_create_is_told_by_its_words(answering, source, settings, text, error):
    """And it says that nothing was made."""
    with pytest.raises(error) as caught:
        answering(refused(text)).create(source, settings)

    assert type(caught.value) is error
    assert caught.value.refused
    assert text in str(caught.value)
    assert caught.value.hint


def test_a_daily_limit_is_left_alone_for_an_hour(answering, source, settings):
    """Asking sooner would upload in vain."""
    with pytest.raises(RateLimitedError) as caught:
        answering(refused("daily limit reached")).create(source, settings)

    assert caught.value.retry_after_s == 3600


@pytest.mark.parametrize(
    ("status", "error", "proves"),
    [
        (400, RequestRefusedError, True),
        (401, TokenRefusedError, True),
        (413, RequestRefusedError, True),
        (429, RateLimitedError, True),
        (200, ServiceError, False),
        (302, ServiceError, False),
        (403, ServiceError, False),
        (404, ServiceError, False),
        (409, ServiceError, False),
        (422, ServiceError, False),
        (500, ServiceError, False),
        (503, ServiceError, False),
    ],
)
def test_only_four_statuses_with_the_services_own_json_prove_that_nothing_was_made(
    answering, source, settings, status, error, proves
):
    """Everything else is an unknown outcome, whatever the words are."""
    with pytest.raises(error) as caught:
        answering(refused("no", status)).create(source, settings)

    assert caught.value.refused is proves


@pytest.mark.parametrize(("status", "proves"), [(400, True), (401, True), (403, False)])
def test_a_bad_token_is_told_from_everything_else_on_create(answering, source, settings, status, proves):
    """Whichever of the three statuses it comes with; 403 alone does not prove that nothing was made."""
    with pytest.raises(TokenRefusedError) as caught:
        answering(refused("invalid token", status)).create(source, settings)

    assert caught.value.refused is proves


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 413, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b"[" * 100_000, b"[]", b"{}", b'"no"', b"null"])
def test_an_answer_that_is_not_the_services_own_proves_nothing(answering, source, settings, status, body):
    """A page in front of the service cannot know whether the work was made, nor judge the token."""
    with pytest.raises((ServiceError, RateLimitedError)) as caught:
        answering(httpx.Response(status, content=body)).create(source, settings)

    assert not caught.value.refused


@pytest.mark.parametrize("data", [[], {}, None, {"hash": None}, {"hash": ""}, {"hash": 5}])
def test_success_without_a_hash_is_an_unknown_outcome(answering, source, settings, data):
    """It is not taken for a no."""
    with pytest.raises(ServiceError) as caught:
        answering(httpx.Response(200, json={"success": True, "data": data})).create(source, settings)

    assert not caught.value.refused


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("call", ["user", "separation_history_page"])
def test_a_refused_token_is_told_from_a_page_in_front_of_the_service(answering, status, call):
    """Only the service's own words close the gate `token`."""
    with pytest.raises(TokenRefusedError):
        getattr(answering(refused("no such key", status)), call)()
    with pytest.raises(ServiceError):
        getattr(answering(httpx.Response(status, html="<h1>Checking your browser</h1>")), call)()


def test_a_redirect_of_a_call_is_not_followed(answering):
    """The token would go with it."""
    asked = []

    def handle(request):
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/login"})

    with pytest.raises(ServiceError, match="302"):
        answering(handle).user()

    assert asked == ["mvsep.com"]


def test_an_endless_answer_is_cut_off(answering, monkeypatch):
    """Memory stays small whatever the server sends."""
    monkeypatch.setattr("mvsep_watch.mvsep.wire.MAX_ANSWER_BYTES", 1000)

    with pytest.raises(ServiceError, match="without end"):
        answering(httpx.Response(200, content=b" " * 2000)).user()


def in_90_s():
    return format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)


@pytest.mark.parametrize(
    ("header", "low_s", "high_s"),
    [
        ("30", 30, 33.1),
        (in_90_s, 80, 99),
        ("soon", 20, 22.1),
        (None, 20, 22.1),
        ("-5", 20, 22.1),
        ("999999", 3600, 3960),
    ],
)
def test_a_429_pauses_everything_for_as_long_as_it_says(answering, header, low_s, high_s):
    """In seconds or as a date, with a little jitter; 20 s where it does not say."""
    value = header() if callable(header) else header
    headers = {"Retry-After": value} if value else {}
    pace = Pace(sleep=lambda _: False)
    client = answering(httpx.Response(429, json={"message": "Too Many Attempts."}, headers=headers), pace=pace)

    with pytest.raises(RateLimitedError) as caught:
        client.user()

    assert low_s <= caught.value.retry_after_s <= high_s
    assert pace.pause_left_s == pytest.approx(caught.value.retry_after_s, abs=1)


def test_a_429_that_says_how_long_is_believed_though_nothing_is_left(answering):
    """`X-RateLimit-Remaining: 0` stands on every 429; the time that the service names counts."""
    headers = {"Retry-After": "2", "X-RateLimit-Limit": "120", "X-RateLimit-Remaining": "0"}
    pace = Pace(sleep=lambda _: False)
    client = answering(httpx.Response(429, json={"message": "Too Many Attempts."}, headers=headers), pace=pace)

    with pytest.raises(RateLimitedError):
        client.user()

    assert pace.pause_left_s < 3


def test_a_cancel_that_is_refused_says_why(answering):
    """In the server's own words."""
    client = answering(httpx.Response(200, json={"success": False, "data": {"message": "Already processing"}}))

    with pytest.raises(RequestRefusedError, match="Already processing"):
        client.cancel("h")


def test_a_cancel_that_cannot_be_answered_is_not_taken_for_a_refusal(answering):
    """An outage says nothing about the separation."""
    for answer in [
        httpx.Response(502, html="x"),
        httpx.Response(200, json={"a": 1}),
        httpx.Response(500, json={"message": "Server Error"}),
    ]:
        with pytest.raises(ServiceError):
            answering(answer).cancel("h")
    with pytest.raises(RateLimitedError):
        answering(httpx.Response(429, json={"message": "Too Many Attempts."})).cancel("h")
    with pytest.raises(TokenRefusedError):
        answering(refused("invalid token")).cancel("h")


def test_every_refusal_is_of_the_projects_tree(answering, source, settings):
    """Whatever a server makes up."""
    for payload in [{"success": False, "errors": {"a": [1, None, {"b": ["x"]}]}}, {"errors": 5}, {"data": ["x"]}]:
        with pytest.raises(MvsepWatchError):
            answering(httpx.Response(400, json=payload)).create(source, settings)
