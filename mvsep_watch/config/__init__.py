"""The configuration file: found, read, checked, and turned into the frozen values of `model.rules`.

The way of a file: `positions` (YAML, with every value's place) → `shape` (the models of `models` and `fields`) →
`credentials` and `folders` (what is in force) → `crosscheck` (what must hold between folders). `problems` collects what
is wrong on the way; `showing` says of every value where it comes from. Nothing here writes a file, and nobody else
reads this one.
"""

from mvsep_watch.config.advice import check_models, odd_globs
from mvsep_watch.config.load import glimpse, load, written_at
from mvsep_watch.config.models import schema
from mvsep_watch.config.places import VARIABLE, find, own_state_path, state_path
from mvsep_watch.config.showing import InForce, in_force
from mvsep_watch.config.writing import as_yaml

__all__ = [
    "VARIABLE",
    "InForce",
    "as_yaml",
    "check_models",
    "find",
    "glimpse",
    "in_force",
    "load",
    "odd_globs",
    "own_state_path",
    "schema",
    "state_path",
    "written_at",
]
