"""`sandbox`: serves a local MVSEP until told to stop, and says how to use it."""

from __future__ import annotations

import json
import signal

import click

from mvsep_watch import sandbox as local_mvsep
from mvsep_watch.cli.context import Exit, Options, command


@command("sandbox", short_help="Serve a local MVSEP, for demos and tests.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where to listen; 0, the default, is a free one.",
)
@click.option("--token", help="The account's token; made up if left out.")
@click.option(
    "--plan",
    type=click.Choice(["free", "premium"]),
    default="premium",
    show_default=True,
    help="What the account has.",
)
@click.option(
    "--credits", "balance", metavar="N", type=click.IntRange(0), default=100, show_default=True, help="The balance."
)
@click.option(
    "--speed",
    metavar="X",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Times are divided by it.",
)
@click.option(
    "--concurrent",
    metavar="N",
    type=click.IntRange(1),
    help="Unfinished separations of a premium account; no limit if left out.",
)
@click.option(
    "--quirk", "quirks", multiple=True, metavar="NAME[=VALUE]", help="Behave oddly; `list` names them all. Repeatable."
)
@click.pass_obj
def sandbox(
    options: Options,
    *,
    port: int,
    token: str | None,
    plan: str,
    balance: int,
    speed: float,
    concurrent: int | None,
    quirks: tuple[str, ...],
) -> int:
    """Serve a local MVSEP, for demos and tests.

    It is on this machine only, keeps nothing, and separates for real, if not as well as MVSEP. Ctrl-C stops it.

    It does what the service does today. A quirk makes it do what the service has been seen to do at other times: other
    shapes of answers, outages, answers that are lost, models that vanish. Some take a value, as slow_remote=120 does.
    While it runs, quirks are switched on and off below /sandbox/faults of its address.
    """
    local_mvsep.require_extra()
    if "list" in quirks:
        return _list_quirks(as_json=options.json)
    faults = tuple(local_mvsep.quirk(each) for each in quirks)
    server = local_mvsep.Sandbox(
        port=port, token=token, plan=plan, credits=balance, speed=speed, concurrent=concurrent, faults=faults
    )
    told = local_mvsep.serve_forever(server, on_ready=_tell_json if options.json else _tell)
    return Exit.INTERRUPTED if told == signal.SIGINT else Exit.OK


def _list_quirks(*, as_json: bool) -> int:
    quirks = local_mvsep.all_quirks()
    width = max(map(len, quirks))
    print(json.dumps(quirks) if as_json else "\n".join(f"{name:{width}}  {text}" for name, text in quirks.items()))
    return Exit.OK


def _tell(server: local_mvsep.Sandbox) -> None:
    plan = "premium" if server.account.premium_enabled else "free"
    print(
        f"A local MVSEP is at {server.base_url}, for this machine only.\n"
        f"Its account has the plan {plan} and {server.account.credits} credits. In a configuration:\n"
        "\n"
        "mvsep:\n"
        f"  token: {json.dumps(server.token)}\n"
        f"  base_url: {server.base_url}\n"
        "\n"
        "Ctrl-C stops it.",
        flush=True,
    )


def _tell_json(server: local_mvsep.Sandbox) -> None:
    facts = {
        "base_url": server.base_url,
        "token": server.token,
        "plan": "premium" if server.account.premium_enabled else "free",
        "credits": server.account.credits,
    }
    print(json.dumps(facts), flush=True)
