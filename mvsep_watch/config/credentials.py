"""Finds the API token: in the file, in a file of its own, or among systemd's credentials. It reads those two files.

A file with the token in plain words must not be readable by everybody, and neither must a token file. Nothing here says
a character of the token, whatever is wrong with it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from mvsep_watch.config.expand import Expander, is_only_variables
from mvsep_watch.config.models import MvsepSection
from mvsep_watch.config.problems import Keys, Report

CREDENTIAL = "mvsep-token"
LARGEST_TOKEN_BYTES = 4096

_TOKEN: Keys = ("mvsep", "token")
_TOKEN_FILE: Keys = ("mvsep", "token_file")


def token(section: MvsepSection, *, mode: int, expander: Expander, report: Report, is_needed: bool) -> str:
    """Find the token.

    Args:
        section: The section `mvsep`.
        mode: The permissions of the configuration file.
        expander: For variables and paths.
        report: Takes the problems.
        is_needed: Whether trouble with it is a problem at all.

    Returns:
        The token; empty where there is none that can be used.
    """
    keys = _TOKEN if section.token is not None else _TOKEN_FILE if section.token_file is not None else ("mvsep",)
    try:
        return _checked(_found(section, mode=mode, expander=expander, config=report.path))
    except ValueError as error:
        if is_needed:
            report.add(keys, str(error))
    return ""


def _found(section: MvsepSection, *, mode: int, expander: Expander, config: Path) -> str:
    if section.token is not None and section.token_file is not None:
        raise ValueError("both token and token_file are given; keep one of them")
    if section.token is not None:
        return _inline(section.token, mode=mode, expander=expander, config=config)
    if section.token_file is not None:
        return _read(expander.path(section.token_file), is_private=True)
    found = of_systemd(expander.environ)
    if found is not None:
        return found
    raise ValueError(
        "there is no token; write `token: ${MVSEP_API_TOKEN}`, or token_file: PATH, or give systemd the credential "
        f'"{CREDENTIAL}"'
    )


def of_systemd(environ: Mapping[str, str]) -> str | None:
    """Read the token among systemd's credentials, or give None where there is none.

    Raises:
        ValueError: It cannot be read.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder or not (Path(folder) / CREDENTIAL).exists():
        return None
    return _read(Path(folder) / CREDENTIAL, is_private=False)


def _inline(written: str, *, mode: int, expander: Expander, config: Path) -> str:
    if _is_open_to_all(mode) and not is_only_variables(written):
        raise ValueError(f"everybody on this machine can read the token; run: chmod 600 {config}")
    return expander.text(written)


def _read(path: Path, *, is_private: bool) -> str:
    """Read a token file; systemd looks after the permissions of its own credentials."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(LARGEST_TOKEN_BYTES + 1) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise ValueError(f"the token file {path} cannot be read: {error.strerror}") from None
    if is_private and _is_open_to_all(mode):
        raise ValueError(f"everybody on this machine can read the token; run: chmod 600 {path}")
    if len(content) > LARGEST_TOKEN_BYTES:
        raise ValueError(f"the file {path} is too large for a token")
    return content.decode("ascii", errors="replace").strip()


def _checked(found: str) -> str:
    if not found:
        raise ValueError("the token is empty")
    if not re.fullmatch(r"[!-~]+", found):
        raise ValueError("the token holds spaces or characters that no token has")
    return found


def _is_open_to_all(mode: int) -> bool:
    return bool(mode & stat.S_IROTH)
