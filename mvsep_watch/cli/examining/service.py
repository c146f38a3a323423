"""The way to the service, and who answers at its end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from mvsep_watch.cli.examining.finding import Finding, ok, problem
from mvsep_watch.cli.rendering import joined
from mvsep_watch.mvsep.probing import Reached, Stage

LONGEST_TRIAL_S = 15.0
ADDRESSES_SHOWN = 2


def way(reached: Reached) -> Iterator[Finding]:
    """Say how far the way goes."""
    if reached.proxy:
        yield ok(f"{reached.host} is asked through the proxy {reached.proxy}, as the environment says")
    asked = reached.proxy or reached.host
    if reached.addresses:
        yield ok(f"{asked} is {joined(reached.addresses[:ADDRESSES_SHOWN])}")
    if reached.encryption:
        yield ok(f"{asked} speaks {reached.encryption}, with a certificate that is trusted")
    if reached.ends_at is not None:
        yield _end(reached, reached.ends_at)
    elif not reached.is_service:
        yield _stranger(reached)
    else:
        yield ok(f"{reached.host} answers as the service does")


def _end(reached: Reached, stage: Stage) -> Finding:
    """Say where the way ends, and what that usually means."""
    host = reached.proxy or reached.host
    name = shlex.quote(host.rpartition("@")[2].partition(":")[0])
    match stage:
        case Stage.PROXY:
            return problem(reached.trouble, hint=reached.hint)
        case Stage.NAME:
            return problem(
                f"the name {host} cannot be looked up: {reached.trouble}",
                hint="mend the connection or the name server; in a container, its network",
                command=f"getent hosts {name}",
            )
        case Stage.CONNECTION:
            return problem(
                f"there is no connection to {host}: {reached.trouble}",
                hint="look whether the proxy is up, and at https_proxy in this environment"
                if reached.proxy
                else "look at the connection and the firewall; behind a proxy set https_proxy",
                command=f"curl -sSI {shlex.quote(reached.base_url)}",
            )
        case Stage.ENCRYPTION:
            return problem(
                f"there is no safe connection to {host}: {reached.trouble}",
                hint=reached.hint or "try again later; look at the connection and the firewall",
                command="timedatectl",
            )
        case Stage.ANSWER:
            return problem(
                f"no answer: {reached.trouble}",
                hint=reached.hint or "try again later; look at the proxy if there is one",
            )


def _stranger(reached: Reached) -> Finding:
    """Say that somebody else answers."""
    what = f"with {reached.status}" + (f" and {reached.content_type}" if reached.content_type else "")
    leads = f", and leads to {reached.location}" if reached.location and reached.location != reached.host else ""
    return problem(
        f"something answers in place of {reached.host}, {what}{leads}: a captive portal or a filter, or it is down",
        hint="open the address in a browser on this network; a portal wants a login there",
        command=f"curl -sSi {shlex.quote(reached.base_url)}/api/app/queue | head -n 20",
    )
