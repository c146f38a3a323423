"""Writes a first configuration, and the file with the token beside it. Nothing that is there is lost."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch import config as configuration
from mvsep_watch.config.positions import is_itself
from mvsep_watch.errors import ConfigError, UsageError
from mvsep_watch.model import FORMATS, Algorithm
from mvsep_watch.naming import display

PRIVATE, PUBLIC = 0o600, 0o644
MEND_TAKEN = "name another place with -c, or keep it beside a new one with --force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a first configuration says.

    Args:
        path: Where it is to be; absolute.
        output_format: The format's number.
        token_file: The file with the token, absolute.
        is_handed_over: Whether systemd hands the token over.
        is_public: Whether somebody else reads the file: whoever runs the service.
        base_url: Another service than MVSEP's own; empty for that.
    """

    path: Path
    folder: Path
    output: Path
    algorithm: Algorithm
    output_format: int
    token_file: Path
    is_handed_over: bool
    is_public: bool
    base_url: str = ""


def text(answers: Answers) -> str:
    """Write the configuration, with comments."""
    model, output_format = answers.algorithm, FORMATS[answers.output_format].name
    return f"""\
# yaml-language-server: $schema=mvsep-watch.schema.json
# (for editors, with `mvsep-watch schema > mvsep-watch.schema.json` in this folder)
#
# `mvsep-watch check` says what this file means, and what is wrong with it. `mvsep-watch config show` shows every key.

mvsep:
{_service(answers)}

limits:
  credits:
    approve_batch_above: 50       # what would cost more credits at once waits for `mvsep-watch approve`
    # per_day: 20                 # no more credits than that a day
    # reserve: 10                 # so many always stay on the account

# schedule:
#   hours: "22:00-07:00"          # uploads begin only then

folders:
  - path: {_scalar(answers.folder)}
    output: {_scalar(answers.output)}
    sep_type: {model.sep_type}                  # {_comment(model.name)}
    format: {output_format}                  # mp3, wav, flac, m4a; with premium also wav32 and flac24
    # options: {{}}                 # `mvsep-watch algorithms {model.sep_type} --yaml` shows what this model takes
    # stems: [vocals]             # publish only these
    # existing: skip              # leave alone what is there when the folder is first seen
    # source: {{move: PATH}}        # where sources go when everything on them is published; else they stay
"""


def _service(answers: Answers) -> str:
    lines = []
    if answers.is_handed_over:
        lines.append(f"  # the token is in {_comment(display(answers.token_file))}, which systemd hands to the service")
    else:
        lines.append(f"  token_file: {_scalar(_near(answers.token_file, answers.path.parent))}  # the token alone")
    shown = answers.base_url or "https://mvsep.com"
    lines.append(f"  base_url: {shown}  # {'a sandbox' if answers.base_url else 'or a mirror, https://de.mvsep.com'}")
    return "\n".join(lines)


def _near(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _comment(words: str) -> str:
    return " ".join(words.split())


def _scalar(path: Path) -> str:
    """Write a path as a configuration reads it again: its dollars are no variables.

    Raises:
        UsageError: YAML has no way to write it.
    """
    word = os.fspath(path).replace("$", "$$")
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{display(path)} cannot be written in a configuration: its name is no UTF-8",
            hint="rename it, or name a link to it",
        ) from error
    return word if is_itself(word) and not word.startswith("~") else json.dumps(word, ensure_ascii=False)


def write(answers: Answers, *, token: str, force: bool) -> Path | None:
    """Write the token's file, then the configuration; one that is replaced is kept.

    Args:
        answers: What it says.
        token: What the token's file is to hold; empty where it is there already.
        force: Whether a configuration that is there may be replaced.

    Returns:
        The new name of the configuration that was replaced; None where there was none.

    Raises:
        UsageError: There is one, and nobody said that it may be replaced.
        ConfigError: It cannot be written, or the answers make no configuration.
    """
    path = answers.path
    try:
        _make_folder(path.parent, mode=0o755 if answers.is_public else 0o700)
        draft = _draft(text(answers), path, mode=PUBLIC if answers.is_public else PRIVATE)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        _check(draft, path)
        if token:
            write_token(answers.token_file, token)
        return _put(draft, path, force=force)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _make_folder(folder: Path, *, mode: int) -> None:
    """Make a folder that is missing with just this mode, whatever the process's mask takes away."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(mode)


def _draft(content: str, path: Path, *, mode: int) -> Path:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".init-", suffix=".yaml")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    return Path(name)


def _check(draft: Path, path: Path) -> None:
    try:
        configuration.load(draft, environ=os.environ, needs_token=False)
    except ConfigError as error:
        problems = tuple(problem.replace(str(draft), str(path)) for problem in error.problems)
        raise ConfigError("the answers make no configuration", hint="nothing was written", problems=problems) from error


def _put(draft: Path, path: Path, *, force: bool) -> Path | None:
    """Give the draft its name; a file that has it is only replaced once it has another name as well."""
    if force and os.path.lexists(path):
        now = dt.datetime.now(dt.UTC)
        kept = path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%S%fZ}")
        os.link(path, kept, follow_symlinks=False)
        draft.replace(path)
        return kept
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise taken(path, hint=MEND_TAKEN) from error
    return None


def write_token(path: Path, token: str) -> None:
    """Write the token to a new file that only its owner can read.

    Raises:
        UsageError: Something is there already, or it is no token.
        ConfigError: It cannot be written.
    """
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise UsageError(
            "that is no token: it is empty, or holds characters that no token has", hint="copy it once more"
        )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    except FileExistsError as error:
        raise taken(path) from error
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{token}\n")
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise unwritable(path, error) from error


def taken(path: Path, *, hint: str = "name another file") -> UsageError:
    """Say that a file is there already."""
    return UsageError(f"{display(path)} is there already, and is not written over", hint=hint)


def unwritable(path: Path, error: OSError) -> ConfigError:
    """Say that a file cannot be written."""
    return ConfigError(f"{display(path)} cannot be written: {error.strerror}", hint="name a file somewhere else")
