"""The library as a whole: every endpoint has its method, and every method asks its endpoint."""

import inspect

import httpx
import pytest

from mvsep_watch.errors import ConfigError, ServiceError
from mvsep_watch.mvsep import Client, Pace, Settings
from tests.fakes.service import ENDPOINTS, TOKEN

CALLS = {
    "create": ("POST", "separation/create", lambda c, path: c.create(path, Settings(sep_type=40))),
    "get": ("GET", "separation/get", lambda c, _: c.get("h")),
    "get_remote": ("GET", "separation/get-remote", lambda c, _: c.get_remote("h")),
    "cancel": ("POST", "separation/cancel", lambda c, _: c.cancel("h")),
    "delete": ("POST", "separation/delete", lambda c, _: c.delete("h")),
    "algorithms": ("GET", "app/algorithms", lambda c, _: c.algorithms()),
    "algorithms_text": ("GET", "app/algorithms", lambda c, _: c.algorithms_text()),
    "news": ("GET", "app/news", lambda c, _: list(c.news(limit=1))),
    "demos": ("GET", "app/demo", lambda c, _: list(c.demos(limit=1))),
    "queue": ("GET", "app/queue", lambda c, _: c.queue()),
    "queue_summary": ("GET", "app/queue/summary", lambda c, _: c.queue_summary()),
    "login": ("POST", "app/login", lambda c, _: c.login("e", "p")),
    "register": ("POST", "app/register", lambda c, _: c.register(name="n", email="e", password="p")),
    "user": ("GET", "app/user", lambda c, _: c.user()),
    "separation_history": ("GET", "app/separation_history", lambda c, _: list(c.separation_history(limit=1))),
    "separation_history_page": ("GET", "app/separation_history", lambda c, _: c.separation_history_page()),
    "enable_premium": ("POST", "app/enable_premium", lambda c, _: c.enable_premium()),
    "disable_premium": ("POST", "app/disable_premium", lambda c, _: c.disable_premium()),
    "enable_long_filenames": ("POST", "app/enable_long_filenames", lambda c, _: c.enable_long_filenames()),
    "disable_long_filenames": ("POST", "app/disable_long_filenames", lambda c, _: c.disable_long_filenames()),
    "quality_queue": ("GET", "quality_checker/queue", lambda c, _: list(c.quality_queue(limit=1))),
    "quality_leaderboard": ("GET", "quality_checker/leaderboard", lambda c, _: c.quality_leaderboard()),
    "quality_entry": ("GET", "quality_checker/entry", lambda c, _: c.quality_entry(1)),
    "quality_add": ("POST", "quality_checker/add", lambda c, path: c.quality_add(path, algo_name="a", password="p")),
    "quality_delete": ("POST", "quality_checker/delete", lambda c, _: c.quality_delete(1, password="p")),
}  # fmt: skip
BESIDES = {"download", "close", "stop_waiting"}


def test_every_method_is_here_and_every_endpoint_has_one():
    """One that is added is added to this table, and to the fake."""
    methods = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}

    assert methods - BESIDES == set(CALLS)
    assert {f"/api/{path}" for _, path, _ in CALLS.values()} == set(ENDPOINTS)


@pytest.mark.parametrize("name", CALLS)
def test_a_method_asks_its_endpoint_once_the_documented_way(source, name):
    """And shows the token in no address where it is a POST."""
    method, path, call = CALLS[name]
    asked = []

    def handle(request):
        request.read()
        asked.append((request.method, request.url.path, TOKEN in str(request.url)))
        return httpx.Response(500, json={"message": "Server Error"})

    pace = Pace(sleep=lambda _: False)
    with Client(TOKEN, transport=httpx.MockTransport(handle), pace=pace) as client, pytest.raises(ServiceError):
        call(client, source)

    assert [(verb, where) for verb, where, _ in asked] == [(method, f"/api/{path}")]
    assert method == "GET" or not asked[0][2]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_an_error_with_a_hint(monkeypatch, tmp_path, content):
    """A file that is missing, or is none: a person has to mend it."""
    if content is not None:
        (tmp_path / "trusted.pem").write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))

    with pytest.raises(ConfigError, match="the certificates that https trusts cannot be read") as told:
        Client("the token")

    assert "$SSL_CERT_FILE" in told.value.hint
