"""Which of a host's addresses is asked, and what becomes of a name that nobody knows."""

import socket

import httpcore
import httpx
import pytest

from mvsep_watch.errors import TransportError
from mvsep_watch.mvsep import Client
from mvsep_watch.mvsep.network import ADDRESS_S, Addresses, Network

SIX, FOUR = "2001:db8::1", "192.0.2.1"


@pytest.fixture
def tried(monkeypatch):
    """A host of two addresses, the first of which nobody reaches; gives what was tried, and for how long."""
    tried = []

    def connect(_, address, port, timeout, **__):
        tried.append((address, timeout))
        if address == SIX:
            raise httpcore.ConnectTimeout("timed out")
        return httpcore.MockStream([])

    found = [(socket.AF_INET6, 1, 6, "", (SIX, 443, 0, 0)), (socket.AF_INET, 1, 6, "", (FOUR, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return tried


def test_an_address_that_nobody_reaches_costs_a_few_seconds_once(tried):
    """The next is asked, and first from then on; the last is waited for as long as told."""
    network = Network(Addresses())

    network.connect_tcp("mvsep.com", 443, 60.0)
    network.connect_tcp("mvsep.com", 443, 60.0)

    assert tried == [(SIX, ADDRESS_S), (FOUR, 60.0), (FOUR, ADDRESS_S)]


def test_a_short_time_out_is_no_longer_for_having_two_addresses(tried):
    """Each is waited for as long as told at most."""
    Network(Addresses()).connect_tcp("mvsep.com", 443, 1.0)

    assert tried == [(SIX, 1.0), (FOUR, 1.0)]


def test_the_trouble_of_the_last_address_is_told(tried, monkeypatch):
    """Where none answers."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET6, 1, 6, "", (SIX, 443, 0, 0))])

    with pytest.raises(httpcore.ConnectTimeout):
        Network(Addresses()).connect_tcp("mvsep.com", 443, 1.0)

    assert tried == [(SIX, 1.0)]


@pytest.mark.parametrize("proxy", [None, "http://u:hunter2@proxy:3128"])
def test_a_name_that_cannot_be_looked_up_is_no_connection(monkeypatch, proxy):
    """As after a power cut, when the router is slower than the server; of a proxy its name alone is told."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy or "")

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with Client("t0ken") as client, pytest.raises(TransportError, match="Temporary failure") as caught:
        client.user()

    assert isinstance(caught.value.__cause__, httpx.ProxyError if proxy else httpx.ConnectError)
    assert ("no connection to proxy:" in caught.value.message) == bool(proxy)
    assert "hunter2" not in caught.value.message
