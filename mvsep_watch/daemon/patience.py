"""Before there is work: the daemon waits for disks that a configuration names, and for room for the state.

Either is said once. While there is no room it has the state's lock where it can, so that nobody else begins; what the
state knows stays readable.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from mvsep_watch.daemon.space import LEAST_FREE_BYTES, free_bytes, full_words
from mvsep_watch.daemon.systemd import Notifier
from mvsep_watch.errors import AlreadyRunningError, StateError
from mvsep_watch.files.lock import StateLock
from mvsep_watch.log import get_logger
from mvsep_watch.model import Config, GateName

LOOK_EVERY_S = 1.0
PROMPT_S = 5.0
"""A configuration is read in milliseconds, unless it names a disk that does not answer."""
MORE_TIME_S = 60.0
DISK_HANGS = "the disk of a path in the configuration does not answer"


def read_patiently(read: Callable[[], Config], *, notifier: Notifier | None = None) -> Config:
    """Read the configuration, however long the disks that it names take; a stop is heard meanwhile.

    Args:
        read: Does it, on a thread of its own.
        notifier: Tells systemd, which else ends a start that takes long.

    Raises:
        ConfigError: It cannot be used.
    """
    found: list[Config] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            found.append(read())
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            failed.append(error)

    thread = threading.Thread(target=work, name="configuration", daemon=True)
    thread.start()
    thread.join(PROMPT_S)
    if thread.is_alive():
        _await_disks(thread, notifier or Notifier())
    for error in failed:
        raise error
    return found[0]


def _await_disks(thread: threading.Thread, notifier: Notifier) -> None:
    get_logger().warning("configuration_waits", reason=DISK_HANGS, hint="it goes on once the disk answers")
    notifier.status(DISK_HANGS)
    while thread.is_alive():
        notifier.more_time(MORE_TIME_S)
        thread.join(LOOK_EVERY_S)


def wait_for_space(config: Config, *, at_least_s: float = 0.0, notifier: Notifier | None = None) -> int | None:
    """Wait until the state's disk has room, saying so once; give the signal's number where told to stop meanwhile.

    Args:
        config: Says where the state is.
        at_least_s: How long to wait although there seems to be room: it was not enough just now.
        notifier: Tells systemd.

    Raises:
        AlreadyRunningError: Another process has the state.
    """
    until_s = time.monotonic() + at_least_s
    if not (at_least_s or _is_short(config)):
        return None
    told: list[int] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(_hearing(told.append))
        lock = stack.enter_context(contextlib.closing(_Lock(config)))
        _tell(config, notifier := notifier or Notifier())
        while not told and (time.monotonic() < until_s or _is_short(config)):
            lock.take()
            notifier.alive()
            time.sleep(LOOK_EVERY_S)
    if told:
        notifier.stopping()
        return told[0]
    get_logger().info("gate_opened", gate=str(GateName.DISK))
    return None


def _is_short(config: Config) -> bool:
    return free_bytes(config.state.parent) < LEAST_FREE_BYTES


def _tell(config: Config, notifier: Notifier) -> None:
    """Say it once, in the log and to systemd, for which the service has started: it waits by design."""
    reason, hint = full_words(config.state.parent)
    get_logger().warning("gate_closed", gate=str(GateName.DISK), reason=reason, hint=hint)
    notifier.status(reason)
    notifier.ready()


class _Lock:
    """The state's lock, as soon as its file can be made."""

    def __init__(self, config: Config) -> None:
        self._lock = StateLock(config.state)
        self._has_it = False
        self.take()

    def take(self) -> None:
        if self._has_it:
            return
        try:
            self._lock.acquire()
            self._has_it = True
        except AlreadyRunningError:
            raise
        except StateError:  # there may be no room for the lock file either
            return

    def close(self) -> None:
        self._lock.release()


@contextlib.contextmanager
def _hearing(told: Callable[[int], object]) -> Iterator[None]:
    """Hear what tells a process to stop; a word to reload ends only what was started in a terminal.

    Whoever waits reads the file anew as soon as there is room. systemd takes an end by that word for a good one.
    """

    def hear(number: int, _: FrameType | None) -> None:
        told(number)

    before = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGINT)}
    if not sys.stderr.isatty():
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
