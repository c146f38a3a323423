"""Reading links and texts."""

import plistlib

import pytest

from mvsep_watch.errors import SourceChangedError, SourceRefusedError
from mvsep_watch.files.dropped import MAX_BYTES, MAX_URL, read_link, read_text
from mvsep_watch.model import Link

URL = "https://example.com/music/song.flac?dl=1&x=%20y"


@pytest.fixture
def drop(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.url", f"[InternetShortcut]\r\nURL={URL}\r\nIconFile=https://example.com/favicon.ico\r\n"),
        ("a.url", f"[{{000214A0}}]\r\nProp3=19,2\r\n[InternetShortcut]\r\nIDList=\r\nurl = {URL}\r\n"),
        ("A.URL", f"\ufeff[InternetShortcut]\nURL={URL}\n"),
        ("a.desktop", f"[Desktop Entry]\nType=Link\nName=Song\nURL={URL}\n[Other]\nURL=https://example.com/no\n"),
        ("a.webloc", plistlib.dumps({"URL": URL})),
        ("a.webloc", plistlib.dumps({"URL": URL}, fmt=plistlib.FMT_BINARY)),
        ("a.txt", f"  {URL}\n\n"),
        ("a.txt", f"the song: <{URL}>"),
        ("a.txt", f"{URL}\n{URL}\n"),
        ("a.txt", f"\ufeff{URL}".encode("utf-16")),
    ],
)
def test_one_link_is_found_in_what_desktops_write(drop, name, content):
    """With whatever stands around it."""
    assert read_link(drop(name, content)) == Link(url=URL)


@pytest.mark.parametrize(
    ("url", "remote_type"),
    [
        ("https://mega.nz/file/abc#key", "mega"),
        ("https://drive.google.com/file/d/abc/view", "drive"),
        ("https://www.dropbox.com/s/abc/song.wav?dl=0", "dropbox"),
        ("https://notdropbox.com/song.wav", "direct"),
        ("http://example.com:8080/song.wav", "direct"),
    ],
)
def test_the_remote_type_is_inferred_from_the_host(drop, url, remote_type):
    """The service fetches from these in ways of their own."""
    assert read_link(drop("a.txt", url)) == Link(url=url, remote_type=remote_type)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", "https://example.com/a https://example.com/b", "holds 2 links"),
        ("a.url", "[InternetShortcut]\nURL=https://a.example/\nURL=https://b.example/\n", "holds 2 links"),
        ("a.txt", "a song, please", "holds no link"),
        ("a.url", f"URL={URL}\n", "holds no link"),
        ("a.url", "[InternetShortcut]\nURL=\n", "holds no link"),
        ("a.webloc", "nonsense", "no .webloc"),
        ("a.webloc", plistlib.dumps(["a"]), "holds no link"),
        ("a.webloc", plistlib.dumps({"URL": 1}), "holds no link"),
        ("a.txt", "ftp://example.com/song.wav", "no http or https link"),
        ("a.url", "[InternetShortcut]\nURL=file:///etc/passwd\n", "no http or https link"),
        ("a.url", "[InternetShortcut]\nURL=https://[::1\n", "no http or https link"),
        ("a.url", "[InternetShortcut]\nURL=https://a.example/a b\n", "no http or https link"),
        ("a.txt", "https://a.example/" + "x" * MAX_URL, "more than 2000 characters"),
        ("a.txt", b"\x00\x01\x02", "no text in UTF-8"),
        ("a.txt", "caf\xe9".encode("latin-1"), "no text in UTF-8"),
        ("a.txt", "x" * (MAX_BYTES + 1), "longer than 64 KiB"),
    ],
)
def test_what_is_not_one_web_link_is_refused_with_its_reason(drop, name, content, words):
    """Nobody can tell which of several was meant."""
    with pytest.raises(SourceRefusedError, match=words) as caught:
        read_link(drop(name, content))

    assert caught.value.hint


def test_a_text_is_sent_as_its_words(drop):
    """The same words from another editor are the same input."""
    assert read_text(drop("a.txt", "\ufeff\r\nHello,\r\nworld. \n\n")) == "Hello,\nworld."


@pytest.mark.parametrize(("content", "words"), [(" \n\t\n", "holds no words"), (b"a\x00b", "no text in UTF-8")])
def test_a_text_without_words_is_refused(drop, content, words):
    """An empty prompt would be paid for all the same."""
    with pytest.raises(SourceRefusedError, match=words):
        read_text(drop("a.txt", content))


def test_a_link_that_is_gone_is_looked_at_anew(tmp_path):
    """As with every source."""
    with pytest.raises(SourceChangedError):
        read_link(tmp_path / "gone.url")
