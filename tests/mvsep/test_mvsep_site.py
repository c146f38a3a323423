"""What the service says about itself: news, demos, queues."""

from itertools import islice

import httpx
import pytest

from mvsep_watch.errors import RateLimitedError, RequestRefusedError, ServiceError, TokenRefusedError
from mvsep_watch.model import Demo, NewsItem, Queue, QueueSummary
from mvsep_watch.mvsep import Client, Pace
from tests.fakes.service import TOKEN

NEWS = {
    "id": 38, "title": "January updates", "lang": "en", "text": "<ol>\r\n<li>...</li>\r\n</ol>", "status": 1,
    "created_at": "2024-01-13 05:00:00", "updated_at": "2024-01-13 14:15:55",
}  # fmt: skip
DEMO = {
    "hash": "20240514123536-15f8f16001-lxst-cxntury-carbon-mist.mp3", "date": "2024-05-14 12:35",
    "input_audio": "https://mvsep.com/storage/temp/20240514123536-15f8f16001-lxst-cxntury-carbon-mist.mp3",
    "algorithm": {
        "name": "DrumSep (kick, snare, cymbals, toms)", "algorithm_group_id": 2, "orientation": 0, "render_id": 37,
        "order_id": 400, "created_at": None, "updated_at": "2023-12-24 11:45:03",
    },
}  # fmt: skip
QUEUE = {
    "queue": {"in_process": 25, "premium": "5", "registered": 150, "unregistered": 800, "x": None},
    "plan": {"plan": "free", "queue": 800},
}


def answers(payload, status=200):
    return httpx.Response(status, json=payload)


def test_news_are_read(answering):
    """A real one, of 2024; its text stays as it was written."""
    (item,) = answering(answers([NEWS])).news()

    assert item == NewsItem(
        id=38,
        title="January updates",
        text="<ol>\r\n<li>...</li>\r\n</ol>",
        lang="en",
        created_at="2024-01-13 05:00:00",
        updated_at="2024-01-13 14:15:55",
    )


def test_a_demo_is_read(answering):
    """A real one, of 2024: without a size, and its model's date is null."""
    (demo,) = answering(answers([DEMO])).demos()

    assert demo == Demo(
        hash="20240514123536-15f8f16001-lxst-cxntury-carbon-mist.mp3",
        date="2024-05-14 12:35",
        input_url="https://mvsep.com/storage/temp/20240514123536-15f8f16001-lxst-cxntury-carbon-mist.mp3",
        sep_type=37,
        algorithm="DrumSep (kick, snare, cymbals, toms)",
    )


@pytest.mark.parametrize("algorithm", [None, [], "x"])
def test_a_demo_whose_model_is_gone_is_a_demo(answering, algorithm):
    """Ids vanish from the catalogue."""
    (demo,) = answering(answers([{"hash": "h", "algorithm": algorithm, "size": "5.70 MB"}])).demos()

    assert demo == Demo(hash="h", size="5.70 MB")


def test_demos_of_one_model_are_picked_out_on_every_page(answering):
    """The limit counts those that were picked."""
    rows = [{"hash": f"h{n}", "algorithm": {"render_id": 40 if n % 15 == 0 else 20}} for n in range(100)]

    def handle(request):
        start, limit = (int(request.url.params[name]) for name in ("start", "limit"))
        return answers(rows[start : start + limit])

    assert [demo.hash for demo in answering(handle).demos(sep_type=40, limit=4)] == ["h0", "h15", "h30", "h45"]


@pytest.mark.parametrize("call", ["news", "demos", "quality_queue"])
@pytest.mark.parametrize(
    "payload", [None, {}, "x", {"success": True}, {"success": True, "data": {}}, [5], [{}], [{"id": None, "hash": 5}]]
)
def test_what_is_no_list_is_an_error_and_never_an_empty_one(answering, call, payload):
    """Also where a single row says nothing of itself."""
    with pytest.raises(ServiceError):
        list(getattr(answering(answers(payload)), call)())


@pytest.mark.parametrize("payload", [[], {"success": True, "data": []}])
def test_an_empty_list_is_empty_with_and_without_an_envelope(answering, payload):
    """Documented is the bare list."""
    assert list(answering(answers(payload)).news()) == []


def test_a_refusal_that_carries_a_list_is_not_taken_for_an_empty_one(answering):
    """`success` counts."""
    with pytest.raises(RequestRefusedError, match="No such language"):
        list(answering(answers({"success": False, "data": [], "message": "No such language"})).news(lang="x"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (answers({"success": False, "errors": ["Invalid parameter"]}, 400), RequestRefusedError),
        (answers({"success": False, "errors": ["invalid token"]}, 400), TokenRefusedError),
        (answers({"message": "Too Many Attempts."}, 429), RateLimitedError),
        (answers({"message": "Server Error"}, 500), ServiceError),
        (httpx.Response(403, html="<h1>Checking your browser</h1>"), ServiceError),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), ServiceError),
    ],
)
@pytest.mark.parametrize("call", ["news", "demos", "queue", "queue_summary", "quality_queue", "quality_leaderboard"])
def test_a_refusal_of_a_public_call_says_why(answering, call, answer, error):
    """Only what the service itself says is final; a page in front of it is not."""
    client = answering(answer)

    with pytest.raises(error) as caught:
        islice(getattr(client, call)(), 1).__next__()

    assert type(caught.value) is error
    assert caught.value.hint


def test_news_are_asked_for_in_a_language_page_by_page_and_without_the_token(answering):
    """They are for everybody."""
    asked = []

    def handle(request):
        asked.append((request.url.path, dict(request.url.params)))
        return answers([])

    list(answering(handle).news(lang="ru", start=7))
    list(answering(handle).demos(limit=3))

    assert asked == [
        ("/api/app/news", {"lang": "ru", "start": "7", "limit": "20"}),
        ("/api/app/demo", {"start": "0", "limit": "3"}),
    ]


def test_the_queue_is_read(answering):
    """It has no envelope; what is no number is left out."""
    queue = answering(answers(QUEUE)).queue()

    counts = {"in_process": 25, "premium": 5, "registered": 150, "unregistered": 800}
    assert queue == Queue(counts=counts, plan="free", plan_queue=800)
    with pytest.raises(ServiceError):
        answering(answers([])).queue()


@pytest.mark.parametrize("plan", [None, [], "free"])
def test_a_queue_without_a_plan_is_a_queue(answering, plan):
    """The plan is the caller's, who may be nobody."""
    assert answering(answers({**QUEUE, "plan": plan})).queue().plan_queue is None


@pytest.mark.parametrize(
    ("payload", "summary"),
    [
        (
            {"success": True, "data": {"ahead": 3, "estimated_wait_seconds": 95, "x": 1}},
            QueueSummary(ahead=3, estimated_wait_s=95),
        ),
        ({"ahead": "3", "estimated_wait_seconds": "95.5"}, QueueSummary(ahead=3, estimated_wait_s=95.5)),
        ({"success": True, "data": []}, QueueSummary()),
        ({"success": True, "data": {"ahead": None}}, QueueSummary()),
    ],
)
def test_the_queues_summary_is_read_under_data_or_on_top(answering, payload, summary):
    """Two clients read it in two places."""
    assert answering(answers(payload)).queue_summary() == summary


@pytest.mark.parametrize("payload", [[], None, "x", {}])
def test_a_summary_that_is_no_object_is_an_error(answering, payload):
    """It is in no documentation and may vanish."""
    with pytest.raises(ServiceError):
        answering(answers(payload)).queue_summary()


def test_a_client_without_a_token_sends_none_and_says_what_needs_one(source, settings):
    """Nothing goes out for a call that cannot succeed."""
    asked = []

    def handle(request):
        asked.append(request)
        return answers({**QUEUE, "success": True})

    with Client(transport=httpx.MockTransport(handle), pace=Pace(sleep=lambda _: False)) as client:
        client.queue()
        client.queue_summary()
        for call in [
            client.user,
            client.separation_history_page,
            client.enable_premium,
            lambda: client.create(source, settings),
            lambda: client.cancel("h"),
            lambda: client.delete("h"),
            lambda: client.get("h", mirror=True),
            lambda: client.quality_add(source, algo_name="a", password="p"),
        ]:
            with pytest.raises(TokenRefusedError, match="needs a token"):
                call()

    assert [(request.url.path, dict(request.url.params)) for request in asked] == [
        ("/api/app/queue", {}),
        ("/api/app/queue/summary", {}),
    ]


def test_the_queue_is_asked_for_with_the_token_where_there_is_one(answering):
    """Then it says the account's own plan."""
    asked = []

    def handle(request):
        asked.append(dict(request.url.params))
        return answers(QUEUE)

    answering(handle).queue()

    assert asked == [{"api_token": TOKEN}]
