"""The configuration file: found, read, checked, and turned into the frozen values of `model.rules`.

The way of a file: `positions` (YAML, with every value's place) → `shape` (the models of `models` and `fields`) →
`credentials` and `folders` (what is in force) → `crosscheck` (what must hold between folders). `problems` collects what
is wrong on the way. Nothing here writes, and nobody else reads the file.
"""

from mvsep_watch.config.advice import check_models
from mvsep_watch.config.load import load
from mvsep_watch.config.models import schema
from mvsep_watch.config.places import VARIABLE, find, own_state_path, state_path

__all__ = ["VARIABLE", "check_models", "find", "load", "own_state_path", "schema", "state_path"]
