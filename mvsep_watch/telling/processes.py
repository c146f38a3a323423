"""Runs a program for a while: it is fed a text, and killed with everything that it started when it is late.

The surprise: the text lies in a file that is on no disk, and what the program says goes nowhere, so that one that
neither reads nor stops writing holds up nobody.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

LOOK_EVERY_S = 0.05
GONE_WITHIN_S = 1.0
"""How long a killed process may take to be gone; one that hangs in a dead disk is left behind."""


def run(
    words: Sequence[str],
    *,
    given: str,
    environ: Mapping[str, str],
    limit_s: float,
    is_stopping: Callable[[], bool],
) -> int | None:
    """Run a program and give its exit code; None where it was killed.

    Args:
        words: The program and its words; no shell reads them.
        given: Its standard input.
        environ: Its environment.
        limit_s: How long it may take.
        is_stopping: Says that nobody waits for it any more.

    Raises:
        OSError: It cannot be started.
    """
    with open(os.memfd_create("notice"), "w+b") as stdin:  # noqa: PTH123 - a descriptor
        stdin.write(given.encode(errors="backslashreplace"))
        stdin.seek(0)
        process = subprocess.Popen(  # noqa: S603 - the words are the configuration's own
            words,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environ,
            start_new_session=True,
        )
    ends_s = time.monotonic() + limit_s
    while process.poll() is None and time.monotonic() < ends_s and not is_stopping():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_EVERY_S)
    if process.poll() is None:
        _kill(process)
        return None
    return process.returncode


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and whatever it started in its session's first group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GONE_WITHIN_S)
