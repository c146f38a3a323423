"""Another configuration while the daemon runs: noticed, read, and refused or handed on whole.

The file, and the one that it has the token from, are looked at once a second, by their paths, so that a rename over
them and a symbolic link that leads elsewhere are changes like any other. It is read once both have been still for a
moment: a save may come in several writes. What cannot be used is written down for `status` and the running
configuration stays in force; the next change is tried again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mvsep_watch import config as configuration
from mvsep_watch import log
from mvsep_watch.daemon import told
from mvsep_watch.daemon.context import Context
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Config

LOOK_EVERY_S = 1.0
STILL_FOR_S = 2.0
"""Longer than an editor, or a copy onto a slow disk, pauses in the middle of a configuration."""

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


def read(in_force: Config, *, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file of the configuration that is in force; from then on no log shows its secrets.

    Raises:
        ConfigError: It cannot be used, or not without a restart.
    """
    found = configuration.load(in_force.path, environ=environ)
    for secret in found.secrets:
        log.hide(secret)
    if found.state != in_force.state:
        raise ConfigError(
            f"the configuration {found.path} names another state file, {found.state}, than the one in use",
            hint="restart the daemon to change to it; nothing of the file is used until then",
        )
    return found


def read_or_refuse(context: Context) -> Config | None:
    """Read the file of the configuration in force; None where it cannot be used, which is written down."""
    with context.surviving(file=str(context.config.path)):
        try:
            found = read(context.config)
        except ConfigError as error:
            refuse(context, error)
        else:
            accept(context)
            return found
    return None


def refuse(context: Context, error: ConfigError) -> None:
    """Write down why a configuration is not taken."""
    said = told.Refused(since=context.clock.now(), reason=error.message, hint=error.hint, problems=error.problems)
    told.tell_refused(context.store.memory, said)
    context.log.error("configuration_refused", reason=error.message, problems=list(error.problems), hint=error.hint)


def accept(context: Context) -> None:
    """Take back what was written down about a configuration that was not taken."""
    if told.refused(context.store.memory):
        told.tell_refused(context.store.memory, None)
