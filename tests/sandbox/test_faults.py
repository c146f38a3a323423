import pytest

from mvsep_watch.errors import UsageError
from mvsep_watch.sandbox.faults import HOSTILE_NAMES, Fault, FaultKind, Faults

from .conftest import TOKEN


def misbehave(local, **fault):
    return local.client.post("/sandbox/faults", json=fault).json()


def made(local):
    return local.client.get("/sandbox/state").json()["creates"]["total"]


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_create_can_be_dropped_before_or_after_the_job_is_made(local, when, jobs):
    """No answer in both cases, but the upload was received to its end."""
    misbehave(local, kind="drop", when=when, times=1)

    with pytest.raises(ConnectionAbortedError):
        local.create()

    assert made(local) == jobs
    assert len(local.client.get("/sandbox/state").json()["received"]) == 1


def test_a_create_can_be_dropped_in_the_middle_of_the_body(local):
    """Then nothing was received."""
    misbehave(local, kind="drop_upload", value=1000, times=1)

    with pytest.raises(ConnectionAbortedError):
        local.create()

    assert local.client.get("/sandbox/state").json()["received"] == []


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_an_outage_comes_as_html(local, when, jobs):
    """A gateway that fails may have passed the request on."""
    misbehave(local, kind="status", value=502, when=when, times=1)

    response = local.create()

    assert (response.status_code, response.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert made(local) == jobs


def test_a_page_can_come_instead_of_json(local):
    """With 200, as from a layer against bots."""
    misbehave(local, kind="html", on="user", times=1)

    response = local.client.get("/api/app/user", params={"api_token": TOKEN})

    assert (response.status_code, response.text[:6]) == (200, "<html>")


@pytest.mark.parametrize(("value", "header"), [(7, "7"), (None, None)])
def test_too_many_requests_with_and_without_a_time_to_wait(local, value, header):
    """Some servers say when to come back, some do not."""
    misbehave(local, kind="rate_limit", on="get", value=value, times=1)

    response = local.client.get("/api/separation/get", params={"hash": "x"})

    assert (response.status_code, response.headers.get("retry-after")) == (429, header)


def test_a_fault_ends_after_its_times(local):
    """Two requests suffer, the third does not."""
    misbehave(local, kind="status", on="*", times=2)

    codes = [local.client.get("/api/app/queue").status_code for _ in range(3)]

    assert codes == [503, 503, 200]
    assert local.client.get("/sandbox/faults").json() == []


def test_faults_without_times_last_until_cleared(local):
    """They are listed while they last."""
    listed = misbehave(local, kind="status", on="queue")
    codes = [local.client.get("/api/app/queue").status_code for _ in range(3)]

    local.client.request("DELETE", "/sandbox/faults")

    assert listed == [
        {"kind": "status", "on": "queue", "when": "before", "times": None, "value": 503, "every": 1, "skip": 0}
    ]
    assert (codes, local.client.get("/api/app/queue").status_code) == ([503, 503, 503], 200)


def test_a_fault_strikes_only_where_it_is_meant(local):
    """An outage of the history leaves the rest alone."""
    misbehave(local, kind="status", on="history")

    assert local.create().status_code == 200


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ({"kind": "refuse", "value": "Insufficient credits"}, {"success": False, "errors": ["Insufficient credits"]}),
        ({"kind": "data_message"}, {"success": False, "data": {"message": "Seperation type is not set"}}),
    ],
)
def test_refusals_can_have_other_words_and_another_envelope(local, fault, answer):
    """Whatever the order was."""
    misbehave(local, **fault)

    assert local.create(sep_type="").json() == answer


def test_success_can_be_a_string(local):
    """As some clients have met it."""
    misbehave(local, kind="string_success", times=1)

    assert [local.create(name=name).json()["success"] for name in ("a.wav", "b.wav")] == ["true", True]


def test_a_job_can_be_made_to_fail(local):
    """With a reason; the next one goes well, and the credits come back."""
    misbehave(local, kind="fail_job", value="GPU on fire", times=1)
    first, second = local.created(name="a.wav"), local.created(name="b.wav")

    local.work()

    assert local.get(first)["data"] == {"message": "GPU on fire"}
    assert local.get(second)["status"] == "done"
    assert local.client.get("/sandbox/state").json()["credits"] == 99


def test_done_can_come_without_files_at_first(local):
    """The poll after that has them."""
    misbehave(local, kind="empty_done", times=1)
    hash_ = local.created()
    local.work()

    polls = [local.get(hash_)["data"]["files"] for _ in range(2)]

    assert [len(files) for files in polls] == [0, 2]


def test_names_can_be_hostile(local):
    """One after another, in `download` only; the links still work."""
    misbehave(local, kind="hostile_names")

    files = local.done()["files"]

    assert [file["download"] for file in files] == list(HOSTILE_NAMES[:2])
    assert local.client.get(files[0]["url"]).status_code == 200


def test_the_history_can_lag(local):
    """A job is listed only once it is old enough."""
    misbehave(local, kind="history_lag", value=30)
    local.created()
    young = len(local.history())

    local.clock.now += 30

    assert (young, len(local.history())) == (0, 1)


def test_the_history_can_be_silent_about_unfinished_work(local):
    """Until the job is done."""
    misbehave(local, kind="history_finished_only")
    local.created()
    unfinished = len(local.history())

    local.work()

    assert (unfinished, len(local.history())) == (0, 1)


def test_a_download_can_break_off(local):
    """The length was promised, the connection ends before it."""
    url = local.done()["files"][0]["url"]
    misbehave(local, kind="cut_download", times=1)

    with pytest.raises(ConnectionAbortedError):
        local.client.get(url)


def test_a_download_can_be_short_and_seem_complete(local):
    """Half of the file with a length to match, also of a range."""
    url = local.done()["files"][0]["url"]
    whole = local.client.get(url).content
    misbehave(local, kind="short_download", times=2)

    short = local.client.get(url)
    rest = local.client.get(url, headers={"Range": f"bytes={len(whole) - 100}-"})

    assert (short.content, short.headers["content-length"]) == (whole[: len(whole) // 2], str(len(whole) // 2))
    assert rest.content == whole[-100:-50]


def test_a_slow_download_is_complete(local):
    """It only takes its time."""
    url = local.done()["files"][0]["url"]
    whole = local.client.get(url).content
    misbehave(local, kind="slow_download", value=100_000_000, times=1)

    assert local.client.get(url).content == whole


def test_the_account_can_be_changed(local):
    """Credits may run out in the middle of a batch."""
    local.client.post("/sandbox/account", json={"credits": 0, "token": "ignored"})

    data = local.client.get("/api/app/user", params={"api_token": TOKEN}).json()["data"]

    assert data["premium_minutes"] == 0


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "drop", "on": "nowhere"},
        {"kind": "drop", "when": "never"},
        {"kind": "drop", "x": 1},
    ],
)
def test_what_is_no_fault_is_refused(local, raw):
    """With the words that would do."""
    with pytest.raises(UsageError):
        Faults((raw,))

    response = local.client.post("/sandbox/faults", json=raw)
    assert response.status_code == 400
    assert response.json()["hint"]


def test_faults_can_be_given_as_values():
    """The constructor takes what the admin call takes, and values."""
    faults = Faults((Fault(kind=FaultKind.EMPTY_DONE, times=1), {"kind": "drop"}))

    assert [fault["kind"] for fault in faults.listed()] == ["empty_done", "drop"]
