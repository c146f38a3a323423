"""Whether others can be told: what a notice needs is there, and the file of numbers can be written. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from mvsep_watch.cli.examining import people
from mvsep_watch.cli.examining.finding import Finding, ok, problem
from mvsep_watch.cli.examining.people import Person
from mvsep_watch.errors import NotToldError
from mvsep_watch.model import Config, Destination, Metrics, Ping
from mvsep_watch.naming import display
from mvsep_watch.telling import Teller


def examine(config: Config, person: Person) -> Iterator[Finding]:
    """Examine all that is configured of it."""
    for destination in config.notify.destinations if config.notify else ():
        yield _destination(Teller(config.secrets), destination)
    if config.ping:
        yield _ping(config.ping)
    if config.metrics:
        yield from _metrics(config.metrics, person)


def _destination(teller: Teller, destination: Destination) -> Finding:
    try:
        teller.examine(destination)
    except NotToldError as error:
        return problem(error.message, hint=error.hint)
    what = "a program that is there" if destination.command else "an address that Apprise understands"
    return ok(f"notify.{destination.name} is {what}; `mvsep-watch notify` tries whether notices arrive")


def _ping(ping: Ping) -> Finding:
    return ok(f"{urlsplit(ping.success).hostname} is told every {ping.interval_s:g} s while all is well")


def _metrics(metrics: Metrics, person: Person) -> Iterator[Finding]:
    if metrics.listen:
        host, port = metrics.listen
        yield ok(f"numbers are served at {host}, port {port}, while the daemon runs")
    if metrics.file is None:
        return
    folder = metrics.file.parent
    if not folder.is_dir():
        yield problem(f"metrics.file: there is no folder {display(folder)}", hint="make it, or name another")
        return
    refusals = list(people.refusals(person, folder, people.WRITE | people.ENTER))
    yield from refusals or [ok(f"numbers can be written to {display(metrics.file)}")]
