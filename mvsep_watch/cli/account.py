"""`account`: whose token it is, what it has and did, and the switches and doors of the account.

A password is typed unseen or read from the standard input, never a word of the command line, where everybody on the
machine could read it. A token is shown or written down only if that is asked for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch import log
from mvsep_watch.cli import prompting, rendering, tables
from mvsep_watch.cli.context import Options
from mvsep_watch.cli.drafting import taken, write_token
from mvsep_watch.cli.reaching import TOKEN_VARIABLE, ServiceGroup, asked, paged, reach, reached
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import Account, HistoryRow, Login
from mvsep_watch.naming import display
from mvsep_watch.planner.limits import PlanLimits, in_force

FIRST_PAGE = 20
SWITCH = click.Choice(["on", "off"])


@click.group("account", cls=ServiceGroup, invoke_without_command=True, short_help="Show and switch the account.")
@click.pass_context
def account(context: click.Context) -> None:
    """Show the account: whose it is, credits, premium, what the plan allows, and what is under way.

    \b
    MVSEP_API_TOKEN=... mvsep-watch account
    mvsep-watch account login anna@example.com --token-file ~/.mvsep-token
    """  # noqa: D301 - click reads the backspace as "leave these lines alone"
    if context.invoked_subcommand is None:
        _show_account(context.ensure_object(Options))


def _show_account(options: Options) -> None:
    meant = reach(options)
    with asked(meant.service) as client:
        found = client.user()
    plan = in_force(meant.limits, found)
    if options.json:
        rendering.print_json({**_as_json(found), "limits": _limits_json(plan)})
    else:
        _show(found, plan, rendering.console())


def _as_json(found: Account) -> dict[str, Any]:
    return {
        "identity": found.identity,
        "name": found.name,
        "email": found.email,
        "credits": found.credits,
        "premium_enabled": found.premium_enabled,
        "premium": found.has_premium,
        "long_names": found.long_filenames_enabled,
        "created_at": found.created_at,
        "queue_is_empty": found.queue_is_empty,
        "current_queue": list(found.current_queue),
    }


def _limits_json(plan: PlanLimits) -> dict[str, Any]:
    return {
        "separations": plan.separations,
        "per_day_jobs": plan.per_day_jobs,
        "max_size": plan.max_size_bytes,
        "max_duration": plan.max_duration_s,
    }


def _show(found: Account, plan: PlanLimits, console: Console) -> None:
    names = dict.fromkeys(display(name) for name in (found.identity, found.name) if name)
    facts = {
        "account": ", ".join(names),
        "credits": "unknown" if found.credits is None else str(found.credits),
        "premium": _premium_words(found),
        "limits": _limit_words(plan),
        "long names": _switch_words(is_on=found.long_filenames_enabled),
        "under way": _queue_words(found),
    }
    for name, words in facts.items():
        console.print(f"{name:<11} {words}")
    for hash_ in found.current_queue:
        console.print(f"{'':<11} {display(hash_)}")


def _premium_words(found: Account) -> str:
    if found.has_premium:
        return "on: separations are paid with credits"
    if found.premium_enabled:
        return "on, but no credits are left: separations are free, one at a time"
    kept = ", and credits are kept" if found.credits else ""
    return f"off: separations are free, one at a time{kept}"


def _limit_words(plan: PlanLimits) -> str:
    words = [f"{plan.separations} at once"]
    if plan.per_day_jobs is not None:
        words.append(f"{plan.per_day_jobs} a day")
    if plan.max_size_bytes is not None:
        words.append(f"up to {rendering.size(plan.max_size_bytes)}")
    if plan.max_duration_s is not None:
        words.append(f"up to {rendering.duration(plan.max_duration_s)}")
    return ", ".join(words)


def _switch_words(*, is_on: bool | None) -> str:
    return "unknown" if is_on is None else "on" if is_on else "off"


def _queue_words(found: Account) -> str:
    if found.current_queue:
        return rendering.count(len(found.current_queue), "separation")
    return {True: "nothing", False: "something", None: "unknown"}[found.queue_is_empty]


@account.command("history", short_help="List separations, the newest first.")
@paged(FIRST_PAGE)
@click.pass_obj
def history(options: Options, *, start: int, limit: int) -> None:
    """List the account's separations, the newest first, with what they cost and how long results are kept."""
    with reached(options) as client:
        rows = list(client.separation_history(start=start, limit=limit))
    if options.json:
        rendering.print_json([_row_json(row) for row in rows])
        return
    console = rendering.console()
    if not rows:
        console.print("no separations")
        return
    table = rendering.table("made", "model", "credits", "kept", "hash", right=["credits", "kept"])
    for row in rows:
        credits_ = "-" if row.credits is None else str(row.credits)
        table.add_row(*map(Text, (display(row.created_at), row.algorithm, credits_, _kept(row), display(row.hash))))
    tables.show(table, console)


def _row_json(row: HistoryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "hash": row.hash,
        "created_at": row.created_at,
        "sep_type": row.sep_type,
        "model": row.algorithm,
        "credits": row.credits,
        "hours_left": row.hours_left,
        "exists": row.exists,
    }


def _kept(row: HistoryRow) -> str:
    if not row.exists or (row.hours_left is not None and row.hours_left < 0):
        return "gone"
    return "-" if row.hours_left is None else f"{row.hours_left} h"


@account.command("premium", short_help="Switch premium on or off.")
@click.argument("switch", type=SWITCH)
@click.pass_obj
def premium(options: Options, *, switch: str) -> None:
    """Switch premium on or off: with it, separations are paid with credits and go first."""
    with reached(options) as client:
        words = client.enable_premium() if switch == "on" else client.disable_premium()
    _tell_switched(options, "premium", switch, words)


@account.command("long-names", short_help="Switch long names of results on or off.")
@click.argument("switch", type=SWITCH)
@click.pass_obj
def long_names(options: Options, *, switch: str) -> None:
    """Switch long names of results on or off: with them, the service names files after model and options.

    It makes no difference to the names that mvsep-watch gives.
    """
    with reached(options) as client:
        words = client.enable_long_filenames() if switch == "on" else client.disable_long_filenames()
    _tell_switched(options, "long_names", switch, words)


def _tell_switched(options: Options, key: str, switch: str, words: str) -> None:
    if options.json:
        rendering.print_json({key: switch == "on", "message": words})
    else:
        rendering.console().print(f"{key.replace('_', ' ')} {switch}: {display(words)}")


@account.command("login", short_help="Get the account's token.")
@click.argument("email", required=False)
@click.option("--password-stdin", is_flag=True, help="Read the password from a line of the standard input.")
@click.option("--token-file", type=click.Path(path_type=Path), metavar="PATH", help="Write the token to a new file.")
@click.option("--show-token", is_flag=True, help="Print the token.")
@click.pass_obj
def login(
    options: Options, *, email: str | None, password_stdin: bool, token_file: Path | None, show_token: bool
) -> None:
    """Get the account's token, for the e-mail and the password of the site.

    The token is not shown unless asked for. The file that it is written to is yours alone to read, and must not be
    there yet; a configuration names it as `token_file`.
    """
    if token_file is not None and os.path.lexists(token_file):
        raise taken(token_file)
    email = prompting.word("the e-mail", email, hint="`mvsep-watch account login EMAIL`")
    with reached(options, needs_token=False) as client:
        found = client.login(email, prompting.password(from_stdin=password_stdin))
    if found.token:
        log.hide(found.token)
    elif token_file is not None or show_token:
        raise ConfigError("the service logs in and tells no token", hint="copy it from the account's pages on the site")
    if token_file is not None and found.token:
        write_token(token_file, found.token)
    _tell_login(options, found, token_file, show_token=show_token)


def _tell_login(options: Options, found: Login, token_file: Path | None, *, show_token: bool) -> None:
    if options.json:
        shown = {"token": found.token} if show_token else {}
        written = None if token_file is None else rendering.full_path(token_file.absolute())
        rendering.print_json(
            {**_as_json(found.account), "token_received": bool(found.token), "token_file": written, **shown}
        )
        return
    console = rendering.console()
    console.print(f"logged in as {display(found.account.identity)}")
    if show_token:
        console.print(found.token or "")
    elif token_file is not None:
        console.print(f"the token is in {rendering.path(token_file)}; a configuration names it: token_file: PATH")
    elif found.token:
        console.print(f"the token was received; --token-file PATH keeps it, --show-token prints it ({TOKEN_VARIABLE})")
    else:
        console.print("the service told no token; copy it from the account's pages on the site")


@account.command("register", short_help="Make an account.")
@click.argument("email", required=False)
@click.option("--name", metavar="NAME", help="Your name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from a line of the standard input.")
@click.pass_obj
def register(options: Options, *, email: str | None, name: str | None, password_stdin: bool) -> None:
    """Make an account. The service sends an e-mail to confirm it."""
    email = prompting.word("the e-mail", email, hint="`mvsep-watch account register EMAIL --name NAME`")
    name = prompting.word("the name", name, hint="`mvsep-watch account register EMAIL --name NAME`")
    password = prompting.password(from_stdin=password_stdin, confirmed=True)
    with reached(options, needs_token=False) as client:
        words = client.register(name=name, email=email, password=password)
    if options.json:
        rendering.print_json({"email": email, "message": words})
    else:
        rendering.console().print(display(words))
