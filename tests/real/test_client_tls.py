"""The client over real encryption: bodies, their ends and their breaks, refusals, and certificates that are none."""

import os
import socket
import ssl
import struct
import threading
from contextlib import closing, suppress
from ssl import TLSVersion

import certifi
import httpcore
import pytest

from mvsep_watch.errors import CertificateError, RequestRefusedError, TransportError
from mvsep_watch.model import Settings
from mvsep_watch.mvsep.download import LARGE_BYTES
from mvsep_watch.mvsep.network import RECORD_BYTES, Addresses, Network
from tests.real.authority import BEFORE, LATER
from tests.real.loopback import MADE, WAIT_S, Server, chunked, client_of, length_in, read_head, respond

SONG = os.urandom(LARGE_BYTES + 100_000)
OK = "HTTP/1.1 200 OK"
LENGTH = f"{OK}\r\nContent-Length: {len(SONG)}"
CHUNKS = f"{OK}\r\nTransfer-Encoding: chunked"
TO_THE_END = "HTTP/1.0 200 OK"
REFUSAL = b'{"success":false,"errors":["The file is too large"]}'

pytestmark = pytest.mark.usefixtures("believing")


@pytest.fixture(params=[TLSVersion.TLSv1_2, TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def context(request, authority):
    return authority.context(version=request.param)


def quietly(connection):
    """End as the protocol wants it."""
    with suppress(OSError):
        connection.unwrap()


def abruptly(_):
    """Just go."""


def brutally(connection):
    """Throw away what has not arrived."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def never(connection):
    """Say nothing more, and listen."""
    with suppress(OSError):
        while connection.recv(1 << 16):
            pass


def fetched(context, head, body, end, **options):
    def handle(connection):
        read_head(connection)
        connection.sendall(head.encode() + b"\r\n\r\n")
        connection.sendall(body[:70_000])
        connection.sendall(body[70_000:])
        end(connection)

    with (
        Server(handle, context=context) as server,
        client_of(server, timeout_s=0.3) as client,
        client.download(f"{server.base_url}/song.wav", **options) as download,
    ):
        return b"".join(download.chunks)


@pytest.mark.parametrize(
    ("head", "body", "end", "options"),
    [
        pytest.param(LENGTH, SONG, abruptly, {}, id="a length"),
        pytest.param(LENGTH, SONG, never, {}, id="a length, kept open"),
        pytest.param(CHUNKS, chunked(SONG), abruptly, {}, id="chunks"),
        pytest.param(TO_THE_END, SONG, quietly, {}, id="neither"),
        pytest.param(
            f'{LENGTH.replace("200", "206")}\r\nContent-Range: bytes 7-{len(SONG) + 6}/{len(SONG) + 7}\r\nETag: "a"',
            SONG,
            abruptly,
            {"offset": 7, "validator": '"a"'},
            id="a part",
        ),
    ],
)
def test_an_encrypted_download_gives_exactly_the_body(context, head, body, end, options):
    """Whatever its records are, and whoever reads it: the HTTP library, or the client past it."""
    assert fetched(context, head, body, end, **options) == SONG


@pytest.mark.parametrize("end", [quietly, abruptly, brutally, never])
@pytest.mark.parametrize(
    ("head", "body"),
    [(LENGTH, SONG[:-1]), (f"{OK}\r\nContent-Length: 9", SONG[:8]), (CHUNKS, chunked(SONG)[:-9])],
    ids=["large", "small", "chunks"],
)
def test_an_encrypted_download_that_breaks_or_stalls_is_told(authority, head, body, end):
    """With and without a word at its end."""
    with pytest.raises(TransportError):
        fetched(authority.context(), head, body, end)


@pytest.mark.parametrize("end", [abruptly, brutally])
def test_an_end_without_a_word_is_none_where_nothing_else_tells_the_end(context, end):
    """Half a song is no song."""
    with pytest.raises(TransportError, match="cut off"):
        fetched(context, TO_THE_END, SONG, end)


@pytest.mark.parametrize("version", [None, TLSVersion.TLSv1_2, TLSVersion.TLSv1_3])
def test_a_connection_serves_one_request_after_the_other(authority, version):
    """A handshake for each would be dear; an answer that comes at once is no answer too early."""

    def handle(connection):
        while True:
            read_head(connection)
            respond(connection, b"song")

    with (
        Server(handle, context=authority.context(version=version) if version else None) as server,
        client_of(server) as client,
    ):
        for _ in range(20):
            with client.download(f"{server.base_url}/song.wav") as download:
                assert b"".join(download.chunks) == b"song"
        connections = server.connections

    assert connections == 1


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(SONG * 8)
    return path


def test_an_encrypted_upload_arrives_whole(context, source):
    """Byte for byte, and once."""
    received = bytearray()

    def handle(connection):
        length = length_in(read_head(connection))
        while len(received) < length:
            received.extend(connection.recv(1 << 16))
        respond(connection, MADE)

    with Server(handle, context=context) as server, client_of(server) as client:
        made = client.create(source, Settings(sep_type=40))

    assert made.hash == "H"
    assert bytes(received).count(source.read_bytes()) == 1


def refusing(end, received):
    """Refuse an upload after its first bytes."""

    def handle(connection):
        read_head(connection)
        connection.recv(1 << 16)
        respond(connection, REFUSAL, status="413 Content Too Large", headers="Connection: close\r\n")
        with suppress(OSError):
            end(connection)
            while taken := connection.recv(1 << 16):
                received.append(len(taken))

    return handle


@pytest.mark.parametrize("version", [None, TLSVersion.TLSv1_2, TLSVersion.TLSv1_3])
@pytest.mark.parametrize("end", [abruptly, brutally])
def test_a_refusal_in_the_middle_of_an_upload_is_read(authority, source, version, end):
    """Also where the server hangs up on what it does not want."""
    encryption = authority.context(version=version) if version else None
    handle = refusing(lambda connection: (end(connection), connection.close()), [])

    with (
        Server(handle, context=encryption) as server,
        client_of(server) as client,
        pytest.raises(RequestRefusedError, match="too large") as caught,
    ):
        client.create(source, Settings(sep_type=40))

    assert caught.value.refused


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_after_a_refusal_no_more_is_sent(authority, source, is_encrypted):
    """A polite server would listen to all of it, over a slow line for hours."""
    received = []
    with (
        Server(refusing(abruptly, received), context=authority.context() if is_encrypted else None) as server,
        client_of(server) as client,
        pytest.raises(RequestRefusedError),
    ):
        client.create(source, Settings(sep_type=40))

    assert sum(received) < source.stat().st_size // 2


@pytest.mark.parametrize(
    ("certificate", "what", "hint"),
    [
        ({"ends": BEFORE}, "has expired", "clock"),
        ({"begins": LATER}, "not valid yet", "clock"),
        ({"name": "files.example"}, "for another host", "mvsep.base_url"),
    ],
)
def test_a_certificate_that_is_not_believed_is_told_nothing(authority, certificate, what, hint):
    """Not even the token, and in our own words."""
    said = []

    with (
        Server(lambda connection: said.append(connection.recv(1)), context=authority.context(**certificate)) as server,
        client_of(server) as client,
        pytest.raises(CertificateError, match=what) as caught,
    ):
        client.user()

    assert hint in caught.value.hint
    assert b"".join(said) == b""


def test_whom_the_environment_names_is_believed(authority, believing):
    """In a folder beside a file, where the one does not silence the other."""
    believing.delenv("SSL_CERT_FILE")

    def handle(connection):
        read_head(connection)
        respond(connection, SONG)

    with Server(handle, context=authority.context()) as server:
        with client_of(server) as client, pytest.raises(CertificateError, match="nobody whom this machine trusts"):
            client.user()
        believing.setenv("SSL_CERT_FILE", certifi.where())
        believing.setenv("SSL_CERT_DIR", str(authority.folder))
        with client_of(server) as client, client.download(f"{server.base_url}/song.wav") as download:
            content = b"".join(download.chunks)

    assert content == SONG


def greet(connection):
    """Be a mail server."""
    connection.sendall(b"220 smtp ready\r\n")
    never(connection)


@pytest.mark.parametrize(
    ("handle", "what"),
    [(never, "no connection in time"), (greet, "does not speak TLS")],
)
def test_a_handshake_that_hangs_or_is_none_is_told(handle, what):
    """A server that is down behind its balancer; a port that serves something else."""
    with Server(handle) as server:
        server.base_url = f"https://127.0.0.1:{server.port}"
        with client_of(server, timeout_s=0.3) as client, pytest.raises(TransportError, match=what):
            client.user()


def test_records_that_have_come_are_given_together_and_their_end_after_them(authority, context):
    """One by one they would cost twice what they need; and what breaks behind them takes none away."""
    sent = threading.Event()

    def handle(connection):
        connection.sendall(SONG[:100_000])
        brutally(connection)
        connection.close()
        sent.set()

    trust = ssl.create_default_context(cafile=authority.trusted)
    with Server(handle, context=context) as server:
        plain = Network(Addresses()).connect_tcp("127.0.0.1", server.port, WAIT_S)
        with closing(plain.start_tls(trust, "127.0.0.1", WAIT_S)) as stream:
            assert sent.wait(WAIT_S)
            records = stream.read(RECORD_BYTES * 16, WAIT_S)
            with pytest.raises(httpcore.ReadError):
                stream.read(1, WAIT_S)

    assert records == SONG[:100_000]
