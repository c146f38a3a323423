"""`notify`: sends a notice to every destination of the configuration, so that nobody learns too late that none comes.

It is sent as the daemon's own are, by the same programs and libraries, from the environment of whoever asks.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

import click

from mvsep_watch import bundling, log
from mvsep_watch.cli import rendering
from mvsep_watch.cli.context import Exit, Options, command, load_config
from mvsep_watch.errors import ConfigError, NotToldError
from mvsep_watch.model import Destination, Message
from mvsep_watch.telling import Teller


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a notice to one destination; without a reason it was sent."""

    to: str
    reason: str = ""
    hint: str = ""


@command("notify", short_help="Try whether notices arrive.")
@click.pass_obj
def notify(options: Options) -> int:
    """Send a notice to every address of `notify.urls` and to `notify.command`, to see whether it arrives.

    Exits with 4 if one of them does not take it.
    """
    config = load_config(options)
    if config.notify is None:
        raise ConfigError(
            "the configuration names nobody who is to be told", hint="add a section `notify` with `urls` or `command`"
        )
    teller, message = Teller(config.secrets), bundling.about_nothing(host=platform.node())
    tried = [_try(teller, destination, message) for destination in config.notify.destinations]
    if options.json:
        rendering.print_json([as_json(each) for each in tried])
    else:
        _show(tried)
    return Exit.PERSON if any(each.reason for each in tried) else Exit.OK


def _try(teller: Teller, destination: Destination, message: Message) -> Tried:
    try:
        teller.tell(destination, message, is_stopping=lambda: False)
    except NotToldError as error:
        return Tried(to=destination.name, reason=log.redact(error.message), hint=log.redact(error.hint))
    return Tried(to=destination.name)


def _show(tried: list[Tried]) -> None:
    for each in tried:
        click.echo(f"notify.{each.to}: {f'not sent: {each.reason}' if each.reason else 'sent'}")
        if each.hint:
            click.echo(f"  hint: {each.hint}")


def as_json(tried: Tried) -> dict[str, Any]:
    """Give it for programs."""
    return {"to": tried.to, "sent": not tried.reason, "reason": tried.reason, "hint": tried.hint}
