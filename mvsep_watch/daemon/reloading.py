"""Another configuration while the daemon runs: noticed, read, and refused or handed on whole.

The file, and the one that it has the token from, are looked at once a second, by their paths, so that a rename over
them and a symbolic link that leads elsewhere are changes like any other. It is read once both have been still for a
moment: a save may come in several writes. What cannot be used is written down for `status` and the running
configuration stays in force; the next change is tried again.

A hand reads it, for it names folders, and a disk may not answer. The surprise: several readings may be under way, since
the one that a person writes next may leave out the folder at which the one before it hangs; the latest counts.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mvsep_watch import log
from mvsep_watch.daemon import told
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.patience import DISK_HANGS
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Config
from mvsep_watch.steps.configuring import ReadConfiguration, Reading

LOOK_EVERY_S = 1.0
STILL_FOR_S = 2.0
"""Longer than an editor, or a copy onto a slow disk, pauses in the middle of a configuration."""
AT_ONCE = 3
"""How many readings may be under way: each that hangs keeps a hand, and others need some as well."""
PROBLEMS_LOGGED = 5
"""The log is read as it comes; `check` and `status` list all."""
HANGS_AFTER_S = 10.0
"""Reading a configuration takes milliseconds."""

_Signature = tuple[int, ...] | None


class ConfigurationFile:
    """Says when the configuration file is to be read again.

    Args:
        path: The file.
        token_file: The file that it has the token from; to be changed when it names another.
    """

    def __init__(self, path: Path, *, token_file: Path | None = None) -> None:
        self._path = path
        self.token_file = token_file
        self._read: tuple[_Signature, ...] = ()
        self._seen: tuple[_Signature, ...] = ()
        self._seen_s = 0.0
        self._looked_s = float("-inf")
        self._is_asked = False

    def ask(self) -> None:
        """Have it read at once; may be called in a signal handler."""
        self._is_asked = True

    def is_due(self, now_s: float) -> bool:
        """Say whether it is to be read: somebody asked, or it is not what was read last and has been still since.

        Args:
            now_s: Seconds, monotonic.
        """
        if not self._is_asked and now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        seen = tuple(_signature(path) for path in (self._path, self.token_file) if path is not None)
        if seen != self._seen:
            self._seen, self._seen_s = seen, now_s
        is_still = now_s - self._seen_s >= STILL_FOR_S
        is_due = self._is_asked or (is_still and seen != self._read)
        if is_due:
            self._read, self._is_asked = seen, False
        return is_due


def _signature(path: Path) -> _Signature:
    """Say what file is there and what it was when it was written last; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Reloading:
    """The desk that has the configuration read, and refuses what cannot be used."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._number = 0
        self._is_wanted = False
        self._under_way: set[int] = set()
        self._since_s: float | None = None
        self._reading: Reading | None = None
        self.is_refused = False
        """Whether what was read last is not in force."""

    def want(self) -> None:
        """Have the file read."""
        self._is_wanted = True

    def work(self) -> None:
        """Hand out a reading that is wanted, and tell of one that hangs."""
        now_s, path = self._context.clock.monotonic(), self._context.config.path
        if self._is_wanted and len(self._under_way) < AT_ONCE:
            self._is_wanted, self._since_s = False, now_s
            self._number += 1
            self._under_way.add(self._number)
            self._context.hands.give(ReadConfiguration(path=path, number=self._number))
        if self._since_s is not None and now_s - self._since_s > HANGS_AFTER_S:
            self._since_s, self.is_refused = None, True
            refuse(self._context, _hanging(path))

    def read(self, step: ReadConfiguration, reading: Reading | None, error: Exception | None) -> None:
        """Take what was read; from here on no log shows its secrets."""
        self._under_way.discard(step.number)
        if step.number != self._number:
            return
        self._since_s = None
        if reading is None:
            self._context.log.error("bug_met", file=str(step.path), exc_info=error)
            return
        for secret in reading.found.secrets if reading.found else ():
            log.hide(secret)
        trouble = reading.error or _another_state(reading.found, self._context.config)
        self.is_refused = trouble is not None
        if trouble:
            refuse(self._context, trouble)
        else:
            accept(self._context)
        self._reading = replace(reading, found=None) if trouble else reading

    def take(self) -> Reading | None:
        """Give what was read last, once."""
        reading, self._reading = self._reading, None
        return reading


def _another_state(found: Config | None, in_force: Config) -> ConfigError | None:
    """Say why a configuration cannot be taken without a restart; None where it can."""
    if found is None or found.state == in_force.state:
        return None
    return ConfigError(
        f"the configuration {found.path} names another state file, {found.state}, than the one in use",
        hint="restart the daemon to change to it; nothing of the file is used until then",
    )


def _hanging(path: Path) -> ConfigError:
    return ConfigError(
        f"the configuration {path} is not read to its end: {DISK_HANGS}",
        hint="it is taken once the disk answers; or leave that folder out, and save the file again",
    )


def refuse(context: Context, error: ConfigError) -> None:
    """Write down why a configuration is not taken."""
    said = told.Refused(since=context.clock.now(), reason=error.message, hint=error.hint, problems=error.problems)
    told.tell_refused(context.store.memory, said)
    context.log.error("configuration_refused", reason=error.message, hint=error.hint)
    for problem in error.problems[:PROBLEMS_LOGGED]:
        context.log.error("configuration_problem", problem=problem)
    if (more := len(error.problems) - PROBLEMS_LOGGED) > 0:
        context.log.error("configuration_problem", more=more, hint="`mvsep-watch check` lists them all")


def accept(context: Context) -> None:
    """Take back what was written down about a configuration that was not taken."""
    if told.refused(context.store.memory):
        told.tell_refused(context.store.memory, None)
