"""The service's documentation, word for word but for the address: its curl commands, sent to a sandbox."""

import json
import shutil
import subprocess
import time
import zipfile

import pytest

from mvsep_watch.sandbox import Sandbox, write_song

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(speed=200) as running:
        yield running


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "Take Five.wav"
    write_song(path, seconds=2)
    return path


@pytest.fixture
def curl(sandbox):
    """Run curl as the documentation does: the method, the call, and its forms as `--form 'name="value"'`."""

    def run(method, call, *forms, options=(), address=None):
        words = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20"]
        words += ["--write-out", "\n%{http_code}", "--location", "--request", method]
        for form in forms:
            words += ["--form", form]
        done = subprocess.run(
            [*words, *options, address or f"{sandbox.base_url}/api/{call}"], capture_output=True, text=True, check=True
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return run


@pytest.fixture
def ask(curl):
    """The same, with JSON read."""

    def run(*words, **options):
        status, body = curl(*words, **options)
        return status, json.loads(body)

    return run


def until_done(ask, call, hash_):
    for _ in range(400):
        _, answer = ask("GET", f"{call}?hash={hash_}")
        if answer.get("status") == "done":
            return answer["data"]
        time.sleep(0.02)
    raise AssertionError(answer)


def created(ask, sandbox, song, *forms):
    _, answer = ask(
        "POST",
        "separation/create",
        f'audiofile=@"{song}"',
        f'api_token="{sandbox.token}"',
        'sep_type="40"',
        *forms,
    )
    return answer["data"]


def test_a_separation_is_created_polled_and_downloaded(ask, curl, sandbox, song, tmp_path):
    """`create`, `get` and the links that it gives, with unused options empty."""
    forms = ('add_opt1="81"', 'add_opt2=""', 'output_format="1"', 'is_demo="0"')
    data = until_done(ask, "separation/get", created(ask, sandbox, song, *forms)["hash"])

    target = tmp_path / "stem"
    status, _ = curl("GET", "", address=data["files"][0]["url"], options=["--output", str(target)])

    assert [file["type"] for file in data["files"]] == ["Vocals", "Other"]
    assert (status, target.read_bytes()[:4]) == (200, b"RIFF")


def test_the_link_of_a_create_can_be_polled_as_it_is(ask, sandbox, song):
    """As some clients do, with a parameter that nobody knows."""
    link = created(ask, sandbox, song)["link"]

    _, answer = ask("GET", "", address=f"{link}&t=123")

    assert answer["success"] is True


def test_a_link_is_separated(ask, sandbox):
    """`create` with `url` and `remote_type`, then `get-remote`, then `get`."""
    url = f"{sandbox.base_url}/storage/quality/song_000_mixture.wav"
    forms = (f'api_token="{sandbox.token}"', f'url="{url}"', 'remote_type="direct"', 'sep_type="40"')
    _, answer = ask("POST", "separation/create", *forms)

    long = until_done(ask, "separation/get-remote", answer["data"]["hash"])["hash"]

    assert long.endswith("-song-000-mixture.wav")
    assert len(until_done(ask, "separation/get", long)["files"]) == 2


def test_a_pair_and_a_text_are_accepted(ask, sandbox, song):
    """Models with other inputs: two files, or none."""
    token = f'api_token="{sandbox.token}"'
    pair = (f'target_audiofile=@"{song}"', f'reference_audiofile=@"{song}"', token, 'sep_type="68"')
    text = (token, 'sep_type="115"', 'add_opt1="Hello there"', 'add_opt2="en_0"')

    hashes = [ask("POST", "separation/create", *forms)[1]["data"]["hash"] for forms in (pair, text)]

    assert all(until_done(ask, "separation/get", hash_)["files"] for hash_ in hashes)


def test_a_separation_is_cancelled_or_deleted(ask, sandbox, song):
    """`cancel` before it begins, `delete` once it is over."""
    token = f'api_token="{sandbox.token}"'
    done = created(ask, sandbox, song)["hash"]
    until_done(ask, "separation/get", done)

    deleted = ask("POST", "separation/delete", token, f'hash="{done}"')
    unknown = ask("POST", "separation/cancel", token, 'hash="nope"')

    assert (deleted[0], deleted[1]["success"]) == (200, True)
    assert (unknown[0], unknown[1]["success"]) == (400, False)
    assert ask("GET", f"separation/get?hash={done}")[1]["status"] == "not_found"


@pytest.mark.parametrize(
    "call",
    [
        "app/algorithms",
        "app/algorithms?scopes=single_upload,no_upload,matchering_upload",
        "app/news?lang=en&start=0&limit=10",
        "app/demo?start=0&limit=10",
        "quality_checker/queue?start=0&limit=10",
    ],
)
def test_lists_are_bare(ask, call):
    """Whatever is in them."""
    status, answer = ask("GET", call)

    assert (status, type(answer)) == (200, list)


def test_the_queue_is_asked_for_with_and_without_a_token(ask, sandbox):
    """Its counts have no wrapper."""
    answers = [ask("GET", f"app/queue{query}")[1] for query in ("", f"?api_token={sandbox.token}")]

    assert [sorted(answer) for answer in answers] == [["plan", "queue"]] * 2
    assert answers[1]["plan"]["plan"] == "premium"


def test_an_account_is_registered_and_logs_in(ask):
    """Forms for both; the documentation writes GET for the first, which the service does not route either."""
    forms = ('name="Ada"', 'email="ada@example.com"', 'password="difference"', 'password_confirmation="difference"')

    registered = ask("POST", "app/register", *forms)
    wrong_method, _ = ask_status(ask, "GET", "app/register?name=Ada")
    _, logged_in = ask("POST", "app/login", *forms[1:3])
    _, user = ask("GET", f"app/user?api_token={logged_in['data']['api_token']}")

    assert registered == (200, {"success": True, "message": "Account verification email sent to ada@example.com"})
    assert wrong_method == 405
    assert user["data"]["email"] == "ada@example.com"


def ask_status(ask, *words):
    try:
        return ask(*words)
    except json.JSONDecodeError:
        return 405, None


def test_the_history_is_asked_for(ask, sandbox, song):
    """With `start` and `limit`."""
    hash_ = created(ask, sandbox, song)["hash"]

    _, answer = ask("GET", f"app/separation_history?api_token={sandbox.token}&start=0&limit=1")

    assert [row["hash"] for row in answer["data"]] == [hash_]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        ("disable_premium", "disabled"),
        ("enable_premium", "enabled"),
        ("enable_long_filenames", "enabled"),
        ("disable_long_filenames", "disabled"),
    ],
)
def test_switches_are_switched(ask, sandbox, call, word):
    """All four, as forms."""
    answer = ask("POST", f"app/{call}", f'api_token="{sandbox.token}"')

    assert answer == (200, {"success": True, "message": f"successfully {word}"})


def test_the_quality_checker_takes_an_entry_shows_it_and_lets_it_go(ask, sandbox, tmp_path):
    """`add`, `entry`, `leaderboard`, `delete`."""
    with zipfile.ZipFile(tmp_path / "stems.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing to hear")
    token = f'api_token="{sandbox.token}"'
    forms = (f'zipfile=@"{tmp_path}/stems.zip"', 'algo_name="Mine"', 'main_text="text"', 'dataset_type="0"')
    _, added = ask("POST", "quality_checker/add", *forms, 'ensemble="0"', 'password="secret"', token)
    id_ = added["data"]["id"]

    _, entry = ask("GET", f"quality_checker/entry?id={id_}")
    _, board = ask("GET", "quality_checker/leaderboard?dataset_type=0&start=0&limit=10&sort=sdr_vocals")
    _, deleted = ask("POST", "quality_checker/delete", f'id="{id_}"', 'password="secret"')

    assert entry["data"]["algo_name"] == "Mine"
    assert sorted(board) == ["data", "dataset_type", "sort", "sortables"]
    assert deleted == {"success": True, "data": {"message": "successfully deleted"}}
