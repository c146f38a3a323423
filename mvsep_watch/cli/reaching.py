"""How a command asks the service itself, without the daemon: with whose token, at which base URL.

With a configuration it is the configuration's service; without one `MVSEP_API_TOKEN` (else systemd's credential) and
`MVSEP_BASE_URL` say it.
`--base-url` overrides both. The surprise: the token of a configuration goes to hosts of the configuration's realm only;
elsewhere, and where it has none, the one in the environment is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import click

from mvsep_watch import config, log
from mvsep_watch.cli.context import URL_VARIABLE, Command, Options, find_config, keep, shared_options
from mvsep_watch.config import credentials
from mvsep_watch.errors import ConfigError, RetryableError, TransportError
from mvsep_watch.model import Config, Limits, Service, realm_of
from mvsep_watch.mvsep import Client
from mvsep_watch.mvsep.address import checked_base_url, host_of

Function = Callable[..., int | None]
BY_ITSELF = "by itself"
"""What hints of passing trouble promise; it is the daemon's promise, and no command's."""
TOKEN_VARIABLE = "MVSEP_API_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which service is asked, and the limits of whoever asks."""

    service: Service
    limits: Limits


def _base_url_option() -> click.Option:
    return click.Option(
        ["--base-url"],
        metavar="URL",
        help="Ask a mirror or a sandbox instead.",
        expose_value=False,
        callback=keep,
    )


class ServiceCommand(Command):
    """A command that asks the service itself, at the base URL that it is told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_base_url_option())


class ServiceGroup(click.Group):
    """Several of them under one name; the shared options may stand before or after each name."""

    command_class = ServiceCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [*shared_options(), _base_url_option()]


def service_command(name: str, **attrs: Any) -> Callable[[Function], ServiceCommand]:
    """Make a command of a function, which gets the `Options` first."""

    def make(function: Function) -> ServiceCommand:
        return click.command(name, cls=ServiceCommand, **attrs)(click.pass_obj(function))

    return make


def paged(limit: int, *, most: int | None = None) -> Callable[[Function], Function]:
    """Let a listing be told where to begin and how much to list: `limit` by default, `most` at most."""

    def make(function: Function) -> Function:
        listed = click.option(
            "--limit",
            metavar="N",
            type=click.IntRange(1, most),
            default=limit,
            show_default=True,
            help="How many to list.",
        )(function)
        return click.option(
            "--start",
            metavar="N",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            help="How many to skip first.",
        )(listed)

    return make


@contextmanager
def reached(options: Options, *, needs_token: bool = True) -> Iterator[Client]:
    """Give a client for the service that is meant.

    Args:
        options: What the command line says.
        needs_token: False for what the service tells everybody.

    Raises:
        ConfigError: There is no token, or the configuration or the base URL cannot be used.
    """
    with asked(reach(options, needs_token=needs_token).service) as client:
        yield client


@contextmanager
def asked(service: Service) -> Iterator[Client]:
    """Give a client for a service; where only the daemon would try again, the hint says when to."""
    try:
        with Client(service.token, base_url=service.base_url, timeout_s=service.timeout_s) as client:
            yield client
    except RetryableError as error:
        if not error.hint or BY_ITSELF in error.hint:
            error.hint = _again(error)
        raise


def reach(options: Options, *, needs_token: bool = True) -> Reach:
    """Find out which service is meant, and with which token; from then on no log shows the token.

    Raises:
        ConfigError: There is no token, or the configuration or the base URL cannot be used.
    """
    found = _config(options)
    service = _of_environment() if found is None else found.service
    if options.base_url:
        service = _moved(service, checked_base_url(options.base_url))
    if not service.token:
        service = replace(service, token=_token_of_environment())
    if needs_token and not service.token:
        raise ConfigError(
            f"there is no token to ask {host_of(service.base_url)} with",
            hint=f"set {TOKEN_VARIABLE}, or name a configuration with -c; `mvsep-watch account login` gets one",
        )
    if service.token:
        log.hide(service.token)
    return Reach(service=service, limits=Limits() if found is None else found.limits)


def _config(options: Options) -> Config | None:
    """Read the configuration if there is one; one that was named must be there."""
    path = find_config(options)
    return None if path is None else config.load(path, environ=os.environ, needs_token=False)


def _of_environment() -> Service:
    token, base_url = _token_of_environment(), os.environ.get(URL_VARIABLE, "").strip()
    return Service(token=token, base_url=checked_base_url(base_url)) if base_url else Service(token=token)


def _token_of_environment() -> str:
    try:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or credentials.of_systemd(os.environ) or ""
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _moved(service: Service, base_url: str) -> Service:
    """Ask another host; the token goes along within a realm only."""
    is_home = realm_of(base_url) == realm_of(service.base_url)
    return replace(service, base_url=base_url, token=service.token if is_home else "")


def _again(error: RetryableError) -> str:
    if isinstance(error, TransportError):
        return "look at the connection and the base URL, then try again"
    if error.retry_after_s:
        return f"try again in {error.retry_after_s:.0f} s"
    return "try again in a while"
