import pytest

from mvsep_watch.errors import UsageError
from mvsep_watch.sandbox.faults import ENDPOINTS, FaultKind, Faults
from mvsep_watch.sandbox.quirks import QUIRKS, all_quirks, expanded, quirk

from .conftest import TOKEN


def switch_on(local, name, **more):
    response = local.client.post("/sandbox/faults", json={"quirk": name, **more})
    assert response.status_code == 200
    return response.json()


def user(local, token=TOKEN):
    return local.client.get("/api/app/user", params={"api_token": token})


def codes(local, times=6):
    return [local.client.get("/api/app/queue").status_code for _ in range(times)]


@pytest.mark.parametrize("name", QUIRKS)
def test_every_quirk_can_be_switched_on_and_is_told(local, name):
    """As a fault like all others."""
    listed = switch_on(local, name)

    assert listed == [quirk(name).listed()]
    assert all_quirks()[name]


@pytest.mark.parametrize(("text", "value"), [("slow_remote=120", 120), ("refuse=No way", "No way"), ("clock=60", 60)])
def test_a_quirk_may_have_a_value(text, value):
    """And any kind of fault will do for a quirk."""
    assert quirk(text).value == value


def test_what_else_is_said_of_a_quirk_wins():
    """Its name stands for the rest."""
    assert expanded({"quirk": "html_503", "every": 2, "on": "get"})["every"] == 2


@pytest.mark.parametrize(("name", "near"), [("string_succes", "string_success"), ("html_500", "html_502")])
def test_an_unknown_quirk_names_the_nearest(local, name, near):
    """For a person, and for a caller."""
    with pytest.raises(UsageError) as caught:
        quirk(name)
    response = local.client.post("/sandbox/faults", json={"quirk": name})

    assert name in caught.value.message
    assert near in caught.value.hint or near[:-1] in caught.value.hint
    assert (response.status_code, response.json()["hint"]) == (400, caught.value.hint)


@pytest.mark.parametrize("raw", [{"every": 0}, {"times": 0}, {"skip": -1}, {"times": "x"}, {"every": None}])
def test_counts_of_a_fault_are_checked(raw):
    """Before it is in force."""
    with pytest.raises(UsageError):
        Faults(({"kind": "drop", **raw},))


def test_every_endpoint_can_have_faults(local):
    """The table of faults knows every call that the sandbox has."""
    assert {*local.api.names(), "download", "*"} == ENDPOINTS


def test_a_fault_may_spare_requests_first_and_in_between():
    """Of six requests, one is spared, and from there each second one is struck."""
    faults = Faults(({"kind": "empty_done", "skip": 1, "every": 2},))

    assert [faults.take(FaultKind.EMPTY_DONE) is not None for _ in range(6)] == [False, True, False, True, False, True]


def test_refusals_can_be_in_a_list(local):
    """Also those that come in data.message."""
    switch_on(local, "error_list")

    assert user(local, "wrong").json() == {"success": False, "errors": ["Invalid API key"]}


@pytest.mark.parametrize("status", [400, 401])
def test_a_bad_token_can_have_one_status_everywhere(local, status):
    """Whatever the call."""
    switch_on(local, f"token_{status}")

    assert [user(local, "wrong").status_code, local.create(token="wrong").status_code] == [status, status]
    assert local.create(sep_type="").status_code == 400


def test_slashes_can_be_plain(local):
    """As other servers write them."""
    switch_on(local, "plain_slashes")

    assert b"http://127.0.0.1:9/api" in local.create().content


def test_waiting_can_be_without_a_message(local):
    """As in 2024, byte for byte."""
    switch_on(local, "bare_waiting")

    assert local.get(local.created()) == {
        "success": True,
        "status": "waiting",
        "data": {"queue_count": 1, "current_order": 1},
    }


def test_each_job_can_be_done_without_files_once(local):
    """The second poll of each has them."""
    switch_on(local, "empty_done")
    hashes = [local.created(name=name) for name in ("a.wav", "b.wav")]
    local.work()

    assert [[len(local.get(hash_)["data"]["files"]) for _ in range(2)] for hash_ in hashes] == [[0, 2], [0, 2]]


def test_a_link_can_be_unknown_while_it_is_fetched(local):
    """Byte for byte like one that never was."""
    switch_on(local, "remote_not_found")
    form = {"api_token": TOKEN, "sep_type": "40", "url": "http://127.0.0.1:1/a.wav"}
    hash_ = local.client.post("/api/separation/create", data=form).json()["data"]["hash"]

    answers = [local.client.get("/api/separation/get-remote", params={"hash": each}).json() for each in (hash_, "x")]

    assert answers[0] == answers[1]
    assert answers[0]["status"] == "not_found"


@pytest.mark.parametrize(("name", "status"), [("html_502", 502), ("html_503", 503), ("bare_rate_limit", 429)])
def test_an_outage_strikes_one_request_in_five(local, name, status):
    """The first one is struck."""
    switch_on(local, name)

    assert codes(local) == [status, 200, 200, 200, 200, status]


def test_every_upload_can_be_too_large(local):
    """With a page that is no JSON."""
    switch_on(local, "html_413")

    assert [local.create().status_code for _ in range(2)] == [413, 413]
    assert codes(local, 1) == [200]


def test_the_account_can_seem_busy(local):
    """Every second upload is refused in the recorded words, after it was received."""
    switch_on(local, "busy")

    assert [local.create(name=f"{n}.wav").status_code for n in range(3)] == [400, 200, 400]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("other_host", "http://127.0.0.2:9/storage/processed/2026"),
        ("subfolder", "http://127.0.0.1:9/storage/processed/55/2026"),
    ],
)
def test_files_can_be_elsewhere(local, name, start):
    """And can be had there."""
    switch_on(local, name)

    url = local.done()["files"][0]["url"]

    assert url.startswith(start)
    assert local.client.get(url).content.startswith(b"RIFF")


def test_newer_and_older_keys_of_a_file(local):
    """Peaks between 0 and 1 in the newest answers, no bytes in the older."""
    plain = local.done(name="a.wav")["files"][0]
    switch_on(local, "extra_keys")
    newest = local.done(name="b.wav")["files"][0]
    extra = user(local).json()["data"]
    switch_on(local, "no_bytes")
    oldest = local.done(name="c.wav")["files"][0]

    assert set(newest) - set(plain) == {"peaks"}
    assert set(plain) - set(oldest) == {"bytes"}
    assert 0.1 < max(newest["peaks"]) <= 1
    assert len(newest["peaks"]) == 10
    assert extra["copy_metadata"] == 0


def test_the_models_can_have_the_keys_of_2024(local):
    """Fewer of them, with JSON inside strings as ever."""
    switch_on(local, "algorithms_2024")

    rows = local.client.get("/api/app/algorithms").json()

    assert len(rows) == 117
    assert {"audio_widget", "usage", "rating", "algorithm_group", "outputs"} & set(rows[0]) == set()
    assert all("price_rules" not in field for row in rows for field in row["algorithm_fields"])


def test_results_can_expire_early(local):
    """After a minute, without a clock being moved."""
    switch_on(local, "early_expiry")
    hash_ = local.created()
    local.clock.now += 60

    assert local.get(hash_)["status"] == "not_found"


def test_any_job_can_be_shared_by_machines(local):
    """However short it is."""
    switch_on(local, "split")
    hash_ = local.created()
    local.clock.now += 5
    local.service.advance()

    answer = local.get(hash_)

    assert (answer["status"], answer["data"]["all_chunks"]) == ("distributing", 1)


def test_a_create_can_be_lost_once_the_job_is_made(local):
    """Every second one."""
    switch_on(local, "lost_create")

    with pytest.raises(ConnectionAbortedError):
        local.create(name="a.wav")

    assert local.create(name="b.wav").status_code == 200
    assert len(local.history()) == 2


def test_a_model_can_vanish_between_two_looks(local):
    """Then it is not accepted either."""
    switch_on(local, "model_gone")

    accepted = [local.create(name="a.wav").status_code]
    listed = [_names(local), _names(local)]
    accepted.append(local.create(name="b.wav").status_code)

    assert [40 in names for names in listed] == [True, False]
    assert accepted == [200, 400]


def test_a_model_can_be_renamed_between_two_looks(local):
    """Its number stays."""
    switch_on(local, "model_renamed", value=48)

    before, after = _names(local), _names(local)

    assert after == {**before, 48: f"{before[48]} (renamed)"}


def test_login_can_give_no_token(local):
    """As recorded once."""
    switch_on(local, "null_token")

    form = {"email": "sandbox@localhost", "password": "sandbox"}

    assert local.client.post("/api/app/login", data=form).json()["data"]["api_token"] is None


def _names(local):
    return {row["render_id"]: row["name"] for row in local.client.get("/api/app/algorithms").json()}
