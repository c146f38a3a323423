"""Finds the API token: in the file, in a file of its own, or among systemd's credentials. It reads those two files.

A file with the token in plain words must be readable by its owner alone, and so must a token file, unless it is one of
a container's secrets. Nothing here says a character of the token, whatever is wrong with it.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mvsep_watch.config import reading
from mvsep_watch.config.expand import Expander, is_only_variables
from mvsep_watch.config.models import MvsepSection
from mvsep_watch.config.problems import Keys, Report

CREDENTIAL = "mvsep-token"
SECRETS_FOLDERS = (Path("/run/secrets"), Path("/var/run/secrets"))
"""Where containers get their secrets, for all to read: others than the container's own processes are not there.
Source: Docker, Podman and Kubernetes, documentation of secrets, 2026."""
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
        if is_needed and not (keys == ("mvsep",) and report.is_broken(_TOKEN)):
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


def token_file(section: MvsepSection, expander: Expander) -> Path | None:
    """Give the file that the token is in, or None where it is in none of its own."""
    with suppress(ValueError):  # reported with the token
        return None if section.token_file is None else expander.path(section.token_file)
    return None


def of_systemd(environ: Mapping[str, str]) -> str | None:
    """Read the token among systemd's credentials, or give None where there is none.

    Raises:
        ValueError: It cannot be read.
    """
    if not has_credential(environ):
        return None
    return _read(Path(environ["CREDENTIALS_DIRECTORY"]) / CREDENTIAL, is_private=False)


def has_credential(environ: Mapping[str, str]) -> bool:
    """Say whether systemd gives the token."""
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    return bool(folder) and os.path.exists(Path(folder) / CREDENTIAL)  # noqa: PTH110 - what may not be looked at is none


def _inline(written: str, *, mode: int, expander: Expander, config: Path) -> str:
    if not is_only_variables(written):
        require_private(config, mode)
    return expander.text(written)


def _read(path: Path, *, is_private: bool) -> str:
    """Read a token file; systemd looks after the permissions of its own credentials."""
    try:
        content, mode = reading.read(path, largest_bytes=LARGEST_TOKEN_BYTES)
    except OSError as error:
        raise ValueError(f"the token file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"the token file {path} {error}") from None
    if is_private:
        require_private(path, mode)
    if len(content) > LARGEST_TOKEN_BYTES:
        raise ValueError(f"the file {path} is too large for a token")
    found = content.decode("ascii", errors="replace").strip()
    if not found:
        raise ValueError(f"the token file {path} is empty")
    if len(lines := found.splitlines()) > 1:
        raise ValueError(f"the token file {path} has {len(lines)} lines; it must hold the token alone")
    return found


def require_private(path: Path, mode: int, *, what: str = "the token") -> None:
    """Refuse a file with a secret in it that somebody besides its owner may read.

    Raises:
        ValueError: Somebody may; it says how to mend that.
    """
    readers = [who for who, bit in (("its group", stat.S_IRGRP), ("everybody", stat.S_IROTH)) if mode & bit]
    if readers and not _is_secret(path, mode):
        raise ValueError(f"{readers[-1]} can read {what} in {path}; run: chmod 600 {shlex.quote(str(path))}")


def _is_secret(path: Path, mode: int) -> bool:
    """Say whether a file is one of a container's secrets: not writable, in a folder where root alone puts things."""
    plain = Path(os.path.normpath(path))
    for folder in SECRETS_FOLDERS:
        if plain.is_relative_to(folder) and not mode & (stat.S_IWGRP | stat.S_IWOTH):
            found = folder.stat()
            return found.st_uid == 0 and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return False


def _checked(found: str) -> str:
    if not found:
        raise ValueError("the token is empty")
    if not re.fullmatch(r"[!-~]+", found):
        raise ValueError("the token holds spaces or characters that no token has")
    return found
