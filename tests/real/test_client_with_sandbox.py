"""The client library and the sandbox, each written from the service's description: they understand each other."""

import time
import zipfile

import pytest

from mvsep_watch.errors import NotFoundError, RequestRefusedError, TokenRefusedError
from mvsep_watch.mvsep import Client, Link, Pace, Pair, Scope, Settings, read_catalogue
from mvsep_watch.sandbox import Sandbox, write_song

WAIT_S = 15.0


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(speed=100, credits=100) as running:
        yield running


@pytest.fixture
def client(sandbox):
    with client_of(sandbox, sandbox.token) as made:
        yield made


def client_of(sandbox, token):
    return Client(token, base_url=sandbox.base_url, pace=Pace(sleep=lambda _: False))


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    write_song(path, seconds=2)
    return path


def until(ask, holds):
    """Ask until it holds, and give the last answer."""
    deadline = time.monotonic() + WAIT_S
    while not holds(answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def results_of(client, hash_, **kwargs):
    """Give the bytes of each result, by its label."""
    remote = until(lambda: client.get(hash_, **kwargs), lambda remote: not remote.is_unfinished and remote.is_done)
    found = {}
    for file in remote.files:
        with client.download(file.url) as download:
            found[file.label] = b"".join(download.chunks)
    return found


def test_a_file_becomes_stems_which_a_mirror_has_too_until_they_are_deleted(client, song):
    """The mirror costs a credit."""
    made = client.create(song, Settings(sep_type=40, output_format=1))
    stems = results_of(client, made.hash)
    before = client.user().credits
    mirrored = results_of(client, made.hash, mirror=True)
    after = client.user().credits
    client.delete(made.hash)

    assert len(stems) >= 2
    assert mirrored == stems
    assert before - after == 1
    assert client.get(made.hash).status == "not_found"


def test_a_link_a_pair_and_a_text_become_results(client, song):
    """A link by way of its short hash; here it leads to a result of the sandbox's own."""
    models = client.algorithms(Scope)
    text = next(model for model in models.values() if model.scope is Scope.NO_UPLOAD and model.fields)
    options = tuple((field.name, next(iter(field.options), "Hello,\nworld")) for field in text.fields)
    settings = Settings(sep_type=text.sep_type, options=options)
    first = client.create(song, Settings(sep_type=40, output_format=1))
    url = until(lambda: client.get(first.hash), lambda remote: remote.is_done).files[0].url

    link = client.create(Link(url=url), Settings(sep_type=40))
    pair = client.create(Pair(target=song, reference=song), Settings(sep_type=68), upload_name="mwabcdefghijkl-a.wav")
    fetched = until(lambda: client.get_remote(link.hash), lambda remote: remote.status in {"done", "failed"})

    assert fetched.status == "done"
    assert all(results_of(client, hash_) for hash_ in (fetched.hash, pair.hash, client.create(None, settings).hash))
    assert "-mwabcdefghijkl-" in pair.hash
    assert {fetched.hash, pair.hash} < {row.hash for row in client.separation_history()}


def test_the_catalogue_is_the_same_as_a_text(client):
    """And is not sent again while it holds, where the server knows tags."""
    text = client.algorithms_text(Scope)
    again = client.algorithms_text(Scope, etag=text.etag)

    assert read_catalogue(text.text) == client.algorithms(Scope)
    assert again.is_unchanged or not text.etag


def test_what_the_site_says_can_be_read(client, song):
    """By anybody; a demo is there once somebody published one."""
    made = client.create(song, Settings(sep_type=40, is_demo=True))
    until(lambda: client.get(made.hash), lambda remote: remote.is_done)
    with client_of(client, "") as stranger:
        assert list(stranger.news(limit=2))
        assert made.hash in [demo.hash for demo in stranger.demos(sep_type=40)]
        assert stranger.queue().counts
    assert client.queue_summary().ahead is not None


def test_an_account_is_opened_entered_and_switched(client, sandbox):
    """A wrong password is no wrong token."""
    client.register(name="New", email="new@example.com", password="long-enough-1")
    with pytest.raises(RequestRefusedError):
        client.login("new@example.com", "wrong")
    login = client.login("new@example.com", "long-enough-1")
    with client_of(sandbox, login.token) as new:
        new.enable_long_filenames()
        new.enable_premium()
        account = new.user()

    assert account.identity == login.account.identity == "new@example.com"
    assert (account.premium_enabled, account.long_filenames_enabled) == (True, True)
    with client_of(sandbox, "N" * 30) as stranger, pytest.raises(TokenRefusedError):
        stranger.user()


def test_the_quality_checker_takes_lists_and_forgets(client, tmp_path):
    """By whoever knows the password."""
    with zipfile.ZipFile(tmp_path / "results.zip", "w") as file:
        file.writestr("song_0_vocals.wav", b"x" * 1000)
    added = client.quality_add(tmp_path / "results.zip", algo_name="Mine", password="secret")

    assert client.quality_entry(added.id).algo_name == "Mine"
    assert added.id in [entry.id for entry in client.quality_queue()]
    assert isinstance(client.quality_leaderboard().entries, tuple)
    with pytest.raises(RequestRefusedError):
        client.quality_delete(added.id, password="wrong")
    assert client.quality_delete(added.id, password="secret")
    with pytest.raises(NotFoundError):
        client.quality_entry(added.id)
