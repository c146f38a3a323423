"""`get`: results of any separation, all at once, never over anything."""

import fcntl
import json
import os

import pytest

from mvsep_watch.cli.getting import folder_name, hash_of, staging_id
from mvsep_watch.errors import UsageError
from mvsep_watch.files.staging import Staging
from mvsep_watch.model import Link, Settings
from tests.daemon.world import write_wav
from tests.fakes.service import TOKEN


@pytest.fixture
def separated(service, tmp_path):
    """A finished separation: its hash."""
    hash_ = submitted(service, tmp_path)
    service.finish(hash_)
    return hash_


def submitted(service, tmp_path, name="Take Five.wav"):
    source = tmp_path / name
    write_wav(source)
    with service.client() as client:
        return client.create(source, Settings(sep_type=40, output_format=1)).hash


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_results_are_in_a_folder_named_after_the_upload(run, separated, nowhere):
    """By our names, and nothing else beside them; no token is needed."""
    code, out, err = run("get", separated, "-o", "out")

    assert code == 0
    assert tree(nowhere / "out") == ["take-five", "take-five/Instrumental.wav", "take-five/Vocals.wav"]
    assert out.startswith("2 files in out/take-five\n")
    assert err.startswith("downloaded Vocals.wav, ")


def test_a_second_time_it_stands_beside_the_first(run, separated, nowhere):
    """Nothing is written over."""
    run("get", separated)
    (nowhere / "take-five" / "Vocals.wav").write_text("mine")

    code, _, _ = run("get", separated)

    assert (code, names(nowhere)) == (0, ["take-five", "take-five (2)"])
    assert (nowhere / "take-five" / "Vocals.wav").read_text() == "mine"


def test_json_has_every_key(run, separated, nowhere):
    """Absolute paths, stems, sha256, sizes."""
    _, out, _ = run("get", separated, "--json")

    told = json.loads(out)
    assert set(told) == {"hash", "status", "says", "model", "folder", "files"}
    assert (told["hash"], told["status"], told["folder"]) == (separated, "done", str(nowhere / "take-five"))
    assert [file["stem"] for file in told["files"]] == ["Vocals", "Instrumental"]
    assert set(told["files"][0]) == {"path", "stem", "sha256", "size"}


def test_an_unfinished_separation_says_how_far_it_is(run, service, nowhere, tmp_path):
    """Exit code 3, and no folder."""
    hash_ = submitted(service, tmp_path)

    code, out, _ = run("get", hash_)
    _, told, _ = run("get", hash_, "--json")

    assert (code, out) == (3, f"{hash_}: in the queue, place 1 of 1\n")
    assert (json.loads(told)["status"], json.loads(told)["folder"], names(nowhere)) == ("waiting", None, [])


def test_a_failed_separation_says_why(run, service, tmp_path):
    """In the service's words."""
    hash_ = submitted(service, tmp_path)
    service.finish(hash_, status="failed", message="Job failed")

    code, out, _ = run("get", hash_)

    assert (code, out) == (3, f"{hash_}: failed: Job failed\n")


def test_a_separation_that_nobody_knows_is_an_error(run, service):
    """It may be too old, or with another host."""
    code, _, err = run("get", "20260101120000-0123456789-song.mp3")

    assert code == 4
    assert err.startswith("error: mvsep.com does not have 20260101120000-0123456789-song.mp3: File or File Hash not")
    assert "72 hours" in err


def test_a_broken_download_is_gone_on_with(run, service, separated, nowhere):
    """By itself; a person is told after some tries, and a later `get` goes on."""
    service.fault("download", "truncate_download")

    code, _, _ = run("get", separated)

    assert (code, tree(nowhere)) == (0, ["take-five", "take-five/Instrumental.wav", "take-five/Vocals.wav"])


def test_what_stays_broken_shows_nothing(run, service, separated, nowhere):
    """No half-written output: what arrived waits unseen for the next time."""
    service.fault("download", *["truncate_download"] * 3)

    code, _, err = run("get", separated)
    again, _, _ = run("get", separated)

    assert (code, err.rsplit("\n", 2)[1]) == (4, "hint: look at the connection and the base URL, then try again")
    assert (again, names(nowhere)) == (0, ["take-five"])


def test_a_mirror_costs_a_credit_and_so_is_asked_about(run, service, separated, typed, monkeypatch):
    """Nobody there to ask is a no; the finished separation is asked for once more, with the token."""
    monkeypatch.setenv("MVSEP_API_TOKEN", TOKEN)
    typed("")

    refused, _, err = run("get", separated, "--mirror")
    before = mirrored(service)
    code, _, _ = run("get", separated, "--mirror", "--yes")

    assert (refused, "nobody is there to ask: Fetch from another mirror for 1 credit?" in err) == (2, True)
    assert (code, before, mirrored(service)) == (0, 0, 1)


def test_a_mirror_is_not_asked_for_what_is_not_finished(run, service, tmp_path, monkeypatch):
    """That would cost a credit for nothing."""
    monkeypatch.setenv("MVSEP_API_TOKEN", TOKEN)

    code, _, _ = run("get", submitted(service, tmp_path), "--mirror", "--yes")

    assert (code, mirrored(service)) == (3, 0)


def mirrored(service):
    return sum(1 for endpoint, request in service.requests if request.url.params.get("mirror") == "1")


def test_the_hash_of_a_link_will_do(run, service, nowhere):
    """Until the service has fetched it, that is what is said."""
    service.link_polls = 3
    with service.client() as client:
        made = client.create(Link(url="https://example.com/Far Away.wav"), Settings(sep_type=40, output_format=1))
    service.finish_all()

    early, waiting, done = (run("get", made.hash) for _ in range(3))

    assert (early[0], "Your audio file is being downloaded" in early[1]) == (3, True)
    assert waiting[:2] == (3, f"{made.hash}: in the queue, place 2 of 3\n")
    assert (done[0], names(nowhere)) == (0, ["far-away"])


def test_two_at_once_do_not_get_into_each_others_way(run, separated, nowhere):
    """The second is told; what the first has made is not touched."""
    staging = Staging.open(nowhere, state_id=staging_id(separated), job_id=0, hash_=separated)
    descriptor = os.open(staging.path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    code, _, err = run("get", separated)
    os.close(descriptor)

    assert (code, "another `get` fetches the same" in err) == (5, True)
    assert names(nowhere) == [staging.path.name]


@pytest.mark.parametrize(
    ("hash_", "name"),
    [
        ("20260430153526-ff12686013-audio.mp3", "audio"),
        ("20240119124024-413c481b80-10-luke-s-theme.mp3", "10-luke-s-theme"),
        ("20261120112026-ae711b7d9c-mwtyjeweqxck3y-paper-boats.wav", "paper-boats"),
        ("20261120112026-ae711b7d9c-mwtyjeweqxck3y.wav", "20261120112026-ae711b7d9c-mwtyjeweqxck3y-wav"),
        ("../../etc/passwd", "passwd"),
        ("..", "separation"),
    ],
)
def test_the_folder_is_named_by_us(hash_, name):
    """After what was uploaded; whatever the hash says, it is one plain name."""
    assert folder_name(hash_) == name


@pytest.mark.parametrize(
    "link",
    [
        "20260430153526-ff12686013-audio.mp3",
        "https://mvsep.com/api/separation/get?hash=20260430153526-ff12686013-audio.mp3",
        "https://mvsep.com/result/20260430153526-ff12686013-audio.mp3",
    ],
)
def test_a_link_has_the_hash_in_it(link):
    """As the service gives it, or as a browser shows it."""
    assert hash_of(link) == "20260430153526-ff12686013-audio.mp3"


@pytest.mark.parametrize("link", ["", " ", "https://mvsep.com/api/separation/get?hash=", "https://mvsep.com"])
def test_a_link_without_a_hash_is_told(link):
    """And no other word of it is taken for one."""
    with pytest.raises(UsageError, match="there is no hash"):
        hash_of(link)
