"""`site`: queues, news and demos."""

import json

import pytest

from mvsep_watch.model import Settings
from tests.daemon.world import write_wav
from tests.fakes.service import TOKEN
from tests.fakes.site import news_row


def test_the_queues_are_told_without_a_token(run, service):
    """By plan, and what this caller's is."""
    code, out, err = run("site", "queue")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "in process    25",
        "premium       5",
        "registered    150",
        "unregistered  800",
        "your plan     unregistered, 800 waiting",
    ]


def test_with_a_token_the_own_wait_is_told(run, service, monkeypatch, tmp_path):
    """As the service estimates it."""
    monkeypatch.setenv("MVSEP_API_TOKEN", TOKEN)
    submit(service, tmp_path)

    _, out, _ = run("site", "queue")
    told = json.loads(run("site", "queue", "--json")[1])

    assert out.splitlines()[-2:] == ["ahead         1", "your wait     about 1 min"]
    assert set(told) == {"counts", "plan", "plan_queue", "ahead", "estimated_wait_s"}
    assert (told["plan"], told["ahead"], told["estimated_wait_s"]) == ("premium", 1, 60)


@pytest.mark.parametrize("fault", ["http_500", "refused"])
def test_an_estimate_that_is_not_given_is_not_missed(run, service, monkeypatch, fault):
    """It is in no documentation page."""
    monkeypatch.setenv("MVSEP_API_TOKEN", TOKEN)
    service.fault("queue_summary", fault)

    code, out, _ = run("site", "queue")

    assert (code, "your wait" in out) == (0, False)


def test_news_are_plain_text(run, service):
    """The newest first; nothing of the HTML is left."""
    service.site.news_rows = [news_row(number) for number in range(1, 9)]
    service.site.news_rows[-1]["text"] = "<ol>\r\n<li>a <b>new</b> model</li>\r\n<li>faster</li>\r\n</ol>"

    code, out, _ = run("site", "news", "--limit", 2)

    assert code == 0
    assert out == "2023-11-22 22:13:20  News 8\n- a new model\n- faster\n\n2023-11-21 22:13:20  News 7\n7\n"


def test_news_have_a_language_and_pages(run, service):
    """For programs the HTML is there as well."""
    service.site.news_rows = [news_row(number, lang) for number in range(1, 9) for lang in ("en", "ru")]

    told = json.loads(run("site", "news", "--lang", "ru", "--start", 3, "--limit", 2, "--json")[1])

    assert [(item["id"], item["lang"], item["text"], item["html"]) for item in told] == [
        (5, "ru", "5", "<p>5</p>"),
        (4, "ru", "4", "<p>4</p>"),
    ]
    assert set(told[0]) == {"id", "title", "lang", "text", "html", "created_at", "updated_at"}


def test_no_news_and_no_demos_are_said(run, service):
    """And are empty lists for programs."""
    service.site.news_rows = []

    assert (run("site", "news")[1], run("site", "demos")[1]) == ("no news\n", "no demos\n")
    assert run("site", "demos", "--json")[1] == "[]\n"


def test_demos_name_what_get_takes(run, service, tmp_path):
    """And the model that made them; only those of one if that is asked for."""
    hashes = [submit(service, tmp_path, sep_type=number, is_demo=True) for number in (20, 40)]
    service.finish_all()

    _, out, _ = run("site", "demos")
    told = json.loads(run("site", "demos", "--sep-type", 20, "--json")[1])

    assert [line.split()[-1] for line in out.splitlines()[2:]] == hashes[::-1]
    assert [demo["hash"] for demo in told] == hashes[:1]
    assert set(told[0]) == {"hash", "date", "sep_type", "model", "input", "size"}


def submit(service, tmp_path, **settings):
    write_wav(tmp_path / "song.wav")
    with service.client() as client:
        return client.create(tmp_path / "song.wav", Settings(**{"sep_type": 40, **settings})).hash
