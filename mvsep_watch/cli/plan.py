"""`plan`: the price before you pay. What waits and what is new, what it would cost, and what the limits let through.

Sends nothing and changes nothing: no state is made, and a running daemon is not asked. The service is asked for its
models and the account, unless `--offline`; what it does not say comes from the state, or is not known, which is said.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch import hours
from mvsep_watch.cli import planning, rendering
from mvsep_watch.cli.cataloguing import Listing, listing
from mvsep_watch.cli.context import Options, command, load_config
from mvsep_watch.cli.describing import Describer, gate_json
from mvsep_watch.cli.estimating import Estimate, Estimating, Item
from mvsep_watch.cli.folders import folders_named
from mvsep_watch.cli.planning import SECONDS_PER_MINUTE, Bound, Line
from mvsep_watch.cli.reaching import asked
from mvsep_watch.cli.rendering import count
from mvsep_watch.cli.selecting import opened
from mvsep_watch.cli.suggesting import FOLDER
from mvsep_watch.daemon.hours import calendar_at
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import Account, Config, Folder, realm_of
from mvsep_watch.naming import display, escape_path
from mvsep_watch.planner import Situation, in_force
from mvsep_watch.pricing import in_words, unpriced
from mvsep_watch.store.views import Views

REFUSED_SHOWN = 5
NO_PREMIUM = "the account is without premium: separations are free, and one at a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is shown.

    Args:
        lines: For each rule its folder's name, its own, and what it has to do.
        unpriced: Why no price is known; empty where prices are.
        account_note: Where the account is from, if the service did not say it just now.
        opens_at: When uploads may begin by `schedule.hours`, seconds since 1970; None is now.
        must_ask: Whether everything new is asked about, whatever it costs.
    """

    lines: tuple[tuple[str, str, Line], ...]
    estimate: Estimate
    listing: Listing
    unpriced: str
    situation: Situation
    account_note: str
    opens_at: float | None
    must_ask: bool

    @property
    def total(self) -> Line:
        """All lines together."""
        return sum((line for _, _, line in self.lines), Line())

    @property
    def pays(self) -> bool:
        """Whether anything costs credits; an account that is not known counts as one that does."""
        return self.situation.account is None or self.situation.account.has_premium

    @property
    def credits(self) -> list[Bound]:
        """What limits the credits."""
        return planning.credit_bounds(self.situation) if self.pays else []

    @property
    def jobs(self) -> list[Bound]:
        """What limits the separations."""
        return planning.job_bounds(self.situation)

    @property
    def asks(self) -> list[str]:
        """What would wait for `approve`."""
        return list(planning.asks(self.estimate.items, self.situation, must_ask=self.must_ask))

    @property
    def waits(self) -> list[str]:
        """What is too large or too long."""
        return list(planning.waits(self.estimate.items, self.situation))

    @property
    def takes_s(self) -> float:
        """How long the service works on all of it, roughly."""
        return planning.takes_s(self.estimate.items, slots=self.situation.plan.separations)


@command("plan", short_help="Show what it would cost, before you pay.")
@click.argument("which", nargs=-1, metavar="[FOLDER]...", type=FOLDER)
@click.option("--offline", is_flag=True, help="Do not ask the service; use what is known.")
@click.pass_obj
def plan(options: Options, *, which: Sequence[str], offline: bool) -> None:
    """Show what it would cost, before you pay: for all watched folders, or for some, by name or path.

    Counts what waits and what a scan would find new, reads the headers of new files for their length, and says what the
    limits let through. Sends nothing, and changes nothing.
    """
    config = load_config(options, needs_token=False)
    folders = folders_named(which, config)
    found = _planned(config, folders, listing(options, offline=offline), offline=offline)
    if options.json:
        rendering.print_json(as_json(found))
    else:
        show(found, rendering.console())


def _planned(config: Config, folders: Sequence[Folder], models: Listing, *, offline: bool) -> Plan:
    now = time.time()
    account, note = _asked(config, offline=offline)
    with opened(config) as views:
        if account is None:
            account, said = _kept(config, views)
            note = f"{note}; {said}"
        pays = account is None or account.has_premium
        catalogue = unpriced(models.models) if models.note else models.models
        estimate = Estimating(config, views, catalogue, premium=pays).look(folders)
        situation = _situation(config, views, account, now=now)
        must_ask = views is not None and views.memory.meta("ask_about_new") == "1"
    return Plan(
        lines=tuple(_lines(folders, estimate.items)),
        estimate=estimate,
        listing=models,
        unpriced=models.note if pays else "",
        situation=situation,
        account_note=note,
        opens_at=_opens_at(config, now),
        must_ask=must_ask,
    )


def _asked(config: Config, *, offline: bool) -> tuple[Account | None, str]:
    """Ask the service for the account; None where it cannot be asked, and why."""
    if offline:
        return None, "the service was not asked"
    if not config.service.token:
        return None, "the service was not asked: there is no token"
    try:
        with asked(config.service) as client:
            return client.user(), ""
    except MvsepWatchError as error:
        return None, f"the service was not asked: {error.message}"


def _kept(config: Config, views: Views | None) -> tuple[Account | None, str]:
    """Give the account as the state has it, and what is to be known of that."""
    kept = views.account(realm_of(config.service.base_url)) if views else None
    if kept is None:
        return None, "prices are those with premium"
    return kept[0], f"it is as it was at {rendering.local_time(kept[1])}"


def _situation(config: Config, views: Views | None, account: Account | None, *, now: float) -> Situation:
    """Say what is spent, reserved and sent; nothing where nothing has run."""
    if views is None:
        limits = in_force(config.limits, account)
        return Situation(gates=(), plan=limits, credits=config.limits.credits, account=account, slots_taken=0)
    situation = Describer(views, config, running=False, now=now).situation
    seen = views.memory.slots_seen(realm_of(config.service.base_url), account.identity) if account else None
    return replace(situation, account=account, plan=in_force(config.limits, account, seen))


def _opens_at(config: Config, now: float) -> float | None:
    calendar = calendar_at(now, None)
    if not config.hours or hours.is_open(config.hours, now, calendar):
        return None
    return hours.opens_at(config.hours, now, calendar)


def _lines(folders: Sequence[Folder], items: Sequence[Item]) -> Iterator[tuple[str, str, Line]]:
    by_rule: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        by_rule.setdefault((item.folder.name, item.rule.name), []).append(item)
    for folder in folders:
        for rule in folder.rules:
            yield folder.name, rule.name, Line.of(by_rule.get((folder.name, rule.name), []))


# For people


def show(found: Plan, console: Console) -> None:
    """Print it for people."""
    _show_table(found, console)
    if not found.total.waiting + found.total.new:
        console.print("nothing is to be done")
    for line in _notes(found):
        console.print(line)


def _show_table(found: Plan, console: Console) -> None:
    columns = ["waiting", "new", "minutes", "credits", "price unknown"]
    table = rendering.table("folder", "rule", *columns, right=columns)
    for folder, rule, line in found.lines:
        table.add_row(Text(display(folder)), Text(rule), *_cells(line))
    if len(found.lines) > 1:
        table.add_row(Text("total", style="bold"), Text(""), *_cells(found.total))
    console.print(table)


def _cells(line: Line) -> list[Text]:
    numbers = (line.waiting, line.new, f"{line.minutes:.1f}", line.credits, line.unknown or "")
    return [Text(str(number)) for number in numbers]


def _notes(found: Plan) -> Iterator[Text | str]:
    yield from _price_notes(found)
    yield from _limit_notes(found)
    yield from _file_notes(found.estimate)


def _price_notes(found: Plan) -> Iterator[str]:
    total = found.total
    if found.unpriced:
        yield f"prices are not known: {found.unpriced}"
    elif not found.pays:
        yield NO_PREMIUM
    elif total.credits:
        more = f", without what is of unknown price ({total.unknown})" if total.unknown else ""
        yield f"it would cost {in_words(total.credits)} at most{more}; what holds the same bytes is paid for once"
    if found.account_note:
        yield f"account: {found.account_note}"


def _limit_notes(found: Plan) -> Iterator[Text | str]:
    slots = found.situation.plan.separations
    yield from (f"left: {bound.words}" for bound in (*found.credits, *found.jobs))
    yield from _short(found)
    yield from (f"asked about: {display(words)}" for words in found.asks)
    yield from (f"kept back: {display(words)}" for words in found.waits)
    for gate in found.situation.gates:
        yield Text.assemble((f"gate {gate.name}", "yellow"), f" is closed: {gate.reason}")
    if found.opens_at is not None:
        yield f"hours: uploads begin again at {rendering.local_time(found.opens_at)}"
    if found.takes_s:
        about = rendering.duration(found.takes_s)
        guess = f"if the service works {SECONDS_PER_MINUTE:g} s for a minute of audio, {slots} at once"
        yield f"time: about {about}, {guess}; without uploads and without its queue"


def _file_notes(estimate: Estimate) -> Iterator[Text | str]:
    if estimate.held:
        yield f"held: {count(estimate.held, 'job')} for another reason than a price; `status` says why"
    if estimate.left_alone:
        yield f"left alone: {count(estimate.left_alone, 'file')} that the first look skips (existing: skip)"
    for path, reason in estimate.refused[:REFUSED_SHOWN]:
        yield Text.assemble(("refused", "red"), f" {rendering.path(path)}: {reason}")
    if (hidden := len(estimate.refused) - REFUSED_SHOWN) > 0:
        yield f"refused: {hidden} more"
    yield from (Text.assemble(("problem", "red"), f": {trouble}") for trouble in estimate.troubles)


def _short(found: Plan) -> Iterator[str]:
    """Say what is left over for other days."""
    total = found.total
    may_spend, may_send = planning.left(found.credits), planning.left(found.jobs)
    if may_spend is not None and total.credits > may_spend:
        yield f"short: {in_words(total.credits - may_spend)} more than may be spent now; the rest waits"
    separations = total.waiting + total.new - total.shared
    if may_send is not None and separations > may_send:
        yield f"short: {count(separations - may_send, 'separation')} more than may be sent today; the rest waits"


# For programs


def as_json(found: Plan) -> dict[str, Any]:
    """Give it for programs."""
    account, situation = found.situation.account, found.situation
    return {
        "lines": [{"folder": folder, "rule": rule, **asdict(line)} for folder, rule, line in found.lines],
        "total": asdict(found.total),
        "prices_unknown_because": found.unpriced,
        "catalogue": {"origin": found.listing.origin, "date": found.listing.date},
        "account": None
        if account is None
        else {"identity": account.identity, "premium": account.has_premium, "credits": account.credits},
        "account_note": found.account_note,
        "may_spend": planning.left(found.credits),
        "may_send": planning.left(found.jobs),
        "slots": situation.plan.separations,
        "gates": [gate_json(gate) for gate in situation.gates],
        "opens_at": rendering.instant(found.opens_at),
        "asks": found.asks,
        "waits": found.waits,
        "takes_s": round(found.takes_s),
        "left_alone": found.estimate.left_alone,
        "held": found.estimate.held,
        "refused": [{"path": escape_path(path), "reason": reason} for path, reason in found.estimate.refused],
        "troubles": found.estimate.troubles,
    }
