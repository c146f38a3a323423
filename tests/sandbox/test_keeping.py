"""What is kept, and for how long."""

from mvsep_watch.sandbox.storage import drop_expired

from .conftest import TOKEN


def test_expired_files_are_dropped_from_the_disk(local):
    """Once their time is over, each job once; its row stays."""
    local.done(name="old.wav")
    local.clock.now += 71 * 3600
    young = local.done(name="young.wav")
    before = len(list(local.folder.iterdir()))
    local.clock.now += 2 * 3600

    drop_expired(local.service)

    assert (before, len(list(local.folder.iterdir()))) == (6, 3)
    assert local.client.get(young["files"][0]["url"]).status_code == 200
    assert [row["job_exists"] for row in local.history()] == [True, True]
    assert local.service.swept() == []


def test_the_service_wants_to_be_woken_when_something_expires(local):
    """So that the disk does not fill while nobody asks."""
    local.done()

    soon = local.service.seconds_to_next()
    local.clock.now += soon
    drop_expired(local.service)

    assert 70 * 3600 < soon <= 72 * 3600
    assert local.service.seconds_to_next() is None
    assert list(local.folder.iterdir()) == []


def test_unfinished_work_is_not_dropped(local):
    """However long it takes."""
    local.created()
    local.clock.now += 100 * 3600

    drop_expired(local.service)

    assert len(list(local.folder.iterdir())) == 1


def test_premium_stands_before_the_others(make_local):
    """In a queue of one slot, and each is counted among their own."""
    local = make_local(slots=1)
    form = {"name": "n", "email": "a@b", "password": "password", "password_confirmation": "password"}
    local.client.post("/api/app/register", data=form)
    free = local.client.post("/api/app/login", data=form).json()["data"]["api_token"]
    hashes = [local.created(name="free.wav", token=free), local.created(name="premium.wav")]
    places = [local.get(hash_)["data"]["current_order"] for hash_ in hashes]
    local.clock.now += 10

    (started,) = local.service.advance()

    assert places == [1, 1]
    assert started.hash == hashes[1]


def test_a_mirror_costs_a_credit_and_has_the_files(local):
    """For whoever has a token and credits left."""
    hash_ = local.created()
    local.work()

    def get(**params):
        return local.client.get("/api/separation/get", params={"hash": hash_, "mirror": "1", **params})

    nobody = get()
    url = get(api_token=TOKEN).json()["data"]["files"][0]["url"]
    balance = local.service.accounts.first.credits
    local.service.accounts.first.credits = 0
    poor = get(api_token=TOKEN)

    assert (nobody.status_code, nobody.json()["data"]["message"]) == (400, "Invalid API key")
    assert url.startswith("http://127.0.0.2:9/")
    assert (balance, poor.status_code) == (98, 400)


def test_options_alone_make_a_job_over_http(local):
    """Without a file, and with plain form fields; the file part that some send all the same is dropped."""
    form = {"api_token": TOKEN, "sep_type": "115", "add_opt1": "Hello", "add_opt2": "en_0"}

    plain = local.client.post("/api/separation/create", data=form).json()
    with_file = local.create(sep_type="115", add_opt1="Hello").json()

    assert (plain["success"], with_file["success"]) == (True, True)
    jobs = local.client.get("/sandbox/state").json()["jobs"]
    assert [(job["input"], job["name"]) for job in jobs] == [("none", ""), ("none", "")]
    assert list(local.folder.iterdir()) == []


def test_a_pair_makes_a_job_over_http(local):
    """Both files are kept, and one alone is refused."""
    form = {"api_token": TOKEN, "sep_type": "68"}
    files = {"target_audiofile": ("t.wav", local.tone), "reference_audiofile": ("r.wav", local.tone)}

    both = local.client.post("/api/separation/create", data=form, files=files).json()
    one = local.client.post(
        "/api/separation/create", data=form, files={"target_audiofile": files["target_audiofile"]}
    ).json()

    assert both["data"]["hash"].endswith("-t.wav")
    assert one["errors"] == ["The reference_audiofile field is required."]
    assert len(list(local.folder.iterdir())) == 2
