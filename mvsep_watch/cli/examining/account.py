"""The token, the account with its plan, the catalogue, and whether the rules mean something in it."""

from __future__ import annotations

from collections.abc import Iterator

from mvsep_watch.cli.check import premium_problems
from mvsep_watch.cli.examining.finding import Finding, ok, problem, warning
from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.cli.rendering import count, duration, program, size
from mvsep_watch.config import check_models
from mvsep_watch.data import ALGORITHMS_DATE
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import Account, Catalogue, Config, Limits, Scope
from mvsep_watch.mvsep import Client
from mvsep_watch.mvsep.cached import CATALOGUE_STALE_S, CatalogueCache, KnownCatalogue, cache_folder
from mvsep_watch.naming import display
from mvsep_watch.planner import in_force
from mvsep_watch.steps.packaged import packaged_catalogue


def token(client: Client) -> tuple[Account | None, Finding]:
    """Ask whose token it is."""
    try:
        account = client.user()
    except MvsepWatchError as error:
        return None, problem(error.message, hint=error.hint, command=f"{program()} account")
    return account, ok(f"the token is that of {display(account.identity)}")


def plan(account: Account, limits: Limits) -> Iterator[Finding]:
    """Say what the account may do, and what the limits leave of it."""
    balance = "an unknown number of credits" if account.credits is None else count(account.credits, "credit")
    if account.has_premium:
        yield ok(f"premium is on, with {balance}")
    elif account.premium_enabled:
        yield warning("premium is on, but there are no credits: it counts as an account without", hint="buy credits")
    else:
        yield ok(f"premium is off ({balance}): separations are free, with the smaller limits")
    reserve = limits.credits.reserve
    if account.has_premium and account.credits is not None and account.credits <= reserve:
        yield warning(
            f"nothing that costs can start: {balance}, and `limits.credits.reserve` keeps {reserve}",
            hint="buy credits, or lower the reserve",
        )
    allowed = in_force(limits, account)
    jobs = "any number of jobs" if allowed.per_day_jobs is None else count(allowed.per_day_jobs, "job")
    largest = "any size" if allowed.max_size_bytes is None else f"up to {size(allowed.max_size_bytes)}"
    longest = "any length" if allowed.max_duration_s is None else f"up to {duration(allowed.max_duration_s)}"
    yield ok(
        f"in force: {count(allowed.separations, 'separation')} at once, {jobs} a day, files of {largest}, {longest}"
    )


def kept(machine: Machine, base_url: str) -> tuple[Catalogue, list[Finding]]:
    """Give the catalogue without asking for it, and say how old it is."""
    folder = cache_folder(machine.environ)
    known = CatalogueCache(folder, base_url).kept()
    if known is not None:
        return known.models, [age(known, now=machine.now)]
    packaged = packaged_catalogue()
    if folder is None:
        return packaged, [
            warning(
                "the catalogue of models has no place where it could be kept, and is asked for at every start",
                hint="set XDG_CACHE_HOME to a folder that the daemon may write",
            )
        ]
    return packaged, [
        ok(f"no catalogue of models is kept yet; names are held against this version's own, of {ALGORITHMS_DATE}")
    ]


def age(known: KnownCatalogue, *, now: float) -> Finding:
    """Say how old a kept catalogue is."""
    age_s = known.age_s(now)
    words = f"the catalogue of {count(len(known.models), 'model')} that is kept was asked for "
    if age_s == float("inf"):
        return warning(f"{words}in the future", hint="look at the clock; it is asked for again by itself")
    if age_s > CATALOGUE_STALE_S:
        return warning(
            f"{words}{duration(age_s)} ago: its prices are not believed any more",
            hint="a running daemon asks every day; look at the connection",
            command=f"{program()} check --online",
        )
    return ok(f"{words}{duration(age_s)} ago")


def asked(client: Client) -> tuple[Catalogue | None, Finding]:
    """Ask the service for its models."""
    try:
        models = client.algorithms(tuple(Scope))
    except MvsepWatchError as error:
        return None, problem(error.message, hint=error.hint)
    return models, ok(f"the service offers {count(len(models), 'model')}")


def models(config: Config, catalogue: Catalogue, account: Account | None) -> Iterator[Finding]:
    """Say whether every rule means something that is on offer."""
    found = [*check_models(config, catalogue, known=packaged_catalogue())]
    if account is not None and not account.has_premium:
        found += premium_problems(config, catalogue)
    yield from (problem(words, hint="mend the rule", command=f"{program()} check") for words in found)
    if not found and config.folders:
        yield ok(f"{count(sum(len(folder.rules) for folder in config.folders), 'rule')} found its models and options")
