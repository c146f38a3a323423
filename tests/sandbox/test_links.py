import re
from unittest.mock import patch

import pytest

from mvsep_watch.sandbox import fetching
from mvsep_watch.sandbox.jobs import Upload
from mvsep_watch.sandbox.links import FETCH_S

from .conftest import TOKEN


def arrive(local, *, seconds=60.0, size=1000, name="Take Five.wav"):
    """Have the oldest link fetched, without a network."""
    link = local.links.pop(0)
    path = local.folder / "fetched"
    path.write_bytes(local.tone)
    upload = Upload(path=path, name=name, size_bytes=size, sha256="0" * 64, duration_s=seconds)
    with (
        patch.object(fetching, "_fetched", return_value=upload),
        patch.object(fetching, "looked_at", lambda each: each),
    ):
        fetching.bring(local.service, link, local.folder)


def by_link(local, *, url="http://127.0.0.1:1/Take%20Five.wav", **fields):
    form = {"api_token": TOKEN, "sep_type": "40", "url": url, **fields}
    return local.client.post("/api/separation/create", data=form)


def remote(local, hash_):
    return local.client.get("/api/separation/get-remote", params={"hash": hash_}).json()


def test_a_link_is_fetched_waits_and_becomes_a_job(local):
    """Each phase in its documented shape; the long hash tells the link's file name, and nothing is charged before."""
    created = by_link(local).json()["data"]
    seen = [remote(local, created["hash"])]
    arrive(local)
    local.clock.now += FETCH_S
    seen.append(remote(local, created["hash"]))
    balance = local.service.accounts.first.credits
    local.clock.now += FETCH_S
    seen.append(remote(local, created["hash"]))

    long = local.history()[0]["hash"]
    assert re.fullmatch(r"[A-Za-z0-9]{16}", created["hash"])
    assert created["link"] == f"http://127.0.0.1:9/api/separation/get-remote?hash={created['hash']}"
    assert re.fullmatch(r"\d{14}-[0-9a-f]{10}-take-five\.wav", long)
    assert seen == [
        {"success": False, "data": {"message": "Your audio file is being downloaded, please wait a while..."}},
        {"success": True, "status": "waiting", "data": {"queue_count": 1, "current_order": 1}},
        {
            "success": True,
            "status": "done",
            "data": {"link": f"http://127.0.0.1:9/api/separation/get?hash={long}", "hash": long},
        },
    ]
    assert (balance, local.service.accounts.first.credits) == (100, 99)
    assert local.get(long)["status"] == "waiting"


@pytest.mark.parametrize("remote_type", ["", "direct", "mega", "drive", "dropbox"])
def test_every_kind_of_link_is_accepted(local, remote_type):
    """They are all fetched the same way."""
    assert by_link(local, remote_type=remote_type).json()["success"] is True


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"api_token": "wrong"}, "invalid token"),
        ({"sep_type": ""}, "Seperation type is not set"),
        ({"sep_type": "68"}, "Invalid parameter: url"),
        ({"remote_type": "ftp"}, "Invalid parameter: remote_type"),
        ({"output_format": "9"}, "Invalid parameter: output_format"),
        ({"add_opt1": "nonsense"}, "Invalid parameter: add_opt1"),
    ],
)
def test_what_is_wrong_with_an_order_is_told_before_anything_is_fetched(local, fields, text):
    """By create, as for a file."""
    assert by_link(local, **fields).json() == {"success": False, "errors": [text]}
    assert local.links == []


@pytest.mark.parametrize(
    ("found", "text"),
    [({"seconds": 601}, "10 minutes"), ({"size": 101 * 1024 * 1024}, "100 MB"), ({"seconds": None}, "Unable to read")],
)
def test_what_the_plan_does_not_include_fails_once_it_was_fetched(make_local, found, text):
    """Only then it is known; the slot is free again."""
    local = make_local(premium=False)
    hash_ = by_link(local).json()["data"]["hash"]

    arrive(local, **found)

    answer = remote(local, hash_)
    assert (answer["success"], answer["status"]) == (True, "failed")
    assert text in answer["data"]["message"]
    assert by_link(local).status_code == 200


def test_a_link_counts_as_an_unfinished_job(make_local):
    """The free plan has one, whether it is fetched or processed."""
    local = make_local(premium=False)
    by_link(local)

    assert (by_link(local).status_code, local.create().status_code) == (400, 400)


def test_an_unknown_or_old_link_is_not_found(local):
    """Old after 72 hours, like everything."""
    hash_ = by_link(local).json()["data"]["hash"]
    local.clock.now += 72 * 3600

    assert [remote(local, each)["status"] for each in (hash_, "nope")] == ["not_found", "not_found"]


def test_the_jobs_of_links_can_be_told_apart_from_uploads(local):
    """What was received says which link it was."""
    by_link(local)
    arrive(local)
    local.clock.now += FETCH_S + FETCH_S
    local.service.take_links()

    state = local.client.get("/sandbox/state").json()
    assert state["creates"]["by_link"] == {"http://127.0.0.1:1/Take%20Five.wav": 1}
    assert [job["input"] for job in state["jobs"]] == ["link"]


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/a.wav", "http://example.com/a.wav", "file:///etc/passwd", "http://[", "x"]
)
def test_other_machines_are_never_asked(local, url):
    """The link is accepted, and fails."""
    by_link(local, url=url)
    link = local.links.pop()

    fetching.bring(local.service, link, local.folder)

    assert remote(local, link.hash)["status"] == "failed"
    assert "this machine only" in link.message
