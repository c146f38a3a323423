"""A local MVSEP for demos and tests: accounts, prices, queue, history, faults, and a separation that is audible.

The daemon never imports it. It needs the extra `sandbox`; without it, asking for anything here is a `UsageError` that
says what to install. It keeps everything in memory and in a temporary folder, and listens on loopback only.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mvsep_watch.errors import UsageError

if TYPE_CHECKING:
    from mvsep_watch.sandbox.faults import Fault, FaultKind, Faults
    from mvsep_watch.sandbox.quirks import all_quirks, quirk
    from mvsep_watch.sandbox.serve import Sandbox, serve_forever
    from mvsep_watch.sandbox.song import write_song

__all__ = [
    "Fault",
    "FaultKind",
    "Faults",
    "Sandbox",
    "all_quirks",
    "quirk",
    "require_extra",
    "serve_forever",
    "write_song",
]

EXTRA_MODULES = ("av", "numpy", "python_multipart", "starlette", "uvicorn")
HOMES = {
    "Fault": "faults",
    "FaultKind": "faults",
    "Faults": "faults",
    "Sandbox": "serve",
    "all_quirks": "quirks",
    "quirk": "quirks",
    "serve_forever": "serve",
    "write_song": "song",
}


def require_extra() -> None:
    """Check that what the sandbox needs is installed.

    Raises:
        UsageError: It is not.
    """
    missing = [name for name in EXTRA_MODULES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the sandbox needs {', '.join(missing)}, which is not installed",
            hint="pip install 'mvsep-watch[sandbox]'",
        )


def __getattr__(name: str) -> Any:
    """Load a name from its module, once it is asked for."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_extra()
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
