"""The daemon as a process: the engine with its events, bells and signals, for months (`run`) or until idle (`once`).

Signals only set flags and wake the loop: the first SIGTERM or SIGINT stops within seconds with everything committed,
the second ends the process at once. SIGHUP has the configuration read again, like a change of its file. Most of another
configuration is taken by the engine as it runs. With another service, or token, the process begins anew, so that no
answer to the one is ever taken for an answer to the other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mvsep_watch import __version__
from mvsep_watch.daemon import opening, reloading, signals
from mvsep_watch.daemon.engine import Engine
from mvsep_watch.daemon.hearing import Hearing
from mvsep_watch.daemon.inbox import Bell
from mvsep_watch.daemon.systemd import Notifier
from mvsep_watch.errors import AlreadyRunningError, StateError
from mvsep_watch.files.lock import StateLock
from mvsep_watch.files.mounts import file_system, is_network
from mvsep_watch.files.reading import ignore_lease_signals
from mvsep_watch.log import get_logger
from mvsep_watch.model import Config
from mvsep_watch.mvsep import Client, Rate
from mvsep_watch.mvsep.cached import cache_folder
from mvsep_watch.steps.configuring import Reading
from mvsep_watch.store import StateDamagedError

NOT_IN_PLACE = "the state file, or the log beside it, was deleted or exchanged while it was in use"
STOP_WITHIN_S = 6.0
"""How long steps in flight may take to end after a stop; systemd and containers kill after 10 s or more."""
PUT_AWAY_WITHIN_S = 1.5
"""How long what is being told or filed may take to end then; what hangs is left behind."""
TELLS_WITHIN_S = 30.0
"""How long `once` waits at its end until what needs a person is told."""
GATED_FOR_S = 120.0
"""How long `once` waits for the service before it says that it is gated."""
MORE_TIME_S = 60.0
PATIENCE_S = 10.0
"""How long a daemon that begins anew waits for the lock: a command may have found it free and taken it."""
BEGUN_ANEW = "MVSEP_WATCH_BEGUN_ANEW"
"""Set in the environment of a daemon that has begun anew."""
STDERR = 2


@contextmanager
def opened(config: Config, *, fresh: bool = False, only: str = "") -> Iterator[Engine]:
    """Give an engine on the configuration's state, under its lock, and stop everything afterwards.

    Args:
        config: The configuration.
        fresh: Begin anew on outputs that another state made.
        only: The one-off that alone is served, by name; empty serves everything.

    Raises:
        AlreadyRunningError: Another process has the state.
        StateError: The state file must not be used, or is on a network file system. One that turns out to be damaged
            is put aside on the way out, and rebuilt by whoever comes next.
    """
    ignore_lease_signals()
    refuse_network(config)
    with _locked(config.state) as lock, _putting_aside(config.state):
        store = opening.open_state(config, now=time.time())
        lock.cover()
        client = Client(
            config.service.token,
            base_url=config.service.base_url,
            timeout_s=config.service.timeout_s,
            upload_linger_window_s=config.service.reconcile.window_s,
            upload_rate=Rate(config.limits.upload_bytes_per_s),
            download_rate=Rate(config.limits.download_bytes_per_s),
        )
        engine = Engine(config, store, client, only=only, caches=cache_folder(os.environ))
        try:
            engine.begin(fresh=fresh)
            yield engine
        finally:
            with contextlib.suppress(StateError):  # the one that ended the run is on its way out already
                _stop(engine, client)
            store.close()


@contextmanager
def _locked(state: Path) -> Iterator[StateLock]:
    """Take a state's lock; who begins anew waits for a command that was quicker."""
    lock = StateLock(state)
    waits_until_s = time.monotonic() + (PATIENCE_S if os.environ.get(BEGUN_ANEW) else 0.0)
    while True:
        try:
            lock.acquire()
            break
        except AlreadyRunningError:
            if time.monotonic() >= waits_until_s:
                raise
            time.sleep(0.1)
    try:
        yield lock
    finally:
        lock.release()


def begin_anew() -> NoReturn:
    """Be another process of the same number, which reads the configuration and the state from the beginning.

    Signals wait until it hears them.
    """
    signals.block()
    words = [word for word in sys.orig_argv if word != "--fresh"]
    os.execve(sys.executable, words, {**os.environ, BEGUN_ANEW: "1"})  # noqa: S606 - the words are this process's own


@contextmanager
def _putting_aside(state: Path) -> Iterator[None]:
    """Put a state file aside that turns out to be damaged while it is used, once it is closed."""
    try:
        yield
    except StateDamagedError as error:
        opening.put_aside(state, now=time.time(), reason=error.message)
        raise


def refuse_network(config: Config) -> None:
    """Refuse a state file on a network file system: SQLite's log does not work there.

    Raises:
        StateError: It is on one.
    """
    kind = file_system(config.state.parent)
    if is_network(kind):
        raise StateError(
            f"the state file {config.state} would be on a network file system ({kind})",
            hint="give `state:` a path on a local disk; the music may stay where it is",
        )


def _stop(engine: Engine, client: Client) -> None:
    """Begin nothing new, and give what is in flight a little time to end."""
    engine.inbox.put(Bell("stop"))
    client.stop_waiting()
    deadline = engine.context.clock.monotonic() + STOP_WITHIN_S
    engine.turn(longest_nap_s=0)
    while engine.rest.has_released_in_flight and engine.context.clock.monotonic() < deadline:
        engine.turn(longest_nap_s=0.2)
    with engine.context.surviving(desk="Measuring"):
        engine.desks.measuring.end()
    deadline = engine.context.clock.monotonic() + PUT_AWAY_WITHIN_S
    while engine.rest.is_putting_away and engine.context.clock.monotonic() < deadline:
        engine.turn(longest_nap_s=0.1)


class Process:
    """Runs an engine until told to stop; or until only another process can take a configuration: `begins_anew`."""

    def __init__(self, engine: Engine, *, notifier: Notifier | None = None) -> None:
        self._engine = engine
        self._notifier = notifier or Notifier()
        self._told: int | None = None
        config = engine.context.config
        self._file = reloading.ConfigurationFile(config.path, token_file=config.token_file)
        if signals.was_asked_to_reload():
            self._file.ask()
        self._has_terminal = os.isatty(STDERR)
        self.begins_anew = False
        self._is_ready = False
        self._pinged_s = float("-inf")

    @contextmanager
    def _around(self) -> Iterator[None]:
        """Hear signals."""
        threading.excepthook = _log_thread_death
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        signals.unblock()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _hearing(self) -> Iterator[Hearing]:
        """Hear signals, a terminal that hangs up or a word to reload, events and bells."""
        hearing = Hearing(self._engine.inbox, reread=self._reread)
        with self._around():
            before = signal.signal(signal.SIGHUP, self._on_hangup)
            try:
                hearing.begin(self._engine.context.config)
                yield hearing
            finally:
                hearing.stop()
                signal.signal(signal.SIGHUP, signal.SIG_IGN if self.begins_anew else before)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._told is not None:
            signals.leave(number)
        self._told = number
        self._engine.inbox.put(Bell("stop"))

    def _on_hangup(self, number: int, frame: FrameType | None) -> None:
        """Read the configuration again; but a terminal that has gone away ends what was started in it."""
        if self._has_terminal and not os.isatty(STDERR):
            self._on_signal(number, frame)
            return
        self._reread()

    def _reread(self) -> None:
        """Have the configuration read again, soon; may be called in a signal handler, and by any thread."""
        self._file.ask()
        self._engine.inbox.put(Bell("wake"))

    def run(self) -> int | None:
        """Run until told to stop, or to begin anew; give the signal's number."""
        self._engine.desks.pinging.begin()
        self._engine.desks.measuring.begin()
        with self._hearing() as hearing:
            while self._told is None and not self.begins_anew:
                self._turn()
                if self._file.is_due(self._engine.context.clock.monotonic()):
                    self._engine.desks.reloading.want()
                if reading := self._engine.desks.reloading.take():
                    self._take(reading, hearing)
                if not self._engine.context.store.is_in_place():
                    self._engine.context.log.warning("begins_anew", reason=NOT_IN_PLACE)
                    self.begins_anew = True
            if self._told is not None:
                self._notifier.stopping()
        return self._told

    def _take(self, reading: Reading, hearing: Hearing) -> None:
        """Take the configuration as it is written; one that names another service needs a new process."""
        engine, context, found = self._engine, self._engine.context, reading.found
        self._file.token_file = reading.token_file
        if found is None or replace(found, one_offs=context.config.one_offs) == context.config:
            return
        self._notifier.reloading()
        if found.service != context.config.service:
            context.log.info("begins_anew", reason="the configuration names another service or token")
            self.begins_anew = True
            return
        engine.reload(found)
        hearing.change(found)
        self._notifier.ready()

    def once(self, *, progress: Callable[[Engine], None]) -> int | None:
        """Run until nothing more comes of it by itself; give the signal's number, or None."""
        with self._around():
            while self._told is None and not self._engine.is_at_rest(gated_for_s=GATED_FOR_S):
                self._turn()
                if not self._engine.context.store.is_in_place():
                    raise StateError(NOT_IN_PLACE, hint="run it again: it goes on with what is there")
                progress(self._engine)
            while self._told is None and self._engine.desks.service.owes_balance():
                self._turn()
            self._tell_the_rest()
        return self._told

    def _tell_the_rest(self) -> None:
        """Tell what needs a person: nobody will be there later to do it."""
        engine = self._engine
        until_s = engine.context.clock.monotonic() + TELLS_WITHIN_S
        while self._told is None and engine.desks.telling.finish() and engine.context.clock.monotonic() < until_s:
            self._turn()

    def _turn(self) -> None:
        engine = self._engine
        engine.turn(longest_nap_s=engine.rest.nap_s())
        if not self._is_ready:
            self._get_ready()
        self._notifier.status(engine.summary())
        self._ping()

    def _get_ready(self) -> None:
        """Be ready once everything was scanned for the first time; a long scan asks for patience."""
        if self._engine.desks.scans.first_is_done:
            self._is_ready = True
            self._notifier.ready()
            self._engine.context.log.info(
                "ready", version=__version__, folders=len(self._engine.context.config.folders)
            )
        else:
            self._notifier.more_time(MORE_TIME_S)

    def _ping(self) -> None:
        """Tell systemd's watchdog that everything makes progress: this loop, and every small step."""
        now_s, every_s = time.monotonic(), self._notifier.watchdog_s
        if every_s is None or now_s - self._pinged_s < every_s / 2:
            return
        if stuck := self._engine.stuck():
            self._engine.context.log.error("step_stuck", step=str(stuck.key))
        else:
            self._pinged_s = now_s
            self._notifier.alive()


def _log_thread_death(args: threading.ExceptHookArgs) -> None:
    """A thread that dies is a bug; it must not die in silence."""
    name = args.thread.name if args.thread else "?"
    get_logger().error("thread_died", thread=name, error=repr(args.exc_value), exc_info=args.exc_value)
