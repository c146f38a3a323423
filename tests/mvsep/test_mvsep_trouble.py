"""Foreign errors become ours, and the token shows nowhere."""

import inspect
import logging
import os
import re
import ssl
import traceback

import httpx
import pytest

from mvsep_watch.errors import CertificateError, ConfigError, MvsepWatchError, ServiceError, TransportError
from mvsep_watch.mvsep import Client
from mvsep_watch.mvsep.transport import proxy_of
from mvsep_watch.mvsep.trouble import HINT, TROUBLE, translated
from tests.fakes.faults import FAULTS
from tests.fakes.service import TOKEN

CLASSES = [
    kind
    for _, kind in inspect.getmembers(httpx, inspect.isclass)
    if issubclass(kind, Exception) and kind is not Warning
]


def caused(error, cause):
    error.__cause__ = cause
    return error


def _ssl_error(reason):
    error = ssl.SSLError(1, "x")
    error.reason = reason
    return error


def instance(kind):
    """Make an exception of any of the library's classes."""
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("x", request=httpx.Request("GET", "https://x"), response=httpx.Response(500))
    try:
        return kind("x")
    except TypeError:
        return kind()


@pytest.mark.parametrize("kind", CLASSES)
def test_every_exception_of_the_http_library_is_mapped(kind):
    """By its own name: a new class fails here and is decided on."""
    assert kind in TROUBLE


@pytest.mark.parametrize("kind", [*CLASSES, UnicodeError])
def test_every_exception_of_the_http_library_becomes_ours(answering, source, settings, kind):
    """With its cause, and never as proof that nothing was made."""
    with pytest.raises((TransportError, ServiceError)) as caught:
        answering(instance(kind)).create(source, settings)

    assert isinstance(caught.value.__cause__, kind)
    assert not caught.value.refused


def test_a_bug_is_not_dressed_up(answering):
    """What is not the library's passes as it is."""
    with pytest.raises(ZeroDivisionError):
        answering(ZeroDivisionError()).user()


@pytest.mark.parametrize(
    ("number", "what", "hint"),
    [
        (9, "not valid yet", "clock"),
        (10, "has expired", "clock"),
        (18, "signed by itself", "SSL_CERT_FILE"),
        (19, "signed by nobody whom this machine trusts", "SSL_CERT_FILE"),
        (20, "signed by nobody whom this machine trusts", "SSL_CERT_FILE"),
        (62, "for another host", "mvsep.base_url"),
        (64, "for another host", "mvsep.base_url"),
        (23, "not accepted: revoked", "clock"),
    ],
)
def test_a_certificate_that_is_not_accepted_says_why_and_what_to_do(answering, number, what, hint):
    """Nothing of the library's own words, of which nobody learns anything."""
    refused = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    refused.verify_code, refused.verify_message = number, "revoked"

    with pytest.raises(CertificateError) as caught:
        answering(caused(httpx.ConnectError("x"), caused(OSError(), refused))).user()

    assert caught.value.message.startswith("mvsep.com, app/user: no connection: its certificate ")
    assert what in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "it was cut off"),
        (_ssl_error("WRONG_VERSION_NUMBER"), "does not speak TLS"),
        (_ssl_error("UNSUPPORTED_PROTOCOL"), "the encryption failed: unsupported protocol"),
        (_ssl_error(None), "no connection (x)"),
    ],
)
def test_an_encryption_that_does_not_come_about_is_told_in_words(answering, error, what):
    """It is no certificate's fault."""
    with pytest.raises(TransportError, match=re.escape(what)) as caught:
        answering(caused(httpx.ConnectError("x"), error)).user()

    assert not isinstance(caught.value, CertificateError)


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("127.0.0.1:8642", "nothing serves there; if it is to be a sandbox: mvsep-watch sandbox --port 8642"),
        ("mvsep.com", HINT),
    ],
)
def test_a_sandbox_that_does_not_run_is_what_is_missing(host, hint):
    """The machine's connection has nothing to do with it."""
    with pytest.raises(TransportError) as raised, translated(host=host, call="app/user", secrets=()):
        raise httpx.ConnectError("[Errno 111] Connection refused")

    assert raised.value.hint == hint


def test_the_token_shows_in_no_message_log_or_repr(service, source, settings, caplog):
    """Whatever goes wrong, with every logger at its most talkative."""
    for name in (None, "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    said = []
    with service.client() as client:
        said.append(repr(client))
        for endpoint, ask in {
            "user": client.user,
            "history": client.separation_history_page,
            "queue": client.queue,
            "cancel": lambda: client.cancel("h"),
            "create": lambda: client.create(source, settings),
            "delete": lambda: client.delete("h"),
            "get": lambda: client.get("h", mirror=True),
            "enable_premium": client.enable_premium,
            "queue_summary": client.queue_summary,
            "quality_add": lambda: client.quality_add(source, algo_name="a", password="p"),
        }.items():
            for fault in FAULTS:
                if fault in {"truncate_download", "no_ranges"}:
                    continue
                service.fault(endpoint, fault)
                try:
                    said.append(repr(ask()))
                except MvsepWatchError as exc:
                    said.extend([*traceback.format_exception(exc), repr(exc), exc.hint])

    assert len(said) > 100
    assert TOKEN not in "\n".join(said) + caplog.text


def test_a_server_that_echoes_the_token_does_not_bring_it_into_a_message(answering, source, settings):
    """In words, statuses or the library's own text."""
    echoes = [
        httpx.Response(400, json={"success": False, "errors": [f"bad token {TOKEN}"]}),
        httpx.Response(500, json={"message": f"?api_token={TOKEN}"}),
        httpx.ConnectError(f"cannot reach https://x/?api_token={TOKEN}"),
    ]
    for echo in echoes:
        with pytest.raises(MvsepWatchError) as caught:
            answering(echo).create(source, settings)
        assert TOKEN not in str(caught.value)

    remote = answering(httpx.Response(200, json={"status": "failed", "data": {"message": TOKEN}})).get("h")
    assert TOKEN not in repr(remote)


@pytest.mark.parametrize(
    "base_url",
    ["http://mvsep.com", "mvsep.com", "", "ftp://mvsep.com", "https://", "https://u:p@mvsep.com", "https://m.com?x=1",
     "http://localhost.evil.example", "https://mvsep.com:99999"],
)  # fmt: skip
def test_a_base_url_that_would_betray_the_token_is_refused(base_url):
    """Plain http goes to this machine only."""
    with pytest.raises(ConfigError) as caught:
        Client("t", base_url=base_url)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("base_url", "host", "realm"),
    [
        ("https://mvsep.com/", "mvsep.com", "mvsep"),
        ("https://DE.mvsep.com", "de.mvsep.com", "mvsep"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000", "sandbox"),
        ("http://[::1]:5000", "[::1]:5000", "sandbox"),
        ("https://mvsep.com:443", "mvsep.com", "mvsep"),
    ],
)
def test_a_client_knows_its_host_and_realm(base_url, host, realm):
    """They are recorded with every separation."""
    with Client("t", base_url=base_url, transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        assert (client.host, client.realm) == (host, realm)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({"https_proxy": "http://proxy:3128"}, "https://mvsep.com", "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128/"}, "https://mvsep.com", "http://proxy:3128/"),
        ({"https_proxy": "proxy:3128"}, "https://mvsep.com", "http://proxy:3128"),
        ({"all_proxy": "https://u:p%40@proxy"}, "https://mvsep.com", "https://u:p%40@proxy"),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "mvsep.com"}, "https://de.mvsep.com", None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "mvsep.com"}, "https://files.example", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "*"}, "https://mvsep.com", None),
        ({"http_proxy": "http://proxy:3128"}, "https://mvsep.com", None),
        ({"http_proxy": "socks5://proxy:1080", "all_proxy": "nonsense://"}, "http://127.0.0.1:5000", None),
        ({"https_proxy": ""}, "https://mvsep.com", None),
    ],
)
def test_the_environments_proxy_is_each_hosts_own_except_for_this_machine(no_proxy, environment, url, proxy):
    """A sandbox is here, whether or not anybody has thought of no_proxy."""
    for name, value in environment.items():
        no_proxy.setenv(name, value)

    assert proxy_of(url) == proxy


@pytest.mark.parametrize(
    "proxy",
    ["socks5://u:hunter2@proxy:1080", "http://u:hunter2#@proxy", "http://u:1#hunter2@proxy:3128",
     "http://proxy:hunter2", "http://u:hunter2@proxy:99999", "http://u:hunter2@:3128", "http://u:hunter2@proxy/path"],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used_is_told_in_time_and_without_its_password(no_proxy, proxy):
    """In no message, hint or traceback."""
    no_proxy.setenv("https_proxy", proxy)

    with pytest.raises(ConfigError, match="proxy for mvsep") as caught:
        Client("t")

    assert "https_proxy" in caught.value.hint
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + caught.value.hint


@pytest.fixture
def no_proxy(monkeypatch):
    """The environment, without any proxy in it."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return monkeypatch
