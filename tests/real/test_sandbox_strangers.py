"""The sandbox, and clients that know nothing of the project: the ways in which the public ones ask.

Each client here is written with the standard library alone, and does what its model does, odd as it is.
"""

import http.client
import io
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.real.helpers import write_song

TOKEN = "abcdefghijklmnopqrstuvwxyz0123"
WITHIN_S = 30.0


class Caller:
    """A client of a few lines: a request in, a status and JSON out."""

    def __init__(self, base_url):
        self.base_url = base_url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def open(self, url, body=None, headers=None):
        url = url if url.startswith("http") else f"{self.base_url}/api/{url}"
        request = urllib.request.Request(url, data=body, headers=headers or {})
        try:
            with self._opener.open(request, timeout=WITHIN_S) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read()

    def get(self, call, **query):
        status, headers, body = self.open(f"{call}?{urllib.parse.urlencode(query)}" if query else call)
        assert headers.get_content_type() == "application/json", body
        return status, json.loads(body)

    def plain(self, call, **fields):
        """Send a form that is urlencoded."""
        status, _, body = self.open(call, urllib.parse.urlencode(fields).encode())
        return status, json.loads(body)

    def form(self, call, *parts):
        """Send a form of parts, in this order: (name, text), or (name, bytes, file name, content type or None)."""
        boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
        body = b"".join(multipart(part, boundary) for part in parts) + f"--{boundary}--\r\n".encode()
        status, _, answer = self.open(call, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
        return status, json.loads(answer)


def multipart(part, boundary):
    name, content, *file = part
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if file:
        file_name, kind = file
        head += f'; filename="{file_name}"' + (f"\r\nContent-Type: {kind}" if kind else "")
    return f"{head}\r\n\r\n".encode() + (content if isinstance(content, bytes) else content.encode()) + b"\r\n"


@pytest.fixture(scope="module")
def caller():
    with Sandbox(token=TOKEN, speed=200, rate_limit=100_000) as sandbox:
        yield Caller(sandbox.base_url)


@pytest.fixture(scope="module")
def without_premium():
    with Sandbox(token=TOKEN, plan="free", rate_limit=100_000) as sandbox:
        yield sandbox


@pytest.fixture
def free(without_premium):
    """Somebody without premium, whose separations wait for long, and are over with the test."""
    without_premium.service.speed = 2.0
    caller = Caller(without_premium.base_url)
    yield caller
    without_premium.service.speed = 1000.0
    until(lambda: caller.get("app/user", api_token=TOKEN)[1]["data"], lambda user: not user["current_queue"])


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    return write_song(tmp_path_factory.mktemp("song") / "song.mp3", seconds=2, pitch=3).read_bytes()


def until(ask, holds):
    """Ask until an answer will do."""
    deadline_s = time.monotonic() + WITHIN_S
    while not holds(answer := ask()):
        assert time.monotonic() < deadline_s, answer
        time.sleep(0.1)
    return answer


def done(caller, hash_):
    answer = until(lambda: caller.get("separation/get", hash=hash_)[1], lambda said: said["status"] == "done")
    return answer["data"]


def sent(caller, song, *more, sep_type="40"):
    status, answer = caller.form(
        "separation/create", ("api_token", TOKEN), ("sep_type", sep_type), ("audiofile", song, "song.mp3", None), *more
    )
    assert (status, answer["success"]) == (200, True), answer
    return answer["data"]["hash"]


def test_the_command_serves_whoever_reads_what_it_prints(song):
    """As a process of its own, from the upload to the bytes; it ends on a signal."""
    command = [sys.executable, "-m", "mvsep_watch", "sandbox", "--port", "0", "--token", TOKEN, "--speed", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        caller = Caller(process.stdout.readline().partition(" is at ")[2].partition(",")[0])
        results = [caller.open(file["url"])[2] for file in done(caller, sent(caller, song))["files"]]
        process.send_signal(signal.SIGTERM)

    assert len(results) == 2
    assert all(results)
    assert process.returncode == 0


def test_the_authors_own_clients_get_their_files(caller, song):
    """The file first, every option whether used or not, slashes undone by hand, and `files` alone for "ready"."""
    parts = [("audiofile", song, "song.mp3", "audio/mpeg"), ("api_token", TOKEN), ("sep_type", "25"), ("add_opt1", ""),
             ("add_opt2", ""), ("add_opt3", ""), ("output_format", "1"), ("is_demo", "0")]  # fmt: skip
    status, answer = caller.form("separation/create", *parts)
    hash_ = answer["data"]["hash"]
    raw = until(
        lambda: caller.open(f"separation/get?hash={hash_}")[2].decode().replace("\\/", "/"),
        lambda text: '"files"' in text,
    )

    files = json.loads(raw)["data"]["files"]
    assert status == 200
    assert files
    for file in files:
        code, headers, content = caller.open(file["url"])
        assert (code, content[:4]) == (200, b"RIFF")
        assert int(headers["Content-Length"]) == len(content)
        assert file["download"].endswith(".wav")


@pytest.mark.parametrize("kind", [None, "audio/wav", "audio/*", "application/octet-stream"])
@pytest.mark.parametrize("name", ["song.mp3", "Größe 曲.mp3", "../../x.mp3", "C:\\\\Music\\\\x.mp3", "no extension"])
def test_whatever_the_part_is_called_it_is_the_file(caller, song, kind, name):
    """Last in the form, with a type that is wrong or none; the hash has a slug and no path."""
    status, answer = caller.form(
        "separation/create",
        ("api_token", TOKEN),
        ("sep_type", "48"),
        ("is_algo", "0"),
        ("output_format", "0"),
        ("audiofile", song, name, kind),
    )

    hash_ = answer["data"]["hash"]
    assert (status, answer["success"]) == (200, True)
    stamp, digits, slug = hash_.split("-", 2)
    assert (len(stamp), len(digits)) == (14, 10)
    assert not set(slug) & set("/\\ üß")
    assert done(caller, hash_)["files"]


def test_options_that_the_model_does_not_have_are_nothing(caller, song):
    """Some clients send 0 for all of them, always."""
    extra = [("add_opt1", "0"), ("add_opt2", "0"), ("add_opt3", "0")]

    assert done(caller, sent(caller, song, *extra, sep_type="63"))["files"]


def test_the_link_alone_is_enough(caller, song):
    """Polled as it stands, with what busts a cache, and with a token that it needs not."""
    _, answer = caller.form(
        "separation/create", ("api_token", TOKEN), ("sep_type", "40"), ("audiofile", song, "a.mp3", "audio/mpeg")
    )
    link = answer["data"]["link"]

    said = until(lambda: caller.get(f"{link}&t=1700000000&api_token={TOKEN}")[1], lambda it: it["status"] == "done")

    assert link.startswith(caller.base_url)
    assert said["data"]["hash"] == answer["data"]["hash"]
    assert said["success"] is True


def test_success_alone_is_true_until_the_job_is_gone(caller, song):
    """Who looks at nothing else is led on for as long as the job is there, and no further."""
    hash_ = sent(caller, song)
    seen = until(lambda: caller.get("separation/get", hash=hash_)[1], lambda said: said["status"] == "done")

    deleted = caller.plain("separation/delete", api_token=TOKEN, hash=hash_)
    gone = caller.get("separation/get", hash=hash_)

    assert seen["success"] is True
    assert deleted[0] == 200
    assert deleted[1]["success"] is True
    expected = {"success": False, "status": "not_found", "data": {"message": "File or File Hash not found"}}
    assert gone == (200, expected)
    assert caller.open(seen["data"]["files"][0]["url"])[0] == 404


def test_nothing_but_done_carries_files(free, without_premium, song):
    """Its mere presence means "ready" to several clients."""
    hash_ = sent(free, song)
    answers = [free.get("separation/get", hash=hash_)[1]]
    without_premium.service.speed = 20
    until(lambda: answers.append(free.get("separation/get", hash=hash_)[1]) or answers[-1],
          lambda said: said["status"] == "done")  # fmt: skip

    assert [said["status"] for said in answers if "files" in said["data"]] == ["done"]
    assert answers[0]["status"] == "waiting"
    assert {said["status"] for said in answers} <= {"waiting", "processing", "done"}


def test_a_link_goes_by_a_plain_form_and_two_hashes(caller, song):
    """The short one for `get-remote`, which may say no at first; the long one for `get`."""
    first = done(caller, sent(caller, song))
    status, answer = caller.plain(
        "separation/create",
        api_token=TOKEN,
        url=first["files"][0]["url"],
        remote_type="direct",
        sep_type="40",
        add_opt1="",
        output_format="2",
    )
    short = answer["data"]["hash"]

    said = until(
        lambda: caller.get("separation/get-remote", hash=short)[1], lambda it: it.get("status") in {"done", "failed"}
    )

    assert status == 200
    assert (len(short), short.isalnum()) == (16, True)
    assert f"get-remote?hash={short}" in answer["data"]["link"]
    assert said["status"] == "done"
    assert said["data"]["link"].endswith(f"/api/separation/get?hash={said['data']['hash']}")
    assert all(file["url"].endswith(".flac") for file in done(caller, said["data"]["hash"])["files"])


def test_a_body_without_a_length_is_received(caller, song):
    """As a client that streams sends it."""
    parts = [("api_token", TOKEN), ("sep_type", "40"), ("audiofile", song, "a.mp3", None)]
    pieces = [multipart(part, "b") for part in parts] + [b"--b--\r\n"]
    address = urllib.parse.urlsplit(caller.base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=WITHIN_S)
    connection.request(
        "POST",
        "/api/separation/create",
        body=iter(pieces),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
        encode_chunked=True,
    )
    response = connection.getresponse()

    assert response.status == 200
    assert json.loads(response.read())["success"] is True
    connection.close()


def test_a_bad_token_is_refused_as_documented(caller, song):
    """401 where something is made, 400 where an account is asked for; in words, without the token."""
    bad = "x" * 30
    made = caller.form("separation/create", ("api_token", bad), ("sep_type", "40"), ("audiofile", song, "a.mp3", None))
    asked = [caller.get(f"app/{call}", api_token=bad) for call in ("user", "separation_history")]
    switched = [caller.plain(f"app/{call}", api_token=bad) for call in ("enable_premium", "disable_long_filenames")]
    absent = [caller.get("app/user"), caller.plain("app/enable_premium")]
    added = caller.form("quality_checker/add", ("api_token", bad), ("algo_name", "x"), ("zipfile", b"x", "a.zip", None))

    assert (made[0], added[0]) == (401, 401)
    assert [status for status, _ in asked + switched + absent] == [400] * 6
    for _, answer in [made, added, *asked, *switched, *absent]:
        assert answer["success"] is False
        assert bad not in json.dumps(answer)
        assert any(word in json.dumps(answer).lower() for word in ("token", "api key"))


@pytest.mark.parametrize("sep_type", [None, "", "9999", "forty"])
def test_a_model_that_is_none_is_refused_in_the_services_words(caller, song, sep_type):
    """In `errors`, with no `data`, as recorded."""
    parts = [] if sep_type is None else [("sep_type", sep_type)]

    found = caller.form("separation/create", ("api_token", TOKEN), *parts, ("audiofile", song, "a.mp3", None))

    assert found == (400, {"success": False, "errors": ["Seperation type is not set"]})


def test_who_sends_three_at_once_without_premium_has_one_accepted(free, song):
    """The others are refused with what the service says, after the upload; the first can be cancelled."""
    parts = [("api_token", TOKEN), ("sep_type", "40"), ("audiofile", song, "a.mp3", None)]

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: free.form("separation/create", *parts), range(3)))

    busy = {
        "success": False,
        "errors": ["You already have unprocessed file in queue. Please wait before adding new file!"],
    }
    made = [answer for status, answer in found if status == 200]
    assert len(made) == 1
    assert [answer for status, answer in found if status == 400] == [busy, busy]
    assert free.get("app/user", api_token=TOKEN)[1]["data"]["current_queue"]


def test_a_premium_model_is_refused_without_premium(free, song):
    """Misspelt, as it is."""
    found = free.form("separation/create", ("api_token", TOKEN), ("sep_type", "26"), ("audiofile", song, "a.mp3", None))

    words = "Seperation type is unavailable until you purchase premium membership"
    assert found == (400, {"success": False, "errors": [words]})


def test_a_cancelled_job_costs_nothing(free, caller, song):
    """While it waits; what is over, or somebody else's, is not cancelled."""
    hash_ = sent(free, song)
    cancelled = free.form("separation/cancel", ("api_token", TOKEN), ("hash", hash_))
    over = sent(caller, song)
    done(caller, over)

    assert cancelled[1]["success"] is True
    assert free.get("separation/get", hash=hash_)[1]["success"] is False
    assert caller.plain("separation/cancel", api_token=TOKEN, hash=over)[1]["success"] is False
    assert caller.plain("separation/cancel", api_token="y" * 30, hash=over)[1]["success"] is False


def test_what_is_paid_for_stands_in_the_history(caller, song):
    """One credit for two seconds, by the account's balance and by the row; pages go by `start` and `limit`."""
    before = int(caller.get("app/user", api_token=TOKEN)[1]["data"]["premium_minutes"])
    hash_ = sent(caller, song)
    done(caller, hash_)
    after = int(caller.get("app/user", api_token=TOKEN)[1]["data"]["premium_minutes"])
    rows = caller.get("app/separation_history", api_token=TOKEN, start=0, limit=100)[1]["data"]
    second = caller.get("app/separation_history", api_token=TOKEN, start=1, limit=1)[1]["data"]

    row = next(row for row in rows if row["hash"] == hash_)
    assert before - after == 1
    assert (row["job_exists"], row["credits"], row["time_left"]) == (True, 1, 71)
    assert row["algorithm"]["render_id"] == 40
    assert len(rows) <= 20
    assert second == rows[1:2]


def test_a_demo_is_shown_to_everybody(caller, song):
    """By its hash, with a date that has no seconds; and nothing else is."""
    shown, hidden = sent(caller, song, ("is_demo", "1")), sent(caller, song, ("is_demo", "0"))
    done(caller, shown)
    done(caller, hidden)

    _, rows = caller.get("app/demo", start=0, limit=20)

    hashes = [row["hash"] for row in rows]
    assert shown in hashes
    assert hidden not in hashes
    assert len(rows[0]["date"]) == len("2024-05-14 12:35")
    assert caller.open(rows[0]["input_audio"])[0] == 200


def test_the_lists_of_the_site_are_bare_and_need_nothing(caller):
    """Models, news, queues: as they stand, with parameters that nobody knows."""
    models = caller.get("app/algorithms", t="1")[1]
    every = caller.get("app/algorithms", scopes="single_upload,no_upload,matchering_upload")[1]
    news = caller.get("app/news", lang="en", start=0, limit=1)[1]
    queue = caller.get("app/queue")[1]

    assert all(isinstance(json.loads(field["options"]), dict) for row in models for field in row["algorithm_fields"])
    assert len({row["render_id"] for row in models}) == len(models) < len(every)
    assert len(news) == 1
    assert {"id", "title", "lang", "text", "created_at"} <= news[0].keys()
    assert queue["queue"].keys() == {"in_process", "premium", "registered", "unregistered"}
    assert queue["plan"].keys() == {"plan", "queue"}


def test_a_result_can_be_resumed_where_it_broke_off(caller, song):
    """By a range, as download managers do; and its head can be asked for."""
    url = done(caller, sent(caller, song))["files"][0]["url"]
    whole = caller.open(url)[2]

    status, headers, rest = caller.open(url, headers={"Range": "bytes=100-"})

    assert (status, rest) == (206, whole[100:])
    assert headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"


def test_the_quality_checker_measures_a_zip(caller, song):
    """Sent with its password, found in queue, entry and leaderboard, and gone once the password is said again."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("song_001_vocals.wav", song)
    parts = [("zipfile", packed.getvalue(), "a.zip", "application/zip"), ("algo_name", "mine"), ("main_text", "a text"),
             ("dataset_type", "1"), ("ensemble", "0"), ("password", "secret-word"), ("api_token", TOKEN)]  # fmt: skip
    status, added = caller.form("quality_checker/add", *parts)
    id_ = added["data"]["id"]
    entry = until(lambda: caller.get("quality_checker/entry", id=id_)[1]["data"], lambda it: it["msg"])
    listed = caller.get("quality_checker/queue", start=0, limit=5)[1]
    board = caller.get("quality_checker/leaderboard", dataset_type=1)[1]

    wrong = caller.plain("quality_checker/delete", id=id_, password="another")
    right = caller.plain("quality_checker/delete", id=id_, password="secret-word")
    missing = caller.get("quality_checker/entry", id=id_)

    assert (status, added["data"]["link"]) == (200, f"{caller.base_url}/api/quality_checker/entry?id={id_}")
    assert (entry["algo_name"], entry["dataset_type"], entry["is_ensemble"]) == ("mine", 1, 0)
    assert isinstance(entry["metrics"], str)
    assert id_ in [row["id"] for row in listed]
    assert {"data", "dataset_type", "sortables", "sort"} <= board.keys()
    assert "secret-word" not in json.dumps([entry, listed, board])
    assert wrong[1]["success"] is False
    assert right == (200, {"success": True, "data": {"message": "successfully deleted"}})
    assert missing == (400, {"success": False, "data": {"message": "Job not found"}})


def test_switches_take_either_kind_of_form(caller):
    """And say what was recorded."""
    off = caller.plain("app/disable_premium", api_token=TOKEN)
    on = caller.form("app/enable_premium", ("api_token", TOKEN))

    assert off == (200, {"success": True, "message": "successfully disabled"})
    assert on == (200, {"success": True, "message": "successfully enabled"})


def test_an_empty_log_in_names_its_fields(caller):
    """As recorded."""
    wrong = {"email": ["The email field is required."], "password": ["The password field is required."]}

    assert caller.plain("app/login") == (400, {"success": False, "message": wrong})
