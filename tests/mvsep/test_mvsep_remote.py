"""Links that the service fetches itself, what costs a credit, what deletes: calls about separations besides `get`."""

import httpx
import pytest

from mvsep_watch.errors import (
    ConfigError,
    CreditsExhaustedError,
    RateLimitedError,
    RequestRefusedError,
    ServiceError,
    TokenRefusedError,
)
from mvsep_watch.model import RemoteLink
from mvsep_watch.mvsep import Link
from tests.fakes.service import TOKEN

LONG = "20260101120000-0123456789-song.mp3"
SHORT = "n2AwBjy4KsFZfqqR"
DOWNLOADING = "Your audio file is being downloaded, please wait a while..."
MISSING = "File or File Hash not found"


def says(answering, payload, status=200):
    return answering(httpx.Response(status, json=payload)).get_remote(SHORT)


@pytest.mark.parametrize(
    "data",
    [
        {"hash": LONG},
        {"hash": LONG, "link": "x"},
        {"link": f"https://mvsep.com/api/separation/get?hash={LONG}"},
        {"link": f"https://mvsep.com/api/separation/get?x=1&hash={LONG}", "hash": None},
    ],
)
def test_a_link_that_was_fetched_gives_the_long_hash(answering, data):
    """From its own key, else from the address."""
    assert says(answering, {"success": True, "status": "done", "data": data}) == RemoteLink(status="done", hash=LONG)


@pytest.mark.parametrize("data", [{}, [], None, {"link": "https://mvsep.com/api/separation/get"}, {"link": "hash=x"}])
def test_done_without_a_long_hash_has_none(answering, data):
    """It is asked again."""
    assert says(answering, {"success": True, "status": "done", "data": data}).hash == ""


def test_a_link_that_waits_says_its_place(answering):
    """Also from strings."""
    payload = {"success": True, "status": "waiting", "data": {"queue_count": "3", "current_order": 2}}

    assert says(answering, payload) == RemoteLink(status="waiting", queue_count=3, current_order=2)


@pytest.mark.parametrize("status", ["processing", "failed", "waiting", "somethingnew"])
def test_every_status_of_a_link_is_passed_on_with_its_words(answering, status):
    """A hash before `done` is not taken."""
    payload = {"success": True, "status": status, "data": {"message": "Why\nnot", "hash": LONG}}

    assert says(answering, payload) == RemoteLink(status=status, message="Why not")


@pytest.mark.parametrize("code", [200, 400, 404])
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"success": False, "data": {"message": DOWNLOADING}}, "waiting"),
        ({"success": False, "message": DOWNLOADING}, "waiting"),
        ({"success": False, "status": "not_found", "data": {"message": MISSING}}, "not_found"),
        ({"success": False, "data": {"message": MISSING}}, "not_found"),
        ({"success": False, "errors": [MISSING]}, "not_found"),
        ({"success": False, "status": "not_found", "data": []}, "not_found"),
        ({"success": False, "status": "waiting", "data": {"message": DOWNLOADING}}, "waiting"),
        ({"success": True, "status": "not_found", "data": []}, "not_found"),
    ],
)
def test_a_no_straight_after_the_link_was_given_is_early_and_not_final(answering, code, payload, status):
    """For two or three minutes."""
    remote = says(answering, payload, code)

    assert (remote.status, remote.is_early) == (status, True)


def test_a_link_that_failed_is_not_early(answering):
    """Whatever its words are."""
    remote = says(answering, {"success": False, "status": "failed", "data": {"message": "File not found on Drive"}})

    assert (remote.status, remote.is_early) == ("failed", False)


@pytest.mark.parametrize(
    ("code", "payload", "error"),
    [
        (200, {}, ServiceError),
        (200, [], ServiceError),
        (200, {"success": False, "data": {"message": "Something else"}}, ServiceError),
        (500, {"success": True, "status": "done", "data": {"hash": LONG}}, ServiceError),
        (500, {"success": False, "status": "not_found", "data": {"message": MISSING}}, ServiceError),
        (500, {"success": False, "data": {"message": DOWNLOADING}}, ServiceError),
        (400, {"success": False, "status": "failed", "data": {"message": MISSING}}, ServiceError),
        (429, {"message": "Too Many Attempts."}, RateLimitedError),
    ],
)
def test_what_says_nothing_of_the_link_is_the_services_trouble(answering, code, payload, error):
    """It never looks like the link's end."""
    with pytest.raises(error):
        says(answering, payload, code)


def test_a_link_goes_through_its_phases_to_a_separation(client, service, settings):
    """From the short hash to the long one, which is in the history."""
    service.link_polls = 4
    created = client.create(Link(url="https://example.com/a/Take%20Five.mp3"), settings)
    phases = [client.get_remote(created.hash) for _ in range(4)]

    assert [(phase.status, phase.is_early) for phase in phases] == [
        ("waiting", True), ("waiting", False), ("processing", False), ("done", False),
    ]  # fmt: skip
    assert phases[-1].hash.endswith("-take-20five.mp3")
    assert client.get(phases[-1].hash).status == "waiting"
    assert client.get(created.hash).status == "not_found"
    assert [row.hash for row in client.separation_history()] == [phases[-1].hash]


def test_a_link_is_asked_for_on_its_own_host_and_without_the_token(client, service):
    """As every separation is."""
    client.get_remote(SHORT, base_url="https://de.mvsep.com")

    (_, request) = service.requests[0]
    assert (request.url.host, dict(request.url.params)) == ("de.mvsep.com", {"hash": SHORT})


def test_only_another_mirror_sends_the_token_and_costs_a_credit(client, service, source, settings):
    """Which is why it is never asked for by default."""
    created = client.create(source, settings)
    service.finish(created.hash)
    before = service.account.credits

    ordinary = client.get(created.hash)
    free = service.account.credits
    mirrored = client.get(created.hash, mirror=True)

    asked = [dict(request.url.params) for name, request in service.requests if name == "get"]
    assert asked == [{"hash": created.hash}, {"hash": created.hash, "mirror": "1", "api_token": TOKEN}]
    assert (before, free, service.account.credits) == (before, before, before - 1)
    assert {file.url.split("/")[2] for file in ordinary.files} == {"mvsep.com"}
    assert {file.url.split("/")[2] for file in mirrored.files} == {"mirror.mvsep.com"}


def refused(text, status=400):
    return httpx.Response(status, json={"success": False, "data": {"message": text}})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("Insufficient credits"), CreditsExhaustedError),
        (refused("You have not enough credits", 200), CreditsExhaustedError),
        (refused("Invalid API key"), TokenRefusedError),
        (refused("invalid token", 401), TokenRefusedError),
        (refused("no", 401), TokenRefusedError),
        (refused("No mirror has it"), RequestRefusedError),
        (httpx.Response(403, html="<h1>Checking your browser</h1>"), ServiceError),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), ServiceError),
    ],
)
def test_a_mirror_that_is_refused_says_what_is_missing(answering, answer, error):
    """The token or a credit."""
    with pytest.raises(error):
        answering(answer).get("h", mirror=True)


def test_a_token_goes_to_no_other_realm(client, service):
    """Neither to a stranger nor to a sandbox."""
    for base_url in ["https://mvsep.com.evil.example", "http://127.0.0.1:5000", "http://mvsep.com"]:
        for call in [
            client.cancel,
            client.delete,
            lambda hash_, base_url: client.get(hash_, base_url=base_url, mirror=True),
        ]:
            with pytest.raises(ConfigError):
                call("h", base_url=base_url)

    assert service.requests == []


def test_a_separation_is_deleted_with_its_results(client, service, source, settings):
    """Nothing brings it back."""
    created = client.create(source, settings)
    service.finish(created.hash)
    client.delete(created.hash)

    assert client.get(created.hash).status == "not_found"
    with pytest.raises(RequestRefusedError, match="not found"):
        client.delete(created.hash)


def test_a_delete_that_is_refused_says_why(answering):
    """In the server's own words; an outage and a token are told apart."""
    with pytest.raises(RequestRefusedError, match="Not yours"):
        answering(refused("Not yours", 200)).delete("h")
    with pytest.raises(TokenRefusedError):
        answering(refused("invalid token", 401)).delete("h")
    for answer in [httpx.Response(502, html="x"), httpx.Response(500, json={"message": "Server Error"})]:
        with pytest.raises(ServiceError):
            answering(answer).delete("h")


def test_another_accounts_separation_is_not_deleted(client, service, source, settings):
    """Whoever knows its hash."""
    created = client.create(source, settings)
    service.add_account("AnotherTokenOfThirtyLetters012", email="other@example.com")
    with service.client(token="AnotherTokenOfThirtyLetters012") as other, pytest.raises(RequestRefusedError):
        other.delete(created.hash)

    assert client.get(created.hash).status == "waiting"
