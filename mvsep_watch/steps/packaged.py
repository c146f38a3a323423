"""The models that come along with this version: for names, and for hints about what is gone. Read once in a process."""

from __future__ import annotations

from functools import cache

from mvsep_watch.data import algorithms_json
from mvsep_watch.model import Catalogue
from mvsep_watch.mvsep import read_catalogue


@cache
def packaged_catalogue() -> Catalogue:
    """Give the packaged models, by number; its date is `data.ALGORITHMS_DATE`."""
    return read_catalogue(algorithms_json())
