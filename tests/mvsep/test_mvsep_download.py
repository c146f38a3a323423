"""Fetching a result: resumed where that is safe, and never trusted."""

import httpx
import pytest

from mvsep_watch.errors import (
    LinkExpiredError,
    OutputDamagedError,
    RateLimitedError,
    RequestRefusedError,
    ServiceError,
    TransportError,
)
from tests.fakes.answers import Chunks, ranged
from tests.fakes.service import TOKEN

URL = "https://files.example/storage/v.flac"
CONTENT = bytes(range(256)) * 1000


def serving(content=CONTENT, **headers):
    def handle(request):
        response = ranged(request, content, content_type="audio/flac")
        for name, value in headers.items():
            response.headers[name.replace("_", "-")] = value
        return response

    return handle


def fetch(client, **kwargs):
    with client.download(URL, **kwargs) as download:
        return download, b"".join(download.chunks)


def test_a_file_comes_whole(answering):
    """With its size, its validator and its type."""
    download, content = fetch(answering(serving()))

    assert content == CONTENT
    assert (download.size_bytes, download.offset, download.content_type) == (len(CONTENT), 0, "audio/flac")
    assert download.validator


def test_a_download_goes_on_where_it_ended(answering):
    """Only the rest is sent again."""
    client = answering(serving())
    validator = fetch(client)[0].validator

    download, content = fetch(client, offset=1000, validator=validator)

    assert (download.offset, download.size_bytes, content) == (1000, len(CONTENT), CONTENT[1000:])


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param(lambda request: serving()(httpx.Request("GET", URL)), id="a server without ranges"),
        pytest.param(serving(b"other" * 9000), id="another file by now"),
        pytest.param(serving(ETag='"other"'), id="another ETag on a part"),
        pytest.param(serving(Content_Range="bytes 7-8/9"), id="another part"),
        pytest.param(serving(Content_Range="nonsense"), id="an unreadable part"),
    ],
)
def test_a_download_that_cannot_go_on_starts_over(answering, handle):
    """Pieces of two files are never joined."""
    client = answering(serving())
    validator = fetch(client)[0].validator
    whole = handle(httpx.Request("GET", URL))

    download, content = fetch(answering(handle), offset=1000, validator=validator)

    assert download.offset == 0
    assert content == b"".join(whole.stream)


def test_an_offset_beyond_the_end_starts_over(answering):
    """416 is no dead end."""
    client = answering(serving())
    validator = fetch(client)[0].validator

    download, content = fetch(client, offset=len(CONTENT), validator=validator)

    assert (download.offset, content) == (0, CONTENT)


def test_without_a_validator_a_download_starts_over(answering):
    """Nobody could say whether it is the same file."""
    download, content = fetch(answering(serving()), offset=1000)

    assert (download.offset, content) == (0, CONTENT)


def test_a_weak_etag_is_no_validator(answering):
    """It does not stand for the same bytes; the time of the last change does."""
    changed = "Mon, 16 Nov 2026 10:00:00 GMT"

    assert fetch(answering(serving(ETag='W/"x"')))[0].validator is None
    assert fetch(answering(serving(ETag='W/"x"', Last_Modified=changed)))[0].validator == changed


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_dead_link_is_told(answering, status):
    """A fresh one can be asked for."""
    with pytest.raises(LinkExpiredError):
        fetch(answering(httpx.Response(status, html="gone")))


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(200, html="<h1>expired</h1>"), OutputDamagedError),
        (httpx.Response(200, content=b"x", headers={"Content-Encoding": "x-strange"}), OutputDamagedError),
        (httpx.Response(500), ServiceError),
        (httpx.Response(401), ServiceError),
        (httpx.Response(204), ServiceError),
        (httpx.Response(429, headers={"Retry-After": "7"}), RateLimitedError),
    ],
)
def test_what_is_no_result_is_not_taken_for_one(answering, response, error):
    """Each kind of trouble has its own word."""
    with pytest.raises(error):
        fetch(answering(response))


def test_a_short_file_is_an_error_at_its_end(answering):
    """Also where the connection itself did not notice."""
    client = answering(httpx.Response(200, stream=Chunks(b"x" * 10), headers={"Content-Length": "20"}))

    with pytest.raises(TransportError, match="10 of 20"):
        fetch(client)


def test_a_file_longer_than_announced_is_damaged(answering):
    """It is not read to its end."""
    client = answering(httpx.Response(200, stream=Chunks(b"x" * 30), headers={"Content-Length": "20"}))

    with pytest.raises(OutputDamagedError, match="20"):
        fetch(client)


def test_a_connection_that_breaks_within_a_file_is_told(answering):
    """As an error of ours."""
    with pytest.raises(TransportError):
        fetch(answering(httpx.Response(200, stream=Chunks(b"x" * 10, broken=True))))


def test_a_file_of_unknown_length_is_read_to_its_end(answering):
    """Chunked answers have no Content-Length."""
    download, content = fetch(answering(httpx.Response(200, stream=Chunks(b"x" * 10))))

    assert (download.size_bytes, content) == (None, b"x" * 10)


def test_a_redirect_is_followed_without_the_token(answering):
    """Results lie on other hosts; what the service gave is passed on and nothing is added."""
    asked = []

    def handle(request):
        asked.append(request)
        if request.url.host == "files.example":
            return httpx.Response(302, headers={"Location": "https://cdn.example/v.flac"})
        return serving()(request)

    _, content = fetch(answering(handle))

    assert content == CONTENT
    assert [request.url.host for request in asked] == ["files.example", "cdn.example"]
    assert not any(TOKEN in str(request.url) + str(request.headers) for request in asked)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://files.example/v.flac",
        "file:///etc/passwd",
        "http://files.example/v.flac",
        "http://127.0.0.1:8000/v.flac",
        "https://localhost/v.flac",
        "v.flac",
        "",
        "https://",
        "https://[::1",
        "https://x:99999/v.flac",
    ],
)
def test_only_sound_addresses_are_asked(answering, url):
    """Given straight, or by a redirect."""
    asked = []

    def handle(request):
        asked.append(request)
        return httpx.Response(302, headers={"Location": url})

    with pytest.raises(RequestRefusedError), answering(serving()).download(url):
        pass
    with pytest.raises((RequestRefusedError, TransportError, ServiceError)), answering(handle).download(URL):
        pass

    assert {request.url.host for request in asked} == {"files.example"}


def test_a_sandbox_may_serve_results_from_this_machine(answering):
    """Plain http is for loopback."""
    with answering(serving(), base_url="http://127.0.0.1:5000").download("http://127.0.0.1:5001/v") as download:
        content = b"".join(download.chunks)

    assert content == CONTENT


def test_what_a_reader_raises_passes_through(answering):
    """A full disk is not the connection's fault."""
    with pytest.raises(OSError, match="full"), answering(serving()).download(URL):
        raise OSError("full")
