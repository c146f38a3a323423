"""`sandbox`: serves a local MVSEP until told to stop, and says how to use it."""

from __future__ import annotations

import json
import signal

import click

from mvsep_watch import sandbox as local_mvsep
from mvsep_watch.cli.context import Exit, Options, command


@command("sandbox", short_help="Serve a local MVSEP, for demos and tests.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Where to listen; 0, the default, is a free one."
)
@click.option("--token", help="The account's token; made up if left out.")
@click.option("--plan", type=click.Choice(["free", "premium"]), default="premium", show_default=True)
@click.option("--credits", "balance", type=click.IntRange(0), default=100, show_default=True, help="The balance.")
@click.option(
    "--speed", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True, help="Times are divided by it."
)
@click.pass_obj
def sandbox(options: Options, *, port: int, token: str | None, plan: str, balance: int, speed: float) -> int:
    """Serve a local MVSEP, for demos and tests.

    It is on this machine only, keeps nothing, and separates for real, if not as well as MVSEP. Ctrl-C stops it.
    """
    local_mvsep.require_extra()
    server = local_mvsep.Sandbox(port=port, token=token, plan=plan, credits=balance, speed=speed)
    told = local_mvsep.serve_forever(server, on_ready=_tell_json if options.json else _tell)
    return Exit.INTERRUPTED if told == signal.SIGINT else Exit.OK


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
