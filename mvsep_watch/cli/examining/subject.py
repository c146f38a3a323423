"""What is examined: a configuration, as far as there is one, on a machine, for the person who runs the daemon."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.cli.examining.people import Person
from mvsep_watch.cli.examining.unitfiles import Unit
from mvsep_watch.files.roots import RootNote
from mvsep_watch.files.watched import FolderNote
from mvsep_watch.model import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the state file says of itself, of output roots, and of watched folders."""

    state_id: str
    generation: int
    inherited_ids: tuple[str, ...] = ()
    roots: dict[Path, RootNote] = field(default_factory=dict)
    folders: dict[Path, FolderNote] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is examined.

    Args:
        path: The configuration file; None where there is none.
        config: What it says, as far as it can be told; the user's own where there is none; None without a home.
        person: Who runs the daemon.
        unit: The service that is installed for this configuration.
        remembered: None where there is no state yet, or it cannot be read.
    """

    machine: Machine
    person: Person
    path: Path | None = None
    config: Config | None = None
    unit: Unit | None = None
    remembered: Remembered | None = None
