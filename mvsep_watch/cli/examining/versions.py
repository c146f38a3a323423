"""What runs: this program, Python, and the libraries that it was installed with."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata

from mvsep_watch import __version__
from mvsep_watch.cli.examining.finding import Finding, ok, problem
from mvsep_watch.cli.rendering import joined

PROGRAM = "mvsep-watch"
REINSTALL = f"{sys.executable} -m pip install --force-reinstall {PROGRAM}"


def examine(
    requirements: Iterable[str] | None = None, version_of: Callable[[str], str] = metadata.version
) -> Iterator[Finding]:
    """Name the versions; a library that is missing is a problem."""
    yield ok(f"mvsep-watch {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}")
    names = _required() if requirements is None else requirements
    found, missing = list[str](), list[str]()
    for name in names:
        try:
            found.append(f"{name} {version_of(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield problem(f"{joined(missing)} cannot be found", hint="install the program again", command=REINSTALL)
    if found:
        yield ok(joined(found))


def _required() -> list[str]:
    """Give the libraries that the program is installed with, without those of its extras."""
    try:
        lines = metadata.requires(PROGRAM) or []
    except metadata.PackageNotFoundError:
        return []
    return [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in lines if "extra ==" not in line]
