"""Reads the configuration while it is in force: its paths may lie on a disk that does not answer."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mvsep_watch import config as configuration
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Config
from mvsep_watch.steps.base import Pool, Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a configuration file says.

    Args:
        found: The configuration; None where it cannot be used.
        error: Why it cannot.
        token_file: The file that it has the token from, usable or not.
    """

    found: Config | None = field(repr=False)
    error: ConfigError | None
    token_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfiguration:
    """Read a configuration file.

    Args:
        number: Tells readings apart: a later one need not wait for one that hangs.
    """

    pool: ClassVar[Pool] = Pool.EYES

    path: Path
    number: int

    @property
    def key(self) -> tuple[str, int]:
        """Several may be under way."""
        return ("configuration", self.number)

    def perform(self, _: Tools) -> Reading:
        """Read it."""
        try:
            found = configuration.load(self.path, environ=os.environ)
        except ConfigError as error:
            mended = configuration.glimpse(self.path, environ=os.environ)
            return Reading(found=None, error=error, token_file=mended.token_file)
        return Reading(found=found, error=None, token_file=found.token_file)
