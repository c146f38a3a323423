"""`status --watch`: the same again and again; in a terminal in place, in a pipe whenever it has changed.

In a terminal it has a screen of its own, which is written over and never cleared, so that nothing flickers, and a
window that changes its size is filled anew at once. The last look stays when it ends.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mvsep_watch.cli import rendering

REFRESH_S = 2.0
_resized = threading.Event()


def watch(show: Callable[[Console], None]) -> None:
    """Show something until Ctrl-C.

    Args:
        show: Prints it as it is at the moment.
    """
    console, scratch = rendering.console(), rendering.console()

    def text() -> str:
        with scratch.capture() as captured:
            show(scratch)
        return captured.get().rstrip("\n")

    with suppress(KeyboardInterrupt):
        if console.is_terminal and not console.is_dumb_terminal:
            _redraw(text, console)
        else:
            _repeat(text)


def watch_json(found: Callable[[], Any]) -> None:
    """Print a line of JSON whenever something has changed, until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        _repeat(lambda: json.dumps(found(), default=str))


def _redraw(text: Callable[[], str], console: Console) -> None:
    last = text()
    with (
        suppress(KeyboardInterrupt),
        _hearing_of_the_window(),
        Live(console=console, screen=True, auto_refresh=False, vertical_overflow="ellipsis") as live,
    ):
        while True:
            live.update(Text.from_ansi(last, no_wrap=False, overflow="fold"), refresh=True)
            _wait()
            last = text()
    console.print(Text.from_ansi(last), soft_wrap=True)


def _repeat(text: Callable[[], str]) -> None:
    shown = None
    while True:
        if (found := text()) != shown:
            print(found, flush=True)
        shown = found
        _wait()


@contextmanager
def _hearing_of_the_window() -> Iterator[None]:
    """End a wait when the window has changed its size."""
    before = signal.signal(signal.SIGWINCH, lambda *_: _resized.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _wait() -> None:
    _resized.wait(REFRESH_S)
    _resized.clear()
