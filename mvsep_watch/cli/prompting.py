"""What a person is asked for: passwords, which are never shown and never words of the command line, and agreement."""

from __future__ import annotations

import sys

import click

from mvsep_watch.errors import UsageError

LONGEST_PASSWORD = 4096


def password(*, from_stdin: bool, confirmed: bool = False) -> str:
    """Ask for a password without showing it, or read it from a line of the standard input; it is hidden from then on.

    Args:
        from_stdin: Read a line instead of asking.
        confirmed: Ask twice.

    Raises:
        UsageError: Nobody is there to be asked, or the line is empty.
    """
    from mvsep_watch import log  # noqa: PLC0415 - the log's library is slow to import, and agreeing needs none

    given = _first_line() if from_stdin else _typed(confirmed=confirmed)
    log.hide(given)
    return given


def secret(what: str, *, hint: str) -> str:
    """Ask for a secret without showing it; it is hidden from then on.

    Raises:
        UsageError: Nobody is there to be asked.
    """
    from mvsep_watch import log  # noqa: PLC0415 - the log's library is slow to import, and agreeing needs none

    _require_person(what, hint=hint)
    asked: str = click.prompt(what[:1].upper() + what[1:], hide_input=True, err=True)
    log.hide(asked.strip())
    return asked.strip()


def word(name: str, given: str | None, *, hint: str) -> str:
    """Give a word that the command line has, or ask for it.

    Raises:
        UsageError: Nobody is there to be asked.
    """
    if given:
        return given
    _require_person(name, hint=hint)
    asked: str = click.prompt(name[:1].upper() + name[1:], err=True)
    return asked


def agree(question: str, *, yes: bool, hint: str = "--yes agrees to the price", before: str = "") -> None:
    """Go on only with a yes, given beforehand or now.

    Args:
        question: What is agreed to.
        yes: Whether that was said beforehand.
        hint: How to say it beforehand.
        before: Said first to whoever is asked.

    Raises:
        UsageError: Nobody is there to be asked.
        Abort: Somebody said no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"nobody is there to ask: {question}", hint=hint)
    if before:
        click.echo(before, err=True)
    click.confirm(question, abort=True, err=True)


def _first_line() -> str:
    given = sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n")
    if not given or len(given) > LONGEST_PASSWORD:
        raise UsageError("there is no password in the first line of the standard input")
    return given


def _typed(*, confirmed: bool) -> str:
    _require_person("the password", hint="--password-stdin reads it from the standard input")
    asked: str = click.prompt("Password", hide_input=True, err=True, confirmation_prompt=confirmed)
    return asked


def _require_person(what: str, *, hint: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"nobody is there to ask for {what}", hint=hint)
