"""What is sent is what was identified, by whichever hash that is known."""

import hashlib
import threading

import pytest
import xxhash

from mvsep_watch.errors import SourceChangedError
from mvsep_watch.files import claim
from mvsep_watch.model import FileStat, Settings, file_key
from mvsep_watch.steps.base import Granted, Tools
from mvsep_watch.steps.reading import Unread
from mvsep_watch.steps.submit import Submit, is_harmless
from tests.daemon.world import write_wav
from tests.fakes.service import FakeService

CLAIM = claim.Claim(state_id="a", generation=1, realm="mvsep", host="h", account="me")


@pytest.fixture
def service():
    """A service with credits."""
    return FakeService(credits=100, premium=True)


@pytest.fixture
def song(tmp_path):
    """A song, with a folder for its outputs."""
    (tmp_path / "stems").mkdir()
    claim.write(tmp_path / "stems", CLAIM)
    return write_wav(tmp_path / "song.wav")


@pytest.fixture
def tools(service):
    """An owner who says yes to everything."""
    with service.client(token=service.token, base_url=service.base_url) as client:
        yield Tools(
            client=client,
            ask_release=lambda *_: Granted(2),
            found=None,
            stopping=threading.Event(),
            now=lambda: 0.0,
            monotonic=lambda: 0.0,
            version="0",
        )


def submission(song, *, sha256, xxh3):
    """Give the step that sends what has these hashes, and looks as the song does."""
    return Submit(
        separation_id=1,
        send=1,
        input_key=file_key(sha256),
        xxh3=xxh3,
        path=str(song),
        stat=FileStat.of(song.stat()),
        settings=Settings(sep_type=40),
        upload_name="mwaaaaaaaaaaaa-song.wav",
        is_free=False,
        root=song.parent / "stems",
        claim=CLAIM,
    )


@pytest.mark.parametrize("is_xxh3_known", [True, False])
def test_what_was_identified_is_sent(service, song, tools, is_xxh3_known):
    """A state of an earlier version knows only the sha256."""
    found = Unread(path=str(song), stat=FileStat.of(song.stat())).read(tools)

    sent = submission(song, sha256=found.sha256, xxh3=found.xxh3 if is_xxh3_known else None).perform(tools)

    assert (found.sha256, found.xxh3) == (
        hashlib.sha256(song.read_bytes()).hexdigest(),
        xxhash.xxh3_128(song.read_bytes()).hexdigest(),
    )
    assert (sent.error, service.made) == (None, 1)


@pytest.mark.parametrize("is_xxh3_known", [True, False])
def test_other_bytes_that_look_the_same_are_not_sent(service, song, tools, is_xxh3_known):
    """A clock may be coarse, and a file system may keep no times: the bytes themselves are compared."""
    found = Unread(path=str(song), stat=FileStat.of(song.stat())).read(tools)
    with song.open("r+b") as file:
        file.seek(1000)
        file.write(b"x")

    sent = submission(song, sha256=found.sha256, xxh3=found.xxh3 if is_xxh3_known else None).perform(tools)

    assert isinstance(sent.error, SourceChangedError)
    assert (is_harmless(sent), service.made) == (True, 0)


@pytest.mark.parametrize("is_xxh3_known", [True, False])
def test_the_same_bytes_that_look_otherwise_are_not_sent(service, song, tools, is_xxh3_known):
    """Somebody is at it; it settles and is read again first."""
    found = Unread(path=str(song), stat=FileStat.of(song.stat())).read(tools)
    step = submission(song, sha256=found.sha256, xxh3=found.xxh3 if is_xxh3_known else None)
    song.touch()

    sent = step.perform(tools)

    assert isinstance(sent.error, SourceChangedError)
    assert (is_harmless(sent), service.made) == (True, 0)
