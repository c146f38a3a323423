"""`spend`: what was estimated, charged and given back, by day, folder, rule or model. Only reads the state file.

It counts as limits do: by the local date of the release, and this configuration's realm alone. A separation that
several jobs share counts for the one that began it. Each account of the realm has sums of its own, the one that was
read last first.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mvsep_watch.cli import rendering
from mvsep_watch.cli.context import Options, command, load_config
from mvsep_watch.cli.rendering import credit
from mvsep_watch.cli.selecting import NOTHING_YET, START, opened
from mvsep_watch.errors import UsageError
from mvsep_watch.model import realm_of
from mvsep_watch.naming import display
from mvsep_watch.pricing import SETTLE_FOR_S
from mvsep_watch.store.spending import Spent

BY = ("day", "folder", "rule", "model")
ONE_OFFS = "separate/*"
"""All that `separate` did, together; no configured folder's name has a slash."""
LAST_DAY = "9999-12-31"
COLUMNS = ("separations", "estimated", "charged", "given back", "open")

Line = tuple[tuple[str, str | int | None], ...]
"""What a line stands for: the keys of its JSON, with their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Credits of several separations.

    Args:
        separations: Those that were made, or may have been.
        charged: What is known to be charged; with `open` it is what limits count.
        open: Reserved, and not known yet.
        unconfirmed: Of `open`, what ended so long ago that the estimate stands.
    """

    separations: int = 0
    estimated: int = 0
    charged: int = 0
    given_back: int = 0
    open: int = 0
    unconfirmed: int = 0

    @property
    def spent(self) -> int:
        """What limits count."""
        return self.charged + self.open

    def plus(self, each: Spent, *, now: float) -> Sums:
        """Add one separation; `now` is seconds since 1970."""
        is_over = each.ended_at is not None and each.ended_at < now - SETTLE_FOR_S
        return Sums(
            separations=self.separations + each.was_made,
            estimated=self.estimated + each.estimated,
            charged=self.charged + each.charged,
            given_back=self.given_back + each.given_back,
            open=self.open + each.open,
            unconfirmed=self.unconfirmed + (each.open if is_over else 0),
        )

    def as_json(self) -> dict[str, int]:
        """Give it for programs."""
        return {**asdict(self), "spent": self.spent}


@dataclass(slots=True, kw_only=True)
class Account:
    """An account's spending, by line."""

    name: str
    total: Sums = field(default_factory=Sums)
    lines: dict[Line, Sums] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Local days, both included; `last` is None where it goes on."""

    first: dt.date
    last: dt.date | None

    def __str__(self) -> str:
        return f"since {self.first}" if self.last is None else f"from {self.first} to {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What was spent on a realm in a period, by accounts; the one that was read last comes first."""

    realm: str
    period: Period
    by: str
    accounts: tuple[Account, ...]
    total: Sums


@command("spend", short_help="Show what was spent.")
@click.option("--by", type=click.Choice(BY), default="day", help="What a line stands for; days if not told.")
@click.option("--since", metavar="DATE|30d", help="The first day, or so many days; this month if not told.")
@click.option("--until", metavar="DATE", help="The last day.")
@click.option("--realm", metavar="NAME", help="Of another service: mvsep, sandbox, or a host.")
@click.pass_obj
def spend(options: Options, *, by: str, since: str | None, until: str | None, realm: str | None) -> None:
    """Show what was spent, by day, folder, rule or model: estimated and charged.

    Days are those of this machine's time zone, as for limits. What several jobs share counts once, for the job that
    began it.
    """
    config, now = load_config(options, needs_token=False), time.time()
    period = period_of(since, until, today=rendering.local_day(now))
    with opened(config) as views:
        realm = realm or realm_of(config.service.base_url)
        rows = views.spent(realm, str(period.first), str(period.last or LAST_DAY)) if views else []
        current = views.account(realm) if views else None
    first = current[0].identity if current else ""
    found = summed(rows, realm=realm, period=period, by=by, current=first, now=now)
    if options.json:
        rendering.print_json(as_json(found))
    elif views is None:
        rendering.console().print(f"{NOTHING_YET}: {START}")
    else:
        show(found, rendering.console())


def period_of(since: str | None, until: str | None, *, today: dt.date) -> Period:
    """Read the days that are asked for.

    Raises:
        UsageError: They are no days, or end before they begin.
    """
    first = today.replace(day=1) if since is None else _day(since, "--since", today)
    last = _day(until, "--until", today) if until else None
    if since is None and until is None:
        last = today.replace(day=calendar.monthrange(today.year, today.month)[1])
    if last is not None and last < first:
        raise UsageError(f"--until {last} is before {first}", hint="name an earlier day with --since")
    return Period(first=first, last=last)


def _day(text: str, option: str, today: dt.date) -> dt.date:
    try:
        if days := re.fullmatch(r"(\d+)d", text, re.ASCII):
            return today - dt.timedelta(days=max(int(days[1]), 1) - 1)
        return dt.date.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        hint = "write a date such as 2026-03-01, or 30d for the last 30 days"
        raise UsageError(f'{option} "{display(text)}" is no day', hint=hint) from error


def summed(rows: Sequence[Spent], *, realm: str, period: Period, by: str, current: str, now: float) -> Spending:
    """Add up separations by account and line.

    Args:
        rows: The separations.
        realm: Whose they are.
        period: Their days.
        by: What a line stands for.
        current: The account that comes first.
        now: Seconds since 1970.
    """
    names = {each.sep_type: each.algorithm for each in rows if each.algorithm}
    accounts: dict[str, Account] = {}
    total = Sums()
    for each in rows:
        account = accounts.setdefault(each.account, Account(name=each.account))
        line = _line_of(each, by, names)
        account.lines[line] = account.lines.get(line, Sums()).plus(each, now=now)
        account.total, total = account.total.plus(each, now=now), total.plus(each, now=now)
    ordered = sorted(accounts.values(), key=lambda account: (account.name != current, account.name))
    return Spending(realm=realm, period=period, by=by, accounts=tuple(ordered), total=total)


def _line_of(each: Spent, by: str, names: Mapping[int, str]) -> Line:
    """Say which line a separation belongs to, by the keys of its JSON."""
    folder = ONE_OFFS if fnmatchcase(each.folder or "", ONE_OFFS) else each.folder
    match by:
        case "day":
            return (("day", each.day),)
        case "folder":
            return (("folder", folder),)
        case "rule":
            return ("folder", folder), ("rule", each.rule)
        case _:
            return ("sep_type", each.sep_type), ("model", names.get(each.sep_type))


def _in_order(account: Account, by: str) -> list[tuple[Line, Sums]]:
    """Give an account's lines: days in their order, all else by what it took."""
    rows = sorted(account.lines.items(), key=lambda row: str(row[0]))
    return rows if by == "day" else sorted(rows, key=lambda row: -row[1].spent)


def as_json(spending: Spending) -> dict[str, Any]:
    """Give it for programs."""
    period = spending.period
    return {
        "realm": spending.realm,
        "since": str(period.first),
        "until": None if period.last is None else str(period.last),
        "by": spending.by,
        "accounts": [
            {
                "account": account.name,
                "lines": [{**dict(line), **sums.as_json()} for line, sums in _in_order(account, spending.by)],
                "total": account.total.as_json(),
            }
            for account in spending.accounts
        ],
        "total": spending.total.as_json(),
    }


def show(spending: Spending, console: Console) -> None:
    """Print it for people: a table for each account, and what it comes to."""
    for account in spending.accounts:
        if len(spending.accounts) > 1:
            console.print(f"account {display(account.name)}", style="bold")
        console.print(_table(account, spending.by))
    total = spending.total
    spent = f"{credit(total.spent)} spent {spending.period}"
    console.print(f"{spent}: {total.charged} charged, {total.open} still open" if total.open else spent)
    if total.unconfirmed:
        console.print(f"{credit(total.unconfirmed)} of the open are estimates that stand: no charge was ever listed")


def _table(account: Account, by: str) -> Table:
    table = rendering.table(by, *COLUMNS, right=COLUMNS)
    lines = [(_label(line), sums) for line, sums in _in_order(account, by)]
    for label, sums in [*lines, ("total", account.total)]:
        numbers = (sums.separations, sums.estimated, sums.charged, sums.given_back, sums.open)
        table.add_row(Text(label), *(Text(str(number)) for number in numbers))
    return table


def _label(line: Line) -> str:
    """Name a line: `drop`, `drop/vocals`, `40 the model`; a dash for what is not known."""
    words = [display(str(value)) for _, value in line if value is not None]
    return ("/" if line[0][0] == "folder" else " ").join(words) or "-"
