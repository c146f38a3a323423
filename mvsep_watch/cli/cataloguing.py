"""Where `algorithms` gets the catalogue from: the service or a fresh cache of it, else the list that comes along.

The packaged list is for names and options. Its ratings and usage are nobody's, so they are taken out; its prices may be
old, which is said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mvsep_watch.cli import rendering
from mvsep_watch.cli.context import Options
from mvsep_watch.cli.reaching import asked, reached
from mvsep_watch.data import ALGORITHMS_DATE
from mvsep_watch.errors import ConfigError, RetryableError
from mvsep_watch.model import Algorithm, Catalogue, Scope, Service
from mvsep_watch.mvsep import Client
from mvsep_watch.mvsep.cached import CatalogueCache, cache_folder
from mvsep_watch.steps.packaged import packaged_catalogue

OLD_PRICES = "its prices may be old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The models, and where they are from.

    Args:
        origin: `service` or `packaged`.
        date: When the list was made or asked for, ISO 8601.
        note: What is to be known before its prices are believed; empty where they are current.
    """

    models: Catalogue
    origin: str
    date: str
    note: str = ""

    def within(self, scopes: Iterable[Scope]) -> dict[int, Algorithm]:
        """Give the models of some scopes."""
        wanted = set(scopes)
        return {number: algorithm for number, algorithm in self.models.items() if algorithm.scope in wanted}


def listing(options: Options, *, offline: bool) -> Listing:
    """Get the catalogue; the packaged one where the service is not to be asked, or cannot be.

    Raises:
        ConfigError: The configuration that was named, or the base URL, cannot be used.
    """
    if offline:
        return _packaged(f"This is the list of {ALGORITHMS_DATE} that comes along; {OLD_PRICES}.")
    try:
        return _of_service(options)
    except RetryableError as error:
        reason = error.message
    except ConfigError as error:
        if options.config is not None or options.base_url:
            raise
        reason = error.message
    return _not_asked(reason)


def listing_of(service: Service, *, offline: bool) -> Listing:
    """Get the catalogue of a service that no configuration names yet; the packaged one where it cannot be asked."""
    if not offline:
        try:
            with asked(service) as client:
                return _said_by(client)
        except RetryableError as error:
            return _not_asked(error.message)
    return _packaged(f"This is the list of {ALGORITHMS_DATE} that comes along; {OLD_PRICES}.")


def _not_asked(reason: str) -> Listing:
    return _packaged(
        f"The service was not asked: {reason}. This is the list of {ALGORITHMS_DATE} that comes along; {OLD_PRICES}."
    )


def _of_service(options: Options) -> Listing:
    with reached(options, needs_token=False) as client:
        return _said_by(client)


def _said_by(client: Client) -> Listing:
    now = time.time()
    known = CatalogueCache(cache_folder(os.environ), client.base_url).current(client, now=now)
    date = rendering.instant(known.asked_at) or ""
    note = (
        "" if known.has_prices(now) else f"The service cannot be asked. This is what it said on {date}; {OLD_PRICES}."
    )
    return Listing(models=known.models, origin="service", date=date, note=note)


def _packaged(note: str) -> Listing:
    models = {
        number: replace(algorithm, rating=None, votes=0, usage=None)
        for number, algorithm in packaged_catalogue().items()
    }
    return Listing(models=models, origin="packaged", date=ALGORITHMS_DATE, note=note)
