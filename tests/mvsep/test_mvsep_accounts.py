"""Accounts: who they are, how one gets in, what can be switched; and no password in any message."""

import traceback
from urllib.parse import parse_qsl

import httpx
import pytest

from mvsep_watch.errors import MvsepWatchError, RateLimitedError, RequestRefusedError, ServiceError, TokenRefusedError
from mvsep_watch.model import Account
from tests.fakes.service import TOKEN

PASSWORD = "correct  horse\nbattery"
LOGIN = {
    "name": "Someone", "email": "someone@example.com", "api_token": None, "created_at": "2023-09-29 15:05:50",
    "updated_at": "2024-01-24 16:28:33", "premium_minutes": 54, "premium_enabled": 1, "long_filenames_enabled": 1,
}  # fmt: skip
SWITCHES = ["enable_premium", "disable_premium", "enable_long_filenames", "disable_long_filenames"]


def yes(data=None, **more):
    return httpx.Response(200, json={"success": True, **({} if data is None else {"data": data}), **more})


def no(message, status=400):
    return httpx.Response(status, json={"success": False, "message": message})


def register(client):
    return client.register(name="Someone", email="someone@example.com", password=PASSWORD)


def login(client):
    return client.login("someone@example.com", PASSWORD)


def test_a_login_gives_the_account_and_its_token(answering):
    """Which shows in no repr."""
    found = login(answering(yes({**LOGIN, "api_token": "SecretOfThirtyLetters123456789"})))

    assert found.token == "SecretOfThirtyLetters123456789"
    assert found.account == Account(
        identity="someone@example.com",
        name="Someone",
        email="someone@example.com",
        credits=54,
        premium_enabled=True,
        long_filenames_enabled=True,
        created_at="2023-09-29 15:05:50",
    )
    assert "SecretOf" not in repr(found)


@pytest.mark.parametrize("data", [LOGIN, {**LOGIN, "api_token": ""}, {"name": "Someone"}])
def test_a_login_whose_token_is_kept_back_is_a_login(answering, data):
    """As in the recording of 2024."""
    assert login(answering(yes(data))).token is None


def test_a_login_sends_no_token_and_a_registration_says_the_password_twice(answering):
    """As forms, so that no address holds them."""
    asked = []

    def handle(request):
        asked.append((request.method, str(request.url), dict(parse_qsl(request.content.decode()))))
        return yes(LOGIN, message="Account verification email sent to someone@example.com")

    login(answering(handle))
    words = register(answering(handle))

    who = {"email": "someone@example.com", "password": PASSWORD}
    assert asked == [
        ("POST", "https://mvsep.com/api/app/login", who),
        ("POST", "https://mvsep.com/api/app/register", {"name": "Someone", "password_confirmation": PASSWORD, **who}),
    ]
    assert words == "Account verification email sent to someone@example.com"


@pytest.mark.parametrize("enter", [login, register])
@pytest.mark.parametrize("words", ["Invalid credentials", "Invalid API key", "Wrong token", "Unauthenticated."])
@pytest.mark.parametrize("status", [400, 401, 403, 422, 200])
def test_wrong_credentials_are_not_the_tokens_fault(answering, enter, words, status):
    """Whatever the words are: they are passed on, and no gate closes."""
    with pytest.raises(RequestRefusedError, match=words.replace(".", r"\.")):
        enter(answering(no(words, status)))


@pytest.mark.parametrize("enter", [login, register])
def test_a_form_that_is_refused_names_its_fields(answering, enter):
    """A real refusal, of 2024."""
    fields = {"email": ["The email field is required."], "password": ["Too short.", "Too simple."]}

    with pytest.raises(RequestRefusedError) as caught:
        enter(answering(no(fields)))

    for words in ("email", "password", "The email field is required.", "Too short.", "Too simple."):
        assert words in caught.value.message
    assert caught.value.hint == "correct email, password"


@pytest.mark.parametrize("enter", [login, register])
def test_fields_are_named_in_the_other_envelope_too(answering, enter):
    """As the framework under the service writes it by itself."""
    payload = {"message": "The given data was invalid.", "errors": {"email": ["The email has already been taken."]}}

    with pytest.raises(RequestRefusedError, match="already been taken") as caught:
        enter(answering(httpx.Response(422, json=payload)))

    assert caught.value.hint == "correct email"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(403, html="<h1>Checking your browser</h1>"), ServiceError),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), ServiceError),
        (no("Server Error", 500), ServiceError),
        (no("Too Many Attempts.", 429), RateLimitedError),
        (httpx.Response(200, json={}), ServiceError),
        (httpx.Response(200, json=[]), ServiceError),
    ],
)
@pytest.mark.parametrize("enter", [login, register])
def test_an_outage_is_not_taken_for_a_refusal(answering, enter, answer, error):
    """It goes by itself."""
    with pytest.raises(error) as caught:
        enter(answering(answer))

    assert type(caught.value) is error


@pytest.mark.parametrize("enter", [login, register])
def test_a_password_shows_in_no_message(answering, enter):
    """Also where the server, or the library, repeats it."""
    answers = [
        no(f"{PASSWORD} is wrong"),
        no({"password": [f"not {PASSWORD}!"]}),
        no(PASSWORD, 500),
        httpx.ConnectError(f"cannot send {PASSWORD}"),
    ]
    for answer in answers:
        with pytest.raises(MvsepWatchError) as caught:
            enter(answering(answer))

        said = caught.value.message + caught.value.hint + repr(caught.value)
        said += "".join(traceback.format_exception_only(caught.value))
        assert "horse" not in said
        assert "***" in said


@pytest.mark.parametrize(
    ("queue", "hashes"),
    [
        ([], ()),
        (None, ()),
        (["a", "b"], ("a", "b")),
        ([{"hash": "a", "id": 1}, {"hash": None}, {"job": "x"}, 5, None, "b"], ("a", "b")),
        ({"a": 1}, ()),
        ("a", ()),
    ],
)
def test_the_current_queue_names_its_hashes_in_any_shape(answering, queue, hashes):
    """Nobody documents its elements."""
    assert answering(yes({**LOGIN, "current_queue": queue})).user().current_queue == hashes


@pytest.mark.parametrize(("value", "enabled"), [(1, True), (0, False), ("1", True), (True, True), (None, False)])
def test_whether_names_are_long_is_read(answering, value, enabled):
    """As a flag of any kind; unknown where it is not said."""
    assert answering(yes({**LOGIN, "long_filenames_enabled": value})).user().long_filenames_enabled is enabled
    assert answering(yes({"name": "n"})).user().long_filenames_enabled is None


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_gives_the_servers_words(answering, switch):
    """The token goes in the form."""
    asked = []

    def handle(request):
        asked.append((request.method, str(request.url), dict(parse_qsl(request.content.decode()))))
        return yes(message="successfully enabled")

    assert getattr(answering(handle), switch)() == "successfully enabled"
    assert asked == [("POST", f"https://mvsep.com/api/app/{switch}", {"api_token": TOKEN})]


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"success": False, "errors": ["invalid token"]}), TokenRefusedError),
        (no("Invalid API key", 401), TokenRefusedError),
        (httpx.Response(401, html="<h1>Checking your browser</h1>"), ServiceError),
        (httpx.Response(503, html="<h1>Down</h1>"), ServiceError),
    ],
)
def test_a_switch_that_is_refused_says_whether_it_is_the_token(answering, switch, answer, error):
    """Or a page in front of the service."""
    with pytest.raises(error):
        getattr(answering(answer), switch)()


def test_the_whole_history_is_walked_through_in_pages(answering):
    """Newest first, each row once."""
    rows = [{"id": n, "hash": f"h{n}"} for n in range(45, 0, -1)]
    asked = []

    def handle(request):
        start, limit = (int(request.url.params[name]) for name in ("start", "limit"))
        asked.append((start, limit))
        return yes(rows[start : start + limit])

    assert [row.id for row in answering(handle).separation_history()] == list(range(45, 0, -1))
    assert [row.id for row in answering(handle).separation_history(start=40, limit=2)] == [5, 4]
    assert asked == [(0, 20), (20, 20), (40, 20), (40, 2)]
