"""Says which file is the configuration, and where the state file of a configuration is.

The state file's place follows from the configuration's path alone: not from the user, not from the environment. Two
people who run a command on one configuration must meet in one state, or both would pay. Only who separates single
files without any configuration has a state of their own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mvsep_watch.errors import ConfigError

SYSTEM_FOLDER = Path("/etc/mvsep-watch")
SYSTEM_STATE_FOLDER = Path("/var/lib/mvsep-watch")
VARIABLE = "MVSEP_WATCH_CONFIG"


def find(explicit: Path | None, *, environ: Mapping[str, str], cwd: Path) -> Path:
    """Find the configuration file; a place that was named must have it, the usual places are tried in turn.

    Args:
        explicit: What the command line says.
        environ: For the variable that names the file, and for the home folder.
        cwd: The working folder.

    Returns:
        An absolute path.

    Raises:
        ConfigError: There is none; it names every place that was looked at.
    """
    named = explicit or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    places = [cwd / named] if named else _usual_places(environ, cwd)
    for place in places:
        if _may_be_there(place):
            return place
    raise ConfigError(
        f"there is no configuration file; looked at: {', '.join(str(place) for place in places)}",
        hint="`mvsep-watch init` writes a first one; name yours with -c PATH, or put it at one of these places",
    )


def first(explicit: Path | None, *, environ: Mapping[str, str], cwd: Path, is_root: bool) -> Path:
    """Name the file that a first configuration is written to: the one that is named, else the user's own, or root's.

    Args:
        explicit: What the command line says.
        environ: For the variable that names the file, and for the home folder.
        cwd: The working folder.
        is_root: Whether root asks, whose configuration is the machine's.

    Returns:
        An absolute path.

    Raises:
        ConfigError: There is no home folder to put it in.
    """
    if named := explicit or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None):
        return cwd / named
    if is_root:
        return SYSTEM_FOLDER / "config.yaml"
    for place in _users_place(environ):
        return place
    raise ConfigError("there is no home folder to put a configuration in", hint="say where with -c PATH")


def state_path(config_path: Path) -> Path:
    """Give the place of the state file: beside the configuration, or under /var/lib for one in /etc/mvsep-watch.

    Args:
        config_path: The configuration file. A link to a file counts as where the link is, not as where it leads.
    """
    path = config_path.absolute()
    folder = path.parent.resolve()
    name = f"{path.stem}.state.sqlite3"
    return (SYSTEM_STATE_FOLDER if SYSTEM_FOLDER in (folder, path.parent) else folder) / name


def own_state_path(environ: Mapping[str, str]) -> Path:
    """Give the place of a user's own state, for what is separated without a configuration.

    Raises:
        ConfigError: There is no home folder to keep it in.
    """
    xdg, home = Path(environ.get("XDG_STATE_HOME", "")), environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - it never raises
    folder = xdg if xdg.is_absolute() else Path(home) / ".local" / "state"
    if not folder.is_absolute():
        raise ConfigError(
            "there is no home folder to keep a state in", hint="set XDG_STATE_HOME, or name a configuration with -c"
        )
    return folder / "mvsep-watch" / "separate.state.sqlite3"


def _usual_places(environ: Mapping[str, str], cwd: Path) -> list[Path]:
    return [cwd / "mvsep-watch.yaml", *_users_place(environ), SYSTEM_FOLDER / "config.yaml"]


def _users_place(environ: Mapping[str, str]) -> list[Path]:
    """Name the user's own place; none without a home."""
    xdg, home = Path(environ.get("XDG_CONFIG_HOME", "")), environ.get("HOME")
    own = [xdg] if xdg.is_absolute() else [Path(home) / ".config"] if home else []
    return [folder / "mvsep-watch" / "config.yaml" for folder in own]


def _may_be_there(path: Path) -> bool:
    """Say whether a file is there; what may not be looked at counts, so that reading it says what is the matter."""
    try:
        return path.exists()
    except OSError:
        return True
