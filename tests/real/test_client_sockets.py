"""The client on real sockets: what is on the wire, how a connection dies, and how much memory a large file takes."""

import hashlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from contextlib import suppress

import pytest

from mvsep_watch.errors import MvsepWatchError, ServiceError, SourceChangedError, TransportError
from mvsep_watch.model import Settings
from mvsep_watch.mvsep import Link
from mvsep_watch.mvsep.download import LARGE_BYTES as LARGE_BYTES_READ_PAST
from mvsep_watch.mvsep.upload import CHUNK_BYTES
from tests.real.loopback import MADE, WAIT_S, Server, chunked, client_of, length_in, read_head, read_request, respond

LARGE_BYTES = 300 * 1024 * 1024


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(os.urandom(2 * CHUNK_BYTES + 1000))
    return path


def test_an_upload_on_the_wire_is_a_form_with_its_length(source):
    """No chunked encoding: the server knows when the body is whole, and that it is not before."""
    requests = []

    def handle(connection):
        requests.append(read_request(connection))
        respond(connection, MADE)

    with Server(handle) as server, client_of(server) as client:
        client.create(source, Settings(sep_type=40))

    head, body = requests[0]
    assert b"transfer-encoding" not in head.lower()
    assert head.startswith(b"POST /api/separation/create HTTP/1.1\r\n")
    assert body.count(source.read_bytes()) == 1
    assert body.endswith(b"--\r\n")


def test_the_last_chunk_has_not_left_while_the_caller_is_asked(source):
    """Nothing of it: not in a buffer on the way either."""
    withheld_bytes = 1000 + len("\r\n----\r\n") + 32
    all_but_it = threading.Event()
    received = bytearray()

    def handle(connection):
        length = length_in(read_head(connection))
        while len(received) < length:
            received.extend(connection.recv(1 << 16))
            if len(received) >= length - withheld_bytes:
                all_but_it.set()
        respond(connection, MADE)

    def look(*_):
        assert all_but_it.wait(WAIT_S)
        time.sleep(0.1)
        seen.append(len(received))

    seen = []
    with Server(handle) as server, client_of(server) as client:
        client.create(source, Settings(sep_type=40), before_last_chunk=look)

    assert seen == [len(received) - withheld_bytes]


@pytest.mark.parametrize("made_of", [None, Link(url="https://example.com/song.wav")], ids=["text", "link"])
def test_a_form_without_a_file_has_not_left_at_all_while_the_caller_is_asked(made_of):
    """The server knows that something is to come, and nothing of it."""
    begun = threading.Event()
    received = bytearray()

    def handle(connection):
        length = length_in(read_head(connection))
        begun.set()
        while len(received) < length:
            received.extend(connection.recv(1 << 16))
        respond(connection, MADE)

    def look(files):
        assert begun.wait(WAIT_S)
        time.sleep(0.1)
        seen.append((files, len(received)))

    seen = []
    with Server(handle) as server, client_of(server) as client:
        created = client.create(made_of, Settings(sep_type=104), before_last_chunk=look)

    assert (seen, created.hash) == ([((), 0)], "H")
    assert received.endswith(b"--\r\n")


def test_a_refused_release_resets_the_connection(source):
    """The server sees a broken connection, not the quiet end of a body."""
    ends = []
    reading = threading.Event()

    def handle(connection):
        read_head(connection)
        reading.set()
        try:
            while connection.recv(1 << 16):
                pass
            ends.append("quiet")
        except ConnectionResetError:
            ends.append("reset")

    def refuse(*_):
        assert reading.wait(WAIT_S)
        raise SourceChangedError("another file by now")

    with Server(handle) as server, client_of(server) as client, pytest.raises(SourceChangedError, match="by now"):
        client.create(source, Settings(sep_type=40), before_last_chunk=refuse)

    assert ends == ["reset"]


def test_unsent_bytes_die_with_the_process(source):
    """What a killed process had handed to the kernel does not arrive later."""
    ends = []
    may_read = threading.Event()

    def handle(connection):
        read_head(connection)
        may_read.wait(WAIT_S)
        try:
            while connection.recv(1 << 16):
                pass
            ends.append("quiet")
        except ConnectionResetError:
            ends.append("reset")

    code = (
        "import sys, pathlib\n"
        "from mvsep_watch.mvsep import Client\n"
        "from mvsep_watch.model import Settings\n"
        "client = Client('t', base_url=sys.argv[1])\n"
        "client.create(pathlib.Path(sys.argv[2]), Settings(sep_type=40),"
        " before_last_chunk=lambda *_: (print('asked', flush=True), sys.stdin.read()))\n"
    )
    with Server(handle, receive_buffer_bytes=4096) as server:
        with subprocess.Popen(
            [sys.executable, "-c", code, server.base_url, str(source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            child.wait(WAIT_S)
        may_read.set()

    assert ends == ["reset"]


def test_an_uploads_socket_lingers_not_and_is_its_own(source, monkeypatch):
    """SO_LINGER (1, 0), a TCP_USER_TIMEOUT below half the window, and no second request on it."""
    sockets = []
    connect = socket.create_connection

    def recording(*args, **kwargs):
        sockets.append(connect(*args, **kwargs))
        return sockets[-1]

    def look(*_):
        linger = sockets[-1].getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        timeout_ms = sockets[-1].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        seen.append((struct.unpack("ii", linger), 0 < timeout_ms < 15_000))

    def handle(connection):
        read_request(connection)
        respond(connection, MADE)

    monkeypatch.setattr(socket, "create_connection", recording)
    seen = []
    with Server(handle) as server, client_of(server, upload_linger_window_s=30.0) as client:
        client.create(source, Settings(sep_type=40), before_last_chunk=look)
        client.create(source, Settings(sep_type=40), before_last_chunk=look)
        connections = server.connections

    assert seen == [((1, 0), True)] * 2
    assert connections == 2


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_a_connection_that_ends_before_the_answer_does_is_an_unknown_outcome(source, part):
    """Whether the job was made cannot be told."""

    def handle(connection):
        read_request(connection)
        connection.sendall(part)

    with Server(handle) as server, client_of(server) as client, pytest.raises(TransportError) as caught:
        client.create(source, Settings(sep_type=40))

    assert not caught.value.refused


def test_a_server_that_hangs_up_during_an_upload_is_told(tmp_path):
    """As an error of ours, with the caller never asked."""
    path = tmp_path / "large.wav"
    path.touch()
    os.truncate(path, 20 * 1024 * 1024)
    asked = []

    def handle(connection):
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Server(handle) as server, client_of(server) as client, pytest.raises(TransportError):
        client.create(path, Settings(sep_type=40), before_last_chunk=lambda *_: asked.append(1))

    assert asked == []


def test_nobody_listening_and_a_server_that_speaks_no_http_are_told():
    """In our own words."""

    def greet(connection):
        connection.sendall(b"220 smtp ready\r\n")

    with Server(greet) as server, client_of(server) as client, pytest.raises(TransportError):
        client.user()
    with client_of(server) as client, pytest.raises(TransportError, match="no connection"):
        client.user()


def test_a_silent_server_is_waited_for_no_longer_than_told():
    """Time-outs are explicit."""
    quiet = threading.Event()

    with Server(lambda _: quiet.wait(WAIT_S)) as server:
        with client_of(server, timeout_s=0.1) as client, pytest.raises(TransportError, match="no answer in time"):
            client.user()
        quiet.set()


def test_a_compressed_answer_is_read():
    """The service's web server packs JSON at times; a flood of nothing is cut off."""
    import gzip  # noqa: PLC0415

    def handle(connection):
        read_head(connection)
        respond(connection, gzip.compress(b" " * 64 * 1024 * 1024), headers="Content-Encoding: gzip\r\n")

    with Server(handle) as server, client_of(server) as client, pytest.raises(ServiceError, match="without end"):
        client.user()


def drain(connection):
    """Read an upload without keeping it."""
    remaining = length_in(read_head(connection))
    buffer = bytearray(1 << 18)
    while remaining:
        remaining -= connection.recv_into(buffer, min(len(buffer), remaining))
    respond(connection, MADE)


def pour(connection):
    """Serve a large file of zeros."""
    read_head(connection)
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {LARGE_BYTES}\r\n\r\n".encode())
    chunk = bytes(1 << 20)
    for _ in range(LARGE_BYTES // len(chunk)):
        connection.sendall(chunk)


def test_a_large_upload_takes_constant_memory(tmp_path):
    """Whatever its size, a few chunks."""
    path = tmp_path / "large.wav"
    path.touch()
    os.truncate(path, LARGE_BYTES)
    hashes = []
    with Server(drain) as server, client_of(server) as client:
        tracemalloc.start()
        client.create(path, Settings(sep_type=40), before_last_chunk=lambda files: hashes.append(files[0].digest))
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    zeros = hashlib.sha256()
    for _ in range(LARGE_BYTES >> 20):
        zeros.update(bytes(1 << 20))
    assert hashes == [zeros.hexdigest()]
    assert peak_bytes < 8 * 1024 * 1024


def test_a_large_download_takes_constant_memory():
    """Chunks are passed on as they come."""
    with Server(pour) as server, client_of(server) as client:
        tracemalloc.start()
        with client.download(f"{server.base_url}/large.wav") as download:
            received = sum(len(chunk) for chunk in download.chunks)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert received == LARGE_BYTES
    assert peak_bytes < 8 * 1024 * 1024


SONG = os.urandom(LARGE_BYTES_READ_PAST + 100_000)


def fetched(handle, **options):
    with (
        Server(handle) as server,
        client_of(server, timeout_s=0.3) as client,
        client.download(f"{server.base_url}/song.wav", **options) as download,
    ):
        return b"".join(download.chunks)


def serving_a_song(head, *parts):
    def handle(connection):
        read_head(connection)
        connection.sendall(head.encode() + b"\r\n\r\n")
        for part in parts:
            connection.sendall(part)
        if not head.endswith("close"):
            with suppress(ConnectionError):  # bytes that nobody read reset it
                connection.recv(1)

    return handle


OK, PART = "HTTP/1.1 200 OK", "HTTP/1.1 206 Partial Content"
LENGTH = f"Content-Length: {len(SONG)}"


@pytest.mark.parametrize(
    ("head", "body", "options"),
    [
        pytest.param(f"{OK}\r\n{LENGTH}", SONG, {}, id="a length"),
        pytest.param(f"{OK}\r\nContent-Length: 9", SONG[:9], {}, id="a short one"),
        pytest.param(f"{OK}\r\nTransfer-Encoding: chunked", chunked(SONG), {}, id="chunks"),
        pytest.param(f"{OK}\r\nTransfer-Encoding: chunked\r\n{LENGTH}", chunked(SONG), {}, id="chunks and a length"),
        pytest.param("HTTP/1.0 200 OK\r\nConnection: close", SONG, {}, id="neither, up to the end"),
        pytest.param(
            f'{PART}\r\nContent-Range: bytes 7-{len(SONG) + 6}/{len(SONG) + 7}\r\n{LENGTH}\r\nETag: "a"',
            SONG,
            {"offset": 7, "validator": '"a"'},
            id="a part",
        ),
    ],
)
def test_a_download_gives_exactly_the_body(head, body, options):
    """However the server says where it ends, and whoever reads it: the library, or the client past it."""
    content = fetched(serving_a_song(head, body[:70_000], body[70_000:]), **options)

    assert content == (SONG if len(body) > 9 else body)


def test_bytes_behind_a_download_are_not_its_own():
    """A server that says one length and sends more is believed once."""
    content = fetched(serving_a_song(f"{OK}\r\n{LENGTH}", SONG, b"more"))

    assert content == SONG


@pytest.mark.parametrize("held_back", [1, 100_000, len(SONG)])
def test_a_download_that_ends_early_or_stalls_is_told(held_back):
    """Between reads it waits no longer than told."""
    part = SONG[: len(SONG) - held_back]

    with pytest.raises(TransportError, match=r"no answer in time"):
        fetched(serving_a_song(f"{OK}\r\n{LENGTH}", part))
    with pytest.raises(TransportError, match="ended"):
        fetched(serving_a_song(f"{OK}\r\n{LENGTH}\r\nConnection: close", part))


def test_a_refusal_in_the_middle_of_an_upload_is_an_answer_or_a_broken_connection(tmp_path):
    """Never a bug, and never success: a web server may say 413 without reading on."""
    path = tmp_path / "large.wav"
    path.touch()
    os.truncate(path, 20 * 1024 * 1024)

    def handle(connection):
        read_head(connection)
        respond(connection, b"<html>413</html>", status="413 Too Large", headers="Connection: close\r\n")

    with Server(handle) as server, client_of(server) as client, pytest.raises(MvsepWatchError) as caught:
        client.create(path, Settings(sep_type=40))

    assert isinstance(caught.value, (TransportError, ServiceError))
