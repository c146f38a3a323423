"""`status --watch`: the same again and again, redrawn in place in a terminal, in a pipe whenever it has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mvsep_watch.cli import rendering

REFRESH_S = 2.0


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
        if console.is_terminal:
            _redraw(text, console)
        else:
            _repeat(text)


def watch_json(found: Callable[[], Any]) -> None:
    """Print a line of JSON whenever something has changed, until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        _repeat(lambda: json.dumps(found(), default=str))


def _redraw(text: Callable[[], str], console: Console) -> None:
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        while True:
            live.update(Text.from_ansi(text(), no_wrap=False, overflow="fold"), refresh=True)
            _wait()


def _repeat(text: Callable[[], str]) -> None:
    shown = None
    while True:
        if (found := text()) != shown:
            print(found, flush=True)
        shown = found
        _wait()


def _wait() -> None:
    time.sleep(REFRESH_S)
