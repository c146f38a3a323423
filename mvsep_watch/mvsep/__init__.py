"""A client library for the MVSEP API: typed methods for its endpoints, and the only place that knows HTTP."""

from mvsep_watch.model import Link, Pair, Scope, Settings
from mvsep_watch.mvsep.catalogue import CatalogueText, read_catalogue
from mvsep_watch.mvsep.client import Client
from mvsep_watch.mvsep.download import Download
from mvsep_watch.mvsep.pace import Pace, Patience
from mvsep_watch.mvsep.rate import Rate
from mvsep_watch.mvsep.upload import SentFile

__all__ = [
    "CatalogueText",
    "Client",
    "Download",
    "Link",
    "Pace",
    "Pair",
    "Patience",
    "Rate",
    "Scope",
    "SentFile",
    "Settings",
    "read_catalogue",
]
