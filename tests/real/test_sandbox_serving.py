"""The sandbox over a real loopback port: what only a real server can show."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from mvsep_watch.errors import UsageError
from mvsep_watch.sandbox import Sandbox, write_song
from tests.real.helpers import free_ports

SERVE = """
from mvsep_watch.sandbox import Sandbox, serve_forever
serve_forever(Sandbox(speed=50), on_ready=lambda sandbox: print(sandbox.base_url, flush=True))
"""


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    write_song(path, seconds=2)
    return path.read_bytes()


@pytest.fixture
def sandbox():
    with Sandbox(speed=100) as running:
        yield running


@pytest.fixture
def client(sandbox):
    with httpx.Client(base_url=sandbox.base_url, timeout=10) as client:
        yield client


def create(client, sandbox, song, *, name="mwabcdefghijkl-song.wav", **fields):
    data = {"api_token": sandbox.token, "sep_type": "40", "output_format": "1", **fields}
    return client.post("/api/separation/create", data=data, files={"audiofile": (name, song)})


def polled(client, hash_, deadline_s=10):
    deadline = time.monotonic() + deadline_s
    seen = []
    while time.monotonic() < deadline:
        answer = client.get("/api/separation/get", params={"hash": hash_}).json()
        seen.append(answer["status"])
        if answer["status"] in {"done", "failed", "not_found"}:
            return answer, seen
        time.sleep(0.02)
    raise AssertionError(f"still {seen[-1]}")


def collect(response, into):
    for chunk in response.iter_bytes():
        into += chunk


def test_a_song_is_separated_within_seconds(sandbox, client, song):
    """The threads, the clock and the server do together what the fast tests do apart."""
    sandbox.service.speed = 4
    hash_ = create(client, sandbox, song).json()["data"]["hash"]
    first = client.get("/api/separation/get", params={"hash": hash_}).json()["status"]

    sandbox.service.speed = 10
    answer, seen = polled(client, hash_)

    files = {file["type"]: client.get(file["url"]).content for file in answer["data"]["files"]}
    assert first == "waiting"
    assert "processing" in seen
    assert list(files) == ["Vocals", "Other"]
    assert len(files["Vocals"]) == len(files["Other"])


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_gives_no_answer(sandbox, client, song, when, jobs):
    """The client sees a transport error, and the server lives on."""
    sandbox.faults.add({"kind": "drop", "when": when, "times": 1})

    with pytest.raises(httpx.TransportError):
        create(client, sandbox, song)

    assert sandbox.state()["creates"]["total"] == jobs
    assert create(client, sandbox, song, name="other.wav").status_code == 200


def test_an_upload_can_be_dropped_in_the_middle(sandbox, client, song):
    """Nothing was received then."""
    sandbox.faults.add({"kind": "drop_upload", "value": 1000, "times": 1})

    with pytest.raises(httpx.TransportError):
        create(client, sandbox, song)

    assert sandbox.state()["received"] == []


def test_a_client_that_goes_away_in_the_middle_makes_no_job(sandbox, client, song):
    """Half a body is no upload."""
    request = client.build_request(
        "POST", "/api/separation/create", data={"api_token": sandbox.token}, files={"audiofile": ("a.wav", song)}
    )
    body = request.read()
    head = f"POST /api/separation/create HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += f"Content-Type: {request.headers['content-type']}\r\n\r\n"
    address = sandbox.base_url.removeprefix("http://").split(":")

    with socket.create_connection((address[0], int(address[1]))) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])

    assert client.get("/api/app/queue").json()["queue"]["premium"] == 0
    assert sandbox.state()["received"] == []


def test_a_download_breaks_off_and_can_be_resumed(sandbox, client, song):
    """Half of it comes, and a range gives the rest."""
    answer, _ = polled(client, create(client, sandbox, song).json()["data"]["hash"])
    url = answer["data"]["files"][0]["url"]
    whole = client.get(url).content
    sandbox.faults.add({"kind": "cut_download", "times": 1})
    half = bytearray()

    with client.stream("GET", url) as response, pytest.raises(httpx.RemoteProtocolError):
        collect(response, half)
    rest = client.get(url, headers={"Range": f"bytes={len(half)}-"})

    assert len(half) == len(whole) // 2
    assert bytes(half) + rest.content == whole


def test_it_stops_at_once_and_leaves_nothing(song):
    """Even in the middle of a slow download."""
    sandbox = Sandbox(speed=100)
    sandbox.start()
    with httpx.Client(base_url=sandbox.base_url) as client:
        answer, _ = polled(client, create(client, sandbox, song).json()["data"]["hash"])
        sandbox.faults.add({"kind": "slow_download", "value": 1000})
        with client.stream("GET", answer["data"]["files"][0]["url"]):
            began = time.monotonic()
            sandbox.stop()

    assert time.monotonic() - began < 10
    assert not sandbox.api.folder.exists()


def test_a_taken_port_is_a_usage_error(sandbox):
    """It says which, and what to do."""
    port = int(sandbox.base_url.rpartition(":")[2])

    with pytest.raises(UsageError, match=str(port)):
        Sandbox(port=port).start()


def test_a_port_that_is_taken_on_the_other_host_is_a_usage_error():
    """Both have to be free, and neither is kept."""
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.2", port)), pytest.raises(UsageError, match=f"127.0.0.2, port {port}"):
        Sandbox(port=port).start()

    with Sandbox(port=port) as running:
        assert running.base_url.endswith(f":{port}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_on_a_signal_and_is_quiet(number):
    """It prints what it was told to print, and nothing else."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert process.stdout
    base_url = process.stdout.readline().strip()
    status = httpx.get(f"{base_url}/api/app/queue").status_code

    process.send_signal(number)
    rest, errors = process.communicate(timeout=10)

    assert (status, process.returncode, rest, errors) == (200, 0, "", "")
