"""The quality checker: entries, rankings, adding and deleting."""

from urllib.parse import parse_qsl

import httpx
import pytest

from mvsep_watch.errors import (
    NotFoundError,
    RateLimitedError,
    RequestRefusedError,
    ServiceError,
    SourceChangedError,
    SourceRefusedError,
    TokenRefusedError,
)
from mvsep_watch.model import LeaderboardPage, QualityAdded, QualityEntry
from tests.fakes.answers import multipart
from tests.fakes.service import TOKEN

PASSWORD = "correct horse"
ENTRY = {
    "id": 7772, "dataset_type": 1, "dataset_name": "Multisong", "date": "2024-05-14 12:35:36", "algo_name": "My model",
    "main_text": "Trained\nat home", "proc": 2, "proc_remote_date": "2024-05-14", "msg": "OK",
    "metrics": "Metric sdr for vocals: 10.1\nMetric sdr for drums: 9", "is_ensemble": 1,
    "sdr_vocals": 10.1, "sdr_drums": "9", "sdr_bass": 0, "sdr_other": -1000, "sdr_piano": None, "new": {"x": 1},
}  # fmt: skip
READ = QualityEntry(
    id=7772,
    algo_name="My model",
    main_text="Trained\nat home",
    dataset_type=1,
    dataset_name="Multisong",
    date="2024-05-14 12:35:36",
    proc=2,
    message="OK",
    metrics="Metric sdr for vocals: 10.1\nMetric sdr for drums: 9",
    sdr={"vocals": 10.1, "drums": 9.0},
    is_ensemble=True,
)
MISSING = httpx.Response(400, json={"success": False, "data": {"message": "Job not found"}})
BUSY = httpx.Response(429, json={"message": "Too Many Attempts."})


def yes(data):
    return httpx.Response(200, json={"success": True, "data": data})


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "results.zip"
    path.write_bytes(b"PK" + b"z" * 1000)
    return path


def add(client, path):
    return client.quality_add(
        path, algo_name="My model", password=PASSWORD, main_text="Trained\nat home", dataset_type=1
    )


def test_an_entry_is_read_without_its_broken_measurements(answering):
    """0 and -1000 are no ratios."""
    assert answering(yes(ENTRY)).quality_entry(7772) == READ
    assert answering(httpx.Response(200, json=ENTRY)).quality_entry(7772) == READ


def test_the_queue_and_the_ranking_list_the_same_entries(answering):
    """One as a bare list, one in an object of its own."""
    page = {"data": [ENTRY], "dataset_type": "1", "sortables": ["sdr_vocals", None, "date"], "sort": "sdr_vocals"}

    assert list(answering(httpx.Response(200, json=[ENTRY])).quality_queue()) == [READ]
    assert answering(httpx.Response(200, json=page)).quality_leaderboard() == LeaderboardPage(
        entries=(READ,), dataset_type=1, sort="sdr_vocals", sortables=("sdr_vocals", "date")
    )


@pytest.mark.parametrize("sortables", [None, {}, "sdr"])
def test_a_ranking_that_does_not_say_how_it_sorts_is_a_ranking(answering, sortables):
    """Its entries count."""
    page = answering(httpx.Response(200, json={"data": [], "sortables": sortables})).quality_leaderboard()

    assert page == LeaderboardPage(entries=())
    assert list(page) == []


@pytest.mark.parametrize("payload", [{"data": {}}, {"data": None}, {}, {"data": [{"algo_name": "x"}]}])
def test_a_ranking_without_entries_that_can_be_read_is_an_error(answering, payload):
    """It is never taken for an empty one."""
    with pytest.raises(ServiceError):
        answering(httpx.Response(200, json=payload)).quality_leaderboard()


def test_a_ranking_is_asked_for_as_wanted(answering):
    """What is not wanted is left to the service."""
    asked = []

    def handle(request):
        asked.append(dict(request.url.params))
        return httpx.Response(200, json={"data": []})

    client = answering(handle)
    client.quality_leaderboard()
    client.quality_leaderboard(dataset_type=4, sort="sdr_guitar", name_filter="roformer", start=20, limit=5)

    assert asked == [
        {"dataset_type": "0", "start": "0", "limit": "20"},
        {"dataset_type": "4", "sort": "sdr_guitar", "algo_name_filter": "roformer", "start": "20", "limit": "5"},
    ]


def test_an_entry_that_is_not_there_is_not_found(answering):
    """Recorded with 400; a page of the web server proves nothing."""
    for ask in [lambda client: client.quality_entry(5), lambda client: client.quality_delete(5, password="p")]:
        with pytest.raises(NotFoundError, match="Job not found"):
            ask(answering(MISSING))
        with pytest.raises(ServiceError):
            ask(answering(httpx.Response(404, html="<h1>Not Found</h1>")))
        with pytest.raises(RateLimitedError):
            ask(answering(BUSY))


def test_an_entry_is_added_as_a_form_with_a_file(answering, dataset):
    """Everything is said, and the file comes last."""
    seen = []

    def handle(request):
        seen.append((request.url.path, *multipart(request, request.content)))
        return yes({"id": 7772, "link": "https://mvsep.com/api/quality_checker/entry?id=7772"})

    progress = []
    added = answering(handle).quality_add(
        dataset, algo_name="Für alle", password=PASSWORD, is_ensemble=True, progress=lambda *sent: progress.append(sent)
    )

    fields = {
        "api_token": TOKEN, "algo_name": "Für alle", "main_text": "", "dataset_type": "0", "ensemble": "1",
        "password": PASSWORD,
    }  # fmt: skip
    files = {"zipfile": ("results.zip", dataset.read_bytes())}
    assert seen == [("/api/quality_checker/add", fields, files)]
    assert added == QualityAdded(id=7772, link="https://mvsep.com/api/quality_checker/entry?id=7772")
    assert progress == [(1002, 1002)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"success": False, "errors": ["no"]}), TokenRefusedError),
        (httpx.Response(400, json={"success": False, "errors": ["Invalid API key"]}), TokenRefusedError),
        (httpx.Response(400, json={"success": False, "message": {"zipfile": ["Too big."]}}), RequestRefusedError),
        (httpx.Response(401, html="<h1>Checking your browser</h1>"), ServiceError),
        (httpx.Response(413, html="<h1>Too large</h1>"), ServiceError),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), ServiceError),
        (BUSY, RateLimitedError),
        (yes({}), ServiceError),
        (yes({"id": "x"}), ServiceError),
        (httpx.ReadError("reset"), ServiceError.__mro__[1]),
    ],
)
def test_an_entry_that_is_not_added_says_why(answering, dataset, answer, error):
    """What nobody knows the outcome of is not called refused."""
    with pytest.raises(error) as caught:
        add(answering(answer), dataset)

    assert caught.value.refused is (getattr(answer, "status_code", 0) in {400, 401, 429} and "<h1>" not in answer.text)


def test_an_entry_whose_file_is_no_file_is_refused_here(answering, tmp_path):
    """Nothing is sent."""
    (tmp_path / "empty.zip").touch()
    client = answering(AssertionError("asked"))

    with pytest.raises(SourceChangedError):
        add(client, tmp_path / "gone.zip")
    with pytest.raises(SourceRefusedError):
        add(client, tmp_path / "empty.zip")


def test_an_entry_is_deleted_with_its_password(answering):
    """No token is needed; the server's words come back."""
    asked = []

    def handle(request):
        asked.append((request.method, str(request.url), dict(parse_qsl(request.content.decode()))))
        return yes({"message": "successfully deleted"})

    assert answering(handle).quality_delete(7772, password=PASSWORD) == "successfully deleted"
    form = {"id": "7772", "password": PASSWORD}
    assert asked == [("POST", "https://mvsep.com/api/quality_checker/delete", form)]


def test_a_wrong_password_of_an_entry_is_refused_without_showing_it(answering, dataset):
    """Even where the server repeats it."""
    answer = httpx.Response(400, json={"success": False, "message": f"{PASSWORD} is wrong"})

    with pytest.raises(RequestRefusedError, match=r"\*\*\* is wrong") as caught:
        answering(answer).quality_delete(5, password=PASSWORD)
    assert PASSWORD not in str(caught.value)
    with pytest.raises(RequestRefusedError, match=r"\*\*\* is wrong"):
        add(answering(answer), dataset)
