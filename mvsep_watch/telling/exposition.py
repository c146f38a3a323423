"""Numbers as Prometheus reads them. Pure. Source: Prometheus, text-based exposition format 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

PREFIX = "mvsep_watch_"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """A number, or the same number of several things.

    Args:
        name: Without the prefix, with its unit; a counter's ends in `_total`.
        kind: Whether it only ever grows.
        help: One line.
        samples: Values by the labels that tell them apart.
    """

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def single(name: str, kind: Literal["gauge", "counter"], help_: str, value: float | None) -> Family:
    """Make a family of one number; without one where it is not known."""
    return Family(name, kind, help_, () if value is None else (({}, value),))


def by(
    label: str, name: str, kind: Literal["gauge", "counter"], help_: str, values: Mapping[str, float | None]
) -> Family:
    """Make a family of one number for each value of a label; without those that are not known."""
    return Family(name, kind, help_, tuple(({label: key}, value) for key, value in values.items() if value is not None))


def text(families: Iterable[Family]) -> str:
    """Write families; one without a sample is left out."""
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    name = PREFIX + family.name
    yield f"# HELP {name} {family.help}"
    yield f"# TYPE {name} {family.kind}"
    for labels, value in family.samples:
        pairs = ",".join(f'{key}="{found.translate(_ESCAPES)}"' for key, found in labels.items())
        yield f"{name}{f'{{{pairs}}}' if pairs else ''} {value:.15g}"
