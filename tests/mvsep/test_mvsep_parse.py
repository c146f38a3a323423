"""The shapes of the service's JSON, real ones and ones that a careless server makes."""

import httpx
import pytest

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import HistoryRow, RemoteFile

DONE = {
    "success": True,
    "status": "done",
    "data": {
        "hash": "h",
        "algorithm": "MelBand Roformer (vocals, instrumental)",
        "output_format": "flac (lossless, 16 bit)",
        "files": [
            {"type": "Vocals", "url": "https://de2.mvsep.com/storage/processed/55/v.flac", "size": "5.84 MB",
             "image": None, "download": "../v.flac", "bytes": "6123456", "peaks": [0.1] * 50},
            {"type": "Other", "url": "/storage/o.flac"},
        ],
        "transcription": [],
        "unknown": {"key": 1},
    },
}  # fmt: skip
ROW = {
    "id": 1074358, "hash": "20240212095132-413c481b80-x.mp3", "created_at": "2024-02-12 09:51:34", "job_exists": True,
    "credits": 2, "time_left": -2038, "algorithm": {"name": "Demucs4 HT", "render_id": 20},
}  # fmt: skip


def gets(answering, payload, status=200):
    return answering(httpx.Response(status, json=payload)).get("h")


def test_done_lists_its_files(answering):
    """Labels, absolute addresses, and a size only where digits say it."""
    remote = gets(answering, DONE)

    assert remote.is_done
    assert remote.files == (
        RemoteFile(
            label="Vocals",
            url="https://de2.mvsep.com/storage/processed/55/v.flac",
            name="../v.flac",
            size_bytes=6123456,
        ),
        RemoteFile(label="Other", url="https://mvsep.com/storage/o.flac"),
    )
    assert remote.algorithm == "MelBand Roformer (vocals, instrumental)"


def test_half_a_character_is_no_reason_to_fail(answering):
    """A transcription that was cut in the middle of one can still be written to a file; whole ones stay whole."""
    body = b'{"success":true,"status":"done","data":{"transcription":{"srt":"\\ud83c\\udfb5 la \\ud83c"}}}'

    remote = answering(httpx.Response(200, content=body)).get("h")

    assert remote.transcription == {"srt": "\N{MUSICAL NOTE} la ?"}


@pytest.mark.parametrize("credits_", [1e300, "9" * 40, 10**19])
def test_a_number_beyond_all_counting_is_unknown(answering, credits_):
    """No database takes it, and nobody has it."""
    payload = {"success": True, "data": {"email": "e@example.com", "premium_minutes": credits_}}

    assert answering(httpx.Response(200, json=payload)).user().credits is None


@pytest.mark.parametrize("files", [[], None, {}, "none"])
def test_done_without_files_is_not_done_yet(answering, files):
    """There is a short window in which the files are not listed."""
    remote = gets(answering, {"success": True, "status": "done", "data": {"files": files}})

    assert (remote.status, remote.is_done) == ("done", False)


@pytest.mark.parametrize(
    "files", [[{"type": "Vocals"}], [None], [{"type": "Vocals", "url": ""}], {"0": 5}, [{"url": "http://["}]]
)
def test_a_result_without_an_address_is_an_error_and_not_a_gap(answering, files):
    """A part must not pass for the whole."""
    with pytest.raises(ServiceError, match="address"):
        gets(answering, {"success": True, "status": "done", "data": {"files": files}})


@pytest.mark.parametrize(
    ("asked", "said", "is_taken"),
    [
        ("20260101120000-0123456789-mwaaaaaaaaaaaa-a.wav", "20260101120000-0123456789-mwaaaaaaaaaaaa-a.wav", True),
        ("20260101120000-0123456789-mwaaaaaaaaaaaa-a.wav", "n2AwBjy4KsFZfqqR", True),
        ("20260101120000-0123456789-mwaaaaaaaaaaaa-a.wav", "", True),
        ("20260101120000-0123456789-song.mp3", "20260101120000-0123456789-song_1.mp3", True),
        ("20260101120000-0123456789-mwaaaaaaaaaaaa-a.wav", "20260101120000-0123456789-mwbbbbbbbbbbbb-b.wav", False),
        ("20260101120000-0123456789-mwaaaaaaaaaaaa-a.wav", "20260101120000-0123456789-song.mp3", False),
        ("20260101120000-0123456789-song.mp3", "20260101120000-0123456789-mwbbbbbbbbbbbb-b.wav", False),
    ],
)
def test_an_answer_about_another_separation_is_a_fault_of_the_service(answering, asked, said, is_taken):
    """Its results are another song's; what tells them apart is the tag."""
    client = answering(httpx.Response(200, json={**DONE, "data": {**DONE["data"], "hash": said}}))
    if is_taken:
        assert client.get(asked).is_done
    else:
        with pytest.raises(ServiceError, match="another separation"):
            client.get(asked)


def test_files_before_done_are_not_taken(answering):
    """The status counts and nothing else."""
    remote = gets(answering, {**DONE, "status": "merging"})

    assert remote.files == ()


def test_a_place_in_the_queue_and_chunks_are_read_also_from_strings(answering):
    """PHP is not strict about numbers."""
    data = {"queue_count": "12", "current_order": 4, "finished_chunks": "1", "all_chunks": 3, "message": "x"}
    remote = gets(answering, {"success": True, "status": "distributing", "data": data})

    assert (remote.queue_count, remote.current_order, remote.finished_chunks, remote.all_chunks) == (12, 4, 1, 3)
    assert remote.is_unfinished


@pytest.mark.parametrize("status", ["waiting", "processing", "merging", "distributing", "failed", "somethingnew"])
def test_every_status_is_passed_on(answering, status):
    """Also one that nobody has heard of, with data of any shape."""
    for data in [{}, [], None, {"message": "why"}]:
        assert gets(answering, {"success": True, "status": status, "data": data}).status == status


@pytest.mark.parametrize("code", [200, 400, 404])
def test_not_found_is_a_status_and_no_error(answering, code):
    """With the status, or only with the words."""
    message = "File or File Hash not found"
    payload = {"success": False, "data": {"message": message}}

    assert gets(answering, {**payload, "status": "not_found"}, code).message == message
    assert gets(answering, payload, code).status == "not_found"


@pytest.mark.parametrize(
    ("code", "payload"),
    [
        (200, {}),
        (200, []),
        (200, {"success": False}),
        (500, DONE),
        (400, DONE),
        (403, {"status": "waiting"}),
        (500, {"success": False, "message": "not found"}),
        (500, {"status": "not_found"}),
    ],
)
def test_an_answer_without_a_status_is_a_fault_of_the_service(answering, code, payload):
    """It never looks like the end of a separation."""
    with pytest.raises(ServiceError):
        gets(answering, payload, code)


def test_text_results_are_read(answering):
    """Whisper gives an object by kind."""
    data = {"files": [], "transcription": {"srt": "1\n00:00 hello", "none": None, "n": 5}}
    remote = gets(answering, {"success": True, "status": "done", "data": data})

    assert remote.is_done
    assert remote.transcription == {"srt": "1\n00:00 hello"}


TAGS = {
    "audio": {"dataformat": "mp3", "bitrate": 320000, "streams": [{"channels": 2}]},
    "tags": {"id3v1": {"title": ["Take\u0000Five"], "track_number": [10]}},
}
INPUT = {
    "url": "https://mvsep.com/storage/temp/20260430153526-ff12686013-audio.mp3",
    "size": "5.70 MB",
    "download": "20260430153526-ff12686013-audio_[mvsep.com].mp3",
}


def test_what_is_known_of_the_input_is_read(answering):
    """Its own tags stay as they were written, whatever is in them."""
    data = {**DONE["data"], "size": "5.70 MB", "tags": TAGS, "input_file": INPUT, "date": "2026-04-30 15:35:26"}
    remote = gets(answering, {**DONE, "data": data})

    assert (remote.size, remote.date, remote.tags) == ("5.70 MB", "2026-04-30 15:35:26", TAGS)
    assert remote.input_file == RemoteFile(label="Input", url=INPUT["url"], name=INPUT["download"])


@pytest.mark.parametrize("value", [None, [], {}, "x", 5, {"url": None}, {"url": 5}, {"url": ""}, {"url": "http://["}])
def test_what_is_not_known_of_the_input_is_empty(answering, value):
    """PHP writes an empty object as a list; none of it matters to the results."""
    data = {**DONE["data"], "size": value, "input_file": value, "date": value}
    remote = gets(answering, {**DONE, "data": {**data, "tags": value if value != {"url": "http://["} else []}})

    assert remote.is_done
    assert remote.input_file is None
    assert remote.size == remote.date == (value if isinstance(value, str) else "")


@pytest.mark.parametrize("tags", [None, [], "x", 5])
def test_tags_that_are_no_object_are_none(answering, tags):
    """As getID3 writes them for a file without any."""
    assert gets(answering, {**DONE, "data": {**DONE["data"], "tags": tags}}).tags == {}


def test_slashes_may_be_escaped(answering):
    """PHP does so."""
    body = b'{"success":true,"status":"done","data":{"files":[{"type":"A","url":"https:\\/\\/x.mvsep.com\\/a.wav"}]}}'
    (file,) = answering(httpx.Response(200, content=body)).get("h").files

    assert file.url == "https://x.mvsep.com/a.wav"


def user(answering, **data):
    return answering(httpx.Response(200, json={"success": True, "data": {"email": "a@b", "name": "n", **data}})).user()


@pytest.mark.parametrize(
    ("value", "credits"),
    [(54, 54), ("54", 54), (53.9, 53), ("53.9", 53), (0, 0), (None, None), ("", None), ("many", None), ([], None)],
)
def test_a_balance_is_read_however_it_is_written_and_unknown_is_not_zero(answering, value, credits):  # noqa: A002
    """A wrong zero would look like an account without premium."""
    assert user(answering, premium_minutes=value).credits == credits


@pytest.mark.parametrize(
    ("queue", "empty"), [([], True), (None, True), ({}, True), ([{"hash": "x"}], False), ({"a": 1}, None), (3, None)]
)
def test_the_current_queue_is_empty_only_where_it_says_so(answering, queue, empty):
    """A slot is given back by it."""
    assert user(answering, current_queue=queue).queue_is_empty is empty


def test_a_current_queue_that_is_not_there_is_unknown(answering):
    """Old servers did not send it."""
    assert user(answering).queue_is_empty is None


def test_an_account_is_its_email_or_else_its_name(answering):
    """And one without either is no account."""
    assert user(answering, premium_enabled="1").identity == "a@b"
    assert user(answering, email=None).identity == "n"
    assert user(answering, premium_enabled="1").premium_enabled
    assert not user(answering, premium_enabled=0).premium_enabled
    with pytest.raises(ServiceError):
        user(answering, email="", name=None)


def history(answering, rows):
    return answering(httpx.Response(200, json={"success": True, "data": rows})).separation_history_page()


def test_a_history_row_is_read(answering):
    """A real one, of 2024."""
    assert history(answering, [ROW]) == (
        HistoryRow(
            id=1074358,
            hash="20240212095132-413c481b80-x.mp3",
            created_at="2024-02-12 09:51:34",
            exists=True,
            credits=2,
            hours_left=-2038,
            sep_type=20,
            algorithm="Demucs4 HT",
        ),
    )


def test_a_charge_of_less_than_nothing_is_unknown(answering):
    """It would make room in a budget."""
    (row,) = history(answering, [{**ROW, "credits": -5}])

    assert row.credits is None


def test_a_charge_that_is_not_said_is_unknown(answering):
    """Null is not 0, and a job that is gone may have lost its hash."""
    (row,) = history(answering, [{"id": "7", "hash": None, "job_exists": False, "credits": None, "algorithm": None}])

    assert (row.id, row.hash, row.exists, row.credits, row.sep_type) == (7, "", False, None, None)


@pytest.mark.parametrize("row", [{}, None, 5, {"id": 5}, {"hash": "x"}, {"id": "x", "hash": "x"}, {**ROW, "hash": 5}])
def test_a_history_row_that_cannot_be_read_is_an_error_and_not_a_gap(answering, row):
    """Work behind the gap would look as if it had never been sent."""
    with pytest.raises(ServiceError, match="row"):
        history(answering, [ROW, row])


@pytest.mark.parametrize("rows", [None, {}, "x", {"data": []}])
def test_a_history_that_is_no_list_is_an_error(answering, rows):
    """Absence must be seen, not assumed."""
    with pytest.raises(ServiceError):
        history(answering, rows)


def test_a_page_of_the_history_is_asked_for(client, service):
    """Start and limit go with the token."""
    client.separation_history_page(start=19, limit=5)

    (_, request) = service.requests[0]
    assert dict(request.url.params) == {"api_token": service.token, "start": "19", "limit": "5"}


def test_a_separation_is_asked_for_on_its_own_host_and_without_the_token(client, service):
    """Mirrors do not know each other's work."""
    client.get("h", base_url="https://de.mvsep.com")

    (_, request) = service.requests[0]
    assert (request.url.host, dict(request.url.params)) == ("de.mvsep.com", {"hash": "h"})


def test_a_cancelled_separation_gives_its_credits_back(client, service, source, settings):
    """As long as it has not begun."""
    created = client.create(source, settings)
    client.cancel(created.hash)

    assert service.account.credits == 100
    assert client.get(created.hash).status == "not_found"
