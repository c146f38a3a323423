"""The client behind a proxy of the environment: what goes through it, what it learns, and what it may do wrong."""

import base64
import os
import select
import socket
import ssl
import struct
import time
import traceback
from contextlib import contextmanager, suppress

import pytest

from mvsep_watch.errors import CertificateError, NotToldError, TransportError
from mvsep_watch.model import Settings
from mvsep_watch.mvsep import Client, Pace
from mvsep_watch.mvsep.probing import Stage, probe
from mvsep_watch.telling import pinging
from tests.real.loopback import MADE, WAIT_S, Server, length_in, read_head, respond

SONG = os.urandom(3_000_000)
HOST, TOKEN, SECRET = "mvsep.example", "abcdefghijklmnopqrstuvwxyz0123", "hunter2"


def passing_on(port, heads):
    """Connect whoever asks with this port, whatever host was asked for."""

    def handle(connection):
        heads.append(read_head(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as service, suppress(OSError):
            ways = {connection: service, service: connection}
            while data := (one := select.select(list(ways), [], [], WAIT_S)[0][0]).recv(1 << 16):
                ways[one].sendall(data)

    return handle


def saying(words):
    """Answer whatever is asked with this."""

    def handle(connection):
        read_head(connection)
        connection.sendall(words)
        listen(connection)

    return handle


def listen(connection):
    with suppress(OSError):
        while connection.recv(1 << 16):
            pass


@contextmanager
def proxied(believing, handle, *, context=None):
    """Have the environment name a proxy."""
    with Server(handle, context=context) as proxy:
        believing.setenv("https_proxy", proxy.base_url.replace("://", f"://anna:{SECRET}@"))
        yield proxy


def client(port=443, **options):
    return Client(TOKEN, base_url=f"https://{HOST}:{port}", pace=Pace(), **options)


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["http", "https"])
def test_all_goes_through_the_proxy_which_learns_no_more_than_the_host(authority, believing, tmp_path, is_encrypted):
    """Calls, uploads and results, each encrypted from here to the service; and an upload dies as hard as without."""
    heads, asked, dying, sockets = [], [], [], []
    (source := tmp_path / "song.wav").write_bytes(b"RIFF" * 1_000_000)
    wrap = ssl.SSLContext.wrap_socket

    def serve(connection):
        head = read_head(connection)
        left = length_in(head) if head.startswith(b"POST") else 0
        while left:
            left -= len(connection.recv(min(left, 1 << 16)))
        asked.append(head.split(b"?")[0])
        respond(connection, MADE if head.startswith(b"POST") else SONG)

    def wrapping(context, plain, *, server_side=False, **options):
        made = wrap(context, plain, server_side=server_side, **options)
        sockets.extend([] if server_side else [made])
        return made

    def look(_):
        dying.append(struct.unpack("ii", sockets[-1].getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)))

    believing.setattr(ssl.SSLContext, "wrap_socket", wrapping)
    with (
        Server(serve, context=authority.context(HOST)) as server,
        proxied(believing, passing_on(server.port, heads), context=authority.context() if is_encrypted else None),
        client(server.port) as asking,
    ):
        made = asking.create(source, Settings(sep_type=40), before_last_chunk=look)
        with asking.download(f"https://{HOST}:{server.port}/song.wav") as download:
            content = b"".join(download.chunks)

    assert (made.hash, content == SONG, dying) == ("H", True, [(1, 0)])
    assert [head.split()[1] for head in asked] == [b"/api/separation/create", b"/song.wav"]
    name = b"%s:%d" % (HOST.encode(), server.port)
    known = b"Proxy-Authorization: Basic " + base64.b64encode(f"anna:{SECRET}".encode())
    assert all(head.startswith(b"CONNECT %s HTTP/1.1\r\n" % name) and known in head for head in heads)
    assert TOKEN.encode() not in b"".join(heads)


REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 17\r\n\r\n<html>No!</html>\n"


@pytest.mark.parametrize(
    ("handle", "what"),
    [
        (saying(REFUSED), "the proxy did not connect (407 Proxy Authentication Required)"),
        (saying(REFUSED.replace(b"407", b"403")), "the proxy did not connect (403"),
        (saying(b""), "no answer in time"),
        (saying(PAGE), "no connection in time (The handshake operation timed out)"),
        (lambda _: None, "the connection"),
    ],
    ids=["407", "403", "silent", "page", "gone"],
)
def test_a_proxy_that_does_not_connect_is_told_and_waited_for_no_longer_than_a_connection(
    believing, tmp_path, handle, what
):
    """Nothing has left, nothing is unknown; and of its address nothing is said that is secret."""
    (source := tmp_path / "song.wav").write_bytes(b"RIFF")
    begun_s = time.monotonic()

    with proxied(believing, handle), client(timeout_s=0.3) as asking, pytest.raises(TransportError) as caught:
        asking.create(source, Settings(sep_type=40), before_last_chunk=lambda _: pytest.fail("was asked"))

    assert what in caught.value.message
    assert SECRET not in caught.value.message + caught.value.hint
    assert time.monotonic() - begun_s < WAIT_S / 2


def test_a_proxy_that_is_gone_is_named_in_place_of_the_service(believing):
    """The service is well."""
    with proxied(believing, listen) as proxy:
        pass

    with client() as asking, pytest.raises(TransportError, match="the proxy did not connect") as caught:
        asking.user()

    assert "no connection to 127.0.0.1: " in caught.value.message
    assert "https_proxy" in caught.value.hint
    assert proxy.connections == 0
    assert SECRET not in caught.value.message


def test_the_doctor_names_the_proxy_and_says_what_it_does(authority, believing):
    """One that reads all traffic is a certificate's matter, and the word is where to name it."""
    with proxied(believing, saying(REFUSED)) as proxy:
        refused = probe(f"https://{HOST}", timeout_s=1)
    believing.delenv("SSL_CERT_FILE")
    with (
        Server(listen, context=authority.context(HOST)) as server,
        proxied(believing, passing_on(server.port, [])),
        client() as asking,
        pytest.raises(CertificateError) as caught,
    ):
        asking.user()

    assert (refused.ends_at, refused.proxy) == (Stage.ANSWER, f"127.0.0.1:{proxy.port}")
    assert "407" in refused.trouble
    assert SECRET not in repr(refused)
    assert "SSL_CERT_FILE" in caught.value.hint


def test_a_ping_goes_through_the_proxy_as_well(authority, believing):
    """With the same name and password."""
    heads, asked = [], []

    def answer(connection):
        asked.append(read_head(connection))
        respond(connection, b"OK")

    with (
        Server(answer, context=authority.context(HOST)) as server,
        proxied(believing, passing_on(server.port, heads)),
    ):
        pinging.ask(f"https://{HOST}:{server.port}/abc")

    assert asked[0].startswith(b"GET /abc HTTP/1.1")
    assert base64.b64encode(f"anna:{SECRET}".encode()) in heads[0]


def test_a_ping_that_the_proxy_refuses_says_nothing_of_its_address(believing):
    """It is tried again."""
    with proxied(believing, saying(REFUSED)), pytest.raises(NotToldError) as caught:
        pinging.ask(f"https://{HOST}/abc")

    assert HOST in caught.value.message
    assert SECRET not in caught.value.message + caught.value.hint


def test_a_proxy_that_is_no_address_keeps_a_ping_and_its_secret_back(believing):
    """A slip of the pen is no bug."""
    believing.setenv("https_proxy", f"http://anna:{SECRET}#@proxy:3128")

    with pytest.raises(NotToldError, match="no address") as caught:
        pinging.ask(f"https://{HOST}/abc")

    assert SECRET not in "".join(traceback.format_exception(caught.value))
