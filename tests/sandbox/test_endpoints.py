import hashlib
import io
import re

import av
import pytest

from .conftest import TOKEN


def test_a_file_goes_in_and_stems_come_out(local):
    """Create, poll, download: the whole way, with the names that the catalogue gives."""
    data = local.done(name="mwabcdefghijkl-Take Five.wav", output_format="2")

    contents = {file["type"]: local.client.get(file["url"]).content for file in data["files"]}

    assert list(contents) == ["Vocals", "Other"]
    assert contents["Vocals"] != contents["Other"]
    assert all(content.startswith(b"fLaC") for content in contents.values())
    assert data["output_format"] == "flac (lossless, 16 bit)"
    assert [file["download"] for file in data["files"]] == [
        "mwabcdefghijkl-take-five_bsroformer_mt_81_vocals.flac",
        "mwabcdefghijkl-take-five_bsroformer_mt_81_other.flac",
    ]


def test_create_answers_in_the_recorded_shape(local):
    """The hash, and a link to our own host that can be polled."""
    answer = local.create(name="Take Five.wav").json()

    hash_ = answer["data"]["hash"]
    assert answer == {
        "success": True,
        "data": {"hash": hash_, "link": f"http://127.0.0.1:9/api/separation/get?hash={hash_}"},
    }
    assert re.fullmatch(r"20260101120000-[0-9a-f]{10}-take-five\.wav", hash_)
    assert local.client.get(answer["data"]["link"]).json()["status"] == "waiting"


def test_slashes_are_escaped_as_php_does(local):
    """A real parser does not care; others must not be spared."""
    assert b"http:\\/\\/127.0.0.1:9\\/api" in local.create().content


def test_a_poll_counts_the_queue_while_waiting(local):
    """The second of two jobs is the second of two."""
    local.created(name="a.wav")
    second = local.created(name="b.wav")

    answer = local.get(second)

    assert (answer["success"], answer["status"]) == (True, "waiting")
    assert (answer["data"]["queue_count"], answer["data"]["current_order"]) == (2, 2)


def test_an_unknown_hash_is_not_found_with_200(local):
    """Byte for byte as recorded."""
    response = local.client.get("/api/separation/get", params={"hash": "nope"})

    assert response.status_code == 200
    assert response.json() == {
        "success": False,
        "status": "not_found",
        "data": {"message": "File or File Hash not found"},
    }


@pytest.mark.parametrize(
    ("wanted", "status", "text"),
    [
        ({"token": "wrong"}, 401, "invalid token"),
        ({"sep_type": ""}, 400, "Seperation type is not set"),
        ({"content": b"no audio"}, 400, "Unable to read the audio file"),
        ({"output_format": "9"}, 400, "Invalid parameter: output_format"),
    ],
)
def test_refusals_come_in_a_list_without_data(local, wanted, status, text):
    """The envelope that create really uses."""
    response = local.create(**wanted)

    assert (response.status_code, response.json()) == (status, {"success": False, "errors": [text]})


def test_a_refused_upload_is_received_counted_and_not_kept(make_local):
    """The concurrency limit is told after the whole body was received, and makes no second job."""
    local = make_local(premium=False)
    local.create(name="mwabcdefghijkl-a.wav")

    response = local.create(name="mwabcdefghijkl-b.wav")

    state = local.client.get("/sandbox/state").json()
    assert "already have unprocessed file" in response.json()["errors"][0]
    assert [(each["tag"], bool(each["hash"])) for each in state["received"]] == [
        ("mwabcdefghijkl", True),
        ("mwabcdefghijkl", False),
    ]
    assert state["creates"]["by_sha256"] == {hashlib.sha256(local.tone).hexdigest(): 1}
    assert len(list(local.folder.iterdir())) == 1


def test_a_create_without_a_file_is_refused(local):
    """Even if everything else is right, and though the form is not multipart."""
    form = {"api_token": TOKEN, "sep_type": "40"}

    plain = local.client.post("/api/separation/create", data=form)

    assert plain.json()["errors"] == ["The audiofile field is required."]


def test_the_account_and_its_balance(local):
    """Credits are charged at create, and the queue holds what is unfinished."""
    hash_ = local.created()

    data = local.client.get("/api/app/user", params={"api_token": TOKEN}).json()["data"]

    assert (data["email"], data["premium_minutes"], data["premium_enabled"]) == ("sandbox@localhost", 99, 1)
    assert [job["hash"] for job in data["current_queue"]] == [hash_]


@pytest.mark.parametrize("path", ["/api/app/user", "/api/app/separation_history"])
def test_a_wrong_key_is_400_on_account_calls(local, path):
    """Unlike create, and in data.message."""
    response = local.client.get(path, params={"api_token": "wrong"})

    assert (response.status_code, response.json()["data"]["message"]) == (400, "Invalid API key")


def test_the_history_is_paged_newest_first(local):
    """Ten rows by default, twenty at most, in the recorded shape, finished or not."""
    for n in range(10):
        local.created(name=f"{n}.wav")
    local.work()
    for n in range(10, 13):
        local.created(name=f"{n}.wav")

    rows = local.history(limit="500")
    page = local.history(start="2")

    assert [row["hash"].split("-")[-1] for row in rows] == [f"{n}.wav" for n in reversed(range(13))]
    assert [row["id"] for row in page] == [row["id"] for row in rows[2:12]]
    assert " ".join(rows[0]) == "id hash created_at updated_at job_exists credits time_left algorithm"
    assert (rows[0]["credits"], rows[0]["job_exists"], rows[0]["algorithm"]["render_id"]) == (1, True, 40)
    assert [rows[0]["time_left"], rows[-1]["time_left"]] == [72, 70]


def test_a_cancelled_job_is_refunded_and_not_found(local):
    """And a second cancel says no."""
    hash_ = local.created()
    form = {"api_token": TOKEN, "hash": hash_}

    first = local.client.post("/api/separation/cancel", data=form)
    second = local.client.post("/api/separation/cancel", data=form)

    assert (first.json()["success"], second.json()["success"]) == (True, False)
    assert local.get(hash_)["status"] == "not_found"
    assert local.history()[0]["credits"] is None
    assert local.client.get("/sandbox/state").json()["credits"] == 100


def test_results_expire_with_their_files(local):
    """After 72 hours the poll says not_found and the links are dead."""
    hash_ = local.created()
    local.work()
    url = local.get(hash_)["data"]["files"][0]["url"]
    alive = local.client.get(url).status_code

    local.client.post("/sandbox/faults", json={"kind": "clock", "value": 72 * 3600})

    assert (alive, local.client.get(url).status_code) == (200, 404)
    assert local.get(hash_)["status"] == "not_found"
    assert local.history()[0]["time_left"] == 0


def test_deleting_a_job_removes_its_files(local):
    """Nothing of it is left in the folder."""
    hash_ = local.created()
    local.work()

    answer = local.client.post("/api/separation/delete", data={"api_token": TOKEN, "hash": hash_})

    assert answer.json()["success"] is True
    assert list(local.folder.iterdir()) == []


def test_downloads_can_be_resumed(local):
    """A range with the file's own validator gives the rest; with another one, everything."""
    url = local.done()["files"][0]["url"]
    whole = local.client.get(url)

    rest = local.client.get(url, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})
    other = local.client.get(url, headers={"Range": "bytes=100-", "If-Range": '"another"'})

    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    assert (other.status_code, other.content) == (200, whole.content)
    assert whole.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize(
    "path", ["/storage/processed/..", "/storage/processed/%2e%2e%2fx", "/storage/temp/x", "/storage/x/y"]
)
def test_only_results_are_served(local, path):
    """Names are looked up among the jobs, never on the disk."""
    assert local.client.get(path).status_code == 404


def test_the_upload_can_be_fetched_back(local):
    """As `input_file` says."""
    url = local.done()["input_file"]["url"]

    assert local.client.get(url).content == local.tone


def test_algorithms_are_a_bare_list_by_scope(local):
    """The ordinary ones, and the others when asked for."""
    plain = local.client.get("/api/app/algorithms").json()
    both = local.client.get("/api/app/algorithms", params={"scopes": "single_upload,matchering_upload"}).json()

    assert (len(plain), len(both)) == (117, 118)


def test_the_queue_is_counted_by_plan(local):
    """No wrapper around it."""
    local.created()

    assert local.client.get("/api/app/queue", params={"api_token": TOKEN}).json() == {
        "queue": {"in_process": 0, "premium": 1, "registered": 0, "unregistered": 0},
        "plan": {"plan": "premium", "queue": 1},
    }


@pytest.mark.parametrize(("sep_type", "labels"), [("39", ["Text", "Subtitles"]), ("114", ["MIDI"])])
def test_models_that_give_no_audio_give_text_or_midi(local, sep_type, labels):
    """Files of their own kinds; a text comes in the answer as well."""
    data = local.done(sep_type=sep_type)

    assert [file["type"] for file in data["files"]] == labels
    assert all(local.client.get(file["url"]).content for file in data["files"])
    assert ("srt" in data["transcription"]) is (sep_type == "39")


def test_a_damaged_file_fails_and_is_refunded(local):
    """It was audio when it came, but cannot be decoded: a failed job is a success that failed."""
    hash_ = local.created()
    local.service.find(hash_).upload.path.write_bytes(b"gone")
    local.work()

    answer = local.get(hash_)
    assert (answer["success"], answer["status"]) == (True, "failed")
    assert local.client.get("/sandbox/state").json()["credits"] == 100


def test_the_rate_limit_is_announced_and_kept(make_local):
    """The third of two requests a minute has to wait for the rest of the minute."""
    local = make_local(rate_limit=2)
    answers = []

    for _ in range(3):
        local.clock.now += 10
        answers.append(local.client.get("/api/app/queue"))
    local.clock.now += 40

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["retry-after"] == "30"
    assert local.client.get("/api/app/queue").status_code == 200


def test_a_job_of_every_format_has_the_length_of_its_source(local):
    """Half a second in, half a second out, in all six."""
    lengths = []

    for number in range(6):
        data = local.done(name=f"{number}.wav", output_format=str(number))
        content = local.client.get(data["files"][0]["url"]).content
        with av.open(io.BytesIO(content)) as container:
            lengths.append(container.duration / 1_000_000)

    assert lengths == pytest.approx([0.5] * 6, abs=0.06)
