"""Uploading: what is sent, when the caller is asked, and what happens to a file that does not hold still."""

import hashlib
import os
from contextlib import contextmanager

import httpx
import pytest

from mvsep_watch.errors import (
    RequestRefusedError,
    SourceBusyError,
    SourceChangedError,
    SourceRefusedError,
    StoppedError,
)
from mvsep_watch.mvsep import Client, Link, Pair, Settings
from mvsep_watch.mvsep.form import opened, safe_name
from mvsep_watch.mvsep.upload import CHUNK_BYTES, UploadBody


def test_every_setting_is_said_in_full(client, service, source):
    """Defaults of the service drift, so that nothing is left to them."""
    settings = Settings(sep_type=40, options=(("add_opt1", "81"), ("add_opt2", "8")), output_format=5, is_demo=True)

    client.create(source, settings)

    assert service.uploads[0].fields == {
        "api_token": service.token,
        "sep_type": "40",
        "add_opt1": "81",
        "add_opt2": "8",
        "output_format": "5",
        "is_demo": "1",
    }


@contextmanager
def body_of(*paths, **kwargs):
    """Give a body of a text field and these files, and let it be streamed."""
    with opened({f"file{n}": (path.name, path) for n, path in enumerate(paths)}) as files:
        yield UploadBody({"a": "b"}, files, **kwargs)


def test_the_text_fields_come_before_the_file(source):
    """A server that reads as it goes knows what is asked before the first byte of audio."""
    with body_of(source) as body:
        first, second, *_ = body

    assert b'name="a"' in first
    assert b'name="file0"; filename="song.wav"' in second


def test_the_bytes_that_arrive_are_the_bytes_of_the_file(client, service, source, settings):
    """What is hashed on the way is what the server gets."""
    seen = []
    client.create(source, settings, before_last_chunk=seen.append)

    expected = (hashlib.sha256(source.read_bytes()).hexdigest(), source.stat().st_size)
    assert [(file.digest, file.stat.st_size) for file in seen[0]] == [expected]
    assert (service.uploads[0].sha256, service.uploads[0].size_bytes) == expected


@pytest.mark.parametrize("size_bytes", [1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_the_last_chunk_is_withheld_until_the_caller_agrees_and_holds_bytes_of_the_file(tmp_path, size_bytes):
    """Whatever the size: the closing boundary never leaves alone, and never before the caller agreed."""
    path = tmp_path / "x.wav"
    path.write_bytes(os.urandom(size_bytes))
    order = []
    with body_of(path, before_last_chunk=lambda _: order.append("asked")) as body:
        length = int(body.headers["Content-Length"])
        order.extend(body)

    asked = order.index("asked")
    *before, last = [item for item in order if item != "asked"]
    assert order[asked + 1 :] == [last]
    assert last.endswith(b"--\r\n")
    assert len(last) > 100 - 60 if size_bytes >= 100 else last
    assert path.read_bytes()[-1:] == last[: last.rindex(b"\r\n--")][-1:]
    assert len(b"".join(before)) + len(last) == length


@pytest.mark.parametrize(
    "error", [SourceChangedError("no"), ValueError("bug"), UnicodeError("bug"), httpx.ReadError("x")]
)
def test_what_the_caller_raises_before_the_last_chunk_passes_through_untouched(
    client, service, source, settings, error
):
    """Also what looks like an error of the HTTP library; and nothing is made."""

    def refuse(*_):
        raise error

    with pytest.raises(type(error)) as caught:
        client.create(source, settings, before_last_chunk=refuse)

    assert caught.value is error
    assert (service.made, len(service.uploads)) == (0, 0)


@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_a_file_that_changes_its_size_is_not_sent(client, service, settings, tmp_path, change):
    """It is found out before the last chunk, so that nothing is made of a half."""
    path = tmp_path / "growing.wav"
    path.write_bytes(b"x" * (2 * CHUNK_BYTES + 10))

    def grow(sent, total):
        os.truncate(path, total + change)

    asked = []
    with pytest.raises(SourceChangedError):
        client.create(path, settings, progress=grow, before_last_chunk=lambda *_: asked.append(1))

    assert (asked, service.made) == ([], 0)


def test_the_caller_sees_how_far_it_is(client, settings, tmp_path):
    """Progress counts bytes of the file, to its end."""
    path = tmp_path / "x.wav"
    path.write_bytes(b"x" * (2 * CHUNK_BYTES + 10))
    seen = []

    client.create(path, settings, progress=lambda sent, total: seen.append((sent, total)))

    total = 2 * CHUNK_BYTES + 10
    assert seen == [(CHUNK_BYTES, total), (2 * CHUNK_BYTES, total), (total, total)]


def test_a_stop_ends_an_upload_between_chunks(client, service, settings, tmp_path):
    """Nothing was made, and it can be done again."""
    path = tmp_path / "x.wav"
    path.write_bytes(b"x" * (3 * CHUNK_BYTES))
    sent = []

    with pytest.raises(StoppedError):
        client.create(path, settings, progress=lambda *_: sent.append(1), stopping=lambda: bool(sent))

    assert (len(sent), service.made) == (1, 0)


def test_a_file_that_is_gone_empty_or_no_file_is_refused_before_anything_is_sent(client, service, settings, tmp_path):
    """Each with its own word; a FIFO does not block."""
    (tmp_path / "empty.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")

    for name, error in [
        ("gone.wav", SourceChangedError),
        ("empty.wav", SourceRefusedError),
        ("pipe.wav", SourceChangedError),
        (".", SourceChangedError),
        ("x" * 300, SourceBusyError),
    ]:
        with pytest.raises(error):
            client.create(tmp_path / name, settings)

    assert service.requests == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("mwabc-take-five.wav", "mwabc-take-five.wav"),
        ("Für Elise.wav", "Fur Elise.wav"),
        ('a"b\r\nc/d.wav', "a_b__c_d.wav"),
        ("日本.wav", "audio.wav"),
        ("🎵", "audio"),
        ("noextension", "noextension"),
        ("x" * 300 + ".flac", "x" * 115 + ".flac"),
        ("\udcff.mp3", "audio.mp3"),
    ],
)
def test_an_upload_name_is_plain(name, safe):
    """No header or path can trip over it, and the extension survives."""
    assert safe_name(name) == safe


def test_the_upload_goes_by_the_name_that_was_asked_for(client, service, source, settings):
    """The tag at its beginning is how work is recognised later."""
    created = client.create(source, settings, upload_name="mwabcdefghijkl-söng.wav")

    assert service.uploads[0].name == "mwabcdefghijkl-song.wav"
    assert "-mwabcdefghijkl-" in created.hash


LINK = Link(url="https://example.com/mix/S%C3%B6ng.wav?x=1&y=2", remote_type="drive")
TEXT = (("add_opt1", 'Zeile eins\r\n日本 "🎵"\n'), ("add_opt2", ""))


def test_a_link_goes_as_text_fields_without_a_file(client, service, settings):
    """And the hash that comes back is the link's short one."""
    created = client.create(LINK, settings)

    assert service.uploads[0].fields | {"url": LINK.url, "remote_type": "drive"} == service.uploads[0].fields
    assert service.uploads[0].names == {}
    assert len(created.hash) == 16
    assert created.link == f"https://mvsep.com/api/separation/get-remote?hash={created.hash}"


def test_a_text_goes_as_an_option_exactly_as_it_was_written(client, service):
    """With its lines, its quotes and every letter; without any file."""
    client.create(None, Settings(sep_type=104, options=TEXT))

    assert service.uploads[0].fields | dict(TEXT) == service.uploads[0].fields
    assert service.uploads[0].names == {}


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "mix.wav").write_bytes(os.urandom(2 * CHUNK_BYTES + 5))
    (tmp_path / "liked.flac").write_bytes(os.urandom(CHUNK_BYTES))
    return Pair(target=tmp_path / "mix.wav", reference=tmp_path / "liked.flac")


@pytest.mark.parametrize(
    ("upload_name", "names"),
    [
        (None, ("mix.wav", "liked.flac")),
        ("mwabcdefghijkl-mix.wav", ("mwabcdefghijkl-mix.wav", "mwabcdefghijkl-reference.flac")),
        ("mix.wav", ("mix.wav", "mix-reference.flac")),
        ("mwa-b.c-d.wav", ("mwa-b.c-d.wav", "mwa-reference.flac")),
    ],
)
def test_a_pair_goes_as_two_files_that_both_carry_the_tag(client, service, pair, upload_name, names):
    """Whichever of the two the service makes the hash from."""
    client.create(pair, Settings(sep_type=68), upload_name=upload_name)

    assert service.uploads[0].names == dict(zip(("target_audiofile", "reference_audiofile"), names, strict=True))


def test_both_files_of_a_pair_are_told_before_the_last_chunk(client, service, pair):
    """Target first; progress counts the bytes of both."""
    seen, progress = [], []
    client.create(
        pair,
        Settings(sep_type=68),
        before_last_chunk=seen.append,
        progress=lambda *sent: progress.append(sent),
    )

    expected = [(digest_of(path), path.stat().st_ino) for path in (pair.target, pair.reference)]
    total = 3 * CHUNK_BYTES + 5
    assert [(file.digest, file.stat.st_ino) for file in seen[0]] == expected
    assert [sent for sent, _ in progress] == [CHUNK_BYTES, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5, total]
    assert {size for _, size in progress} == {total}
    assert service.uploads[0].sha256 == expected[0][0]


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("which", "change"), [("target", -1), ("target", 1), ("reference", -1), ("reference", 1)])
def test_a_pair_of_which_one_file_changes_its_size_is_not_sent(client, service, pair, which, change):
    """At the first byte that has left, whichever is being read then."""
    asked = []

    def change_it(*_):
        path = getattr(pair, which)
        os.truncate(path, path.stat().st_size + change)

    with pytest.raises(SourceChangedError):
        client.create(pair, Settings(sep_type=68), progress=change_it, before_last_chunk=asked.append)

    assert (asked, service.made) == ([], 0)


@pytest.mark.parametrize("files", [0, 1, 2])
def test_nothing_that_could_be_worked_with_has_left_when_the_caller_is_asked(tmp_path, files):
    """Without files that is nothing at all; with files it lacks bytes of the last one."""
    paths = [tmp_path / f"{n}.wav" for n in range(files)]
    for path in paths:
        path.write_bytes(os.urandom(CHUNK_BYTES + 7))
    order = []
    with body_of(*paths, before_last_chunk=lambda sent: order.append(len(sent))) as body:
        length = int(body.headers["Content-Length"])
        order.extend(body)

    *before, asked, last = order
    assert asked == files
    assert bool(before) is bool(files)
    assert not files or last.startswith(paths[-1].read_bytes()[-7:])
    assert sum(map(len, before)) + len(last) == length


@pytest.mark.parametrize("source", [None, LINK], ids=["text", "link"])
@pytest.mark.parametrize("error", [StoppedError("no"), ValueError("bug")])
def test_a_form_without_a_file_can_be_called_back_too(client, service, source, error):
    """What the caller raises passes through, and nothing was made."""

    def refuse(sent):
        assert sent == ()
        raise error

    with pytest.raises(type(error)) as caught:
        client.create(source, Settings(sep_type=104), before_last_chunk=refuse)

    assert caught.value is error
    assert service.uploads == []


def test_a_stop_is_noticed_before_a_form_without_a_file_leaves(client, service):
    """As between the chunks of a file."""
    with pytest.raises(StoppedError):
        client.create(None, Settings(sep_type=104), stopping=lambda: True)

    assert service.uploads == []


def test_no_name_breaks_the_form():
    """Neither of a field nor of a file: quotes and line ends are written as browsers write them."""
    fields = {'a"b\r\nc': "1", "d": "2"}
    head = b"".join(UploadBody(fields, before_last_chunk=lambda _: None))

    assert b'name="a%22b%0D%0Ac"\r\n\r\n1\r\n' in head
    assert b'name="d"\r\n\r\n2\r\n' in head


def test_a_text_that_is_none_is_refused_before_anything_is_sent(client, service):
    """A lone surrogate has no bytes."""
    with pytest.raises(RequestRefusedError, match="add_opt1"):
        client.create(None, Settings(sep_type=104, options=(("add_opt1", "\udc80"),)))

    assert service.requests == []


def test_an_answer_to_an_upload_is_waited_for_at_least_ten_minutes(source, settings):
    """Giving up would make an unknown outcome; connecting and writing keep the ordinary limit."""
    seen = []

    def handle(request):
        request.read()
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json={"success": True, "data": {"hash": "H"}})

    with Client("t", transport=httpx.MockTransport(handle), timeout_s=7) as client:
        client.create(source, settings)

    assert seen == [{"connect": 7, "read": 600, "write": 7, "pool": 7}]


@pytest.mark.parametrize("success", [True, "true", "True", 1, "1"])
def test_success_is_understood_however_it_is_written(answering, source, settings, success):
    """Two public clients met the string."""
    client = answering(httpx.Response(200, json={"success": success, "data": {"hash": "H", "link": "L"}}))

    assert client.create(source, settings).hash == "H"
