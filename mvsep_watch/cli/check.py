"""`check`: what the configuration means, and everything that is wrong with it.

By itself it asks nobody: rules are held against the service's catalogue as it was kept lately, else against the one
that comes along, which is good for names and not for prices. With `--online` the service is asked for its catalogue
and for the account; nothing is sent that could cost anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from mvsep_watch.cli import rendering
from mvsep_watch.cli.cataloguing import Listing
from mvsep_watch.cli.context import Exit, Options, command, find_config, load_config
from mvsep_watch.cli.examining import unitfiles
from mvsep_watch.cli.examining.configuration import with_credential
from mvsep_watch.cli.examining.machine import UNIT_FOLDERS
from mvsep_watch.cli.finding import credits_per_minute
from mvsep_watch.config import check_models, odd_globs, written_at
from mvsep_watch.daemon.run import refuse_network
from mvsep_watch.data import ALGORITHMS_DATE
from mvsep_watch.errors import (
    CertificateError,
    ConfigError,
    MvsepWatchError,
    RequestRefusedError,
    RetryableError,
    StateError,
)
from mvsep_watch.files.lock import require_access
from mvsep_watch.model import AUTO, FORMATS, Account, Algorithm, Catalogue, Config, Folder, InputKind, Rule, realm_of
from mvsep_watch.mvsep import Client
from mvsep_watch.mvsep.cached import CatalogueCache, KnownCatalogue, cache_folder
from mvsep_watch.naming import display, escape_path
from mvsep_watch.options import describe, resolve_model
from mvsep_watch.planner import Offer, any_limit, format_misfit, premium_misfit, settings_of
from mvsep_watch.pricing import unpriced
from mvsep_watch.steps.packaged import packaged_catalogue
from mvsep_watch.store.damage import require_whole

LENGTHLESS = frozenset({InputKind.LINK, InputKind.TEXT})
"""Nobody knows how long what is behind them will be, so nobody knows its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found.

    Args:
        listing: The service's catalogue, or the packaged one.
        account: None where it was not asked for, or did not answer.
        problems: What a person must mend.
        warnings: What may be as it should be.
    """

    config: Config
    listing: Listing
    account: Account | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


@command("check", short_help="Check the configuration.")
@click.option("--online", is_flag=True, help="Ask the service as well: the account, its models, their prices.")
@click.pass_obj
def check(options: Options, *, online: bool) -> int:
    """Check the configuration.

    Shows what it means and lists all that is wrong with it. Exits with 4 if something is.
    """
    try:
        _take_token_of_service(options)
        config = load_config(options)
    except ConfigError as error:
        if not options.json:
            raise
        rendering.print_json({"valid": False, "problems": list(error.problems or (error.message,))})
        return Exit.PERSON
    findings = _online(config) if online else _offline(config)
    if options.json:
        rendering.print_json(_as_json(findings))
    else:
        _show(findings, rendering.console())
    return Exit.PERSON if findings.problems else Exit.OK


def _take_token_of_service(options: Options) -> None:
    """Have the token from where systemd hands it to this configuration's service, if whoever asks may read it."""
    unit = unitfiles.installed(UNIT_FOLDERS)
    if unit is not None and unit.config == find_config(options):
        os.environ.update(with_credential(os.environ, unit))


def _offline(config: Config) -> Findings:
    listing = _kept(config) or _along()
    return Findings(
        config=config,
        listing=listing,
        account=None,
        problems=(
            *_state_problems(config),
            *_folder_problems(config),
            *_model_problems(config, listing),
        ),
        warnings=tuple(_warnings(config)),
    )


def _online(config: Config) -> Findings:
    problems = [*_state_problems(config), *_folder_problems(config)]
    account, listing = None, None
    with Client(config.service.token, base_url=config.service.base_url, timeout_s=config.service.timeout_s) as client:
        try:
            account = client.user()
            listing = _listing(_cache(config).asked(client, now=time.time()), note="")
        except MvsepWatchError as error:
            passes = isinstance(error, RetryableError) and not isinstance(error, CertificateError)
            problems.append(f"{error.message}; {error.hint}" if error.hint and not passes else error.message)
    listing = listing or _kept(config) or _along()
    problems += _model_problems(config, listing)
    if account is not None and not account.has_premium:
        problems += premium_problems(config, listing.models)
    return Findings(
        config=config,
        listing=listing,
        account=account,
        problems=tuple(problems),
        warnings=tuple(_warnings(config)),
    )


def _cache(config: Config) -> CatalogueCache:
    return CatalogueCache(cache_folder(os.environ), config.service.base_url)


def _kept(config: Config) -> Listing | None:
    """Give the service's catalogue as it was kept, while its prices are believed."""
    kept = _cache(config).kept()
    if kept is None or not kept.has_prices(time.time()):
        return None
    asked_at = rendering.local_time(kept.asked_at)
    return _listing(kept, note=f"the service's catalogue as it was at {asked_at}; --online asks the service")


def _listing(known: KnownCatalogue, *, note: str) -> Listing:
    return Listing(models=known.models, origin="service", date=rendering.instant(known.asked_at) or "", note=note)


def _along() -> Listing:
    """Give the packaged catalogue, without its prices."""
    note = f"this version's own catalogue, of {ALGORITHMS_DATE}; --online asks the service"
    return Listing(models=unpriced(packaged_catalogue()), origin="packaged", date=ALGORITHMS_DATE, note=note)


def _state_problems(config: Config) -> Iterator[str]:
    if _state_warning(config):
        return
    try:
        refuse_network(config)
        require_whole(config.state)
    except StateError as error:
        yield f"{error.message}; {error.hint}"


def premium_problems(config: Config, catalogue: Catalogue) -> Iterator[str]:
    """Say which rules ask for what an account without premium does not get."""
    offer = Offer(catalogue=catalogue, has_premium=False)
    for folder in config.folders:
        for rule in folder.rules:
            where = f'folder "{folder.name}", rule "{rule.name}"'
            algorithm = _model(rule, catalogue)
            if algorithm is not None and (misfit := premium_misfit(algorithm, offer)):
                yield f"{where}: model {describe(algorithm)} is for premium accounts, and this is none; {misfit.hint}"
            if misfit := format_misfit(rule.output_format, offer):
                name = FORMATS[rule.output_format].name
                yield f"{where}: the format {name} is for premium accounts, and this is none; {misfit.hint}"


def _model_problems(config: Config, listing: Listing) -> tuple[str, ...]:
    places = written_at(config.path, environ=os.environ)
    return check_models(config, listing.models, known=packaged_catalogue(), places=places)


def _folder_problems(config: Config) -> Iterator[str]:
    files = [folder for folder in config.folders if folder.path.is_file()]
    places = written_at(config.path, environ=os.environ) if files else {}
    for folder in files:
        at = places.get((folder.name, "", "path"), "")
        yield (f'{at}folder "{folder.name}": {display(folder.path)} is a file; name the folder that it is in')


def _warnings(config: Config) -> Iterator[str]:
    for folder in config.folders:
        if not folder.path.exists():
            yield f'folder "{folder.name}": there is no folder {display(folder.path)} yet'
    yield from odd_globs(config)
    if warning := _state_warning(config):
        yield warning


def _state_warning(config: Config) -> str:
    """Say why the state cannot be looked at; empty where it can. That others may not is as it should be."""
    try:
        require_access(config.state)
    except StateError as error:
        return f"{error.message} {error.hint}"
    return ""


def _model(rule: Rule, catalogue: Catalogue) -> Algorithm | None:
    try:
        return resolve_model(rule.sep_type, catalogue)
    except RequestRefusedError:
        return None


def _sent(rule: Rule, catalogue: Catalogue) -> dict[str, str] | None:
    """Give the options that are sent, or None where the rule does not say which."""
    try:
        return dict(settings_of(rule, catalogue).options)
    except RequestRefusedError:
        return None


def _options(rule: Rule, algorithm: Algorithm, catalogue: Catalogue) -> dict[str, str]:
    """Give what is sent for a rule's options, in the catalogue's labels."""
    chosen = _sent(rule, catalogue)
    if chosen is None:
        return dict(rule.options)
    fields = {field.name: field for field in algorithm.fields}
    return {fields[name].label or name: fields[name].options.get(key, key) for name, key in chosen.items()}


def _credits_per_minute(rule: Rule, algorithm: Algorithm, catalogue: Catalogue) -> float | None:
    options = _sent(rule, catalogue)
    return None if options is None else credits_per_minute(algorithm, options)


# For people


def _show(findings: Findings, console: Console) -> None:
    config = findings.config
    console.print(f"configuration  {rendering.path(config.path)}")
    console.print(f"state          {rendering.path(config.state)}")
    console.print(f"service        {config.service.base_url}")
    if findings.account:
        console.print(f"account        {_account_words(findings.account)}")
    console.print(f"limits         {_limit_words(config)}")
    for folder in config.folders:
        console.print()
        _show_folder(folder, findings, console)
    console.print()
    for warning in findings.warnings:
        console.print(f"warning: {warning}", style="yellow")
    for problem in findings.problems:
        console.print(f"problem: {problem}", style="red")
    if findings.problems:
        console.print(f"{rendering.count(len(findings.problems), 'problem')} found.")
    else:
        console.print("No problem was found.")
    if findings.listing.note:
        console.print(f"Models and options were held against {findings.listing.note}.")


def _account_words(account: Account) -> str:
    plan = "premium" if account.has_premium else "without premium: free, one separation at a time"
    balance = "unknown" if account.credits is None else str(account.credits)
    return f"{display(account.identity)}, {plan}, credits: {balance}"


def _limit_words(config: Config) -> str:
    spending = config.limits.credits
    limits = (
        (spending.reserve or None, "{} credits are always left"),
        (spending.per_day, "{} credits a day"),
        (spending.per_month, "{} credits a month"),
        (spending.approve_job_above, "a job above {} credits waits for `approve`"),
        (spending.approve_batch_above, "a batch above {} credits waits for `approve`"),
    )
    words = [text.format(number) for number, text in limits if number is not None]
    at_once = config.limits.separations
    plan = "as many separations at once as the plan allows" if at_once == AUTO else f"{at_once} separations at once"
    return "; ".join([plan, *words])


def _show_folder(folder: Folder, findings: Findings, console: Console) -> None:
    console.print(f"{folder.name}: {rendering.path(folder.path)} -> {rendering.path(folder.output)}", style="bold")
    depth = "with its sub-folders" if folder.recursive else "without its sub-folders"
    skipped = "; files already there are skipped" if folder.existing == "skip" else ""
    console.print(f"  takes {_globs(folder.include)} {depth}, {_settle_words(folder)}{skipped}")
    if folder.exclude:
        console.print(f"  leaves {_globs(folder.exclude)} alone")
    console.print(f"  sources are {_disposal_words(folder)}; stems go to {folder.layout}")
    for rule in folder.rules:
        console.print(f"  rule {rule.name}: {_rule_words(rule, findings.listing.models)}")
        for line in _rule_details(rule, findings):
            console.print(f"    {line}")


def _globs(globs: tuple[str, ...]) -> str:
    return rendering.joined(display(glob) for glob in globs)


def _settle_words(folder: Folder) -> str:
    return f"once unchanged for {folder.settle_s:g} s"


def _disposal_words(folder: Folder) -> str:
    match folder.source:
        case "keep":
            return "kept"
        case "delete":
            return "deleted when everything on them is published"
        case place:
            return f"moved to {rendering.path(place)} when everything on them is published"


def _rule_words(rule: Rule, catalogue: Catalogue) -> str:
    algorithm = _model(rule, catalogue)
    model = f"{algorithm.name}, sep_type {algorithm.sep_type}" if algorithm else f"sep_type {rule.sep_type}"
    stems = "all stems" if rule.stems is None else f"only {rendering.joined(rule.stems)}"
    files = "" if rule.match == ("*",) else f"{_globs(rule.match)} -> "
    return f"{files}{model} -> {FORMATS[rule.output_format].name}, {stems}"


def _rule_details(rule: Rule, findings: Findings) -> Iterator[str]:
    models = findings.listing.models
    algorithm = _model(rule, models)
    if algorithm is not None:
        yield from (f"{label}: {value}" for label, value in _options(rule, algorithm, models).items())
        if findings.listing.origin == "service":
            per_minute = _credits_per_minute(rule, algorithm, models)
            yield _price_words(None if rule.input in LENGTHLESS else per_minute, findings.config)
    if rule.demo:
        yield "shown on the site's demo page"


def _price_words(per_minute: float | None, config: Config) -> str:
    if per_minute is None:
        asks = any_limit(config.limits.credits)
        return "its price is not known beforehand" + (", so with premium each job waits for `approve`" if asks else "")
    return f"{per_minute:g} {'credit' if per_minute == 1 else 'credits'} a minute with premium"


# For programs


def _as_json(findings: Findings) -> dict[str, Any]:
    config, account = findings.config, findings.account
    return {
        "valid": not findings.problems,
        "problems": list(findings.problems),
        "warnings": list(findings.warnings),
        "configuration": escape_path(config.path),
        "state": escape_path(config.state),
        "service": {"base_url": config.service.base_url, "realm": realm_of(config.service.base_url)},
        "catalogue": {"origin": findings.listing.origin, "date": findings.listing.date},
        "account": None
        if account is None
        else {"identity": account.identity, "premium": account.has_premium, "credits": account.credits},
        "folders": [_folder_json(folder, findings) for folder in config.folders],
    }


def _folder_json(folder: Folder, findings: Findings) -> dict[str, Any]:
    return {
        "name": folder.name,
        "path": escape_path(folder.path),
        "output": escape_path(folder.output),
        "layout": folder.layout,
        "source": folder.source if isinstance(folder.source, str) else {"move": escape_path(folder.source)},
        "rules": [_rule_json(rule, findings) for rule in folder.rules],
    }


def _rule_json(rule: Rule, findings: Findings) -> dict[str, Any]:
    models = findings.listing.models
    algorithm = _model(rule, models)
    return {
        "name": rule.name,
        "match": list(rule.match),
        "sep_type": algorithm.sep_type if algorithm else rule.sep_type,
        "model": algorithm.name if algorithm else None,
        "options": _options(rule, algorithm, models) if algorithm else dict(rule.options),
        "format": FORMATS[rule.output_format].name,
        "stems": None if rule.stems is None else list(rule.stems),
        "credits_per_minute": _credits_per_minute(rule, algorithm, models) if algorithm else None,
    }
