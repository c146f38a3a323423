"""The project's own data: the models of MVSEP as the server's `/app/algorithms` gives them, and a JSON Schema.

`algorithms.json` holds one model a line, all scopes together. Nothing here parses it; whoever reads the server's answer
reads this text too. What no evidence says (the price of some models, some defaults) is null; ratings, usage and times
are filler. `configuration.schema.json` is what `config.schema` gives, written by `python -m tests.docs.generate`.
`systemd/` has the units, for the machine and for one user; the folder of that name above the package leads to them.
"""

from __future__ import annotations

from importlib.resources import files

ALGORITHMS_DATE = "2026-08"
"""When the models were copied. Source: a raw copy of the list, August 2026."""


def algorithms_json() -> str:
    """Give the text of the catalogue: a JSON array, as the server would send it for all scopes."""
    return files(__name__).joinpath("algorithms.json").read_text(encoding="utf-8")


def schema_json() -> str:
    """Give the text of the configuration's JSON Schema."""
    return files(__name__).joinpath("configuration.schema.json").read_text(encoding="utf-8")


def unit(kind: str) -> str:
    """Give the text of the unit of systemd, for the `system` or for a `user`."""
    return files(__name__).joinpath("systemd", kind, "mvsep-watch.service").read_text(encoding="utf-8")
