"""Clients of other habits than ours: multipart by hand, plain forms, polling what they were given."""

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mvsep_watch.sandbox import Sandbox, write_song

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
BOUNDARY = "----boundary7MA4YWxkTrZu0gW"


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    write_song(path, seconds=1)
    return path.read_bytes()


@pytest.fixture
def sandbox():
    with Sandbox(speed=200, rate_limit=10_000) as running:
        yield running


def call(url, body=None, content_type=None):
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        with OPENER.open(urllib.request.Request(url, body, headers), timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def create(sandbox, body, content_type):
    status, answer = call(f"{sandbox.base_url}/api/separation/create", body, content_type)
    return status, json.loads(answer)


def part(name, value, *, filename=None, kind=None):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{filename}"' if filename else ""
    head += f"\r\nContent-Type: {kind}" if kind else ""
    return f"{head}\r\n\r\n".encode() + value + b"\r\n"


def multipart(parts):
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def polled(link):
    for _ in range(500):
        answer = json.loads(call(link)[1])
        if answer.get("status") in {"done", "failed"}:
            return answer
        time.sleep(0.02)
    raise AssertionError(answer)


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("kind", [None, "audio/*", "application/octet-stream"])
def test_the_file_part_may_be_first_or_last_and_of_any_type(sandbox, song, is_last, kind):
    """Options are parts without a file name, empty where unused, and foreign fields are swallowed."""
    fields = {"api_token": sandbox.token, "sep_type": "40", "add_opt2": "", "add_opt3": "0", "is_algo": "0"}
    texts = [part(name, value.encode()) for name, value in fields.items() if name != "add_opt3"]
    file = [part("audiofile", song, filename="Song.wav", kind=kind)]

    status, answer = create(sandbox, *multipart([*texts, *file] if is_last else [*file, *texts]))

    assert (status, answer["success"]) == (200, True)
    assert polled(answer["data"]["link"])["status"] == "done"


class Files(BaseHTTPRequestHandler):
    """Serves a song, leads elsewhere, misses a file, and lies about lengths."""

    def do_GET(self):
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/song.wav")
            self.end_headers()
        elif self.path.startswith("/missing"):
            self.send_error(404)
        else:
            lie = 9 if self.path.startswith("/short") else 101 * 2**20 if self.path.startswith("/huge") else 0
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.server.body) + lie))
            self.end_headers()
            self.wfile.write(self.server.body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def files(song):
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        server.body = song
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def by_link(sandbox, url, **fields):
    form = urllib.parse.urlencode({"api_token": sandbox.token, "sep_type": "40", "url": url, **fields}).encode()
    return create(sandbox, form, "application/x-www-form-urlencoded")


@pytest.mark.parametrize("remote_type", ["direct", "mega", "drive", "dropbox"])
def test_a_plain_form_is_enough_for_a_link(sandbox, files, song, remote_type):
    """What it leads to is fetched, hashed, and separated, under its own name; the link given can be polled."""
    _, answer = by_link(sandbox, f"{files}/dir/Take%20Five.wav?x=1", remote_type=remote_type)

    long = polled(answer["data"]["link"])["data"]

    assert "-take-five.wav" in long["hash"]
    data = polled(long["link"])["data"]
    assert call(data["input_file"]["url"])[1] == song
    assert len(data["files"]) == 2


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/away", "links on this machine only"),
        ("/missing", "Not Found"),
        ("/short.wav", "ended early"),
        ("/huge.wav", "exceeds the 100 MB"),
    ],
)
def test_what_cannot_be_fetched_fails_and_leaves_nothing(files, path, text):
    """A redirect to another machine, a missing file, one that breaks off, and one that is too large for the plan."""
    with Sandbox(plan="free", speed=200) as sandbox:
        _, answer = by_link(sandbox, f"{files}{path}")

        failed = polled(answer["data"]["link"])

        assert (failed["success"], failed["status"]) == (True, "failed")
        assert text in failed["data"]["message"]
        assert list(sandbox.api.folder.iterdir()) == []


def test_files_on_the_other_host_can_be_had(song):
    """On a loopback address of its own, and in a sub-folder."""
    with Sandbox(speed=200, faults=({"quirk": "other_host"}, {"quirk": "subfolder"})) as sandbox:
        file = part("audiofile", song, filename="song.wav")
        texts = [part("api_token", sandbox.token.encode()), part("sep_type", b"40")]
        _, answer = create(sandbox, *multipart([file, *texts]))

        url = polled(answer["data"]["link"])["data"]["files"][0]["url"]

        assert url.startswith("http://127.0.0.2:")
        assert "/processed/55/" in url
        assert call(url)[0] == 200


def test_a_dropped_download_is_dropped_on_the_other_host_too(song):
    """The connection is found by its ends."""
    with Sandbox(speed=200, faults=({"quirk": "other_host"},)) as sandbox:
        file = part("audiofile", song, filename="song.wav")
        texts = [part("api_token", sandbox.token.encode()), part("sep_type", b"40")]
        _, answer = create(sandbox, *multipart([file, *texts]))
        url = polled(answer["data"]["link"])["data"]["files"][0]["url"]
        sandbox.faults.add({"kind": "drop", "on": "download", "times": 1})

        with pytest.raises(OSError):
            call(url)

        assert call(url)[0] == 200


def test_expired_files_leave_the_disk_by_themselves(song):
    """Nobody has to ask for anything."""
    with Sandbox(speed=200) as sandbox:
        file = part("audiofile", song, filename="song.wav")
        texts = [part("api_token", sandbox.token.encode()), part("sep_type", b"40")]
        _, answer = create(sandbox, *multipart([file, *texts]))
        polled(answer["data"]["link"])
        before = len(list(sandbox.api.folder.iterdir()))

        sandbox.move_clock(73 * 3600)
        deadline = time.monotonic() + 5
        while list(sandbox.api.folder.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)

        assert (before, list(sandbox.api.folder.iterdir())) == (3, [])
