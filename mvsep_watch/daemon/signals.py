"""Signals around the daemon: from the first line of the program until `run` hears them itself, and after it has ended.

All that is under way then can be begun again, so a word to stop ends the process on the spot: no traceback, and the
exit code of a stop. A word to reload is remembered until somebody can act on it. The surprise: this is imported before
everything else, and so imports next to nothing; what it does not hear of is the start of Python itself.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Sequence
from types import FrameType

STDERR = 2
_OF_RUN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TAKES_A_WORD = ("-c", "--config")
_codes: dict[int, int] = {}
"""Exit codes by signal, where one is not 128 and the signal's number."""
_is_asked_to_reload = False


def hear(words: Sequence[str]) -> None:
    """Hear signals from here on: Ctrl-C for every command, the others for `run` alone.

    Args:
        words: Those of the command line, after the program's name.
    """
    if is_run(words):
        _codes.update({signal.SIGTERM: 0, signal.SIGHUP: 0})
        _unless_ignored(signal.SIGTERM, _leave_by)
        signal.signal(signal.SIGHUP, _terminal_gone if os.isatty(STDERR) else _remember)
    _unless_ignored(signal.SIGINT, _leave_by)
    unblock()


def hear_as_python(words: Sequence[str]) -> None:
    """Let Ctrl-C be an exception again, for commands that have something to tidy up."""
    if not is_run(words):
        _unless_ignored(signal.SIGINT, signal.default_int_handler)


def is_run(words: Sequence[str]) -> bool:
    """Say whether it is the daemon that is started, from words that nobody has understood yet."""
    rest = iter(words)
    for word in rest:
        if word in _TAKES_A_WORD:
            next(rest, None)
        elif not word.startswith("-"):
            return word == "run"
    return False


def end(code: int) -> None:
    """Let whatever signal still comes end the process with the code that it ends with anyway."""
    for number in _OF_RUN:
        _codes[number] = code
        _unless_ignored(number, _leave_by)
    atexit.register(_ignore)


def leave(number: int) -> None:
    """End the process at once, as a signal says."""
    os._exit(_codes.get(number, 128 + number))


def block() -> None:
    """Let signals wait: for a process that is about to be another one, which hears them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _OF_RUN)


def unblock() -> None:
    """Hear the signals that have waited."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _OF_RUN)


def was_asked_to_reload() -> bool:
    """Say whether somebody asked for that before anybody could act on it."""
    return _is_asked_to_reload


def _unless_ignored(number: int, handler: signal._HANDLER) -> None:
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, handler)


def _ignore() -> None:
    """Hear nothing in the last milliseconds, in which Python forgets who hears what."""
    for number in _OF_RUN:
        signal.signal(number, signal.SIG_IGN)


def _leave_by(number: int, _: FrameType | None) -> None:
    leave(number)


def _terminal_gone(number: int, _: FrameType | None) -> None:
    """Go with the terminal; while that is there, somebody has asked to reload."""
    if os.isatty(STDERR):
        _remember(number, None)
    else:
        leave(number)


def _remember(*_: object) -> None:
    global _is_asked_to_reload  # noqa: PLW0603 - a signal handler has no other place to leave a word
    _is_asked_to_reload = True
