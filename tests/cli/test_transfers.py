"""Bars on a terminal, lines elsewhere."""

import io

import pytest
from rich.console import Console

from mvsep_watch.cli import rendering
from mvsep_watch.cli.transfers import Transfers
from mvsep_watch.mvsep import Download


@pytest.fixture
def shown(monkeypatch):
    """What a person sees on a terminal, or in a pipe."""

    def shown(*, is_terminal):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=is_terminal, width=80, markup=False)
        monkeypatch.setattr(rendering, "console", lambda **_: console)
        return stream

    return shown


def opened(*chunks, offset=0):
    return Download(
        size_bytes=offset + sum(map(len, chunks)), offset=offset, validator=None, content_type="", chunks=iter(chunks)
    )


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_chunks_pass_as_they_are(shown, is_terminal):
    """However they are shown."""
    shown(is_terminal=is_terminal)

    with Transfers() as transfers:
        passed = list(transfers.download("Vocals.wav", opened(b"abc", b"de")))

    assert passed == [b"abc", b"de"]


def test_a_terminal_shows_a_bar_for_each_name(shown):
    """Also for one that is begun again."""
    stream = shown(is_terminal=True)

    with Transfers() as transfers:
        for download in (opened(b"abc"), opened(b"de", offset=3)):
            list(transfers.download("[bold]Vocals.wav", download))

    last = stream.getvalue().rpartition("[bold]Vocals.wav")
    assert "5/5 bytes" in last[2]
    assert "downloaded" not in stream.getvalue()


def test_a_pipe_gets_a_line_when_one_is_done(shown):
    """With its whole size, wherever it began."""
    stream = shown(is_terminal=False)

    with Transfers() as transfers:
        list(transfers.download("Vocals.wav", opened(b"de", offset=1000)))
        upload = transfers.upload("stems.zip")
        upload(10, 2000)
        upload(2000, 2000)

    assert stream.getvalue() == "downloaded Vocals.wav, 1.0 kB\nuploaded stems.zip, 2.0 kB\n"
