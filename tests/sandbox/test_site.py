import pytest

from .conftest import TOKEN


def test_news_come_in_a_language_and_in_pages(local):
    """A bare list in the recorded shape, newest first, English unless asked otherwise."""
    plain = local.client.get("/api/app/news").json()
    page = local.client.get("/api/app/news", params={"lang": "ru", "start": 1, "limit": 1}).json()

    assert " ".join(plain[0]) == "id title lang text status created_at updated_at"
    assert [entry["id"] for entry in plain] == sorted((entry["id"] for entry in plain), reverse=True)
    assert [(entry["lang"], entry["id"]) for entry in page] == [("ru", plain[1]["id"])]


def test_the_summary_of_the_queue_counts_who_stands_before_us(make_local):
    """Somebody else's two jobs wait before ours, in two slots."""
    local = make_local(slots=2)
    form = {"name": "n", "email": "a@b", "password": "password", "password_confirmation": "password"}
    local.client.post("/api/app/register", data=form)
    local.client.post("/sandbox/account", json={"of": "a@b", "credits": 9, "premium_enabled": True})
    other = local.client.post("/api/app/login", data=form).json()["data"]["api_token"]
    for name in ("a.wav", "b.wav"):
        local.created(name=name, token=other)
    local.created(name="c.wav")

    answer = local.client.get("/api/app/queue/summary", params={"api_token": TOKEN}).json()

    assert answer == {"success": True, "data": {"ahead": 2, "estimated_wait_seconds": 20}}


def test_only_demos_are_published(local):
    """Once they are done, in the recorded shape, without seconds."""
    local.done(name="private.wav")
    hash_ = local.created(name="public.wav", is_demo="1")
    before = local.client.get("/api/app/demo").json()

    local.work()

    (entry,) = local.client.get("/api/app/demo").json()
    assert before == []
    assert " ".join(entry) == "hash date input_audio algorithm"
    assert (entry["hash"], entry["date"], entry["algorithm"]["render_id"]) == (hash_, "2026-01-01 12:33", 40)
    assert local.client.get(entry["input_audio"]).content == local.tone


def test_the_demo_page_keeps_what_expires_elsewhere(local):
    """After 72 hours, what is published is still there, with its files."""
    hash_ = local.created(is_demo="true")
    local.work()
    url = local.get(hash_)["data"]["files"][0]["url"]

    local.client.post("/sandbox/faults", json={"kind": "clock", "value": 100 * 3600})

    assert [entry["hash"] for entry in local.client.get("/api/app/demo").json()] == [hash_]
    assert local.client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"algorithm_id": "row of 48"}, ["b.wav"]),
        ({"options[add_opt1]": "81"}, ["c.wav", "a.wav"]),
        ({"start": "1", "limit": "1"}, ["b.wav"]),
        ({"algorithm_id": "0"}, []),
    ],
)
def test_the_demo_page_is_paged_and_filtered(local, catalogue, params, names):
    """By the catalogue's own id of a model, and by options."""
    for name, sep_type in (("a.wav", "40"), ("b.wav", "48"), ("c.wav", "40")):
        local.created(name=name, sep_type=sep_type, is_demo="1")
    local.work()
    if params.get("algorithm_id") == "row of 48":
        params = {"algorithm_id": str(catalogue.models[48].row["id"])}

    rows = local.client.get("/api/app/demo", params=params).json()

    assert [row["hash"].split("-")[-1] for row in rows] == names


def test_all_models_are_listed_by_their_scopes(local):
    """A hundred and twenty-four of them."""
    scopes = "single_upload, no_upload,matchering_upload"

    rows = local.client.get("/api/app/algorithms", params={"scopes": scopes}).json()

    assert len(rows) == len({row["render_id"] for row in rows}) == 124
